"""The interface of taking things out of the store for good; `postgres_removal` and `memory_removal` fulfil it.

Used by the API, by the activity that prunes, and by `delete_user`. Runs that are not over are never touched.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class Removal(Protocol):
    """Deletes runs with all that belongs to them: node executions, outputs, events, values, files, sub-graphs' runs."""

    async def delete_execution(self, user_id: str, execution_id: str) -> bool:
        """Delete the user's run; False when there is none.

        ExecutionRunning when it, a sub-graph's run below it or the run at its root is not over.
        """
        ...

    async def delete_graph(self, user_id: str, graph_id: str) -> int:
        """Delete all versions of the user's graph, with the values it kept, and answer how many; runs keep their rows.

        A graph that contains it as a sub-graph is read without it from then on. ExecutionRunning while one of its runs
        is not over.
        """
        ...

    async def delete_user(self, user_id: str) -> bool:
        """Delete the user with keys, graphs, kept values and runs; False when there is nothing of such a user.

        ExecutionRunning, and nothing is deleted, while one of the user's runs is not over. Repeatable: a deletion that
        was broken off goes on where it was.
        """
        ...

    async def prune_executions(self, *, ended_before: datetime, limit: int) -> int:
        """Delete runs that ended before a time, the oldest first, and answer how many.

        At most `limit` with their sub-graphs' runs, fewer when they are large; 0 means that none is left. A run with a
        sub-graph's run that is not over stays.
        """
        ...

    async def prune_values(self, *, before: datetime, limit: int) -> int:
        """Delete values and files older than a time whose run ended before it or has no row, `limit` of them at most.

        Answers how many it were.
        """
        ...

    async def deleted(self, execution_ids: Collection[str]) -> dict[str, datetime]:
        """When those of the runs that were deleted lately were deleted, whoever did it."""
        ...

    async def prune_deleted(self, *, before: datetime, limit: int) -> int:
        """Forget at most `limit` deletions from before a time; how many it were."""
        ...
