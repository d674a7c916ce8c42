"""Typed references to activities, and what goes in and out of them: all that workflows know of activities.

`workflows/` schedules by these references, `activities/` implements them under the same names; a test compares the two.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.block_execution import BlockRequest, BlockRound
from contracts.bulk import FailedPage, ListFailedRequest, ResumedRuns, ResumeRunsRequest
from contracts.execution import ExecutionContext, GraphExecutionInput, RunStats
from contracts.lightening import Lightened, LightenRequest
from contracts.reviews import RecordReviewRequest
from contracts.upkeep import Pruned, PruneRequest, Reconciled, ReconcileRequest
from engine.model import Status
from engine.reviews import OpenReview
from engine.state import Output, Resume, ToolCall, Totals
from engine.values import Reference, Value


@dataclass(frozen=True, slots=True)
class ActivityRef[RequestT, ResultT]:
    """An activity by its name, with the types of its one argument and its result."""

    name: str
    request: type[RequestT]
    result: type[ResultT]


class RunRef(BaseModel):
    """The run that an activity works for. `run_id` is Temporal's: after a reset, older activities are told by it."""

    execution_id: str
    run_id: str
    user_id: str
    graph_id: str
    graph_version: int
    context: ExecutionContext = ExecutionContext()


class RunLimits(BaseModel):
    """The deployment's limits for a run, fixed when it begins, since workflow code reads no settings. Seconds."""

    node_timeout: float
    node_heartbeat_timeout: float
    node_max_attempts: int
    node_stop_timeout: float
    run_timeout: float | None = Field(None, description="The run ends FAILED after this long; None: never")
    local_batches_ms: int = Field(
        150, description="After so much time in local batches one runs as an ordinary activity"
    )
    continue_after_events: int = Field(0, description="Soft limit of a history; 0: when the server suggests it")
    continue_after_signals: int = 5_000
    hold_after_events: int = 25_000
    hold_after_bytes: int = 25 * 1024 * 1024
    hold_after_signals: int = 9_000
    slot_wait: float = Field(60.0, description="A run that waits for a slot asks again after this long")


class Finished(BaseModel):
    """The end of a run, already written."""

    status: Status
    stats: RunStats
    error: str | None = None
    error_code: str | None = None


class BeginRequest(BaseModel):
    """Take a run: everything the API checks is checked here again, since the CLI and schedules come past it."""

    execution_id: str
    run_id: str
    input: GraphExecutionInput


class BeginResult(BaseModel):
    """A run that has begun, with the first batch of pure nodes already run. Without `plan` it is over."""

    run: RunRef
    graph_name: str = ""
    plan: str | None = None
    state: str | None = None
    limits: RunLimits | None = None
    finished: Finished | None = None
    elapsed_ms: int = 0
    queued: bool = Field(False, description="No slot is free: the run is in the queue and has not begun")
    rebuilds: bool = Field(False, description="The run continues another: `rebuild_run` says where it begins")
    reviews: dict[str, OpenReview] = Field(default_factory=dict, description="Those that wait still, by their ids")
    approved_nodes: list[str] = Field(default_factory=list, description="Nodes that were approved for good")

    @property
    def going_on(self) -> tuple[str, str, RunLimits]:
        """Plan, state and limits of a run that goes on after its beginning."""
        assert self.plan is not None
        assert self.state is not None
        assert self.limits is not None
        return self.plan, self.state, self.limits


class RebuildRequest(BeginRequest):
    """Find out where a run that continues another begins. `run` is what `begin_run` made of the request."""

    run: RunRef


class BatchRequest(BaseModel):
    """Run pure nodes until only work is left that needs an activity of its own. `plan` and `state` are packed."""

    run: RunRef
    plan: str
    state: str
    started_at: float = Field(description="When the run began, in seconds since the epoch")


class BatchResult(BaseModel):
    """The state after a batch, which replaces the workflow's own."""

    state: str | None = None
    finished: Finished | None = None
    elapsed_ms: int = 0


