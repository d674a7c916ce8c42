"""Runs a block by itself and waits for what it gives: never in this process (agent-graphs §11.13, §20.5).

Used by `routes/blocks.py`. Inputs are converted and checked where the block runs, as those of a node are.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from api.errors import BlockDisabled, BlockFailed, BlockInputRefused, BlockNotFound, BlockUnavailable, Unsupported
from api.run_values import Opened, part
from api.services import Services
from blocks.base import Block, BlockSchema
from contracts.block_execution import BlockExecutionInput
from engine.model import BlockKind
from store.records import User
from telemetry.logging import add_context

IN_A_GRAPH = frozenset(
    {BlockKind.NOTE, BlockKind.AGENT, BlockKind.HUMAN_IN_THE_LOOP, BlockKind.WEBHOOK, BlockKind.WEBHOOK_MANUAL}
)
"""Kinds of blocks that mean nothing outside a graph."""

_INVALID_INPUT = "invalid_input"


async def run_block(app: Services, user: User, block_id: str, inputs: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What the block gives, by the names of its outputs.

    BlockNotFound, BlockUnavailable, BlockDisabled, Unsupported, InsufficientBalance: then nothing was run.
    BlockInputRefused and BlockFailed tell why it ended.
    """
    block = _runnable(app, block_id)
    await app.balance.require_positive(user.id)
    execution_id = f"block-{uuid4()}"
    add_context(graph_execution_id=execution_id)
    parted = await part(app.store.values, execution_id, inputs, limit_bytes=app.inline_value_limit_bytes)
    asked = BlockExecutionInput(
        block_id=block.id,
        user_id=user.id,
        inputs=parted.inline,
        input_refs=parted.references,
        timezone=user.timezone,
        seconds=app.block_seconds,
        task_queue=block.task_queue,
    )
    result = await app.runs.run_block(execution_id, asked, name=block.name)
    opened = await Opened.of(app.store.values, [result.outputs])
    outputs: dict[str, list[Any]] = opened[result.outputs]
    if result.error_code == _INVALID_INPUT:
        raise BlockInputRefused(result.error)
    if result.error_code is not None:
        raise BlockFailed(result.error, details={"code": result.error_code, "outputs": outputs})
    return outputs


def _runnable(app: Services, block_id: str) -> Block[BlockSchema]:
    block = app.catalogue.get(block_id)
    if block is None:
        known = app.catalogue.unavailable(block_id)
        if known is None:
            raise BlockNotFound
        raise BlockUnavailable(f"This deployment does not have the block ‘{known.name}’: {known.why}.")
    if block.disabled:
        raise BlockDisabled(f"Block {block.id} is disabled and cannot be executed")
    if block.kind in IN_A_GRAPH:
        raise Unsupported(f"‘{block.name}’ runs in a graph only.")
    return block
