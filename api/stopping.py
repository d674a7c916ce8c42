"""Stops a run and waits a moment for it to have stopped.

Called by `routes/executions.py`. Temporal cancels; the row says when it is done. What still runs after the wait goes on
stopping, and the caller sees that in the row it gets. A run that nobody has begun is not left waiting for a worker: it
is ended at the server, and the row says what the server says.
"""

import asyncio

from api.following import events
from api.services import Services
from contracts.errors import ExecutionNotFound
from engine.model import Status
from store.records import Execution
from store.repair import repair

WAIT_SECONDS = 5.0
MOST_STOPPED = 1_000
"""Runs that one request asks to stop, at the most."""

MOST_SEEN = 20_000
"""Runs that it looks at for that, those of sub-graphs included."""

_PAGE = 100
_AT_ONCE = 10
_ALIVE = (Status.QUEUED, Status.RUNNING, Status.REVIEW)
TAKE_SECONDS = 2.0
"""So long a worker has time to begin a run that is stopped while it waits; what it begins it also ends."""

_ROUNDS = 3


async def stop(app: Services, row: Execution, *, wait_seconds: float = WAIT_SECONDS) -> Execution | None:
    """The run's fresh row; None when it had ended before (C-5). Unavailable when Temporal does not answer."""
    if row.status.is_final:
        return None
    await app.runs.cancel(row.id)
    if row.status is Status.QUEUED and not await _ends_within(app, row, min(TAKE_SECONDS, wait_seconds)):
        row = await _fresh(app, row)
        if row.status is Status.QUEUED:
            await _end_unbegun(app, row)
    await _ends_within(app, row, wait_seconds)
    return await _fresh(app, row)


async def _fresh(app: Services, row: Execution) -> Execution:
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

    while asked < MOST_STOPPED and seen < MOST_SEEN:
        page = await app.store.executions.page(user_id, graph_id=graph_id, statuses=_ALIVE, limit=_PAGE, before=before)
        total = max(total, page.total_count)
        seen += len(page.items)
        roots = [row.id for row in page.items if row.parent_id is None]
        late = roots[MOST_STOPPED - asked :]
        del roots[MOST_STOPPED - asked :]
        await asyncio.gather(*map(cancel, roots))
        asked += len(roots)
        before = page.next_cursor
        if before is None or late:
            return asked, max(0, total - seen) + len(late)
    return asked, max(0, total - seen)


async def _ends_within(app: Services, row: Execution, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await _ended(app, row)
    except TimeoutError:
        return False  # it stops, only not at once
    return True


async def _end_unbegun(app: Services, row: Execution) -> None:
    """End the workflow of a run of which nothing has run, then make the row say so.

    A worker may take the row at the same moment: then it is read once more. The server's word counts, whoever was
    first.
    """
    await app.runs.terminate(row.id, "Stopped before it had begun")
    for _ in range(_ROUNDS):
        owner = (await app.store.ownership.owners([row.id])).get(row.id)
        latest = await app.runs.latest(row.id)
        if owner is None or owner.status.is_final or latest is None or latest.ending is None:
            return
        await repair(app.store, row.id, owner, latest.run_id, latest.ending)


async def _ended(app: Services, row: Execution) -> None:
    """Return once the run's final event is there."""
    async for _ in events(app, row, after=row.last_event):
        pass
