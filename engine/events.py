"""What happens to a run, and what is to be done about it: the words between the scheduler and those who drive it.

Events are made by the workflow and by batches, commands by the scheduler.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model import Status
from engine.plan import PlanNode
from engine.state import Open, Output, Phase, ToolCall
from engine.values import Value

# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended: its last outputs, what it used. `sent` is how many outputs were told before, at least.

    Times in seconds, cost in cents.
    """

    id: str
    status: Status
    outputs: list[Output] = field(default_factory=list)
    sent: int = 0
    error: str | None = None
    error_code: str | None = None
    walltime: float = 0.0
    cputime: float = 0.0
    cost: int = 0
    extra_steps: int = 0


@dataclass(frozen=True, slots=True)
class Emitted:
    """A running execution emitted outputs, told in order; those told before are passed over."""

    id: str
    outputs: list[Output]


@dataclass(frozen=True, slots=True)
class Slept:
    """A running execution ended its activity and asks to be run again, with `state`, once it has what it waits for.

    `phase` says what that is: a time (SLEEPING), the event named `event` (LISTENING), a decision (REVIEW) or the end of
    the nodes in `calls` (CALLING; none: it goes on at once). `seconds` is how long, for the others at the longest
    (None: as long as it takes). `emitted` counts its outputs so far, those that went nowhere included.
    """

    id: str
    seconds: float | None
    state: Any
    emitted: int = 0
    outputs: list[Output] = field(default_factory=list)
    phase: Phase = Phase.SLEEPING
    event: str = ""
    calls: list[ToolCall] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Woke:
    """The time of a waiting execution has come, or with `answer` what it waits for; named values."""

    id: str
    answer: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class EventCame:
    """Somebody sent an event to the run. It goes to whoever has listened for the name longest, or is kept."""

    name: str
    payload: Value


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The run is to stop: nothing new starts, what runs is cancelled."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The run has taken longer than it may: it stops like a cancelled one, and has failed."""


type Event = Emitted | Ended | Slept | Woke | EventCame | Cancelled | TimedOut

# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunNode:
    """Run this execution in an activity of its own."""

    execution: Open


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Wait, then say `Woke`."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """What an execution waits for has come before its time was up."""

    id: str


@dataclass(frozen=True, slots=True)
class CancelNodes:
    """Cancel the activities and timers of these executions; each still ends with an event of its own."""

    ids: tuple[str, ...]


type Command = RunNode | StartTimer | StopTimer | CancelNodes


# --- what is told besides ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """An execution whose row is behind: it waits for pins (INCOMPLETE) or for its turn (QUEUED)."""

    id: str
    node: PlanNode
    ordinal: int
    status: Status
    inputs: Mapping[str, Value]
    seq: int | None = None
