"""Opens connections to Postgres: the pool of a process, and single ones outside it.

Called by the composition roots (`worker.py`, `api/app.py`, `dev/`) and by `changes`. It knows how sessions are set up,
nothing of what is stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from pydantic_core import from_json, to_json

from contracts.errors import Unavailable

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0

# Parameters that other clients of the same URL understand; Postgres would refuse them as unknown settings.
_FOREIGN_PARAMETERS = frozenset(
    {
        "schema",
        "connection_limit",
        "pool_timeout",
        "connect_timeout",
        "socket_timeout",
        "pgbouncer",
        "statement_cache_size",
    }
)


async def open_pool(url: str, *, min_size: int, max_size: int, idle_seconds: float) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool whose idle connections close after `idle_seconds` (S-028, S-029, S-332).

    Raises Unavailable, without the password, when the database does not answer within ten seconds.
    """
    with _failures_are_ours(url):
        return await asyncpg.create_pool(
            **connect_options(url, application_name="heddle"),
            min_size=min(min_size, max_size),
            max_size=max_size,
            max_inactive_connection_lifetime=idle_seconds,
            init=set_up_session,
            reset=_keep_session,
        )


async def open_connection(url: str, *, application_name: str) -> "asyncpg.Connection[asyncpg.Record]":
    """One connection of its own. Raises Unavailable like `open_pool`."""
    with _failures_are_ours(url):
        return await asyncpg.connect(**connect_options(url, application_name=application_name))


def connect_options(url: str, *, application_name: str) -> dict[str, Any]:
    """Arguments for asyncpg: the URL as it understands it, timeouts in seconds, session settings."""
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = parameters.get("schema")
    search_path = _quoted(schema) if schema else parameters.get("search_path")
    kept = {
        name: value for name, value in parameters.items() if name not in _FOREIGN_PARAMETERS and name != "search_path"
    }
    settings = {
        "application_name": application_name,
        # Every statement is keyed by an index whatever its arguments are; planning the large ones anew costs
        # more than running them. A plan that is kept must not be one for the tables' first, empty minutes.
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "jit": "off",
    }
    if search_path:
        settings["search_path"] = search_path
    return {
        "dsn": urlunsplit(parts._replace(query=urlencode(kept))),
        "server_settings": settings,
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "max_cached_statement_lifetime": 0,
    }


async def set_up_session(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Read and write jsonb as plain Python values. Its binary form is a version byte before the text."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + to_json(value, inf_nan_mode="null"),
        decoder=lambda data: from_json(data[1:]),
    )


async def _keep_session(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to reset: no statement of ours changes a session, and resetting costs a round trip each time."""


@contextmanager
def _failures_are_ours(url: str) -> Iterator[None]:
    """Raises Unavailable for what goes wrong: where to, and why, never with which password."""
    try:
        yield
    # ValueError: neither urllib nor asyncpg has an error of its own for every URL that it cannot read.
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Messages about a malformed URL may quote it; those of the server and of the system never do.
        reason = str(error) if isinstance(error, asyncpg.PostgresError | OSError) else ""
        raise Unavailable(f"Postgres at {_place(url)} cannot be reached: {reason or type(error).__name__}.") from None


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the given URL"
    return f"{parts.hostname or dict(parse_qsl(parts.query)).get('host', 'localhost')}{parts.path}"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
