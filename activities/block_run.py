"""Running a block once: what its outputs and failures mean (agent-graphs §3.3, S-075, S-179 to S-183).

Used inside batches and by activities of single nodes alike. It knows no store and no Temporal.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from blocks.base import Block, BlockContext, BlockError, BlockInputError, BlockOutputError, BlockSchema, Sleep
from blocks.inputs import check_output
from contracts.errors import HeddleError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a node execution failed. An expected one is the user's to mend, an unexpected one ours (S-309)."""

    message: str
    code: str
    expected: bool


async def run_block(
    block: Block[BlockSchema], inputs: BlockSchema, context: BlockContext
) -> AsyncIterator[tuple[str, Any] | Sleep]:
    """The block's outputs, checked, and perhaps a last `Sleep`. An output named `error` ends it with that message."""
    async for item in block.run(inputs, context):
        if isinstance(item, Sleep):
            yield item
            return
        name, value = item
        if name == "error":
            raise BlockError("Output error was None" if value is None else str(value))
        check_output(block, name, value)
        yield name, value


def failure_of(error: Exception) -> Failure:
    """What a block's exception means (S-180)."""
    message = str(error) or type(error).__name__
    match error:
        case BlockInputError():
            return Failure(message, "invalid_input", expected=True)
        case BlockOutputError():
            return Failure(message, "invalid_output", expected=True)
        case HeddleError():
            return Failure(error.message, error.code, expected=True)
        case TimeoutError():
            return Failure(str(error) or "The block timed out", "timed_out", expected=True)
        case BlockError() | ValueError():
            return Failure(message, "block_failed", expected=True)
        case _:
            return Failure(str(error) or "Unknown error occurred", "block_crashed", expected=False)