class NodeRequest(BaseModel):
    """Run one node execution. Values are as they arrived; defaults, the mask and conversion come in the activity."""

    run: RunRef
    id: str
    node_id: str
    ordinal: int
    seq: int
    inputs: dict[str, Value]
    is_masked: bool = Field(
        False, description="The run's row has a mask for the node; large ones are not repeated here"
    )
    is_approved: bool = Field(False, description="A reviewer has approved all executions of the node to come")
    called_by: str = Field("", description="Whose tool it is: a node execution, with the place of the call behind")
    skipped_nodes: list[str] = Field(
        default_factory=list, description="Nodes that the run leaves out, and that none may call as a tool"
    )
    resume: Resume | None = None


class ReviewAsked(BaseModel):
    """The review that a node waits for; its row has the rest."""

    id: str
    editable: bool = True


class Suspension(BaseModel):
    """The node asks to be run again: after so many seconds, at an event or decision that comes before then, or when the
    nodes in `calls` have ended.

    `emitted` counts its outputs so far.
    """

    seconds: float | None = None
    emitted: int
    state: Any = None
    event: str | None = None
    review: ReviewAsked | None = None
    calls: list[ToolCall] | None = None


class NodeResult(BaseModel):
    """How a node execution ended, or that it sleeps.

    `outputs` are those not told by signal; `sent` is how far signals have told them.
    """

    status: Status
    outputs: list[Output] = Field(default_factory=list)
    sent: int = 0
    suspension: Suspension | None = None
    error: str | None = None
    error_code: str | None = None
    walltime: float = 0.0
    cputime: float = 0.0
    cost: int = 0
    extra_steps: int = 0


class PrepareChildRequest(BaseModel):
    """Make a sub-graph node ready. `masks` are the run's own, which go down to every sub-graph."""

    node: NodeRequest
    masks: dict[str, dict[str, Value]] = Field(default_factory=dict)


class PreparedChild(BaseModel):
    """A sub-graph node made ready: the id and the input of its run, or how the node ended instead."""

    child_id: str = ""
    name: str = ""
    input: GraphExecutionInput | None = None
    earlier_run_id: str | None = Field(None, description="The child's run that goes on now, as its row still says it")
    result: NodeResult | None = None


class CollectRequest(BaseModel):
    """What of a sub-graph's outputs is to be taken over by the node: those after event `after` of the child.

    `emitted` counts those taken before. `stopped`: the node is being cancelled. `is_closed`: the child's workflow has
    ended, so its row will tell nothing more. `is_joined`: the child went on since before this run did, and may be
    stopping because of what ended the run before.
    """

    node: NodeRequest
    child_id: str
    after: int = 0
    emitted: int = 0
    stopped: bool = False
    is_closed: bool = False
    is_joined: bool = False
    earlier_run_id: str | None = Field(None, description="An end of this run of the child is not the end any more")


class Collected(BaseModel):
    """Outputs of a sub-graph, written as the node's own; with `result` the child has ended, and so has the node.

    `was_stopping`: a child that was joined has been stopped, and the node goes on with another run of it. `has_more`:
    there are more outputs, more than travel at a time.
    """

    outputs: list[Output]
    after: int
    emitted: int
    result: NodeResult | None = None
    was_stopping: bool = False
    has_more: bool = False


class ChildChanged(BaseModel):
    """The signal by which a sub-graph's run tells its parent that there are outputs, or that it has ended."""

    child_id: str
    node_execution_id: str


class FailNodeRequest(BaseModel):
    """Write a node execution's failure for an activity that could not: its worker was lost, or it timed out."""

    node: NodeRequest
    error: str
    error_code: str


class BehindRow(BaseModel):
    """An execution that waits, for pins (INCOMPLETE) or for its turn (QUEUED)."""

    id: str
    node_id: str
    block_id: str
    ordinal: int
    status: Status
    seq: int | None = None
    inputs: dict[str, Value]


class RecordRequest(BaseModel):
    """Write rows of executions that wait."""

    run: RunRef
    rows: list[BehindRow]


class StandingRow(BehindRow):
    """An execution that has not ended where the run goes on after a reset. `emitted` outputs stand, None: all."""

    emitted: int | None = 0


class TakeOverRequest(BaseModel):
    """After a reset: what of the run stands. Of each node so many executions, and those of them that have not ended."""

    run: RunRef
    opened: dict[str, int]
    open: list[StandingRow]


