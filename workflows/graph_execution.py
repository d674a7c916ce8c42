"""One run of a graph, as a Temporal workflow: begin, drive the scheduler until it is done, finish.

Started by the API, by schedules and by `temporal workflow start`; run by `worker.py`. All graph semantics are in
`engine/scheduler.py`, all I/O in activities; what is here is their meeting.
"""

import asyncio
from collections import deque
from datetime import timedelta
from re import fullmatch
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

from contracts import search_attributes
from contracts.activities import (
    BEGIN_RUN,
    CHILD_CHANGED,
    FINISH_RUN,
    NODE_OUTPUTS,
    RECORD_NODE_EXECUTIONS,
    RUN_PURE_NODES,
    BatchRequest,
    BatchResult,
    BeginRequest,
    BeginResult,
    BehindRow,
    ChildChanged,
    Finished,
    FinishRequest,
    NodeOutputs,
    RecordRequest,
    RunRef,
)
from contracts.execution import EXECUTION_ID, GRAPH_EXECUTION, GraphExecutionInput, GraphExecutionResult
from engine.events import Cancelled, CancelNodes, Emitted, Event, RunNode, StartTimer
from engine.model import Status
from engine.plan import Plan
from engine.scheduler import Scheduler
from engine.state import RunState, Totals
from workflows.activity_calls import start_local, start_pure_batch
from workflows.child_runs import ParentLink
from workflows.details import render_details
from workflows.node_runs import NodeRuns

_LOCAL_BATCHES_MS = 150
"""After so much time in local batches one runs as an ordinary activity: signals wait while a local one runs."""


