"""The shapes that go into the store and come out of it, and the interface that both of its forms fulfil.

`postgres` (asyncpg) serves production, `memory` serves tests; the same tests run on both. Activities and API see only
this. JSON travels as text where we wrote it (`*_json`) and as parsed values where we read it.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from engine.model import Status
from engine.values import Reference, Value
from store.credentials import Credentials
from store.failed_runs import FailedRuns
from store.graph_records import Graphs
from store.keeping import Keeping
from store.ownership import Ownership
from store.pages import Page
from store.removal import Removal
from store.reviews import Reviews
from store.slots import Admission, SlotLimits


@dataclass(frozen=True, slots=True)
class User:
    """A person (S-051)."""

    id: str
    email: str
    name: str
    timezone: str = "UTC"


class Users(Protocol):
    """Users and their API keys; of a key only its SHA-256 is kept (keys are random and long)."""

    async def ensure_user(self, user_id: str, *, email: str, name: str) -> None: ...
    async def new_user(self, user_id: str, *, email: str, name: str, key: str) -> bool: ...
    async def add_api_key(self, user_id: str, *, name: str, key: str) -> None: ...
    async def by_api_key(self, key: str) -> User | None:
        """The owner of an active key."""
        ...


# --- values -----------------------------------------------------------------------------------


class Values(Protocol):
    """Values above the inline limit, stored once per run and content (architecture §1.3)."""

    async def put(self, execution_id: str, json_text: bytes) -> Reference:
        """Store JSON text; the same text in the same run gives the same reference."""
        ...

    async def get(self, references: Sequence[Reference]) -> dict[str, Any]:
        """The parsed values by their `ref`. ValueMissing when one is gone."""
        ...


# --- executions: what activities write --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewExecution:
    """A run as it is asked for. `inputs` and `masks` as they travel: small values inline, large ones by reference."""

    id: str
    user_id: str
    graph_id: str
    graph_version: int
    inputs: Mapping[str, Value]
    masks: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    trigger: str = "api"
    root_id: str | None = None
    parent_id: str | None = None
    rerun_of: str | None = None
    rerun_from_node: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` found: the row's status before, how often a batch was begun without an end, whether it may go on."""

    previous: Status
    unfinished_batches: int
    is_admitted: bool = True


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One output of a node execution; either its JSON text or the reference to it."""

    index: int
    name: str
    json_text: str | None = None
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node execution as far as it has come, with the outputs that are new since the last write.

    `seq` is its place in the run's queue order, None while INCOMPLETE. `inputs` are the flat inputs as resolved so far:
    pin → JSON text or reference; they are added to those that the row has. `agent_output` is the name under which its
    `value` input is an output of the run (OUTPUT blocks only). What is None leaves the row's value as it is.
    """

    id: str
    node_id: str
    block_id: str
    ordinal: int
    status: Status
    seq: int | None = None
    attempt: int = 1
    inputs: Mapping[str, str | Reference] = field(default_factory=dict)
    agent_output: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[OutputRecord, ...] = ()
    diverged: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a run. `close_open` is the status given to node executions that are QUEUED, RUNNING or REVIEW."""

    status: Status
    stats: Mapping[str, Any]
    ended_at: datetime
    error: str | None = None
    error_code: str | None = None
    close_open: Status = Status.TERMINATED


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """An output as the row holds it."""

    index: int
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node execution as its row holds it."""

    id: str
    node_id: str
    block_id: str
    ordinal: int
    seq: int | None
    attempt: int
    status: Status
    inputs: dict[str, Value]
    agent_output: str | None
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    entered_attempt: int | None
    error: str | None
    stats: dict[str, Any]
    outputs: list[StoredOutput]


# --- executions: what the API reads -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Execution:
    """A run's row (S-043, S-044)."""

    id: str
    user_id: str
    graph_id: str
    graph_version: int
    graph_name: str
    status: Status
    inputs: dict[str, Value]
    masks: dict[str, dict[str, Value]]
    trigger: str
    root_id: str | None
    parent_id: str | None
    run_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    error_code: str | None
    stats: dict[str, Any]
    last_event: int
    rerun_of: str | None = None
    rerun_from_node: str | None = None


