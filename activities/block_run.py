"""Running a block once: what its outputs and failures mean (agent-graphs §3.3, S-075, S-179 to S-183).

Used inside batches and by activities of single nodes alike. It knows no store and no Temporal.
"""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Any

from activities.values import plain_json
from blocks.base import (
    WAITS,
    AskReview,
    Block,
    BlockContext,
    BlockError,
    BlockInputError,
    BlockOutputError,
    BlockSchema,
    CallTools,
    NodeStats,
    Wait,
)
from blocks.credentials import Redaction
from blocks.inputs import check_output
from contracts.activities import RunRef
from contracts.errors import HeddleError
from engine.model import Status
from telemetry.logging import Logger

log = Logger("heddle.nodes")

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


def context_of(run: RunRef, *, node_id: str, node_execution_id: str, stats: NodeStats, **more: Any) -> BlockContext:
    """Who runs the block, for whom and where; each node execution has one of its own (S-187)."""
    return BlockContext(
        user_id=run.user_id,
        graph_id=run.graph_id,
        graph_version=run.graph_version,
        graph_execution_id=run.execution_id,
        node_id=node_id,
        node_execution_id=node_execution_id,
        root_execution_id=run.context.root_execution_id or run.execution_id,
        parent_execution_id=run.context.parent_execution_id,
        timezone=run.context.timezone,
        locale=run.context.locale,
        preferences=run.context.preferences,
        stats=stats,
        **more,
    )


async def run_block(
    block: Block[BlockSchema], inputs: BlockSchema, context: BlockContext
) -> AsyncGenerator[tuple[str, Any] | Wait]:
    """The block's outputs, checked, and perhaps a last `Wait`. An output named `error` ends it with that message.

    What it gives and keeps goes into rows and history, so the secrets that it was lent are taken out (S-242).
    """
    started = time.thread_time()
    redact = Redaction.of(context.credentials)
    try:
        async for item in block.run(inputs, context):
            if isinstance(item, WAITS):
                yield _waiting_without_secrets(item, redact)
                return
            name, value = item
            if name == "error":
                raise BlockError("Output error was None" if value is None else str(value))
            check_output(block, name, value)
            yield name, _without_secrets(value, redact)
    except (SystemExit, KeyboardInterrupt) as error:
        # These would end the event loop, and with it every other block of the process.
        raise BlockInterrupted(f"{type(error).__name__}: {error}") from error
    finally:
        # Of the thread that ran the block; blocks that ran there meanwhile are in it too (T-55).
        context.stats.cputime += time.thread_time() - started


def _without_secrets(value: Any, redact: Redaction) -> Any:
    return redact.of_json(*plain_json(value)) if redact.secrets else value


def _waiting_without_secrets(wait: Wait, redact: Redaction) -> Wait:
    state = _without_secrets(wait.state, redact)
    match wait:
        case AskReview():
            return replace(wait, state=state, data=_without_secrets(wait.data, redact))
        case CallTools():
            calls = [replace(call, inputs=_without_secrets(call.inputs, redact)) for call in wait.calls]
            return replace(wait, state=state, calls=calls)
        case _:
            return replace(wait, state=state)


async def run_alone(
    block: Block[BlockSchema], inputs: BlockSchema, context: BlockContext
) -> AsyncGenerator[tuple[str, Any] | Wait]:
    """The same where no workflow keeps steps: one that ends only to be kept is followed by the next at once."""
    step: CallTools | None = CallTools()
    while step:
        step = None
        async for item in run_block(block, inputs, context):
            if isinstance(item, CallTools) and not item.calls:
                step = item
                context = replace(context, resume=step.state, answer={"calls": []})
            else:
                yield item


def failure_of(error: Exception, redact: Callable[[str], str] = str) -> Failure:
    """What a block's exception means (S-075, S-180). `redact` takes secrets out of its text."""
    # Before anything else is done to it: half a secret would not be found.
    said = redact(str(error))
    message = shown(said or type(error).__name__)
    match error:
        case BlockInputError():
            return Failure(message, "invalid_input", expected=True)
        case BlockOutputError():
            return Failure(message, "invalid_output", expected=True)
        case HeddleError():
            return Failure(shown(redact(error.message)), error.code, expected=True)
        case BlockInterrupted():
            return Failure(message, "interrupted", expected=False, status=Status.TERMINATED)
        case TimeoutError():
            return Failure(shown(said) or "The block timed out", "timed_out", expected=True)
        case BlockError() | ValueError():
            return Failure(message, "block_failed", expected=True)
        case _:
            return Failure(shown(said) or "Unknown error occurred", "block_crashed", expected=False)


def log_failure(node_execution_id: str, error: Exception, failure: Failure) -> None:
    """Say why a node execution did not complete, as loudly as it deserves (S-075, S-180, S-182)."""
    if failure.status is Status.TERMINATED:
        log.warning(f"Interruption error on node execution {node_execution_id}: {type(error.__cause__).__name__}")
    elif isinstance(error, BlockInputError):
        log.info(f"Skip execution, input validation error: {failure.message}")
    elif failure.expected:
        log.info(f"Expected failure on node execution {node_execution_id}: {type(error).__name__} - {failure.message}")
    else:
        log.error(f"Unexpected failure on node execution {node_execution_id}: {type(error).__name__}", exc_info=error)


def shown(message: str) -> str:
    """Fit to be stored and shown: no characters that Postgres refuses, and not a whole document."""
    message = plain_json(message)[0]
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
