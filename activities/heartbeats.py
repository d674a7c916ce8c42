"""Heartbeats of an activity that has nothing to report but that its worker lives, and how often it ended by an error.

Used by `run_node.py` and `prune.py`. By the server's answer a running activity learns that it was cancelled, paused or
reset.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def heartbeats() -> AsyncIterator[int]:
    """Three times in each heartbeat time-out, as long as the context lasts; nothing where none is set.

    Yields how many earlier attempts ended by an error. Each heartbeat passes the number on, so that a later attempt can
    tell these from attempts that ended without a word.
    """
    info = activity.info()
    if info.heartbeat_timeout is None:
        yield 0
        return
    errors = int(next(iter(info.heartbeat_details), 0))

    async def beat(seconds: float) -> None:
        while True:
            activity.heartbeat(errors)
            await asyncio.sleep(seconds)

    task = asyncio.create_task(beat(info.heartbeat_timeout.total_seconds() / 3))
    try:
        yield errors
    except Exception:
        activity.heartbeat(errors + 1)
        raise
    finally:
        task.cancel()
