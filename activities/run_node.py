"""One node execution in an activity of its own: resolve inputs, run the block, store and stream outputs, write the end.

Registered by `worker.py`. Every write is repeatable; what an earlier attempt stored stands (architecture §1.2, §1.4).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.block_run import Failure, failure_of, run_block
from activities.blocks_loop import BlocksLoop
from activities.graphs import GraphCache, PlacedBlock
from activities.heartbeats import heartbeats
from activities.output_stream import Flush, OutputStream
from activities.records import agent_output_name, now, output_record, stats_json
from activities.routing import routes_of
from activities.values import ValueCodec
from blocks.base import BlockContext, BlockSchema, NodeStats, Sleep
from blocks.inputs import assemble, validated
from contracts.activities import (
    FAIL_NODE,
    NODE_OUTPUTS,
    RUN_NODE,
    FailNodeRequest,
    NodeOutputs,
    NodeRequest,
    NodeResult,
    Suspension,
)
from contracts.errors import OutcomeUnknown, SystemFault
from engine.model import Effects, Status
from engine.state import Output
from engine.values import Reference
from store.records import Executions, NodeRecord, OutputRecord, StoredNode
from telemetry.logging import Logger, log_context
from telemetry.metrics import WorkerMetrics
from telemetry.tracing import block_span

log = Logger("heddle.nodes")

_ATTEMPTS_PER_ROUND = 1000
"""Attempts are counted over all rounds of a node that sleeps, so that an older round's attempt counts as older."""


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """Seconds: the wall-clock limit of a block that sets none, and the flush window of its outputs."""

    timeout: float
    flush_window: float


@dataclass(slots=True)
class _Run:
    """One attempt at one node execution."""

    request: NodeRequest
    placed: PlacedBlock
    attempt: int
    started_at: datetime
    stats: NodeStats
    inputs: dict[str, str | Reference]
    agent_output: str | None = None
    diverged: bool = False

    def record(
        self,
        status: Status,
        outputs: Sequence[OutputRecord] = (),
        failure: Failure | None = None,
        *,
        ended: bool = False,
    ) -> NodeRecord:
        """The row as it stands."""
        return NodeRecord(
            id=self.request.id,
            node_id=self.request.node_id,
            block_id=self.placed.node.block_id,
            ordinal=self.request.ordinal,
            seq=self.request.seq,
            status=status,
            attempt=self.attempt,
            inputs=self.inputs,
            agent_output=self.agent_output,
            queued_at=self.started_at,
            started_at=self.started_at,
            ended_at=now() if ended else None,
            error=failure.message if failure else None,
            stats=stats_json(self.stats) if ended else {},
            outputs=tuple(outputs),
            diverged=self.diverged,
        )


