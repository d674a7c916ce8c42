"""One node execution in an activity of its own: resolve inputs, run the block, store and stream outputs, write the end.

Registered by `worker.py`. Every write is repeatable; what an earlier attempt stored stands (architecture §1.2, §1.4).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.block_run import Failure, context_of, failure_of, log_failure, run_block, shown
from activities.block_services import BlockServices
from activities.blocks_loop import BlocksLoop
from activities.credentials import RunCredentials
from activities.graphs import GraphCache
from activities.heartbeats import Progress, heartbeats
from activities.node_attempt import ATTEMPTS_PER_ROUND, LAST_TRANSIENT, TRANSIENTS, Attempt, NodeLimits
from activities.output_stream import Flush, OutputStream
from activities.ownership import Claims
from activities.patience import patiently
from activities.records import agent_output_name, now
from activities.reviews import Asking, asks_people, before_running
from activities.run_masks import RunMasks
from activities.tools import state_of, tools_of, with_results
from activities.transient import begun_anew, pause_before_another
from activities.values import ValueCodec
from blocks.base import WAITS, AskReview, BlockSchema, NodeStats, Wait
from blocks.inputs import assemble, validated
from blocks.tools import LinkedTool
from contracts.activities import (
    FAIL_NODE,
    NODE_OUTPUTS,
    RUN_NODE,
    FailNodeRequest,
    NodeOutputs,
    NodeRequest,
    NodeResult,
)
from contracts.errors import NodeLost, OutcomeUnknown, SystemFault
from contracts.node_stats import INTERRUPTIONS
from engine.model import Effects, Status
from engine.state import Output
from store.records import Executions, NodeRecord, OutputRecord, StoredNode
from telemetry.logging import Logger, log_context
from telemetry.metrics import WorkerMetrics
from telemetry.tracing import block_span

log = Logger("heddle.nodes")


_LOST = Failure(NodeLost().message, NodeLost.code, expected=False)


class NodeActivities:
    """Activities on single node executions."""

    def __init__(
        self,
        client: Client,
        executions: Executions,
        graphs: GraphCache,
        codec: ValueCodec,
        blocks_loop: BlocksLoop,
        services: BlockServices,
        limits: NodeLimits,
        claims: Claims,
        metrics: WorkerMetrics,
        asking: Asking,
        credentials: RunCredentials,
    ) -> None:
        self._credentials = credentials
        self._asking = asking
        self._services = services
        self._claims = claims
        self._client = client
        self._executions = executions
        self._masks = RunMasks(executions)
        self._graphs = graphs
        self._codec = codec
        self._blocks_loop = blocks_loop
        self._limits = limits
        self._metrics = metrics

    @activity.defn(name=RUN_NODE.name)
    async def run_node(self, request: NodeRequest) -> NodeResult:
        """Run a node execution, or answer what an earlier attempt had already finished."""
        progress = Progress()
        async with heartbeats(progress) as errors:
            run = await patiently(lambda: self._prepare(request, progress))
            with log_context(
                user_id=request.run.user_id,
                graph_execution_id=request.run.execution_id,
                graph_id=request.run.graph_id,
                node_execution_id=request.id,
                node_id=request.node_id,
                block_name=run.placed.block.name,
            ):
                await self._claims.join(request.run)
                earlier = await self._earlier(run)
                if earlier and (earlier.status.is_final or run.wait_told_by(earlier)):
                    return await self._told_again(run, earlier)
                run.add_to(earlier)
                if self._was_lost_too_often(run, earlier, errors):
                    return await self._given_up(run, earlier, _LOST)
                return await self._attempt(run, earlier)

    async def _attempt(self, run: Attempt, earlier: StoredNode | None) -> NodeResult:
        request = run.request
        log.info(f"Start node execution {request.id}")
        started = time.perf_counter()
        stream = self._stream(run, earlier)
        failure: Failure | None = None
        wait: Wait | None = None
        try:
            answer = await self._answer(request)
            inputs = await self._resolve(run, answer)
            if isinstance(inputs, AskReview):
                wait = inputs
            else:
                stream.open()
                await self._enter(run)
                wait = await self._run_block(run, inputs, answer, stream)
                await stream.take_over_stored()
        except asyncio.CancelledError:
            await stream.abandon()
            run.used(time.perf_counter() - started, stream.size, None)
            await self._interrupted(run)
            raise
        except SystemFault:
            await stream.abandon()
            raise
        except Exception as error:
            if (pause := pause_before_another(run, error, self._limits.transient_attempts)) is not None:
                await self._begin_anew(run, stream, error, pause)
            failure = failure_of(error, run.lent.redact)
            log_failure(request.id, error, failure)
            if failure.status is Status.FAILED:
                await stream.add_error(failure.message)
        return await self._end(run, stream, failure, wait, seconds=time.perf_counter() - started)

    @activity.defn(name=FAIL_NODE.name)
    async def fail_node(self, request: FailNodeRequest) -> NodeResult:
        """Write a node's failure for an activity that could not, and route it to the `error` pin."""
        run = await self._prepare(request.node)
        run.attempt = ATTEMPTS_PER_ROUND**2
        earlier = await self._executions.node(request.node.run.execution_id, request.node.id)
        run.add_to(earlier)
        if earlier and earlier.status.is_final:
            return await self._told_again(run, earlier)
        return await self._given_up(run, earlier, Failure(request.error, request.error_code, expected=False))

    async def _given_up(self, run: Attempt, earlier: StoredNode | None, failure: Failure) -> NodeResult:
        """The failure of a node whose block is not run (again); what an earlier attempt stored is told before it."""
        stream = self._stream(run, earlier)
        await stream.add_error(failure.message)
        return await self._end(run, stream, failure)

    # --- steps --------------------------------------------------------------------------------

    async def _prepare(self, request: NodeRequest, progress: Progress | None = None) -> Attempt:
        compiled = await self._graphs.load(request.run.user_id, request.run.graph_id, request.run.graph_version)
        attempt = activity.info().attempt + (request.resume.round * ATTEMPTS_PER_ROUND if request.resume else 0)
        placed = compiled.placed[request.node_id]
        return Attempt(request, placed, attempt, now(), NodeStats(), {}, progress=progress or Progress())

    def _stream(self, run: Attempt, earlier: StoredNode | None, flush: Flush | None = None) -> OutputStream:
        return OutputStream(
            run.request.run.execution_id,
            run.placed,
            self._codec,
            flush or self._flusher(run),
            window=self._limits.flush_window,
            first_index=run.request.resume.emitted if run.request.resume else 0,
            stored=earlier.outputs if earlier else (),
        )

    def _was_lost_too_often(self, run: Attempt, earlier: StoredNode | None, errors: int) -> bool:
        """Whether so many attempts ended without a word that the node itself may be what kills its workers.

        Attempts that a worker's orderly shutdown cut short do not count: they said so in the row. Neither do those that
        ended by an error of ours, which is not the node's.
        """
        interrupted = int(earlier.stats.get(INTERRUPTIONS, 0)) if earlier else 0
        run.interruptions = interrupted
        run.transients = int(earlier.stats.get(TRANSIENTS, 0)) if earlier else 0
        run.last_transient = str(earlier.stats.get(LAST_TRANSIENT, "")) if earlier else ""
        return activity.info().attempt - 1 - interrupted - errors >= self._limits.max_attempts

    async def _earlier(self, run: Attempt) -> StoredNode | None:
        """What an earlier attempt wrote; a first one has no predecessor and saves the question.

        A reset, of the activity or of its workflow, begins to count anew: so this attempt is later than the row's.
        """
        info = activity.info()
        if run.attempt == 1 and info.current_attempt_scheduled_time == info.scheduled_time:
            return None
        earlier = await patiently(lambda: self._executions.node(run.request.run.execution_id, run.request.id))
        if earlier:
            run.attempt = max(run.attempt, earlier.attempt + 1)
        return earlier

    async def _answer(self, request: NodeRequest) -> dict[str, Any] | None:
        """What came of that for which the execution waited."""
        answer = request.resume.answer if request.resume else None
        if answer is None:
            return None
        told = await self._codec.decode(answer)
        return await with_results(self._executions, self._codec, request.run.execution_id, told)

    async def _resolve(self, run: Attempt, answer: Mapping[str, Any] | None) -> BlockSchema | AskReview:
        """Values out of the store, defaults, dynamic pins, the mask, conversion, validation.

        Or the question that is to be answered first; its answer may have changed the inputs.
        """
        request = run.request
        delivered = await self._codec.decode(request.inputs)
        mask = await self._codec.decode(await self._masks.of(request.run, request.node_id) if request.is_masked else {})
        assembled = assemble(run.placed.block, run.placed.node.input_default, delivered, mask)
        data = before_running(run.placed.block, request, assembled, answer)
        if isinstance(data, AskReview):
            return data
        data, run.lent = await self._credentials.lend(request.run.user_id, run.placed.block, data)
        run.progress.redact = run.lent.redact
        run.inputs, run.stats.input_size = await self._codec.encode_inputs(
            request.run.execution_id, data, request.inputs, delivered
        )
        log.debug("Executed node with input", input_size=run.stats.input_size)
        run.agent_output = agent_output_name(run.placed, data)
        # By what is really there, since a mask or a link may have changed what the plan went by.
        run.effects = run.placed.block.effects_of_round(data, has_slept=run.has_slept)
        return validated(run.placed.block, data)

    async def _enter(self, run: Attempt) -> None:
        """An effectful block is entered once; everything before this line may be repeated."""
        if run.effects is not Effects.EFFECTFUL:
            return
        ref, record = run.request.run, run.record(Status.RUNNING)
        entered = await patiently(lambda: self._executions.enter(ref.execution_id, run_id=ref.run_id, node=record))
        if not entered:
            raise OutcomeUnknown

    async def _run_block(
        self, run: Attempt, inputs: BlockSchema, answer: Mapping[str, Any] | None, stream: OutputStream
    ) -> Wait | None:
        """Run the block on its own event loop, under its wall-clock limit."""
        request, block = run.request, run.placed.block
        limit = block.timeout.total_seconds() if block.timeout else self._limits.timeout
        context = context_of(
            request.run,
            node_id=request.node_id,
            node_execution_id=request.id,
            stats=run.stats,
            resume=await state_of(self._codec, request.resume.state) if request.resume else None,
            answer=answer,
            is_approved=request.is_approved,
            asks_people=asks_people(request.run.context),
            credentials=run.lent.credentials,
            tools=await self._tools(request) if block.calls_tools else (),
            progress=run.progress.add,
            services=self._services.of(request.run, request.node_id, request.id),
        )
        ids = {
            "user_id": request.run.user_id,
            "graph_id": request.run.graph_id,
            "graph_execution_id": request.run.execution_id,
            "node_id": request.node_id,
            "node_execution_id": request.id,
            "block_id": block.id,
        }
        with block_span(block.name, ids, run.lent.redact):
            try:
                async with asyncio.timeout(limit) as timer:
                    items = self._blocks_loop.iterate(block.name, lambda: run_block(block, inputs, context))
                    async with aclosing(items):
                        async for item in items:
                            if isinstance(item, WAITS):
                                return item
                            await stream.add(*item)
            except TimeoutError:
                if timer.expired():
                    raise TimeoutError(f"Node execution exceeded {limit:g}s wall-clock cap") from None
                raise
        return None

    async def _tools(self, request: NodeRequest) -> tuple[LinkedTool, ...]:
        return await tools_of(self._graphs, request.run, request.node_id, request.skipped_nodes)

    async def _end(
        self,
        run: Attempt,
        stream: OutputStream,
        failure: Failure | None,
        wait: Wait | None = None,
        *,
        seconds: float = 0.0,
    ) -> NodeResult:
        """Write the row's end (or that it waits) with the last outputs, and answer the workflow."""
        rows, outputs = await stream.close()
        run.diverged = stream.diverged
        run.used(seconds, stream.size, failure.message if failure else None)
        suspension = None
        if wait:
            suspension = await self._asking.suspension(run.request, wait, attempt=run.attempt, emitted=stream.emitted)
            run.waits = suspension
        waiting = Status.REVIEW if isinstance(wait, AskReview) else Status.RUNNING
        status = failure.status if failure else waiting if wait else Status.COMPLETED
        await self._write(run, run.record(status, rows, failure, ended=wait is None))
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
            suspension=suspension,
        )
        if not wait:
            log.info(f"Finished node execution {run.request.id}")
            self._metrics.node_ended(run.placed.block.name, status.value, run.stats.walltime)
        return result

    async def _told_again(self, run: Attempt, earlier: StoredNode) -> NodeResult:
        """The result of an attempt that ended the round but could not say so, rebuilt from its rows."""
        stream = self._stream(run, earlier, self._teller(run))
        await stream.take_over_stored()
        _, outputs = await stream.close()
        return NodeResult(
            status=earlier.status,
            outputs=outputs,
            sent=stream.sent,
            error=earlier.error,
            walltime=earlier.stats.get("walltime", 0.0),
            cputime=earlier.stats.get("cputime", 0.0),
            cost=earlier.stats.get("extra_cost", 0),
            extra_steps=earlier.stats.get("extra_steps", 0),
            suspension=run.wait_told_by(earlier),
        )

    def _flusher(self, run: Attempt) -> Flush:
        """Writes rows and tells the workflow while the block runs. The first one also says that the node is RUNNING."""
        tell = self._teller(run)

        async def flush(rows: Sequence[OutputRecord], outputs: Sequence[Output]) -> None:
            await self._write(run, run.record(Status.RUNNING, rows))
            await tell((), outputs)

        return flush

    def _teller(self, run: Attempt) -> Flush:
        """Tells the workflow and writes nothing."""
        ref = run.request.run
        handle = self._client.get_workflow_handle(ref.execution_id, run_id=ref.run_id)

        async def tell(_: Sequence[OutputRecord], outputs: Sequence[Output]) -> None:
            if outputs:
                message = NodeOutputs(run_id=ref.run_id, id=run.request.id, outputs=list(outputs))
                await patiently(lambda: handle.signal(NODE_OUTPUTS, message))

        return tell

    async def _write(self, run: Attempt, record: NodeRecord) -> None:
        """Write the row; refused means that a later attempt has taken over, and then this one must stop."""
        ref = run.request.run
        refused = await patiently(lambda: self._executions.record(ref.execution_id, run_id=ref.run_id, nodes=[record]))
        if refused and await self._claims.waited(ref):
            refused = await self._executions.record(ref.execution_id, run_id=ref.run_id, nodes=[record])
        if refused:
            raise ApplicationError(
                "A later attempt or run has taken this node execution over", type="superseded", non_retryable=True
            )

    async def _begin_anew(self, run: Attempt, stream: OutputStream, error: Exception, pause: float) -> None:
        """Leave the node to a later attempt: what was stored stands, what was not is given again."""
        await stream.abandon()
        told = shown(run.lent.redact(str(error)))
        log.info(f"Node execution {run.request.id} is begun anew in {pause:g} s: {type(error).__name__}: {told}")
        run.transients, run.last_transient = run.transients + 1, told
        await self._write(run, run.record(Status.RUNNING))
        raise begun_anew(told, pause) from None

    async def _interrupted(self, run: Attempt) -> None:
        """The run was stopped: the row says so. A worker's shutdown leaves it open, another worker begins anew."""
        details = activity.cancellation_details()
        log.warning(f"Interruption error on node execution {run.request.id}: CancelledError")
        if details and details.cancel_requested:
            failure = Failure("The run was stopped", "stopped", expected=True)
            await asyncio.shield(self._write(run, run.record(Status.TERMINATED, failure=failure, ended=True)))
        elif details and (details.worker_shutdown or details.paused or details.reset):
            run.interruptions += 1
            await asyncio.shield(self._write(run, run.record(Status.RUNNING)))
