"""Ownership of rows in Postgres. Taking over is one transaction under the run's row lock; it is rare and may cost some.

Used through `records.Store`. It knows rows, not why another run of the workflow exists.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg
from pydantic_core import to_json

from engine.model import Status
from store.calls import Pool, connection, execute, fetch, fetchval
from store.ownership import Owner, Standing, StandingNode
from store.sql import statement

_OWNERS = statement("owners")
_LOCK = statement("lock_execution")
_NOT_STANDING = statement("not_standing")
_NOT_RESUMED = statement("not_resumed")
_REOPEN = statement("reopen_execution")
_RESUME = statement("resume_execution")
_KEEP = statement("keep_superseded")
_DELETE_NODES = statement("delete_superseded_nodes")
_DELETE_OUTPUTS = statement("delete_superseded_outputs")
_HIDE = statement("hide_events")
_OPEN = statement("open_standing")
_TELL = statement("tell_standing")
_GIVE = statement("give_execution")
_ORPHANS = statement("orphans")
_NOTIFY = statement("notify_execution")
_SILENT = statement("silent_executions")
_IS_SILENT = statement("is_silent")
_HEARD = statement("heard_executions")
_FORGET_REVIEWS = statement("forget_reviews")
_REOPEN_REVIEWS = statement("reopen_reviews")

type _Held = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PostgresOwnership:
    """`ownership.Ownership` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def owners(self, execution_ids: Collection[str]) -> dict[str, Owner]:
        """The owners of those that have a row."""
        rows = await fetch(self._pool, _OWNERS, list(execution_ids))
        return {row["id"]: Owner(row["run_id"], Status(row["status"])) for row in rows}

    async def orphans(self, silence: timedelta, *, limit: int) -> dict[str, str]:
        """Runs of sub-graphs that go on though their parents ended so long ago, with the parents' ids."""
        rows = await fetch(self._pool, _ORPHANS, silence, limit)
        return {row["id"]: row["parent_id"] for row in rows}

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
            emitted = {node.id: node.emitted for node in standing.open}
            stands = (list(standing.opened), list(standing.opened.values()))
            gone = [row["id"] for row in await held.fetch(_NOT_STANDING, execution_id, *stands, list(emitted))]
            await held.execute(_KEEP, execution_id, gone, owner, at)
            await _set_aside(held, execution_id, gone, emitted)
            asking = [node.id for node in standing.open if node.status is Status.REVIEW]
            await held.execute(_FORGET_REVIEWS, execution_id, [id for id in gone if id not in asking])
            await held.execute(_REOPEN_REVIEWS, execution_id, asking)
            await _open(held, execution_id, standing.open, at)
            status = Status.RUNNING if standing.opened else Status.QUEUED
            told = await _tell(held, execution_id, row["last_event"], status, standing.open, at)
            await held.execute(_GIVE, execution_id, run_id, status.value, told)
            await held.execute(_NOTIFY, execution_id)
        return True

    async def reopen(self, execution_id: str, *, run_id: str, owner: str | None, at: datetime) -> bool:
        """Give a run that is to be resumed to `run_id`; False when it is no longer `owner`'s."""
        async with connection(self._pool) as held, held.transaction():
            row = await held.fetchrow(_LOCK, execution_id)
            if row is None or row["run_id"] != owner:
                return False
            await held.execute(_HIDE, execution_id, [])
            await _tell(held, execution_id, row["last_event"], Status.QUEUED, (), at)
            await held.execute(_REOPEN, execution_id, run_id)
            await held.execute(_NOTIFY, execution_id)
        return True

    async def resume(
        self, execution_id: str, *, run_id: str, kept: Collection[str], open_nodes: Sequence[StandingNode], at: datetime
    ) -> bool:
        """Set aside what the resumed run goes on without, and open what it goes on with."""
        async with connection(self._pool) as held, held.transaction():
            row = await held.fetchrow(_LOCK, execution_id)
            if row is None or row["run_id"] != run_id:
                return False
            emitted = {node.id: node.emitted for node in open_nodes}
            gone = [row["id"] for row in await held.fetch(_NOT_RESUMED, execution_id, [*kept, *emitted])]
            await held.execute(_KEEP, execution_id, [*gone, *emitted], run_id, at)
            await _set_aside(held, execution_id, gone, emitted)
            await held.execute(_FORGET_REVIEWS, execution_id, gone)
            await _open(held, execution_id, open_nodes, at)
            told = await _tell(
                held, execution_id, row["last_event"], Status(row["status"]), open_nodes, at, with_outputs=False
            )
            await held.execute(_RESUME, execution_id, told)
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


async def _set_aside(held: _Held, execution_id: str, gone: Sequence[str], emitted: Mapping[str, int]) -> None:
    """Rows, outputs and events that the run does not take along; of open ones those outputs that do not stand."""
    limits = {**dict.fromkeys(gone, 0), **emitted}
    await held.execute(_DELETE_OUTPUTS, execution_id, list(limits), list(limits.values()))
    await held.execute(_DELETE_NODES, execution_id, [id for id in gone if id not in emitted])
    await held.execute(_HIDE, execution_id, gone)


async def _open(held: _Held, execution_id: str, nodes: Sequence[StandingNode], at: datetime) -> None:
    await held.execute(
        _OPEN,
        execution_id,
        [node.id for node in nodes],
        [node.node_id for node in nodes],
        [node.block_id for node in nodes],
        [node.ordinal for node in nodes],
        [node.status.value for node in nodes],
        [node.seq for node in nodes],
        [node.attempt for node in nodes],
        [to_json(node.inputs, inf_nan_mode="null").decode() for node in nodes],
        at,
        [node.entered_attempt for node in nodes],
        [to_json(node.stats, inf_nan_mode="null").decode() for node in nodes],
    )


async def _tell(
    held: _Held,
    execution_id: str,
    last: int,
    status: Status,
    nodes: Sequence[StandingNode],
    at: datetime,
    *,
    with_outputs: bool = True,
) -> int:
    """Events: the run goes on, and where its open node executions stand. Answers how many."""
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
        with_outputs,
    )
    return 1 + len(nodes)
