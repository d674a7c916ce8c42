"""Stops a run and waits a moment for it to have stopped.

Called by `routes/executions.py`. Temporal cancels; the row says when it is done. What still runs after the wait goes on
stopping, and the caller sees that in the row it gets.
"""

import asyncio

from api.following import events
from api.services import Services
from contracts.errors import ExecutionNotFound
from engine.model import Status
from store.records import Execution

WAIT_SECONDS = 5.0
MOST_STOPPED = 1_000
"""Runs that one request asks to stop, at the most."""

_PAGE = 100
_AT_ONCE = 10
_ALIVE = (Status.QUEUED, Status.RUNNING, Status.REVIEW)


async def stop(app: Services, row: Execution, *, wait_seconds: float = WAIT_SECONDS) -> Execution | None:
    """The run's fresh row; None when it had ended before (C-5). Unavailable when Temporal does not answer."""
    if row.status.is_final:
        return None
    await app.runs.cancel(row.id)
    try:
        async with asyncio.timeout(wait_seconds):
            await _ended(app, row)
    except TimeoutError:
        pass  # it stops, only not at once
    fresh = await app.store.executions.get(row.user_id, row.id)
    if fresh is None:
        raise ExecutionNotFound
    return fresh


async def stop_all(app: Services, user_id: str, graph_id: str | None = None) -> tuple[int, int]:
    """Ask all runs of the user, or those of a graph, to stop: how many were asked, and how many were left for later.

    Runs of sub-graphs stop with the one above them.
    """
    asked, seen, total, before = 0, 0, 0, None
    free = asyncio.Semaphore(_AT_ONCE)

    async def cancel(execution_id: str) -> None:
        async with free:
            await app.runs.cancel(execution_id)

    while seen < MOST_STOPPED:
        page = await app.store.executions.page(user_id, graph_id=graph_id, statuses=_ALIVE, limit=_PAGE, before=before)
        total = max(total, page.total_count)
        seen += len(page.items)
        roots = [row.id for row in page.items if row.parent_id is None]
        await asyncio.gather(*map(cancel, roots))
        asked += len(roots)
        before = page.next_cursor
        if before is None:
            return asked, 0
    return asked, max(0, total - seen)


async def _ended(app: Services, row: Execution) -> None:
    """Return once the run's final event is there."""
    async for _ in events(app, row, after=row.last_event):
        pass
