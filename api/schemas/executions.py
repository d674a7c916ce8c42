"""Bodies about runs."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from engine.model import Status


def _empty_when_none(value: Any) -> Any:
    return {} if value is None else value


_Object = Annotated[dict[str, Any], BeforeValidator(_empty_when_none)]
_Masks = Annotated[dict[str, dict[str, Any]], BeforeValidator(_empty_when_none)]


class ExecuteRequest(BaseModel):
    """What a run is given. Both spellings of the specification are read (C-2); anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    inputs: _Object = Field(
        default_factory=dict,
        validation_alias=AliasChoices("inputs", "input_data", "node_input"),
        description="Input name → value.",
    )
    nodes_input_masks: _Masks = Field(
        default_factory=dict,
        validation_alias=AliasChoices("nodes_input_masks", "node_input_masks"),
        description="Node id → pin → value laid over whatever arrives there.",
    )
    credentials_inputs: _Object = Field(
        default_factory=dict,
        validation_alias=AliasChoices("credentials_inputs", "input_credentials"),
        description="Key of `credentials_input_schema` → `{id, provider, type}` of the credentials that nodes get.",
    )
    preset_id: str | None = Field(None, description="Not supported yet: leave it out.")


class RerunRequest(BaseModel):
    """What differs from the run that is run again."""

    model_config = ConfigDict(extra="forbid")

    from_node: str | None = Field(None, max_length=200, description="This node and all behind it are run in any case.")
    inputs: _Object = Field(default_factory=dict, description="Input name → value, over those of the earlier run.")
    node_inputs: _Object = Field(
        default_factory=dict, description="Pin of `from_node` → value, laid over whatever arrives there."
    )
    graph_version: int | None = Field(None, ge=1, le=2**31 - 1, description="Another version; else the same.")


class BulkResumeRequest(BaseModel):
    """Which failed runs of a graph are to be resumed, and how fast."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = Field(None, description="Those that ended at this time or later; else all.")
    per_second: float | None = Field(
        None, gt=0, description="So many a second; at the most what the deployment allows."
    )


class BulkResumeStarted(BaseModel):
    """Failed runs are being resumed."""

    id: str
    progress: str = Field(description="Where to read how far it is.")


class BulkResumeProgress(BaseModel):
    """How far resuming is. `total` counts the runs that were FAILED at the beginning."""

    id: str
    total: int
    started: int
    refused: int
    reasons: dict[str, int] = Field(description="Of the refused: error code → how many.")
    is_over: bool


class StopAsked(BaseModel):
    """Runs were asked to stop; each stops in its own time."""

    asked: int
    remaining: int = Field(description="Not asked yet, since there were too many at once: ask again.")


class Links(BaseModel):
    """Where to read on."""

    self: str
    results: str
    events: str
    temporal_ui: str


class ExecutionMeta(BaseModel):
    """A run (S-043)."""

    id: str
    user_id: str
    graph_id: str
    graph_version: int
    graph_name: str
    status: Status
    trigger: str
    rerun_of: str | None = Field(None, description="The run that this one runs again.")
    rerun_from_node: str | None = Field(None, description="The node from which on nothing was kept.")
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    error_code: str | None = None
    stats: dict[str, Any] = Field(default_factory=dict)
    links: Links


class ExecutionDetail(ExecutionMeta):
    """A run with what went in and what came out."""

    inputs: dict[str, Any]
    nodes_input_masks: dict[str, dict[str, Any]]
    outputs: dict[str, list[Any]] = Field(description="Output name → its values, in queue order.")


class NodeResult(BaseModel):
    """One node execution; `inputs` hold flat pins, as resolved so far."""

    id: str
    node_id: str
    block_id: str
    block_name: str | None = Field(None, description="None for a block that is not here.")
    status: Status
    inputs: dict[str, Any]
    outputs: dict[str, list[Any]] = Field(description="Output pin → its values, in the order they were emitted.")
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    stats: dict[str, Any]
    kept: bool = Field(False, description="It was not run: it is as in the run that is run again.")


class ExecutionResults(ExecutionDetail):
    """A run with all its node executions, INCOMPLETE ones last."""

    nodes: list[NodeResult]


class ExecutionList(BaseModel):
    """A page of runs, newest first."""

    items: list[ExecutionMeta]
    next_cursor: str | None
    total_count: int


class EventBody(BaseModel):
    """One change of a run, as the event stream sends it."""

    type: str
    execution_id: str
    status: Status
    node_execution_id: str | None = None
    node_id: str | None = None
    block_id: str | None = None
    block_name: str | None = None
    title: str | None = None
    outputs: dict[str, list[Any]] = Field(default_factory=dict, description="Only those that are new.")
    at: datetime
