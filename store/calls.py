"""Runs one statement on the pool, within a bound, and turns the driver's failures into ours.

Called by the aggregates that live in Postgres. Messages that leave here hold neither SQL nor values.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from contracts.errors import HeddleError, SystemFault, Unavailable

type Pool = asyncpg.Pool[asyncpg.Record]

ACQUIRE_SECONDS = 10.0
"""How long a statement waits for a free connection before the database counts as unavailable."""

_logger = logging.getLogger(__name__)

# SQLSTATE classes that pass by themselves: connection lost, transaction rolled back, resources short,
# operator's intervention (shut-down, cancelled statement), a replica that is not writable yet.
_PASSING = ("08", "40", "53", "55P03", "57", "25006")


@asynccontextmanager
async def connection(pool: Pool) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
    """A connection of the pool; what goes wrong with it is raised as Unavailable or SystemFault."""
    try:
        async with pool.acquire(timeout=ACQUIRE_SECONDS) as held:
            yield held
    except HeddleError:
        raise
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _ours(error) from None


async def fetch(pool: Pool, query: str, *args: Any, seconds: float | None = None) -> Sequence[asyncpg.Record]:
    """All rows of a statement; `seconds` replaces the pool's time limit."""
    async with connection(pool) as held:
        return await held.fetch(query, *args, timeout=seconds)


async def fetchrow(pool: Pool, query: str, *args: Any) -> asyncpg.Record | None:
    """The first row, or None."""
    async with connection(pool) as held:
        return await held.fetchrow(query, *args)


async def fetchval(pool: Pool, query: str, *args: Any) -> Any:
    """The first column of the first row, or None."""
    async with connection(pool) as held:
        return await held.fetchval(query, *args)


async def execute(pool: Pool, query: str, *args: Any, seconds: float | None = None) -> None:
    """Run a statement for its effect."""
    async with connection(pool) as held:
        await held.execute(query, *args, timeout=seconds)


def _ours(error: Exception) -> HeddleError:
    if isinstance(error, OSError | asyncio.TimeoutError):
        return Unavailable(f"The database does not answer ({type(error).__name__}).")
    state = getattr(error, "sqlstate", None)
    if isinstance(error, asyncpg.PostgresError) and state is not None:
        if state.startswith(_PASSING):
            return Unavailable(f"The database cannot serve at the moment (SQLSTATE {state}).")
        # The log gets the server's first line, which names the relation or constraint; its detail quotes values.
        _logger.error("statement refused: SQLSTATE %s: %s", state, error.args[0] if error.args else "")
        return SystemFault(f"The database refused a statement (SQLSTATE {state}).")
    if isinstance(error, asyncpg.DataError | asyncpg.UnsupportedClientFeatureError):
        return SystemFault(f"A statement got an argument that it cannot take ({type(error).__name__}).")
    return Unavailable(f"The connection to the database is not usable ({type(error).__name__}).")
