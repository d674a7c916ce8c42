"""What admission is asked and answers: how many runs may go on at once, and who waits for whom.

Both forms of the store fulfil it (`admission`, `memory_admission`). The way in is `Executions.begin`, the way out
`Executions.end` and `finish`; what is here is for who finds no slot free.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """Runs that may go on at once: of one user and graph, and in the whole deployment (0: any number)."""

    per_graph: int
    capacity: int = 0


class Admission(Protocol):
    """The queue of runs that wait for a slot. Every call is repeatable."""

    async def wait(self, execution_id: str, *, user_id: str, graph_id: str, limits: SlotLimits) -> list[str]:
        """Stand in the queue. Answers the runs that may go on now, if anything has become free; perhaps this one."""
        ...

    async def leave(self, execution_id: str) -> list[str]:
        """Free the slot, or the place in the queue, of a run that is over or gone.

        Answers the runs that got it and have not begun since; the same again when asked again.
        """
        ...

    async def leave_ended(self) -> list[str]:
        """The same for every run whose row has ended, should one have kept its slot."""
        ...
