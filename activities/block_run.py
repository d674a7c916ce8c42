"""Running a block once: what its outputs and failures mean (agent-graphs §3.3, S-075, S-179 to S-183).

Used inside batches and by activities of single nodes alike. It knows no store and no Temporal.
"""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from activities.values import plain_json
from blocks.base import (
    WAITS,
    Block,
    BlockContext,
    BlockError,
    BlockInputError,
    BlockOutputError,
    BlockSchema,
    Wait,
)
from blocks.inputs import check_output
from contracts.errors import HeddleError
from engine.model import Status

_LONGEST_MESSAGE = 10_000
"""Characters of a failure's text; it travels with results and errors, which have limits of their own."""


class BlockInterrupted(Exception):
    """The block asked for the end of the process instead of failing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a node execution failed. An expected one is the user's to mend, an unexpected one ours (S-309)."""

    message: str
    code: str
    expected: bool
    status: Status = Status.FAILED


async def run_block(
    block: Block[BlockSchema], inputs: BlockSchema, context: BlockContext
) -> AsyncGenerator[tuple[str, Any] | Wait]:
    """The block's outputs, checked, and perhaps a last `Wait`. An output named `error` ends it with that message."""
    started = time.thread_time()
    try:
        async for item in block.run(inputs, context):
            if isinstance(item, WAITS):
                yield item
                return
            name, value = item
            if name == "error":
                raise BlockError("Output error was None" if value is None else str(value))
            check_output(block, name, value)
            yield name, value
    except (SystemExit, KeyboardInterrupt) as error:
        # These would end the event loop, and with it every other block of the process.
        raise BlockInterrupted(f"The block was interrupted: {type(error).__name__}") from error
    finally:
        # Of the thread that ran the block; blocks that ran there meanwhile are in it too (T-55).
        context.stats.cputime += time.thread_time() - started


def failure_of(error: Exception) -> Failure:
    """What a block's exception means (S-075, S-180)."""
    message = _shown(str(error) or type(error).__name__)
    match error:
        case BlockInputError():
            return Failure(message, "invalid_input", expected=True)
        case BlockOutputError():
            return Failure(message, "invalid_output", expected=True)
        case HeddleError():
            return Failure(_shown(error.message), error.code, expected=True)
        case BlockInterrupted():
            return Failure(message, "interrupted", expected=False, status=Status.TERMINATED)
        case TimeoutError():
            return Failure(_shown(str(error)) or "The block timed out", "timed_out", expected=True)
        case BlockError() | ValueError():
            return Failure(message, "block_failed", expected=True)
        case _:
            return Failure(_shown(str(error)) or "Unknown error occurred", "block_crashed", expected=False)


def _shown(message: str) -> str:
    """Fit to be stored and shown: no characters that Postgres refuses, and not a whole document."""
    message = plain_json(message)[0]
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
