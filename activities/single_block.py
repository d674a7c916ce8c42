"""One block outside any graph: the same assembly of inputs, limits and failures as for a node, without rows.

Registered by `worker.py`, called by the workflow `BlockExecution`.
"""

import asyncio
from contextlib import aclosing
from typing import Any

from temporalio import activity

from activities.block_run import failure_of, run_alone
from activities.block_services import BlockServices
from activities.blocks_loop import BlocksLoop
from activities.credentials import Lent, RunCredentials
from activities.heartbeats import heartbeats
from activities.tools import kept_state, state_of
from activities.values import OutputLimits, ValueCodec, plain_json
from blocks.base import WAITS, Block, BlockContext, BlockError, BlockSchema, Sleep
from blocks.catalogue import Catalogue
from blocks.inputs import assemble, validated
from contracts.activities import RUN_BLOCK, RunRef
from contracts.block_execution import BlockRequest, BlockRound, BlockSleep
from contracts.errors import OutcomeUnknown, SystemFault, TooManyOutputs, ValueTooLarge
from engine.model import BlockKind, Effects
from telemetry.logging import Logger, log_context
from telemetry.tracing import block_span

log = Logger("heddle.nodes")

ALONE = frozenset({BlockKind.STANDARD, BlockKind.INPUT, BlockKind.OUTPUT, BlockKind.AI, BlockKind.MCP_TOOL})
"""Kinds of blocks that can do without a graph."""


class BlockActivities:
    """The activity that runs a block by itself."""

    def __init__(
        self,
        catalogue: Catalogue,
        codec: ValueCodec,
        blocks_loop: BlocksLoop,
        services: BlockServices,
        limits: OutputLimits,
        credentials: RunCredentials,
    ) -> None:
        self._credentials = credentials
        self._catalogue = catalogue
        self._codec = codec
        self._blocks_loop = blocks_loop
        self._services = services
        self._limits = limits

    @activity.defn(name=RUN_BLOCK.name)
    async def run_block(self, request: BlockRequest) -> BlockRound:
        """Run the block, or go on with it, and answer its outputs, and why it failed if it did, or how long it sleeps.

        Its effects happen at most once.
        """
        asked, resume = request.input, request.resume
        outputs: dict[str, list[Any]] = {}
        error, code, sleep, lent = None, None, None, Lent()
        with log_context(user_id=asked.user_id, graph_execution_id=request.execution_id, graph_id="-"):
            async with heartbeats():
                try:
                    if resume:
                        outputs |= (await self._codec.decode({"outputs": resume.outputs}))["outputs"]
                    block, data, lent = await self._prepared(request)
                    state = await state_of(self._codec, resume.state) if resume else None
                    context = self._context(request, lent, state)
                    slept = await self._collect(block, validated(block, data), context, lent, asked.seconds, outputs)
                    if slept:
                        kept = await kept_state(self._codec, request.execution_id, slept.state)
                        sleep = BlockSleep(seconds=slept.duration.total_seconds(), state=kept)
                except SystemFault:
                    raise
                except Exception as exception:
                    failure = failure_of(exception, lent.redact)
                    error, code = failure.message, failure.code
                    if not failure.expected:
                        log.error(f"Block {asked.block_id} failed: {type(exception).__name__}", exc_info=exception)
                log.info(f"Ran block {asked.block_id} by itself", outputs=len(outputs), error_code=code)
                encoded = await self._codec.encode(request.execution_id, outputs)
        return BlockRound(outputs=encoded.value, error=error, error_code=code, sleep=sleep)

    async def _prepared(self, request: BlockRequest) -> tuple[Block[BlockSchema], dict[str, Any], Lent]:
        """The block, its inputs and its credentials."""
        asked = request.input
        block = self._catalogue.get(asked.block_id)
        if block is None:
            raise BlockError("This worker does not have the block.")
        if block.disabled:
            raise BlockError(f"Block {block.id} is disabled and cannot be executed")
        if block.kind not in ALONE:
            raise BlockError(f"{block.name} runs in a graph only.")
        data = assemble(block, {}, await self._codec.decode(asked.input_values()), {})
        has_slept = request.resume is not None and request.resume.state is not None
        effects = block.effects_of_round(data, has_slept=has_slept)
        if effects is Effects.EFFECTFUL and activity.info().attempt > 1:
            raise OutcomeUnknown
        return block, *await self._credentials.lend(asked.user_id, block, data)

    def _context(self, request: BlockRequest, lent: Lent, state: Any) -> BlockContext:
        asked = request.input
        run = RunRef(
            execution_id=request.execution_id,
            run_id=activity.info().workflow_run_id or "",
            user_id=asked.user_id,
            graph_id="",
            graph_version=0,
        )
        return BlockContext(
            user_id=asked.user_id,
            graph_id="",
            graph_version=0,
            graph_execution_id=request.execution_id,
            node_id="",
            node_execution_id=request.execution_id,
            timezone=asked.timezone,
            resume=state,
            credentials=lent.credentials,
            services=self._services.of(run, "", request.execution_id),
        )

    async def _collect(
        self,
        block: Block[BlockSchema],
        inputs: BlockSchema,
        context: BlockContext,
        lent: Lent,
        seconds: float,
        outputs: dict[str, list[Any]],
    ) -> Sleep | None:
        """Run the block under its limits; what it gives is collected as plain JSON. If it sleeps, for how long."""
        limit = min(seconds, block.timeout.total_seconds()) if block.timeout else seconds
        count = sum(len(values) for values in outputs.values())
        size = sum(len(plain_json(value)[1]) for values in outputs.values() for value in values)
        try:
            with block_span(block.name, {"user_id": context.user_id, "block_id": block.id}, lent.redact):
                async with asyncio.timeout(limit) as timer:
                    items = self._blocks_loop.iterate(block.name, lambda: run_alone(block, inputs, context))
                    async with aclosing(items):
                        async for item in items:
                            if isinstance(item, Sleep):
                                return item
                            if isinstance(item, WAITS):
                                raise BlockError(f"{block.name} would wait here, which takes a graph.")
                            name, value = item
                            plain, text = plain_json(value)
                            count, size = count + 1, size + len(text)
                            if count > self._limits.per_node:
                                raise TooManyOutputs(f"The block gave more than {self._limits.per_node:,} outputs.")
                            if size > self._limits.value_bytes:
                                raise ValueTooLarge(
                                    f"The block gave more than {self._limits.value_bytes:,} bytes, as JSON."
                                )
                            outputs.setdefault(name, []).append(plain)
        except TimeoutError:
            if timer.expired():
                raise TimeoutError(f"Node execution exceeded {limit:g}s wall-clock cap") from None
            raise
        return None
