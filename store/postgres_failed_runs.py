"""FAILED runs in Postgres.

Used through `records.Store`.
"""

from datetime import datetime

from store.calls import Pool, fetch, fetchval
from store.cursor import NEWEST, Cursor, page_of
from store.pages import Page
from store.sql import statement

_FAILED = statement("failed_executions")
_COUNT = statement("failed_executions_count")


class PostgresFailedRuns:
    """`failed_runs.FailedRuns` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, user_id: str, graph_id: str, *, since: datetime, limit: int, before: str | None = None
    ) -> Page[str]:
        """Ids of those that ended at the time or later. Raises InvalidRequest for a cursor that is not ours."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = await fetch(self._pool, _FAILED, user_id, graph_id, since, cursor.created_at, cursor.id, limit + 1)
        count = await fetchval(self._pool, _COUNT, user_id, graph_id, since)
        found = page_of(
            rows, limit=limit, total_count=int(count or 0), key=lambda row: (row["created_at"], str(row["id"]))
        )
        return Page([str(row["id"]) for row in found.items], found.next_cursor, found.total_count)