class ContinueRequest(BaseModel):
    """The run goes on under another run id of Temporal's: its row is to belong to that."""

    execution_id: str
    from_run_id: str
    to_run_id: str


class PackRequest(BaseModel):
    """A state that is too large to travel: its larger values are to move into the store."""

    execution_id: str
    state: str


class PackedState(BaseModel):
    """The state as it can travel."""

    state: str


class FinishRequest(BaseModel):
    """The end of a run, reached in the workflow. `input` is there because a run may end before it began."""

    run: RunRef
    input: GraphExecutionInput
    has_begun: bool = False
    status: Status
    totals: Totals
    incomplete_count: int = 0
    walltime: float = 0.0
    error: str | None = None
    error_code: str | None = None


class EventSent(BaseModel):
    """The signal by which somebody sends an event to a run; `payload_ref` takes the payload's place if it is large."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    payload: Any = None
    payload_ref: Reference | None = None


class NodeOutputs(BaseModel):
    """The signal by which a running node tells its outputs, in order of their index."""

    run_id: str
    id: str
    outputs: list[Output]


class ShowStatusRequest(BaseModel):
    """The run waits for nothing but reviews (REVIEW), or goes on again (RUNNING)."""

    run: RunRef
    status: Status


class ShownStatus(BaseModel):
    """What the row now says: a run that wants to go on may have to wait for a slot (QUEUED)."""

    status: Status


class Admitted(BaseModel):
    """The signal by which a run that ends tells the next one that it has a slot; that one then asks again."""

    by: str


PRUNE_EXECUTIONS = "PruneExecutions"
"""The workflow type that prunes; a schedule starts it."""

RECONCILE_RUNS = "ReconcileRuns"
"""The workflow type that brings rows and workflows into agreement; a schedule starts it."""

EVENT = "event"
"""Name of the signal that carries `EventSent`."""

NODE_OUTPUTS = "node_outputs"
"""Name of the signal that carries `NodeOutputs`."""

CHILD_CHANGED = "child_changed"
"""Name of the signal that carries `ChildChanged`. It only wakes the parent, who then reads the child's rows."""

ADMITTED = "admitted"
"""Name of the signal that carries `Admitted`. Repeating or losing it does no harm."""

BEGIN_RUN = ActivityRef("begin_run", BeginRequest, BeginResult)
REBUILD_RUN = ActivityRef("rebuild_run", RebuildRequest, BeginResult)
RUN_PURE_NODES = ActivityRef("run_pure_nodes", BatchRequest, BatchResult)
RUN_NODE = ActivityRef("run_node", NodeRequest, NodeResult)
RUN_BLOCK = ActivityRef("run_block", BlockRequest, BlockRound)
PREPARE_CHILD = ActivityRef("prepare_child", PrepareChildRequest, PreparedChild)
COLLECT_CHILD_OUTPUTS = ActivityRef("collect_child_outputs", CollectRequest, Collected)
FAIL_NODE = ActivityRef("fail_node", FailNodeRequest, NodeResult)
RECORD_NODE_EXECUTIONS = ActivityRef("record_node_executions", RecordRequest, type(None))
TAKE_OVER_RUN = ActivityRef("take_over_run", TakeOverRequest, type(None))
PACK_STATE = ActivityRef("pack_state", PackRequest, PackedState)
LIGHTEN = ActivityRef("lighten", LightenRequest, Lightened)
CONTINUE_RUN = ActivityRef("continue_run", ContinueRequest, bool)
RECORD_REVIEW = ActivityRef("record_review", RecordReviewRequest, type(None))
SHOW_STATUS = ActivityRef("show_status", ShowStatusRequest, ShownStatus)
LIST_FAILED = ActivityRef("list_failed", ListFailedRequest, FailedPage)
RESUME_RUNS = ActivityRef("resume_runs", ResumeRunsRequest, ResumedRuns)
FINISH_RUN = ActivityRef("finish_run", FinishRequest, Finished)
RECONCILE = ActivityRef("reconcile", ReconcileRequest, Reconciled)
PRUNE = ActivityRef("prune", PruneRequest, Pruned)
