"""The queue of runs that wait for a slot, in Postgres; its rules are functions in `migrations/0002_admission.sql`.

Used by the activities that begin and end runs, and by whoever finds runs that are gone. It knows no workflow.
"""

import logging
from collections.abc import Awaitable, Callable

from contracts.errors import SystemFault, Unavailable
from store.calls import Pool, fetch, fetchval
from store.slots import SlotLimits
from store.sql import statement

_WAIT = statement("wait_for_slot")
_LEAVE = statement("leave_slot")
_ENDED = statement("ended_in_slots")

_logger = logging.getLogger(__name__)


class Admission:
    """`slots.Admission` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def wait(self, execution_id: str, *, user_id: str, graph_id: str, limits: SlotLimits) -> list[str]:
        """Stand in the queue; the ids of runs that may go on now."""
        arguments = (execution_id, user_id, graph_id, limits.per_graph, limits.capacity)
        return list(await fetchval(self._pool, _WAIT, *arguments))

    async def leave(self, execution_id: str) -> list[str]:
        """Free what the run holds; the ids of runs that got it."""
        return list(await fetchval(self._pool, _LEAVE, execution_id))

    async def leave_ended(self) -> list[str]:
        """Free what runs hold that have ended; the ids of runs that got it."""
        admitted: list[str] = []
        for row in await fetch(self._pool, _ENDED):
            # One statement each: a transaction with the locks of several graphs could wait for one that waits for it.
            admitted += await self.leave(row["execution_id"])
        return admitted


async def fail_open[T](work: Callable[[], Awaitable[T]], without_admission: Callable[[], Awaitable[T]]) -> T:
    """Do the work; if its statement cannot be carried out, the same without admission: runs go on (S-130).

    A database that does not answer is another matter: then nothing else would work either, and the caller tries again.
    """
    try:
        return await work()
    except Unavailable:
        raise
    except SystemFault as error:
        result = await without_admission()
        _logger.warning("admission failed, the run goes on without it: %s", error.message)
        return result
