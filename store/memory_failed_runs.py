"""FAILED runs in memory.

Used by `memory.MemoryStore`.
"""

from datetime import datetime

from engine.model import Status
from store.cursor import NEWEST, Cursor, page_of
from store.memory_executions import MemoryExecutions
from store.pages import Page


class MemoryFailedRuns:
    """`failed_runs.FailedRuns` in memory."""

    def __init__(self, executions: MemoryExecutions) -> None:
        self._executions = executions

    async def page(
        self, user_id: str, graph_id: str, *, since: datetime, limit: int, before: str | None = None
    ) -> Page[str]:
        """Ids of those that ended at the time or later. Raises InvalidRequest for a cursor that is not ours."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        failed = [
            (row.created_at, row.id)
            for row in self._executions.rows()
            if (row.user_id, row.graph_id, row.status, row.parent_id) == (user_id, graph_id, Status.FAILED, None)
            and row.ended_at is not None
            and row.ended_at >= since
        ]
        following = [key for key in sorted(failed, reverse=True) if Cursor(*key) < cursor]
        found = page_of(following, limit=limit, total_count=len(failed), key=lambda key: key)
        return Page([id for _, id in found.items], found.next_cursor, found.total_count)
