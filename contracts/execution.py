"""What starts a run and what it answers: the input and result of the workflow `GraphExecution`.

Written by the API, by schedules and by people at the `temporal` CLI; read by `workflows/`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.model import Status
from engine.values import Reference, Value, inline

GRAPH_EXECUTION = "GraphExecution"
"""The workflow type. The workflow id is the execution's id, so one id finds a run through every door."""

EXECUTION_ID = r"[A-Za-z0-9._:-]{1,200}"
"""What an execution's id may look like. Ours are UUIDs; a person at the CLI may choose."""


class ExecutionContext(BaseModel):
    """Where a run belongs; passed down to sub-graphs, never changed (S-038, S-039)."""

    model_config = ConfigDict(frozen=True)

    root_execution_id: str | None = None
    parent_execution_id: str | None = None
    parent_node_execution_id: str | None = None
    depth: int = Field(0, description="How many runs are above this one")
    timezone: str = "UTC"
    locale: str = "en-US"
    preferences: dict[str, Any] = Field(default_factory=dict)
    human_in_the_loop_safe_mode: bool | None = Field(
        None, description="Whether review blocks ask a person; none: as the graph's settings say"
    )
    sensitive_action_safe_mode: bool | None = Field(
        None, description="Whether blocks with sensitive actions ask a person first; none: as the graph's settings say"
    )


class GraphExecutionInput(BaseModel):
    """A run as it is asked for. By hand: `{"graph_id": …, "user_id": …, "inputs": {…}}` is enough.

    Values above the inline limit come as references in `input_refs` and `mask_refs`, the rest as plain JSON.
    With `resume` the run goes on from what its rows hold, and all but graph and user is what they say. With `rerun_of`
    it runs again what is not kept of another run of the graph, from whose inputs and masks the given ones differ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    graph_id: str
    user_id: str
    graph_version: int | None = Field(None, ge=1, le=2**31 - 1)
    inputs: dict[str, Any] = Field(default_factory=dict)
    input_refs: dict[str, Reference] = Field(default_factory=dict)
    nodes_input_masks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    mask_refs: dict[str, dict[str, Reference]] = Field(default_factory=dict)
    nodes_to_skip: list[str] = Field(default_factory=list, description="Nodes that end COMPLETED without being run")
    trigger: str = "cli"
    context: ExecutionContext = ExecutionContext()
    resume: bool = Field(False, description="Go on from what the run's rows hold")
    rerun_of: str | None = Field(None, description="The run that this one runs again")
    rerun_from_node: str | None = Field(None, description="What this node and those behind it gave is not kept")

    def input_values(self) -> dict[str, Value]:
        """Inputs by name, as they travel."""
        return {**{name: inline(value) for name, value in self.inputs.items()}, **self.input_refs}

    def mask_values(self) -> dict[str, dict[str, Value]]:
        """Masks by node and pin, as they travel."""
        masks: dict[str, dict[str, Value]] = {
            node_id: {pin: inline(value) for pin, value in mask.items()}
            for node_id, mask in self.nodes_input_masks.items()
        }
        for node_id, refs in self.mask_refs.items():
            masks.setdefault(node_id, {}).update(refs)
        return masks


class RunStats(BaseModel):
    """What a run used (S-040). Times in seconds, cost in cents."""

    cost: int = 0
    walltime: float = 0.0
    cputime: float = 0.0
    node_count: int = 0
    nodes_walltime: float = 0.0
    nodes_cputime: float = 0.0
    node_error_count: int = 0
    incomplete_count: int = 0
    error: str | None = None
    activity_status: str | None = None
    correctness_score: float | None = None


class GraphExecutionResult(BaseModel):
    """How a run ended. Its outputs are in the store, not in history."""

    execution_id: str
    status: Status
    stats: RunStats
    error: str | None = None
