"""Begin, batches and end of a run: the activities that write a run's own row.

Registered by `worker.py`. `begin`, the first batch and `finish` share one activity where they can: a run of pure nodes
costs one local activity and two statements.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from temporalio import activity

from activities.admitting import Admitting
from activities.continuing import Continuing
from activities.credentials import RunCredentials
from activities.graphs import CompiledGraph, GraphCache, unpack_plan
from activities.ownership import Claims
from activities.pure_batch import PureBatch
from activities.records import now, run_stats, waiting_records
from activities.spilling import lightened, pack_state
from activities.values import ValueCodec
from blocks.catalogue import Catalogue
from contracts.activities import (
    BEGIN_RUN,
    CONTINUE_RUN,
    FINISH_RUN,
    LIGHTEN,
    PACK_STATE,
    RECORD_NODE_EXECUTIONS,
    RUN_PURE_NODES,
    TAKE_OVER_RUN,
    BatchRequest,
    BatchResult,
    BeginRequest,
    BeginResult,
    ContinueRequest,
    Finished,
    FinishRequest,
    PackedState,
    PackRequest,
    RecordRequest,
    RunLimits,
    RunRef,
    TakeOverRequest,
)
from contracts.errors import CallerError, ValidationFailed
from contracts.execution import ExecutionContext, GraphExecutionInput, RunStats
from contracts.lightening import Lightened, LightenRequest
from engine.model import Status
from engine.problems import Code
from engine.scheduler import Scheduler
from engine.state import RunState, Totals
from engine.validate import check_all, check_inputs
from engine.values import Value
from store.ownership import ALL_OUTPUTS, OwnedByAnother, Standing, StandingNode
from store.records import Finish, NewExecution, NodeRecord, Store
from telemetry.logging import Logger
from telemetry.metrics import WorkerMetrics

log = Logger("heddle.runs")

_NOT_ASKED_OF_SUB_GRAPHS = (
    Code.MISSING_INPUT,
    Code.UNKNOWN_INPUT,
    Code.UNKNOWN_MASK_NODE,
    Code.UNKNOWN_MASK_PIN,
)
"""A sub-graph takes what its parent has: inputs may stay empty, masks are for other graphs too (agent-graphs §14.1)."""

_STARTED = {
    Status.QUEUED: "Starting graph execution #{id}",
    Status.RUNNING: "Graph execution #{id} is already running, continuing where it left off.",
    Status.REVIEW: "Graph execution #{id} was waiting for review, resuming execution.",
    Status.FAILED: "Graph execution #{id} was disturbed, continuing where it left off.",
}
"""What the log says of a run that begins, by the status of its row before (S-151)."""


class RunActivities:
    """Activities on whole runs."""

    def __init__(
        self,
        store: Store,
        graphs: GraphCache,
        catalogue: Catalogue,
        batch: PureBatch,
        codec: ValueCodec,
        limits: RunLimits,
        admitting: Admitting,
        claims: Claims,
        continuing: Continuing,
        metrics: WorkerMetrics,
        credentials: RunCredentials,
    ) -> None:
        self._credentials = credentials
        self._store = store
        self._graphs = graphs
        self._catalogue = catalogue
        self._batch = batch
        self._codec = codec
        self._limits = limits
        self._admitting = admitting
        self._claims = claims
        self._continuing = continuing
        self._metrics = metrics

    @activity.defn(name=BEGIN_RUN.name)
    async def begin_run(self, request: BeginRequest) -> BeginResult:
        """Take the run, check it, and run its first batch; perhaps that is all of it.

        A run that cannot run ends FAILED here, so that none is left QUEUED; one that finds no slot is asked for again.
        """
        started = time.time()
        asked = request.input
        run = _run_ref(request)
        try:
            asked = await self._continuing.asked(request)
            run = _run_ref(request.model_copy(update={"input": asked}))
            compiled = await self._graphs.load_to_begin(asked.user_id, asked.graph_id, asked.graph_version)
            run.graph_version = compiled.version
            skipped = await self._check(compiled, asked)
            compiled = self._graphs.masked(compiled, asked.mask_values())
        except CallerError as error:
            return BeginResult(run=run, finished=await self._refuse(run, asked, error))
        if await self._parent_has_ended(run):
            stopped = Finished(status=Status.TERMINATED, stats=RunStats(), error="The parent run has ended")
            return BeginResult(run=run, finished=await self._finish(run, asked, stopped))
        if compiled.may_ask:
            run.context = await self._with_settings(run)
        new = _new_execution(run, asked)
        if asked.resume:
            await self._claims.reopened(run.execution_id, run.run_id)
        begun = await self._claims.started_over(
            run.execution_id, run.run_id, lambda: self._admitting.begin(new, run_id=run.run_id, at=now())
        )
        if not begun.is_admitted:
            return BeginResult(run=run, graph_name=compiled.name, limits=self._limits, queued=True)
        previous = Status.FAILED if asked.resume else begun.previous
        log.info(_STARTED.get(previous, _STARTED[Status.QUEUED]).format(id=run.execution_id))
        if asked.resume or asked.rerun_of is not None:
            return BeginResult(run=run, graph_name=compiled.name, limits=self._limits, rebuilds=True)
        scheduler = Scheduler.start(
            compiled.plan, run.execution_id, asked.input_values(), asked.mask_values(), (*asked.nodes_to_skip, *skipped)
        )
        result = await self._run_batch(run, compiled, scheduler, started, careful=begun.unfinished_batches > 1)
        return BeginResult(
            run=run,
            graph_name=compiled.name,
            plan=None if result.finished else compiled.packed_plan,
            state=result.state,
            limits=self._limits,
            finished=result.finished,
            elapsed_ms=result.elapsed_ms,
        )

    @activity.defn(name=RUN_PURE_NODES.name)
    async def run_pure_nodes(self, request: BatchRequest) -> BatchResult:
        """One batch of pure nodes."""
        run = request.run
        await self._claims.join(run)
        unfinished = await self._store.executions.begin_batch(run.execution_id, run_id=run.run_id)
        if not unfinished and await self._claims.waited(run):
            unfinished = await self._store.executions.begin_batch(run.execution_id, run_id=run.run_id)
        compiled = await self._graphs.load(run.user_id, run.graph_id, run.graph_version)
        scheduler = Scheduler(unpack_plan(request.plan), RunState.unpack(request.state))
        return await self._run_batch(run, compiled, scheduler, request.started_at, careful=unfinished > 1)

    @activity.defn(name=TAKE_OVER_RUN.name)
    async def take_over_run(self, request: TakeOverRequest) -> None:
        """After a reset: the row is this run's, and tells what stands where the run goes on."""
        run = request.run
        open_nodes = [
            StandingNode(
                id=row.id,
                node_id=row.node_id,
                block_id=row.block_id,
                ordinal=row.ordinal,
                status=row.status,
                seq=row.seq,
                inputs=row.inputs,
                emitted=ALL_OUTPUTS if row.emitted is None else row.emitted,
            )
            for row in request.open
        ]
        await self._claims.take_over(run.execution_id, run.run_id, Standing(request.opened, open_nodes))
        await self._admitting.stand_in(run)

    @activity.defn(name=CONTINUE_RUN.name)
    async def continue_run(self, request: ContinueRequest) -> bool:
        """The run's row goes over to the workflow's new run, which is the same run for everybody else.

        False when it was neither's: the workflow was reset to before it continued.
        """
        await self._store.executions.continue_run(
            request.execution_id, from_run_id=request.from_run_id, to_run_id=request.to_run_id
        )
        owner = (await self._store.ownership.owners([request.execution_id])).get(request.execution_id)
        return owner is not None and owner.run_id == request.to_run_id

    @activity.defn(name=PACK_STATE.name)
    async def pack_state(self, request: PackRequest) -> PackedState:
        """A state made small enough to travel from one history to the next."""
        return PackedState(state=await pack_state(self._codec, RunState.unpack(request.state)))

    @activity.defn(name=LIGHTEN.name)
    async def lighten(self, request: LightenRequest) -> Lightened:
        """What a node execution is started with, made small enough to travel."""
        inputs, answer = await lightened(self._codec, request.execution_id, request.inputs, request.answer)
        return Lightened(inputs=inputs, answer=answer)

    @activity.defn(name=RECORD_NODE_EXECUTIONS.name)
    async def record_node_executions(self, request: RecordRequest) -> None:
        """Rows of executions that wait (S-195, S-198, S-199)."""
        for row in request.rows:
            said = "Enqueued" if row.status is Status.QUEUED else "Skipped queueing"
            log.debug(f"{said} {row.node_id}>{row.id}", graph_execution_id=request.run.execution_id)
        await self._record(request.run, waiting_records(request.rows, now()))

    @activity.defn(name=FINISH_RUN.name)
    async def finish_run(self, request: FinishRequest) -> Finished:
        """The end of a run, with its open node executions. It may never have begun: then its row is inserted."""
        stats = run_stats(request.totals, request.walltime, request.incomplete_count, request.error)
        if request.input.resume and request.totals == Totals():
            # The run was stopped, or failed, before it knew what it had used before.
            row = await self._store.executions.get(request.run.user_id, request.run.execution_id)
            stats = RunStats.model_validate({**(row.stats if row else {}), "error": request.error})
        finished = Finished(status=request.status, stats=stats, error=request.error, error_code=request.error_code)
        return await self._finish(request.run, request.input, finished, has_begun=request.has_begun)

    async def _run_batch(
        self, run: RunRef, compiled: CompiledGraph, scheduler: Scheduler, started: float, *, careful: bool
    ) -> BatchResult:
        """Run and write a batch. `careful`: one was begun and never ended, so a node may have killed its worker."""
        began = time.perf_counter()
        if careful:
            scheduler.run_alone()
        records = await self._batch.run(run, compiled, scheduler)
        finished = None
        if scheduler.is_done:
            stats = run_stats(
                scheduler.state.totals, time.time() - started, scheduler.incomplete_count, scheduler.state.error
            )
            finished = Finished(
                status=scheduler.outcome,
                stats=stats,
                error=scheduler.state.error,
                error_code=scheduler.state.error_code,
            )
        await self._record(run, records, ends_batch=True, finished=finished)
        return BatchResult(
            state=None if finished else await pack_state(self._codec, scheduler.state),
            finished=finished,
            elapsed_ms=int((time.perf_counter() - began) * 1000),
        )

    async def _record(
        self, run: RunRef, nodes: list[NodeRecord], *, ends_batch: bool = False, finished: Finished | None = None
    ) -> None:
        executions = self._store.executions
        if finished is None:
            write = partial(executions.record, run.execution_id, run_id=run.run_id, nodes=nodes, ends_batch=ends_batch)
            if await write() and await self._claims.waited(run):
                await write()
            return
        admitted = await executions.end(run.execution_id, run_id=run.run_id, nodes=nodes, finish=_finish_row(finished))
        self._metrics.run_ended(finished.status.value, finished.stats.walltime)
        await self._admitting.tell(admitted, by=run.execution_id)

    async def _check(self, compiled: CompiledGraph, asked: GraphExecutionInput) -> list[str]:
        """ValidationFailed with every problem. The nodes that are left out, since their credentials are missing."""
        inputs, masks = asked.input_values(), asked.mask_values()
        if masks:
            problems = check_all(
                compiled.graph, self._catalogue.shape, inputs, _inline_masks(masks), self._graphs.limits
            )
        else:
            problems = compiled.problems + check_inputs(compiled.graph, self._catalogue.shape, inputs)
        if asked.context.parent_execution_id is not None:
            problems = [problem for problem in problems if problem.code not in _NOT_ASKED_OF_SUB_GRAPHS]
        checked = await self._credentials.check(asked.user_id, compiled, masks)
        if problems := problems + checked.problems:
            raise ValidationFailed([problem.as_json() for problem in problems])
        for node_id in sorted(checked.skipped):
            log.info(f"Skipping node execution {node_id} - optional credentials not configured")
        return sorted(checked.skipped)

    async def _with_settings(self, run: RunRef) -> ExecutionContext:
        """The context with the graph's settings where the start, or the run above, left them open."""
        context = run.context
        settings = await self._store.reviews.settings(run.user_id, run.graph_id)
        asked = {name: value for name, value in asdict(settings).items() if getattr(context, name) is None}
        return context.model_copy(update=asked)

    async def _parent_has_ended(self, run: RunRef) -> bool:
        """Whether a sub-graph comes too late: its parent, or the run at the root, has ended meanwhile (S-129, T-54)."""
        above = {run.context.parent_execution_id, run.context.root_execution_id} - {None, run.execution_id}
        for execution_id in sorted(filter(None, above)):
            row = await self._store.executions.get(run.user_id, execution_id)
            if row is not None and row.status.is_final:
                return True
        return False

    async def _refuse(self, run: RunRef, asked: GraphExecutionInput, error: CallerError) -> Finished:
        message = error.full_message if isinstance(error, ValidationFailed) else error.message
        finished = Finished(status=Status.FAILED, stats=RunStats(error=message), error=message, error_code=error.code)
        return await self._finish(run, asked, finished)

    async def _finish(
        self, run: RunRef, asked: GraphExecutionInput, finished: Finished, *, has_begun: bool = False
    ) -> Finished:
        new, finish = _new_execution(run, asked), _finish_row(finished)
        write = partial(self._store.executions.finish, new, run_id=run.run_id, finish=finish)
        try:
            admitted = await write()
        except OwnedByAnother:
            if asked.resume and not has_begun:
                # It could not begin: what it had done before stays.
                if await self._store.executions.get(run.user_id, run.execution_id) is None:
                    return finished
                await self._claims.take_over(run.execution_id, run.run_id, None)
            elif has_begun:
                # A reset in just this moment: the workflow is about to say what stands.
                await self._claims.waited(run)
            admitted = await self._claims.started_over(run.execution_id, run.run_id, write)
        self._metrics.run_ended(finished.status.value, finished.stats.walltime)
        await self._admitting.tell(admitted, by=run.execution_id)
        return finished


