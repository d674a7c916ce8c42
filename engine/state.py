"""All that a run knows between two events, as one JSON value: executions waiting, queued, running, and what is sticky.

Changed only by `scheduler.py`, and by `rebuilding.py` before a run goes on. It travels: into a batch and back, and from
one continuation of a workflow to the next.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from engine.model import Status
from engine.packing import pack, unpack
from engine.values import Value


@dataclass(slots=True)
class Route:
    """A value on its way along some of a node's links, by their positions in the plan."""

    links: list[int]
    value: Value


@dataclass(slots=True)
class Output:
    """One emitted output: its index in the node execution and where it goes. One that goes nowhere need not be told."""

    index: int
    routes: list[Route]


@dataclass(slots=True)
class Waiting:
    """An INCOMPLETE execution: some of its pins have arrived."""

    ordinal: int
    inputs: dict[str, Value] = field(default_factory=dict)


class Phase(StrEnum):
    """Where an open execution stands."""

    READY = "ready"
    RUNNING = "running"
    """In an activity of its own."""
    BATCHED = "batched"
    """In a batch, which does not count against the limit of concurrent nodes."""
    SLEEPING = "sleeping"
    LISTENING = "listening"
    """Waits for an event."""
    REVIEW = "review"
    """Waits for a person's decision."""
    CALLING = "calling"
    """Waits for nodes that it called as tools."""


@dataclass(slots=True)
class Resume:
    """How an execution that waited goes on: how often it waited, how many outputs it emitted, what it asked to keep.

    `answer` is what came, if it waited for more than time; empty when that did not come in time.
    """

    round: int
    emitted: int
    state: Any = None
    answer: dict[str, Value] | None = None


@dataclass(slots=True)
class ToolCall:
    """A node that an execution wants to be run, with values for some of its pins."""

    node: str
    inputs: dict[str, Value]


@dataclass(slots=True)
class Called:
    """An execution that was called as a tool, and how it ended; one of a node that is not there failed at once."""

    id: str
    status: Status | None = None


@dataclass(slots=True)
class Open:
    """An execution that was queued and has not ended. `seq` is its place in the run's queue order.

    `inputs` are what arrived and what static links filled in; defaults and masks are laid on by whoever runs it.
    `held` are outputs that came before the node's earlier executions were through. `event` is what it listens for.
    `caller` is the execution that called this one as a tool, `call` which of its calls that was (`round.index`);
    `calls` are those that this one called last.
    """

    id: str
    node: int
    ordinal: int
    seq: int
    inputs: dict[str, Value]
    phase: Phase = Phase.READY
    received: int = 0
    held: list[Output] = field(default_factory=list)
    ended: bool = False
    resume: Resume | None = None
    event: str = ""
    caller: str = ""
    call: str = ""
    calls: list[Called] = field(default_factory=list)


@dataclass(slots=True)
class NodeState:
    """What a run knows of one node.

    `waiting` is in the order of opening. Executions that have a pin always form a prefix of it, so `filled[pin]`
    (that prefix's length) finds the oldest one that lacks the pin without a search. `sticky` holds the static pins of
    the latest queued execution. `lane` are queued executions; their outputs are routed strictly in this order (S-169).
    """

    opened: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    sticky: dict[str, Value] = field(default_factory=dict)
    lane: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Totals:
    """What ended executions add up to (S-175). Seconds and cents."""

    node_count: int = 0
    node_error_count: int = 0
    nodes_walltime: float = 0.0
    nodes_cputime: float = 0.0
    cost: int = 0
    agent_outputs: int = 0
    earlier_walltime: float = 0.0
    """Of the run itself, before it was resumed: it counts in the stats, and against no limit."""


@dataclass(slots=True)
class RunState:
    """The state of a run. Containers keep their order: the same events give the same state, to the byte."""

    execution_id: str
    masks: dict[str, dict[str, Value]] = field(default_factory=dict)
    skipped_nodes: list[str] = field(default_factory=list)
    nodes: dict[int, NodeState] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    ready_batch: list[str] = field(default_factory=list)
    unrecorded: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Executions whose row does not yet say what the state says: id → (node, ordinal)."""
    due_timers: dict[str, float] = field(default_factory=dict)
    """Executions that asked to sleep since the last dispatch, and for how many seconds."""
    due_stops: list[str] = field(default_factory=list)
    """Executions that need their timer no more."""
    listening: dict[str, list[str]] = field(default_factory=dict)
    """Executions that listen for an event, by its name, in the order in which they began to."""
    events: dict[str, list[Value]] = field(default_factory=dict)
    """Events for which nobody has listened yet, by name, in the order in which they came."""
    due_cancels: list[str] = field(default_factory=list)
    """Executions to cancel at the next dispatch: the run stopped, perhaps inside a batch, which cancels nothing."""
    running: int = 0
    queued: int = 0
    cancelled: bool = False
    error: str | None = None
    error_code: str | None = None
    totals: Totals = field(default_factory=Totals)

    def dump_json(self) -> bytes:
        """The state as JSON text; defaults are left out."""
        return _STATE.dump_json(self, exclude_defaults=True)

    @staticmethod
    def load_json(text: bytes) -> "RunState":
        """The state that `dump_json` made."""
        return _STATE.validate_json(text)

    def pack(self) -> str:
        """The state as short text, for history."""
        return pack(self.dump_json())

    @staticmethod
    def unpack(text: str) -> "RunState":
        """The state that `pack` made the text of."""
        return RunState.load_json(unpack(text))


_STATE = TypeAdapter(RunState)
