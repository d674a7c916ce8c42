"""Heartbeats of an activity that has nothing to report but that its worker lives.

Used by `run_node.py`. By the server's answer a running activity learns that it was cancelled, paused or reset.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Three times in each heartbeat time-out, as long as the context lasts; nothing where none is set."""
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return

    async def beat(seconds: float) -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(seconds)

    task = asyncio.create_task(beat(timeout.total_seconds() / 3))
    try:
        yield
    finally:
        task.cancel()
