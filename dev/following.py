"""Follows a run to its end through an API that may go away for a while.

Called by `demo`. It knows how a stream is taken up again, not how its events are shown.
"""

import asyncio
import time

from dev.api_client import Api, ApiProblem, Json
from dev.demo_view import View

_ENDED = frozenset({"COMPLETED", "FAILED", "TERMINATED"})
# A stream that stayed open for so long was a good one, though nothing happened in it: proxies cut quiet ones.
_GOOD_SECONDS = 10.0


async def follow(
    api: Api, execution_id: str, view: View, *, patience_seconds: float = 60.0, pause_seconds: float = 0.5
) -> Json:
    """Shows events until the run has ended, each once; returns the run as it then is.

    A stream that breaks off is taken up where it was. Raises `ApiProblem` when that is in vain for `patience_seconds`.
    """
    last: str | None = None
    failing_since: float | None = None
    opened: list[float] = []
    while True:
        opened.clear()
        try:
            async for number, event in api.events(execution_id, last, lambda: opened.append(time.monotonic())):
                last, failing_since = number or last, None
                view.show(event)
                if event.get("type") == "graph_execution_update" and event.get("status") in _ENDED:
                    break
            execution = await api.execution(execution_id)
            if execution["status"] in _ENDED:
                return execution
            problem = ApiProblem(f"The events of {execution_id} ended before the run did.", code="unavailable")
        except ApiProblem as refusal:
            if not refusal.passing:
                raise
            problem = refusal
        now = time.monotonic()
        if failing_since is None or (opened and now - opened[0] > _GOOD_SECONDS):
            failing_since = now
        if now - failing_since >= patience_seconds:
            raise problem
        view.note("The events broke off; trying again.")
        await asyncio.sleep(pause_seconds)