type EventType = Literal["graph_execution_update", "node_execution_update"]


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered change of a run. Outputs are those with index in [first_output, first_output + output_count)."""

    seq: int
    type: EventType
    status: Status
    at: datetime
    node_execution_id: str | None = None
    node_id: str | None = None
    block_id: str | None = None
    first_output: int = 0
    output_count: int = 0
    outputs: tuple[StoredOutput, ...] = ()


class Executions(Protocol):
    """Runs, their node executions, outputs and events. Every write is repeatable (S-276)."""

    async def create(self, new: NewExecution) -> bool:
        """Insert as QUEUED. False when the id exists (the workflow's own first write may have come first)."""
        ...

    async def begin(self, new: NewExecution, *, run_id: str, at: datetime, limits: SlotLimits | None = None) -> Begun:
        """The workflow takes the run: insert or update to RUNNING with `run_id`, count one batch as begun, one event.

        Repeated under one run id it only counts one more batch; a final status stays. OwnedByAnother when the row is
        another run id's. Of a row that is still QUEUED, what was asked for is written again.
        With `limits` it takes a slot first. When none is free it stays QUEUED and nothing is counted: see `Admission`.
        """
        ...

    async def continue_run(self, execution_id: str, *, from_run_id: str, to_run_id: str) -> None:
        """The run goes on under another run id; nothing when the row belongs to neither."""
        ...

    async def begin_batch(self, execution_id: str, *, run_id: str) -> int:
        """Count one more batch as begun and answer how many are without an end, this one included.

        0 when the run is owned by another run id.
        """
        ...

    async def record(
        self,
        execution_id: str,
        *,
        run_id: str,
        nodes: Sequence[NodeRecord],
        ends_batch: bool = False,
        finish: Finish | None = None,
    ) -> list[str]:
        """Write node executions, outputs, events and perhaps the end of the run in one transaction; one NOTIFY.

        Outputs are insert-only. A node row is written only while it has not ended and no later attempt has written it;
        the same final write again is accepted silently; what comes late from the attempt that ended the row adds its
        outputs only. Answers the ids of the node executions that were refused, with their outputs: an older attempt's,
        those that another attempt or the run's end has ended otherwise, those that would open a node execution after
        the run's end, and all of them when another run id owns the run. `node` tells what the row holds.
        `ends_batch` sets the count of unfinished batches to 0.
        One event per node record that brings something new (status, inputs, outputs), one per node execution that the
        finish closes, one for the finish, in this order. Numbers come from a counter on the execution's row, without
        gaps and in the order of commits.
        """
        ...

    async def end(self, execution_id: str, *, run_id: str, nodes: Sequence[NodeRecord], finish: Finish) -> list[str]:
        """`record` with the end of the run and of a batch; answers the runs that are admitted in its place."""
        ...

    async def finish(self, new: NewExecution, *, run_id: str, finish: Finish) -> list[str]:
        """The end of a run that may never have begun: inserts the row when it is missing, closes open node executions.

        Does nothing when another run id owns the run; a final status stays. Answers the runs admitted in its place.
        """
        ...

    async def enter(self, execution_id: str, *, run_id: str, node: NodeRecord) -> bool:
        """Write the row as RUNNING and, in the same commit, that this attempt enters the effectful block.

        False, and nothing is written, when another attempt had entered before, when a later one has written the row,
        when it or the run has ended, or when another run id owns the run.
        """
        ...

    async def node(self, execution_id: str, node_execution_id: str) -> StoredNode | None: ...

    async def get(self, user_id: str, execution_id: str) -> Execution | None:
        """The user's run, or None (S-114)."""
        ...

    async def page(
        self,
        user_id: str,
        *,
        graph_id: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int,
        before: str | None,
    ) -> Page[Execution]:
        """Newest first."""
        ...

    async def nodes(self, execution_id: str) -> list[StoredNode]:
        """All node executions, in queue order; INCOMPLETE ones last, in the order they were opened."""
        ...

    async def agent_outputs(self, execution_id: str) -> list[tuple[str, Value]]:
        """(name, value) of each OUTPUT node execution that is not INCOMPLETE, in queue order (agent-graphs §10.1)."""
        ...

    async def stats_so_far(self, execution_id: str) -> dict[str, Any]:
        """What the node executions that have ended add up to, by the names of a run's stats (S-174, S-175)."""
        ...

    async def given_outputs(self, execution_id: str, *, after: int, limit: int) -> list[tuple[int, str, Value]]:
        """(event number, name, formatted value) of OUTPUT node executions that were COMPLETED after event `after`, in
        the order in which they were; those of at most `limit` executions."""
        ...

    async def events(self, execution_id: str, *, after: int, limit: int) -> list[Event]:
        """Events with a number greater than `after`, in order, with their outputs."""
        ...


class Changes(Protocol):
    """Tells readers that a run has new events: LISTEN on one connection outside the pool, shared by the process."""

    def watch(self, execution_id: str) -> AsyncGenerator[None]:
        """Yields once at first, then after commits that touched the run and after each reconnect.

        Several changes in quick succession may be told as one. Ends when the source is closed. Close it (`aclosing`)
        when you stop reading.
        """
        ...


class Store(Keeping, Protocol):
    """All aggregates together."""

    @property
    def users(self) -> Users: ...
    @property
    def graphs(self) -> Graphs: ...
    @property
    def executions(self) -> Executions: ...
    @property
    def values(self) -> Values: ...
    @property
    def admission(self) -> Admission: ...
    @property
    def ownership(self) -> Ownership: ...
    @property
    def removal(self) -> Removal: ...
    @property
    def reviews(self) -> Reviews: ...
    @property
    def failed_runs(self) -> FailedRuns: ...
    @property
    def credentials(self) -> Credentials: ...

    async def ping(self) -> None:
        """Raises when the database cannot answer."""
        ...
