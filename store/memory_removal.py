"""Taking things out of the store in memory: the same rules as `queries/removal.sql`, in Python.

Used by `memory.MemoryStore`. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from contracts.errors import ExecutionRunning
from store.memory_executions import MemoryExecutions
from store.memory_reviews import MemoryReviews
from store.records import Execution


class Droppable(Protocol):
    """What can forget all that belongs to a user."""

    def drop_user(self, user_id: str) -> int:
        """Forget it and answer how much it was."""
        ...


class DroppableGraphs(Droppable, Protocol):
    """Graphs as this module needs them."""

    def drop(self, user_id: str, graph_id: str) -> int:
        """Forget all versions of the user's graph and answer how many."""
        ...


class DroppableValues(Protocol):
    """Values as this module needs them."""

    def drop(self, is_doomed: Callable[[str, datetime], bool], limit: int | None = None) -> int:
        """Forget those whose run's id and time of creation are doomed; how many it were."""
        ...


class DroppableKeyValues(Protocol):
    """Kept values as this module needs them."""

    def drop(self, user_id: str, graph_id: str | None = None) -> int:
        """Forget the user's values, or those of one graph; how many it were."""
        ...


class MemoryRemoval:
    """`removal.Removal` in memory."""

    def __init__(
        self,
        executions: MemoryExecutions,
        graphs: DroppableGraphs,
        values: Sequence[DroppableValues],
        users: Droppable,
        reviews: MemoryReviews,
        key_values: DroppableKeyValues,
        credentials: Droppable,
    ) -> None:
        self._executions = executions
        self._graphs = graphs
        self._values = values
        self._users = users
        self._reviews = reviews
        self._deleted: dict[str, datetime] = {}
        self._key_values = key_values
        self._credentials = credentials

    async def delete_execution(self, user_id: str, execution_id: str) -> bool:
        """Delete the user's run; False when there is none."""
        rows = {row.id: row for row in self._executions.rows()}
        wanted = rows.get(execution_id)
        if wanted is None or wanted.user_id != user_id:
            return False
        tree = {wanted.id: wanted}
        while below := [row for row in rows.values() if row.parent_id in tree and row.id not in tree]:
            tree |= {row.id: row for row in below}
        root = rows.get(wanted.root_id or wanted.id, wanted)
        if not all(row.status.is_final for row in (*tree.values(), root)):
            raise ExecutionRunning
        self._drop(tree)
        return True

    async def delete_graph(self, user_id: str, graph_id: str) -> int:
        """Delete all versions of the user's graph and answer how many."""
        if any(row.graph_id == graph_id for row in self._open(user_id)):
            raise ExecutionRunning("Runs of the graph are not over. Stop them first.")
        self._reviews.drop_settings(user_id, graph_id)
        versions = self._graphs.drop(user_id, graph_id)
        if versions:
            self._key_values.drop(user_id, graph_id)
        return versions

    async def delete_user(self, user_id: str) -> bool:
        """Delete the user with keys, graphs and runs; False when there is nothing of such a user."""
        if self._open(user_id):
            raise ExecutionRunning("Runs of the user are not over. Stop them first.")
        runs = [row.id for row in self._executions.rows() if row.user_id == user_id]
        self._drop(runs)
        self._reviews.drop_settings(user_id)
        kept = self._key_values.drop(user_id) + self._credentials.drop_user(user_id)
        return bool(len(runs) + kept + self._graphs.drop_user(user_id) + self._users.drop_user(user_id))

    async def prune_executions(self, *, ended_before: datetime, limit: int) -> int:
        """Delete runs that ended before a time, the oldest first, and answer how many."""
        rows = self._executions.rows()
        ids = {row.id for row in rows}
        below: dict[str, list[Execution]] = {}
        for row in rows:
            if row.root_id is not None:
                below.setdefault(row.root_id, []).append(row)
        old = [
            row
            for row in rows
            if row.status.is_final
            and row.ended_at is not None
            and row.ended_at < ended_before
            and row.root_id not in ids
            and all(each.status.is_final for each in below.get(row.id, ()))
        ]
        old.sort(key=lambda row: (row.ended_at, row.id))
        gone = [each.id for row in old[:limit] for each in (row, *below.get(row.id, ()))]
        self._drop(gone)
        return len(gone)

    async def prune_values(self, *, before: datetime, limit: int) -> int:
        """Delete values and files older than a time whose run ended before it or has no row; how many it were."""
        kept = {row.id for row in self._executions.rows() if not (row.ended_at is not None and row.ended_at < before)}
        gone = 0
        for values in self._values:
            gone += values.drop(lambda run_id, created_at: created_at < before and run_id not in kept, limit - gone)
        return gone

    async def deleted(self, execution_ids: Collection[str]) -> dict[str, datetime]:
        """When those of the runs that were deleted lately were deleted."""
        return {id: at for id, at in self._deleted.items() if id in execution_ids}

    async def prune_deleted(self, *, before: datetime, limit: int) -> int:
        """Forget at most `limit` deletions from before a time; how many it were."""
        old = [id for id, at in self._deleted.items() if at < before][:limit]
        for id in old:
            del self._deleted[id]
        return len(old)

    def _open(self, user_id: str) -> list[Execution]:
        return [row for row in self._executions.rows() if row.user_id == user_id and not row.status.is_final]

    def _drop(self, execution_ids: Iterable[str]) -> None:
        ids = frozenset(execution_ids)
        self._deleted |= dict.fromkeys(ids, datetime.now(UTC))
        self._executions.drop(ids)
        self._reviews.drop(ids)
        for values in self._values:
            values.drop(lambda run_id, _: run_id in ids)
