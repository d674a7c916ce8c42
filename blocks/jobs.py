"""Jobs at providers that blocks wait for without holding a worker.

The first round begins the job and ends with a `Sleep` that keeps its id, so that no later round begins it again; each
further round looks once, and sleeps on until a deadline that is kept, too. Where jobs are paid for, the block is
effectful but for its looks (`Block.effects_after_sleep`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from blocks.base import Sleep
from blocks.clock import now
from blocks.http.errors import (
    AnswerTooLarge,
    DestinationRefused,
    RateLimited,
    RequestFailed,
    RequestInvalid,
    StatusFailed,
)

FIRST_PAUSE = 5.0
"""Seconds until the first look, where a provider does not say better."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 30.0
_LONGEST_WANTED_PAUSE = 60.0
_MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is kept between two looks: since when it is waited for, and how many looks in a row failed."""

    id: str
    since: datetime
    failures: int = 0

    @classmethod
    def begun(cls, job_id: str) -> "Job":
        """One that begins now."""
        return cls(job_id, now())

    @classmethod
    def kept(cls, state: Mapping[str, Any]) -> "Job":
        """One that was begun in an earlier round."""
        return cls(state["id"], datetime.fromisoformat(state["since"]), state["failures"])

    @property
    def seconds(self) -> float:
        """For how long it has been waited for."""
        return max(0.0, (now() - self.since).total_seconds())

    def sleep(self, pause: float) -> Sleep:
        """Wait for so many seconds."""
        state = {"id": self.id, "since": self.since.isoformat(), "failures": self.failures}
        return Sleep(timedelta(seconds=pause), state)

    async def look[T](
        self, ask: Callable[[], Awaitable[T | None]], within: float, every: float | None = None
    ) -> T | Sleep | None:
        """What `ask` gives if the job is done; else how to wait on; None when it was not done `within` so many seconds.

        Without `every` the pauses grow with the wait. A look that fails in a way that may pass is no news, a few times
        in a row: the job goes on meanwhile, and was paid for.
        """
        pause, failures = every or min(max(self.seconds / 10, _SHORTEST_PAUSE), _LONGEST_PAUSE), 0
        try:
            if (news := await ask()) is not None:
                return news
        except RequestFailed as error:
            if self.failures >= _MOST_FAILURES or not _passes(error):
                raise
            failures = self.failures + 1
            wanted = (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
            pause = max(pause, min(wanted, _LONGEST_WANTED_PAUSE))
        left = within - self.seconds
        return replace(self, failures=failures).sleep(min(pause, left)) if left > 0 else None

    async def ended[T](
        self, ask: Callable[[], Awaitable[T | None]], within: timedelta, too_long: str, *, every: float | None = None
    ) -> T | Sleep:
        """What `ask` gives if the job is done; else how to wait on. ValueError says `too_long` when time is up."""
        seen = await self.look(ask, within.total_seconds(), every)
        if seen is None:
            raise ValueError(too_long)
        return seen


def _passes(error: RequestFailed) -> bool:
    if isinstance(error, StatusFailed):
        return isinstance(error, RateLimited) or error.status >= 500
    return not isinstance(error, DestinationRefused | RequestInvalid | AnswerTooLarge)
