"""Jobs at providers that blocks wait for without holding a worker.

Used by blocks that may be run again. The first round begins the job and ends with a `Sleep` that keeps its id, so that
no later round begins it again; each further round looks once, and sleeps on until a deadline that is kept, too.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from blocks.base import BlockContext, BlockError, Sleep
from blocks.clock import now
from blocks.providers.polling import look

_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 30.0


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

        Without `every` the pauses grow with the wait. A failed look is no news, a few times in a row, as in `polling`.
        """
        pause = every or min(max(self.seconds / 10, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        seen = await look(ask, self.failures, pause)
        if seen.news is not None:
            return seen.news
        left = within - self.seconds
        return replace(self, failures=seen.failures).sleep(min(seen.pause, left)) if left > 0 else None

    async def ended[T](self, ask: Callable[[], Awaitable[T | None]], within: timedelta, too_long: str) -> T | Sleep:
        """What `ask` gives if the job is done; else how to wait on. ValueError says `too_long` when time is up."""
        seen = await self.look(ask, within.total_seconds())
        if seen is None:
            raise ValueError(too_long)
        return seen


def takes_a_graph(name: str, context: BlockContext) -> None:
    """Refuse, before a job is begun and paid for, where nothing could wait for it: a block that is run by itself."""
    if not context.node_id:
        raise BlockError(f"{name} would wait here, which takes a graph.")
