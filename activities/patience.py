"""Waiting out an outage inside an activity, where giving up would cost more than the outage itself.

Used by `run_node.py` and `values.py`: a block that has run must not be run again, or given up as unknown, because the
database or Temporal did not answer for a minute when its result was to be written.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from temporalio.service import RPCError, RPCStatusCode

from contracts.errors import Unavailable

OUTAGE_SECONDS = 25 * 60.0
_PASSING = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED)


async def patiently[T](work: Callable[[], Awaitable[T]], *, seconds: float = OUTAGE_SECONDS) -> T:
    """What the work answers, tried again while what it needs is away, for so long. The work must be repeatable."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            return await work()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        except RPCError as error:
            if error.status not in _PASSING or time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, 5.0)