class NodeActivities:
    """Activities on single node executions."""

    def __init__(
        self,
        client: Client,
        executions: Executions,
        graphs: GraphCache,
        codec: ValueCodec,
        blocks_loop: BlocksLoop,
        limits: NodeLimits,
        metrics: WorkerMetrics,
    ) -> None:
        self._client = client
        self._executions = executions
        self._graphs = graphs
        self._codec = codec
        self._blocks_loop = blocks_loop
        self._limits = limits
        self._metrics = metrics

    @activity.defn(name=RUN_NODE.name)
    async def run_node(self, request: NodeRequest) -> NodeResult:
        """Run a node execution, or answer what an earlier attempt had already finished."""
        run = await self._prepare(request)
        with log_context(
            user_id=request.run.user_id,
            graph_execution_id=request.run.execution_id,
            graph_id=request.run.graph_id,
            node_execution_id=request.id,
            node_id=request.node_id,
            block_name=run.placed.block.name,
        ):
            async with heartbeats():
                earlier = await self._earlier(run)
                if earlier and earlier.status.is_final:
                    return await self._told_again(run, earlier)
                return await self._attempt(run, earlier)

    async def _attempt(self, run: _Run, earlier: StoredNode | None) -> NodeResult:
        request = run.request
        log.info(f"Start node execution {request.id}")
        started, started_cpu = time.perf_counter(), time.thread_time()
        stream = OutputStream(
            request.run.execution_id,
            run.placed,
            self._codec,
            self._flusher(run),
            window=self._limits.flush_window,
            first_index=request.resume.emitted if request.resume else 0,
            stored=earlier.outputs if earlier else (),
        )
        failure, sleep = None, None
        try:
            inputs = await self._resolve(run)
            stream.open()
            await self._enter(run)
            sleep = await self._run_block(run, inputs, stream)
        except asyncio.CancelledError:
            await stream.abandon()
            await self._interrupted(run)
            raise
        except SystemFault:
            await stream.abandon()
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure.expected:
                log.info(f"Expected failure on node execution {request.id}: {type(error).__name__} - {error}")
            else:
                log.error(f"Unexpected failure on node execution {request.id}: {type(error).__name__}", exc_info=error)
            await stream.add("error", failure.message)
        run.stats.walltime = time.perf_counter() - started
        run.stats.cputime = time.thread_time() - started_cpu
        return await self._end(run, stream, failure, sleep)

    @activity.defn(name=FAIL_NODE.name)
    async def fail_node(self, request: FailNodeRequest) -> NodeResult:
        """Write a node's failure for an activity that could not, and route it to the `error` pin."""
        run = await self._prepare(request.node)
        run.attempt = _ATTEMPTS_PER_ROUND**2
        earlier = await self._executions.node(request.node.run.execution_id, request.node.id)
        if earlier and earlier.status.is_final:
            return await self._told_again(run, earlier)
        index = earlier.outputs[-1].index + 1 if earlier and earlier.outputs else 0
        encoded = await self._codec.encode(request.node.run.execution_id, request.error)
        run.stats.error = request.error
        failure = Failure(request.error, request.error_code, expected=False)
        row = output_record(index, "error", encoded)
        await self._write(run, run.record(Status.FAILED, [row], failure, ended=True))
        routes = await routes_of(
            self._codec, request.node.run.execution_id, run.placed, "error", encoded.plain, encoded.value
        )
        self._metrics.node_ended(run.placed.block.name, Status.FAILED.value, 0.0)
        return NodeResult(
            status=Status.FAILED,
            outputs=[Output(index, routes)] if routes else [],
            error=request.error,
            error_code=request.error_code,
        )

    # --- steps --------------------------------------------------------------------------------

    async def _prepare(self, request: NodeRequest) -> _Run:
        compiled = await self._graphs.load(request.run.user_id, request.run.graph_id, request.run.graph_version)
        attempt = activity.info().attempt + (request.resume.round * _ATTEMPTS_PER_ROUND if request.resume else 0)
        return _Run(request, compiled.placed[request.node_id], attempt, now(), NodeStats(), {})

    async def _earlier(self, run: _Run) -> StoredNode | None:
        """What an earlier attempt wrote; a first one has no predecessor and saves the question."""
        if run.attempt == 1:
            return None
        return await self._executions.node(run.request.run.execution_id, run.request.id)

    async def _resolve(self, run: _Run) -> BlockSchema:
        """Values out of the store, defaults, dynamic pins, the mask, conversion, validation."""
        request = run.request
        delivered = await self._codec.decode(request.inputs)
        mask = await self._codec.decode(request.mask)
        data = assemble(run.placed.block, run.placed.node.input_default, delivered, mask)
        run.inputs, run.stats.input_size = await self._codec.encode_inputs(
            request.run.execution_id, data, request.inputs, delivered
        )
        run.agent_output = agent_output_name(run.placed, data)
        return validated(run.placed.block, data)

    async def _enter(self, run: _Run) -> None:
        """An effectful block is entered once; everything before this line may be repeated."""
        if run.placed.block.effects is not Effects.EFFECTFUL:
            return
        ref, record = run.request.run, run.record(Status.RUNNING)
        if not await self._executions.enter(ref.execution_id, run_id=ref.run_id, node=record):
            raise OutcomeUnknown

    async def _run_block(self, run: _Run, inputs: BlockSchema, stream: OutputStream) -> Sleep | None:
        """Run the block on its own event loop, under its wall-clock limit."""
        request, block = run.request, run.placed.block
        limit = block.timeout.total_seconds() if block.timeout else self._limits.timeout
        context = BlockContext(
            user_id=request.run.user_id,
            graph_id=request.run.graph_id,
            graph_version=request.run.graph_version,
            graph_execution_id=request.run.execution_id,
            node_id=request.node_id,
            node_execution_id=request.id,
            timezone=request.run.context.timezone,
            resume=request.resume.state if request.resume else None,
            stats=run.stats,
        )
        ids = {
            "user_id": request.run.user_id,
            "graph_id": request.run.graph_id,
            "graph_execution_id": request.run.execution_id,
            "node_id": request.node_id,
            "node_execution_id": request.id,
            "block_id": block.id,
        }
        with block_span(block.name, ids):
            try:
                async with asyncio.timeout(limit) as timer:
                    items = self._blocks_loop.iterate(block.name, lambda: run_block(block, inputs, context))
                    async for item in items:
                        if isinstance(item, Sleep):
                            return item
                        await stream.add(*item)
            except TimeoutError:
                if timer.expired():
                    raise TimeoutError(f"Node execution exceeded {limit:g}s wall-clock cap") from None
                raise
        return None

    async def _end(self, run: _Run, stream: OutputStream, failure: Failure | None, sleep: Sleep | None) -> NodeResult:
        """Write the row's end (or that it sleeps) with the last outputs, and answer the workflow."""
        rows, outputs = await stream.close()
        run.diverged = stream.diverged
        run.stats.output_size = stream.size
        run.stats.error = failure.message if failure else None
        status = Status.FAILED if failure else Status.RUNNING if sleep else Status.COMPLETED
        await self._write(run, run.record(status, rows, failure, ended=sleep is None))
        result = NodeResult(
            status=status,
            outputs=outputs,
            sent=stream.sent,
            error=failure.message if failure else None,
            error_code=failure.code if failure else None,
            walltime=run.stats.walltime,
            cputime=run.stats.cputime,
            cost=run.stats.extra_cost,
            extra_steps=run.stats.extra_steps,
        )
        if sleep:
            result.suspension = Suspension(
                seconds=sleep.duration.total_seconds(), emitted=stream.emitted, state=sleep.state
            )
        else:
            log.info(f"Finished node execution {run.request.id}")
            self._metrics.node_ended(run.placed.block.name, status.value, run.stats.walltime)
        return result

    async def _told_again(self, run: _Run, earlier: StoredNode) -> NodeResult:
        """The result of an attempt that finished but could not say so, rebuilt from its rows."""
        outputs = []
        for stored in earlier.outputs:
            plain = (await self._codec.decode({stored.name: stored.value}))[stored.name]
            routes = await routes_of(
                self._codec, run.request.run.execution_id, run.placed, stored.name, plain, stored.value
            )
            if routes:
                outputs.append(Output(stored.index, routes))
        return NodeResult(
            status=earlier.status,
            outputs=outputs,
            error=earlier.error,
            walltime=earlier.stats.get("walltime", 0.0),
            cputime=earlier.stats.get("cputime", 0.0),
            cost=earlier.stats.get("extra_cost", 0),
            extra_steps=earlier.stats.get("extra_steps", 0),
        )

    def _flusher(self, run: _Run) -> Flush:
        """Writes rows and tells the workflow while the block runs. The first one also says that the node is RUNNING."""
        handle = self._client.get_workflow_handle(run.request.run.execution_id, run_id=run.request.run.run_id)

        async def flush(rows: Sequence[OutputRecord], outputs: Sequence[Output]) -> None:
            await self._write(run, run.record(Status.RUNNING, rows))
            if outputs:
                message = NodeOutputs(run_id=run.request.run.run_id, id=run.request.id, outputs=list(outputs))
                await handle.signal(NODE_OUTPUTS, message)

        return flush

    async def _write(self, run: _Run, record: NodeRecord) -> None:
        """Write the row; refused means that a later attempt has taken over, and then this one must stop."""
        ref = run.request.run
        refused = await self._executions.record(ref.execution_id, run_id=ref.run_id, nodes=[record])
        if refused:
            raise ApplicationError(
                "A later attempt or run has taken this node execution over", type="superseded", non_retryable=True
            )

    async def _interrupted(self, run: _Run) -> None:
        """The run was stopped: the row says so. A worker's shutdown leaves it open, another worker begins anew."""
        details = activity.cancellation_details()
        log.warning(f"Interruption error on node execution {run.request.id}: CancelledError")
        if details and details.cancel_requested:
            failure = Failure("The run was stopped", "stopped", expected=True)
            await asyncio.shield(self._write(run, run.record(Status.TERMINATED, failure=failure, ended=True)))
