"""Taking things out of Postgres for good.

The run's own row goes first: writers of a run lock it, so nothing is written below a row that is being deleted. What
belongs to a run goes in the same transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg

from contracts.errors import ExecutionRunning
from store.calls import Pool, connection, fetch
from store.sql import statement

_EXECUTION = statement("delete_execution")
_PRUNE = statement("prune_executions")
_OF_USER = statement("delete_executions_of_user")
CONTENTS = tuple(
    statement(name)
    for name in (
        "delete_node_executions",
        "delete_node_outputs",
        "delete_execution_events",
        "delete_stored_values",
        "delete_run_files",
        "delete_collected_items",
        "delete_run_slots",
        "delete_superseded_executions",
        "delete_reviews",
    )
)
"""One statement for each table that belongs to runs."""

_NOTE = statement("note_deleted")
_DELETED = statement("deleted_executions")
_PRUNE_DELETED = statement("prune_deleted")
_VALUES = statement("prune_values")
_FILES = statement("prune_files")
_HAS_OPEN = statement("has_open_executions")
_LOCK_GRAPH = statement("lock_graph")
_GRAPH = statement("delete_graph")
_GRAPHS_OF_USER = statement("delete_graphs_of_user")
_KEPT = statement("delete_kept_values")
_KEYS = statement("delete_api_keys")
_USER = statement("delete_user")
_SETTINGS = statement("delete_graph_settings")

DELETE_SECONDS = 300.0
"""One statement may delete a run of a million rows, or some gigabytes of values."""

EVENTS_AT_ONCE = 20_000
"""Runs with more events than this together are not deleted in one transaction, unless it is a single one."""

USER_RUNS_AT_ONCE = 100

type _Held = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PostgresRemoval:
    """`removal.Removal` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def delete_execution(self, user_id: str, execution_id: str) -> bool:
        """Delete the user's run; False when there is none."""
        async with connection(self._pool) as held, held.transaction():
            row = await held.fetchrow(_EXECUTION, user_id, execution_id, timeout=DELETE_SECONDS)
            if row is None or not row["is_there"]:
                return False
            if not row["gone"]:
                raise ExecutionRunning
            await _delete_contents(held, row["gone"])
        return True

    async def delete_graph(self, user_id: str, graph_id: str) -> int:
        """Delete all versions of the user's graph and answer how many."""
        async with connection(self._pool) as held, held.transaction():
            await held.execute(_LOCK_GRAPH, graph_id)
            versions = await held.fetch(_GRAPH, user_id, graph_id)
            await held.execute(_SETTINGS, user_id, graph_id)
            if versions and await held.fetchval(_HAS_OPEN, user_id, graph_id):
                raise ExecutionRunning("Runs of the graph are not over. Stop them first.")
            if versions:
                await held.execute(_KEPT, user_id, graph_id)
        return len(versions)

    async def delete_user(self, user_id: str) -> bool:
        """Delete the user with keys, graphs and runs; False when there is nothing of such a user."""
        await self._refuse_open(user_id)
        async with connection(self._pool) as held:
            # First of all: without a key nothing new is started.
            await held.execute(_KEYS, user_id)
        runs = 0
        while gone := await self._delete_runs(_OF_USER, user_id, USER_RUNS_AT_ONCE, EVENTS_AT_ONCE):
            runs += gone
        await self._refuse_open(user_id)
        async with connection(self._pool) as held, held.transaction():
            await held.execute(_SETTINGS, user_id, None)
            graphs = await held.fetch(_GRAPHS_OF_USER, user_id)
            kept = await held.fetch(_KEPT, user_id, None)
            users = await held.fetch(_USER, user_id)
        return bool(runs or graphs or kept or users)

    async def prune_executions(self, *, ended_before: datetime, limit: int) -> int:
        """Delete runs that ended before a time, the oldest first, and answer how many."""
        return await self._delete_runs(_PRUNE, ended_before, limit, EVENTS_AT_ONCE)

    async def prune_values(self, *, before: datetime, limit: int) -> int:
        """Delete values and files older than a time whose run ended before it or has no row; how many it were."""
        values = len(await fetch(self._pool, _VALUES, before, limit, seconds=DELETE_SECONDS))
        files = (
            await fetch(self._pool, _FILES, before, limit - values, seconds=DELETE_SECONDS) if values < limit else ()
        )
        return values + len(files)

    async def deleted(self, execution_ids: Collection[str]) -> dict[str, datetime]:
        """When those of the runs that were deleted lately were deleted."""
        rows = await fetch(self._pool, _DELETED, list(execution_ids))
        return {row["id"]: row["deleted_at"] for row in rows}

    async def prune_deleted(self, *, before: datetime, limit: int) -> int:
        """Forget at most `limit` deletions from before a time; how many it were."""
        return len(await fetch(self._pool, _PRUNE_DELETED, before, limit, seconds=DELETE_SECONDS))

    async def _delete_runs(self, query: str, *args: object) -> int:
        async with connection(self._pool) as held, held.transaction():
            gone = [row["id"] for row in await held.fetch(query, *args, timeout=DELETE_SECONDS)]
            await _delete_contents(held, gone)
        return len(gone)

    async def _refuse_open(self, user_id: str) -> None:
        async with connection(self._pool) as held:
            if await held.fetchval(_HAS_OPEN, user_id, None):
                raise ExecutionRunning("Runs of the user are not over. Stop them first.")


async def _delete_contents(held: _Held, execution_ids: Sequence[str]) -> None:
    await held.execute(_NOTE, execution_ids)
    for query in CONTENTS:
        await held.execute(query, execution_ids, timeout=DELETE_SECONDS)
