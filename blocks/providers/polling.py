"""Asking after a job that a provider works on, until it is done, for a bounded time.

Used by modules here whose services answer later, and by `blocks/jobs.py`, whose waits hold no worker.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from blocks.http.errors import (
    AnswerTooLarge,
    DestinationRefused,
    RateLimited,
    RequestFailed,
    RequestInvalid,
    StatusFailed,
)

_MOST_FAILURES = 5
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Look[T]:
    """A look at a job: what it gave if it is done, how many looks in a row failed, how long to leave it alone now."""

    news: T | None
    failures: int
    pause: float


async def look[T](ask: Callable[[], Awaitable[T | None]], failures: int, every: float) -> Look[T]:
    """Ask once. Failures of any kind that may pass count as no news, a few in a row: the job goes on meanwhile, and was
    paid for. `failures`: how many there were in a row before.
    """
    try:
        return Look(await ask(), 0, every)
    except RequestFailed as error:
        if failures >= _MOST_FAILURES or not _passes(error):
            raise
        wanted = (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
        return Look(None, failures + 1, max(every, min(wanted, _LONGEST_PAUSE)))


async def polled[T](ask: Callable[[], Awaitable[T | None]], *, every: float, within: float) -> T | None:
    """What `ask` gives as soon as it gives something, asked `every` so many seconds; None if not `within` so many."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    failures = 0
    while True:
        seen = await look(ask, failures, every)
        if seen.news is not None:
            return seen.news
        failures = seen.failures
        left = until - loop.time()
        if left <= 0:
            return None
        await asyncio.sleep(min(seen.pause, left))


def _passes(error: RequestFailed) -> bool:
    if isinstance(error, StatusFailed):
        return isinstance(error, RateLimited) or error.status >= 500
    return not isinstance(error, DestinationRefused | RequestInvalid | AnswerTooLarge)
