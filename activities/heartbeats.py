"""Heartbeats of an activity: that its worker lives, how often it ended by an error, and how a text grows meanwhile.

Used by activities that may last. By the server's answer a running one learns that it was cancelled, paused or reset.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

_SHOWN = 500
"""Characters of a growing text that people see in Temporal's UI."""

_KEPT = 4 * _SHOWN
"""More than is shown, so that a secret is whole when it is looked for."""


class Progress:
    """What a running block has to show before it is done: how long its text is, and its latest words.

    `redact` takes the secrets that the block was lent out of them.
    """

    def __init__(self) -> None:
        self.redact: Callable[[str], str] = str
        self._length = 0
        self._latest = ""

    def add(self, text: str) -> None:
        """One more piece; it may come from another thread."""
        self._length += len(text)
        self._latest = (self._latest + text)[-_KEPT:]

    def shown(self) -> list[dict[str, Any]]:
        """Details for the heartbeat; none while there is nothing to show."""
        latest = self.redact(self._latest)[-_SHOWN:]
        return [{"characters": self._length, "latest": latest}] if self._length else []


@asynccontextmanager
async def heartbeats(progress: Progress | None = None) -> AsyncIterator[int]:
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
            activity.heartbeat(errors, *(progress.shown() if progress else ()))
            await asyncio.sleep(seconds)

    task = asyncio.create_task(beat(info.heartbeat_timeout.total_seconds() / 3))
    try:
        yield errors
    except Exception:
        activity.heartbeat(errors + 1)
        raise
    finally:
        task.cancel()
