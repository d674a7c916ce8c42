"""A block run by itself, outside any graph: the input and result of the workflow `BlockExecution` and of its activity.

Written by the API and by people at the `temporal` CLI; read by `workflows/` and `activities/`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.values import Reference, Value, inline

BLOCK_EXECUTION = "BlockExecution"
"""The workflow type."""


class BlockExecutionInput(BaseModel):
    """A block as it is asked for. By hand: `{"block_id": …, "user_id": …, "inputs": {…}}` is enough.

    Values above the inline limit come as references in `input_refs`, the rest as plain JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    block_id: str
    user_id: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    input_refs: dict[str, Reference] = Field(default_factory=dict)
    timezone: str = "UTC"
    seconds: float = Field(60.0, gt=0, le=3600, description="The most that the block may take")
    task_queue: str = Field("", description="Where the block runs; empty: where the workflow does")

    def input_values(self) -> dict[str, Value]:
        """Inputs by name, as they travel."""
        return {**{name: inline(value) for name, value in self.inputs.items()}, **self.input_refs}


class BlockResume(BaseModel):
    """How a block that slept goes on: with what it asked to keep, and what it had given."""

    state: Any = None
    outputs: Value


class BlockRequest(BaseModel):
    """Run the block. Its files and larger values are kept under this id, which is the workflow's."""

    execution_id: str
    input: BlockExecutionInput
    resume: BlockResume | None = None


class BlockExecutionResult(BaseModel):
    """What the block gave: an object of lists, by the names of its outputs. What it gave before it failed stands."""

    outputs: Value
    error: str | None = None
    error_code: str | None = None


class BlockSleep(BaseModel):
    """The block asks to be run again after so many seconds, with what it keeps."""

    seconds: float
    state: Any = None


class BlockRound(BlockExecutionResult):
    """What the block gave in this round and those before, and whether it sleeps now."""

    sleep: BlockSleep | None = None
