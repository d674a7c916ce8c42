"""Asking after a job that a provider works on, until it is done, for a bounded time.

Used by modules here whose services answer later.
"""

import asyncio
from collections.abc import Awaitable, Callable

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


async def polled[T](ask: Callable[[], Awaitable[T | None]], *, every: float, within: float) -> T | None:
    """What `ask` gives as soon as it gives something, asked for `every` so many seconds; None if not `within` so many.

    Failures of any kind that may pass count as no news, a few in a row: the job goes on meanwhile, and was paid for.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    failures = 0
    while True:
        pause = every
        try:
            news = await ask()
            failures = 0
            if news is not None:
                return news
        except RequestFailed as error:
            failures += 1
            if failures > _MOST_FAILURES or not _passes(error):
                raise
            if isinstance(error, RateLimited):
                pause = min(max(every, error.retry_after or 0.0), _LONGEST_PAUSE)
        left = until - loop.time()
        if left <= 0:
            return None
        await asyncio.sleep(min(pause, left))


def _passes(error: RequestFailed) -> bool:
    if isinstance(error, StatusFailed):
        return isinstance(error, RateLimited) or error.status >= 500
    return not isinstance(error, DestinationRefused | RequestInvalid | AnswerTooLarge)
