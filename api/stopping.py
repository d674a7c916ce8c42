"""Stops a run and waits a moment for it to have stopped.

Called by `routes/executions.py`. Temporal cancels; the row says when it is done. What still runs after the wait goes on
stopping, and the caller sees that in the row it gets.
"""

import asyncio

from api.following import events
from api.services import Services
from contracts.errors import ExecutionNotFound
from store.records import Execution

WAIT_SECONDS = 5.0


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


async def _ended(app: Services, row: Execution) -> None:
    """Return once the run's final event is there."""
    async for _ in events(app, row, after=row.last_event):
        pass
