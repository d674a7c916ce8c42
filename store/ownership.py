"""Which of a workflow's runs a row belongs to, how another run takes it over, which rows have been silent for long.

Both forms of the store fulfil `Ownership`. Who may take a row over is Temporal's to say: callers ask it first. A
workflow id has several runs after a reset, after a resume, or when somebody starts the same id again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.model import Status
from engine.values import Value

ALL_OUTPUTS = 2**31 - 1


class OwnedByAnother(Exception):
    """Nothing was written: the row belongs to another run of the workflow."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a row is (None: nobody's yet) and what it says."""

    run_id: str | None
    status: Status


@dataclass(frozen=True, slots=True)
class StandingNode:
    """A node execution that had not ended where the new run goes on. `emitted` of its outputs stand."""

    id: str
    node_id: str
    block_id: str
    ordinal: int
    status: Status
    seq: int | None
    inputs: Mapping[str, Value]
    attempt: int = 0
    emitted: int = 0
    entered_attempt: int | None = None
    """Set where an effectful block must not be entered again, since nobody knows what became of it."""
    stats: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the new run takes along: of each node so many executions, and those of them that had not ended."""

    opened: Mapping[str, int] = field(default_factory=dict)
    open: Sequence[StandingNode] = ()


NOTHING = Standing()
"""The new run begins anew."""


class Ownership(Protocol):
    """Rows and the runs they belong to."""

    async def owners(self, execution_ids: Collection[str]) -> dict[str, Owner]:
        """The owners of those that have a row."""
        ...

    async def orphans(self, silence: timedelta, *, limit: int) -> dict[str, str]:
        """Runs of sub-graphs that go on though their parents ended so long ago, with the parents' ids."""
        ...

    async def take_over(
        self, execution_id: str, *, run_id: str, owner: str | None, standing: Standing | None, at: datetime
    ) -> bool:
        """Give the row from `owner` to `run_id` and set aside what does not stand. False when it is not `owner`'s.

        With `standing` the row is alive again: RUNNING, or QUEUED with nothing standing. Node executions that had ended
        stay, the open ones are as `standing` says, all others are set aside with their outputs and events. None: rows
        stay as they are.
        """
        ...

    async def reopen(self, execution_id: str, *, run_id: str, owner: str | None, at: datetime) -> bool:
        """Give a run that is to be resumed to `run_id`: QUEUED, all else stays. False when it is not `owner`'s.

        Its end is no longer told. The time that it took stays in its stats.
        """
        ...

    async def resume(
        self, execution_id: str, *, run_id: str, kept: Collection[str], open_nodes: Sequence[StandingNode], at: datetime
    ) -> bool:
        """Where a resumed run goes on: `kept` node executions stay, open ones are as told, all others are set aside.

        Events of what is kept or open stay; no batch counts as begun. False when the row is not `run_id`'s.
        """
        ...

    async def silent(self, silence: timedelta, *, limit: int) -> list[str]:
        """Runs that look alive, but of which nothing was heard for so long; the longest unasked first."""
        ...

    async def is_silent(self, execution_id: str, silence: timedelta) -> bool:
        """Whether this is such a run."""
        ...

    async def heard(self, execution_ids: Collection[str]) -> None:
        """The server says that these go on."""
        ...
