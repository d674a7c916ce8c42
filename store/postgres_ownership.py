"""Ownership of rows in Postgres. Taking over is one transaction under the run's row lock; it is rare and may cost some.

Used through `records.Store`. It knows rows, not why another run of the workflow exists.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import asyncpg
from pydantic_core import to_json

from engine.model import Status
from store.calls import Pool, connection, execute, fetch, fetchval
from store.ownership import Owner, Standing
from store.sql import statement

_OWNERS = statement("owners")
_LOCK = statement("lock_execution")
_NOT_STANDING = statement("not_standing")
_KEEP = statement("keep_superseded")
_DELETE_NODES = statement("delete_superseded_nodes")
_DELETE_OUTPUTS = statement("delete_superseded_outputs")
_HIDE = statement("hide_events")
_OPEN = statement("open_standing")
_TELL = statement("tell_standing")
_GIVE = statement("give_execution")
_NOTIFY = statement("notify_execution")
_SILENT = statement("silent_executions")
_IS_SILENT = statement("is_silent")
_HEARD = statement("heard_executions")

type _Held = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PostgresOwnership:
    """`ownership.Ownership` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def owners(self, execution_ids: Collection[str]) -> dict[str, Owner]:
        """The owners of those that have a row."""
        rows = await fetch(self._pool, _OWNERS, list(execution_ids))
        return {row["id"]: Owner(row["run_id"], Status(row["status"])) for row in rows}

    async def take_over(
        self, execution_id: str, *, run_id: str, owner: str | None, standing: Standing | None, at: datetime
    ) -> bool:
        """Give the row to `run_id` and set aside what does not stand; False when it is no longer `owner`'s."""
        async with connection(self._pool) as held, held.transaction():
            row = await held.fetchrow(_LOCK, execution_id)
            if row is None or row["run_id"] != owner:
                return False
            if standing is None:
                await held.execute(_HIDE, execution_id, [])
                reopened = Status.RUNNING.value if Status(row["status"]).is_final else None
                await held.execute(_GIVE, execution_id, run_id, reopened, 0)
                return True
            await _set_aside(held, execution_id, owner, standing, at)
            status = Status.RUNNING if standing.opened else Status.QUEUED
            told = await _tell(held, execution_id, row["last_event"], status, standing, at)
            await held.execute(_GIVE, execution_id, run_id, status.value, told)
            await held.execute(_NOTIFY, execution_id)
        return True

    async def silent(self, silence: timedelta, *, limit: int) -> list[str]:
        """Runs that look alive, but of which nothing was heard for so long; the longest unasked first."""
        return [row["id"] for row in await fetch(self._pool, _SILENT, silence, limit)]

    async def is_silent(self, execution_id: str, silence: timedelta) -> bool:
        """Whether this is such a run."""
        return bool(await fetchval(self._pool, _IS_SILENT, execution_id, silence))

    async def heard(self, execution_ids: Collection[str]) -> None:
        """The server says that these go on."""
        if execution_ids:
            await execute(self._pool, _HEARD, list(execution_ids))


async def _set_aside(held: _Held, execution_id: str, owner: str | None, standing: Standing, at: datetime) -> None:
    """Rows, outputs and events that the new run does not take along; and open node executions, as they were."""
    emitted = {node.id: node.emitted for node in standing.open}
    stands = (list(standing.opened), list(standing.opened.values()))
    gone = [row["id"] for row in await held.fetch(_NOT_STANDING, execution_id, *stands, list(emitted))]
    await held.execute(_KEEP, execution_id, gone, owner, at)
    await held.execute(_DELETE_OUTPUTS, execution_id, gone, [emitted.get(id, 0) for id in gone])
    await held.execute(_DELETE_NODES, execution_id, [id for id in gone if id not in emitted])
    await held.execute(_HIDE, execution_id, gone)
    await held.execute(
        _OPEN,
        execution_id,
        [node.id for node in standing.open],
        [node.node_id for node in standing.open],
        [node.block_id for node in standing.open],
        [node.ordinal for node in standing.open],
        [node.status.value for node in standing.open],
        [node.seq for node in standing.open],
        [node.attempt for node in standing.open],
        [to_json(node.inputs, inf_nan_mode="null").decode() for node in standing.open],
        at,
    )


async def _tell(held: _Held, execution_id: str, last: int, status: Status, standing: Standing, at: datetime) -> int:
    """Events: the run goes on, and where its open node executions stand. Answers how many."""
    nodes = standing.open
    await held.execute(
        _TELL,
        execution_id,
        last,
        at,
        ["graph_execution_update", *("node_execution_update" for _ in nodes)],
        [status.value, *(node.status.value for node in nodes)],
        [None, *(node.id for node in nodes)],
        [None, *(node.node_id for node in nodes)],
        [None, *(node.block_id for node in nodes)],
    )
    return 1 + len(nodes)