def _inline_masks(masks: Mapping[str, Mapping[str, Value]]) -> dict[str, dict[str, Any]]:
    """Masks as validation sees them; a value that is so large that it lies in the store is not known there."""
    return {
        node_id: {pin: ... if "ref" in value else value["value"] for pin, value in mask.items()}
        for node_id, mask in masks.items()
    }


def _run_ref(request: BeginRequest) -> RunRef:
    return RunRef(
        execution_id=request.execution_id,
        run_id=request.run_id,
        user_id=request.input.user_id,
        graph_id=request.input.graph_id,
        graph_version=request.input.graph_version or 0,
        context=request.input.context,
    )


def _new_execution(run: RunRef, asked: GraphExecutionInput) -> NewExecution:
    return NewExecution(
        id=run.execution_id,
        user_id=run.user_id,
        graph_id=run.graph_id,
        graph_version=run.graph_version,
        inputs=asked.input_values(),
        masks=asked.mask_values(),
        trigger=asked.trigger,
        root_id=asked.context.root_execution_id,
        parent_id=asked.context.parent_execution_id,
        rerun_of=asked.rerun_of,
        rerun_from_node=asked.rerun_from_node,
    )


def _finish_row(finished: Finished) -> Finish:
    return Finish(
        status=finished.status,
        stats=finished.stats.model_dump(mode="json"),
        ended_at=now(),
        error=finished.error,
        error_code=finished.error_code,
    )
