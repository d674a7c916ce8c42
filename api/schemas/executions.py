"""Bodies about runs."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

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
        description="Not supported yet: leave it out or empty.",
    )
    preset_id: str | None = Field(None, description="Not supported yet: leave it out.")


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
    status: Status
    inputs: dict[str, Any]
    outputs: dict[str, list[Any]] = Field(description="Output pin → its values, in the order they were emitted.")
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    stats: dict[str, Any]


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