@workflow.defn(name=GRAPH_EXECUTION)
class GraphExecution:
    """Runs a graph. Its id is the execution's id; it closes as its row says: completed, failed or cancelled."""

    @workflow.init
    def __init__(self, raw: Any) -> None:
        # Signals may be handled before `run`, so what they touch is made here.
        self._inbox: deque[Event] = deque()
        self._run_id = workflow.info().run_id
        self._cancel_requested = False
        self._scheduler: Scheduler | None = None
        self._local_ms = 0
        self._nodes: NodeRuns | None = None
        self._parent: ParentLink

    @workflow.run
    async def run(self, raw: Any) -> GraphExecutionResult:
        """Takes the JSON of a `GraphExecutionInput`; untyped, so that a bad one fails the run with a readable error
        instead of failing its workflow task for ever."""
        _check_id(workflow.info().workflow_id)
        request = _parse(raw)
        run = RunRef(
            execution_id=workflow.info().workflow_id,
            run_id=self._run_id,
            user_id=request.user_id,
            graph_id=request.graph_id,
            graph_version=request.graph_version or 0,
            context=request.context,
        )
        self._parent = ParentLink(run)
        try:
            finished = await self._begin_and_drive(run, request)
        except Exception as error:
            # Whatever went wrong that is not a node's own failure: the run must not be left RUNNING (S-157).
            workflow.logger.exception("Failed graph execution %s", run.execution_id)
            finished = await self._finish_broken(run, request, error)
        await self._parent.ended()
        return self._close(run, finished)

    @workflow.signal(name=NODE_OUTPUTS)
    def node_outputs(self, message: NodeOutputs) -> None:
        """A running node emitted outputs. A reset re-applies old signals: those of another run id are dropped."""
        if message.run_id == self._run_id:
            self._inbox.append(Emitted(message.id, message.outputs))

    @workflow.signal(name=CHILD_CHANGED)
    def child_changed(self, message: ChildChanged) -> None:
        """A sub-graph of this run has outputs or has ended."""
        if self._nodes:
            self._nodes.children.changed(message)

    @workflow.query(name="progress")
    def progress(self) -> dict[str, Any]:
        """How far the run is: counts of executions by where they stand."""
        return self._scheduler.progress() if self._scheduler else {}

    @workflow.query(name="node_executions")
    def node_executions(self) -> list[dict[str, Any]]:
        """The node executions that are queued, under way or sleeping."""
        return self._scheduler.open_executions() if self._scheduler else []

    # --- phases -------------------------------------------------------------------------------

    async def _begin_and_drive(self, run: RunRef, request: GraphExecutionInput) -> Finished:
        begun: BeginResult = await self._result(
            start_local(BEGIN_RUN, BeginRequest(execution_id=run.execution_id, run_id=run.run_id, input=request))
        )
        run.graph_version = begun.run.graph_version
        self._tell_search_attributes(run, begun.finished.status if begun.finished else Status.RUNNING)
        if begun.finished:
            return begun.finished
        assert begun.plan is not None
        assert begun.state is not None
        assert begun.limits is not None
        plan = Plan.unpack(begun.plan)
        scheduler = self._scheduler = Scheduler(plan, RunState.unpack(begun.state))
        self._local_ms = begun.elapsed_ms
        self._nodes = NodeRuns(run, begun.limits, scheduler.state.masks, self._inbox.append)
        finished = await self._drive(run, begun.plan, self._nodes)
        return finished or await self._finish(run, request)

    async def _drive(self, run: RunRef, packed_plan: str, nodes: NodeRuns) -> Finished | None:
        """Feed the scheduler and do what it says until it is done. Answers the end if a batch wrote it already."""
        while True:
            if nodes.failure:
                raise nodes.failure
            scheduler = self._feed(nodes)
            self._parent.outputs(scheduler.state.totals.agent_outputs)
            if self._parent.parent_is_gone:
                self._cancel_requested = True
                scheduler = self._feed(nodes)
            if scheduler.is_done:
                return None
            if scheduler.has_pure:
                result = await self._run_batch(run, packed_plan, scheduler)
                self._local_ms += result.elapsed_ms
                if result.finished:
                    return result.finished
                assert result.state is not None
                self._scheduler = Scheduler(scheduler.plan, RunState.unpack(result.state))
                continue
            await self._record(run, scheduler)
            workflow.set_current_details(render_details(scheduler))
            if not self._inbox and not nodes.failure:
                stopping = scheduler.is_stopping
                await self._wait(nodes, stop_timeout=nodes.stop_timeout if stopping else None)
                if stopping and not self._inbox:
                    nodes.give_up()
                    return None

    def _feed(self, nodes: NodeRuns) -> Scheduler:
        """Tell the scheduler what has happened and carry out what it answers."""
        scheduler = self._scheduler
        assert scheduler is not None
        if self._cancel_requested and not scheduler.state.cancelled:
            self._inbox.append(Cancelled())
        while self._inbox:
            scheduler.apply(self._inbox.popleft())
        for command in scheduler.dispatch():
            match command:
                case RunNode(execution):
                    nodes.start(scheduler.plan.nodes[execution.node], execution)
                case StartTimer(execution_id, seconds):
                    nodes.sleep(execution_id, seconds)
                case CancelNodes(ids):
                    nodes.cancel(ids)
        return scheduler

    async def _run_batch(self, run: RunRef, packed_plan: str, scheduler: Scheduler) -> BatchResult:
        """One batch of pure nodes. What arrives meanwhile waits in the inbox, since the batch works on a snapshot."""
        request = BatchRequest(
            run=run,
            plan=packed_plan,
            state=scheduler.state.pack(),
            started_at=workflow.info().workflow_start_time.timestamp(),
        )
        local = self._local_ms < _LOCAL_BATCHES_MS
        if not local:
            self._local_ms = 0
        handle = start_local(RUN_PURE_NODES, request) if local else start_pure_batch(request)
        result: BatchResult = await self._result(handle)
        return result

    async def _record(self, run: RunRef, scheduler: Scheduler) -> None:
        """Write rows of executions that wait, before the run waits itself."""
        rows = [
            BehindRow(
                id=each.id,
                node_id=each.node.id,
                block_id=each.node.block_id,
                ordinal=each.ordinal,
                status=each.status,
                seq=each.seq,
                inputs=dict(each.inputs),
            )
            for each in scheduler.take_unrecorded()
        ]
        if rows:
            await self._result(start_local(RECORD_NODE_EXECUTIONS, RecordRequest(run=run, rows=rows)))

    async def _finish(self, run: RunRef, request: GraphExecutionInput) -> Finished:
        scheduler = self._scheduler
        assert scheduler is not None
        finish = FinishRequest(
            run=run,
            input=request,
            status=scheduler.outcome,
            totals=scheduler.state.totals,
            incomplete_count=scheduler.incomplete_count,
            walltime=_walltime(),
            error=scheduler.state.error,
            error_code=scheduler.state.error_code,
        )
        result: Finished = await self._result(start_local(FINISH_RUN, finish))
        return result

    async def _finish_broken(self, run: RunRef, request: GraphExecutionInput, error: Exception) -> Finished:
        if self._nodes:
            self._nodes.give_up()
        cause = error.cause if isinstance(error, ActivityError) and error.cause else error
        message = getattr(cause, "message", None) or str(cause) or type(cause).__name__
        finish = FinishRequest(
            run=run,
            input=request,
            status=Status.TERMINATED if self._cancel_requested else Status.FAILED,
            totals=self._scheduler.state.totals if self._scheduler else Totals(),
            walltime=_walltime(),
            error=message,
            error_code=getattr(cause, "type", None) or "system_error",
        )
        result: Finished = await self._result(start_local(FINISH_RUN, finish))
        return result

    def _close(self, run: RunRef, finished: Finished) -> GraphExecutionResult:
        """End the workflow so that its close status equals the row's."""
        self._tell_search_attributes(run, finished.status)
        workflow.set_current_details(f"**{finished.status}**" + (f": {finished.error}" if finished.error else ""))
        if finished.status is Status.TERMINATED:
            raise asyncio.CancelledError(finished.error or "The run was stopped")
        if finished.status is Status.FAILED:
            raise ApplicationError(
                finished.error or "The run failed", type=finished.error_code or "run_failed", non_retryable=True
            )
        return GraphExecutionResult(execution_id=run.execution_id, status=finished.status, stats=finished.stats)

    # --- waiting ------------------------------------------------------------------------------

    async def _result(self, handle: workflow.ActivityHandle[Any]) -> Any:
        """Await an activity that is never cancelled; a cancellation of the run is noted and heeded afterwards."""
        while not handle.done():
            try:
                await workflow.wait_condition(handle.done)
            except asyncio.CancelledError:
                self._cancel_requested = True
        return handle.result()

    async def _wait(self, nodes: NodeRuns, stop_timeout: float | None) -> None:
        """Until something arrives in the inbox or the run is cancelled; while it stops, only for so many seconds."""
        try:
            await workflow.wait_condition(
                lambda: bool(self._inbox) or nodes.failure is not None or self._parent.parent_is_gone,
                timeout=None if stop_timeout is None else timedelta(seconds=stop_timeout),
            )
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self._cancel_requested = True

    def _tell_search_attributes(self, run: RunRef, status: Status) -> None:
        """The status, and everything else where the start did not say it (a start from the CLI)."""
        known = workflow.info().typed_search_attributes
        if known.get(search_attributes.STATUS) == status.value:
            return
        pairs = search_attributes.of_run(
            user_id=run.user_id,
            graph_id=run.graph_id,
            graph_version=run.graph_version,
            status=status.value,
            root_id=run.context.root_execution_id or run.execution_id,
        )
        updates: list[SearchAttributeUpdate[Any]] = [
            pair.key.value_set(pair.value) for pair in pairs if known.get(pair.key) != pair.value
        ]
        workflow.upsert_search_attributes(updates)


def _check_id(execution_id: str) -> None:
    if not fullmatch(EXECUTION_ID, execution_id):
        raise ApplicationError(
            f"The workflow id is the execution's id: 1 to 200 of A-Z a-z 0-9 . _ : -, not {execution_id[:200]!r}",
            type="invalid_request",
            non_retryable=True,
        )


def _parse(raw: Any) -> GraphExecutionInput:
    """The input, or a failed run whose error says what is wrong with it, field by field."""
    try:
        return GraphExecutionInput.model_validate(raw)
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
    raise ApplicationError(
        f'Bad input of {GRAPH_EXECUTION}: {wrong}. Expected {{"graph_id": …, "user_id": …, "inputs": {{…}}}}',
        type="invalid_request",
        non_retryable=True,
    ) from None


def _walltime() -> float:
    return (workflow.now() - workflow.info().workflow_start_time).total_seconds()
