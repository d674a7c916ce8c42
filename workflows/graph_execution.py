"""One run of a graph, as a Temporal workflow: begin, drive the scheduler until it is done, finish.

Started by the API, by schedules and by `temporal workflow start`; run by `worker.py`. All graph semantics are in
`engine/scheduler.py`, all I/O in activities; what is here is their meeting.
"""

import asyncio
from collections import deque
from datetime import timedelta
from typing import Any

from temporalio import workflow

from contracts.activities import (
    ADMITTED,
    BEGIN_RUN,
    CHILD_CHANGED,
    CONTINUE_RUN,
    EVENT,
    FINISH_RUN,
    NODE_OUTPUTS,
    PACK_STATE,
    RECORD_NODE_EXECUTIONS,
    RUN_PURE_NODES,
    SHOW_STATUS,
    TAKE_OVER_RUN,
    Admitted,
    BatchRequest,
    BatchResult,
    BeginRequest,
    BeginResult,
    ChildChanged,
    ContinueRequest,
    Finished,
    NodeOutputs,
    PackedState,
    PackRequest,
    RecordRequest,
    RunLimits,
    RunRef,
    ShownStatus,
    ShowStatusRequest,
)
from contracts.continuation import LARGEST_STATE, Carried
from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput, GraphExecutionResult
from contracts.reviews import REVIEW_NODE, ReviewOutcome
from engine.events import Cancelled, CancelNodes, Command, Emitted, Event, RunNode, StartTimer, StopTimer, TimedOut
from engine.model import Status
from engine.plan import Plan
from engine.progress import open_executions, progress
from engine.reviews import ReviewBook
from engine.scheduler import Scheduler
from engine.state import RunState
from workflows import ending
from workflows.activity_calls import start_local, start_pure_batch, start_rebuild
from workflows.admission import Turn
from workflows.child_runs import ParentLink
from workflows.continuation import History
from workflows.details import progress_at_end, render_details
from workflows.node_runs import NodeRuns
from workflows.resets import Resets
from workflows.reviews import Reviews, read_decision
from workflows.run_input import check_id, parse, read_event
from workflows.visibility import tell_search_attributes
from workflows.waiting_rows import rows_behind


@workflow.defn(name=GRAPH_EXECUTION)
class GraphExecution:
    """Runs a graph. Its id is the execution's id; it closes as its row says: completed, failed or cancelled."""

    @workflow.init
    def __init__(self, raw: Any, carried: Carried | None = None) -> None:
        # Signals may be handled before `run`, so what they touch is made here.
        self._inbox: deque[Event] = deque()
        self._run_id = workflow.info().run_id
        self._cancel_requested = False
        self._turn = Turn()
        self._history = History()
        self._resets = Resets()
        self._reviews = Reviews(carried.reviews if carried else ReviewBook(), self._inbox.append)
        self._shown = carried.shown if carried else Status.RUNNING
        self._run: RunRef
        self._started_at = carried.started_at if carried else workflow.info().workflow_start_time.timestamp()
        self._scheduler: Scheduler | None = None
        self._local_ms = 0
        self._nodes: NodeRuns | None = None
        self._parent: ParentLink
        self._finished: Finished | None = None

    @workflow.run
    async def run(self, raw: Any, carried: Carried | None = None) -> GraphExecutionResult:
        """Takes the JSON of a `GraphExecutionInput`; untyped, so that a bad one fails the run with a readable error
        instead of failing its workflow task for ever. `carried` is what a former history of the run left."""
        check_id(workflow.info().workflow_id)
        request = parse(raw)
        run = RunRef(
            execution_id=workflow.info().workflow_id,
            run_id=self._run_id,
            user_id=request.user_id,
            graph_id=request.graph_id,
            graph_version=request.graph_version or 0,
            context=request.context,
        )
        self._run = run
        self._parent = ParentLink(run)
        try:
            if carried:
                finished = await self._go_on(run, request, carried)
            else:
                finished = await self._begin_and_drive(run, request)
        except Exception as error:
            # Whatever went wrong that is not a node's own failure: the run must not be left RUNNING (S-157).
            workflow.logger.exception("Failed graph execution %s: %s", run.execution_id, error)
            finished = await self._finish_early(run, request, error)
        self._finished = finished
        await self._reviews.settled()
        await self._parent.ended()
        return ending.close(run, finished)

    @workflow.signal(name=NODE_OUTPUTS)
    def node_outputs(self, message: NodeOutputs) -> None:
        """A running node emitted outputs. After a reset, those told to the run before count like those of an earlier
        attempt: the part of the history that was kept was made with them, and the node, begun again, keeps to them."""
        self._history.count_signal()
        self._inbox.append(Emitted(message.id, message.outputs))

    @workflow.signal(name=CHILD_CHANGED)
    def child_changed(self, message: ChildChanged) -> None:
        """A sub-graph of this run has outputs or has ended."""
        self._history.count_signal()
        if self._nodes:
            self._nodes.children.changed(message)

    @workflow.signal(name=ADMITTED)
    def admitted(self, message: Admitted) -> None:
        """A slot was given to this run, which waits for one; a run that does not wait has no use for it."""
        self._history.count_signal()
        self._turn.come()

    @workflow.signal(name=EVENT)
    def event(self, raw: Any) -> None:
        """Somebody sends an event, for the node that waits for it; one that cannot be read is passed over."""
        self._history.count_signal()
        if event := read_event(raw):
            self._inbox.append(event)

    @workflow.update(name=REVIEW_NODE)
    async def review_node(self, raw: Any) -> ReviewOutcome:
        """A person's decision on a node execution that waits for one."""
        return await self._reviews.take(read_decision(raw), lambda: self._finished is not None)

    @review_node.validator
    def check_decision(self, raw: Any) -> None:
        """Refuse what is no decision; whether it can be heeded is found out afterwards."""
        read_decision(raw)

    @workflow.query(name="progress")
    def progress(self) -> dict[str, Any]:
        """How far the run is: counts of executions by where they stand."""
        if self._finished:
            return progress_at_end(self._finished.stats)
        return progress(self._scheduler.state) if self._scheduler else {}

    @workflow.query(name="node_executions")
    def node_executions(self) -> list[dict[str, Any]]:
        """The node executions that are queued, under way or sleeping."""
        scheduler = None if self._finished else self._scheduler
        return open_executions(scheduler.plan, scheduler.state) if scheduler else []

    # --- phases -------------------------------------------------------------------------------

    async def _begin_and_drive(self, run: RunRef, request: GraphExecutionInput) -> Finished:
        begin = BeginRequest(execution_id=run.execution_id, run_id=run.run_id, input=request)
        begun: BeginResult = await self._result(start_local(BEGIN_RUN, begin))
        run.graph_version = begun.run.graph_version
        while begun.queued and begun.limits:
            tell_search_attributes(run, Status.QUEUED)
            if self._cancel_requested or not await self._turn.wait(begun.limits.slot_wait):
                self._cancel_requested = True
                return await self._finish_early(run, request)
            if self._history.is_long(begun.limits):
                workflow.continue_as_new(args=[request.model_dump(mode="json")])
            begun = await self._result(start_local(BEGIN_RUN, begin))
            self._started_at = workflow.now().timestamp()
        tell_search_attributes(run, begun.finished.status if begun.finished else Status.RUNNING)
        if begun.rebuilds:
            begun = await self._result(start_rebuild(begin, begun.run))
            self._reviews.book.rebuilt(begun.reviews, begun.approved_nodes)
        if begun.finished:
            return begun.finished
        plan, state, limits = begun.going_on
        self._resets.is_due = False  # whatever was reset before: the run has begun anew
        scheduler = self._scheduler = Scheduler(Plan.unpack(plan), RunState.unpack(state))
        self._local_ms = begun.elapsed_ms
        run.context = begun.run.context
        nodes = self._nodes = NodeRuns(run, limits, scheduler.state, self._reviews, self._inbox.append)
        return await self._drive(run, request, plan, limits, nodes) or await self._finish(run, request)

    async def _go_on(self, run: RunRef, request: GraphExecutionInput, carried: Carried) -> Finished:
        """Take a run up where its former history left it."""
        run.graph_version = carried.run.graph_version
        change = ContinueRequest(execution_id=run.execution_id, from_run_id=carried.run.run_id, to_run_id=run.run_id)
        if await self._result(start_local(CONTINUE_RUN, change)) is False:
            self._resets.is_due = True
        scheduler = self._scheduler = Scheduler(Plan.unpack(carried.plan), RunState.unpack(carried.state))
        run.context = carried.run.context
        nodes = self._nodes = NodeRuns(run, carried.limits, scheduler.state, self._reviews, self._inbox.append)
        for node, execution in scheduler.under_way():
            nodes.take_up(node, execution, carried)
        finished = await self._drive(run, request, carried.plan, carried.limits, nodes)
        return finished or await self._finish(run, request)

    async def _drive(
        self, run: RunRef, request: GraphExecutionInput, packed_plan: str, limits: RunLimits, nodes: NodeRuns
    ) -> Finished | None:
        """Feed the scheduler and do what it says until it is done. Answers the end if a batch wrote it already."""
        while True:
            if nodes.failure:
                raise nodes.failure
            if self._resets.is_due:
                await self._take_over()
            scheduler = self._take_in(limits)
            self._parent.outputs(scheduler.state.totals.agent_outputs)
            is_quiet = nodes.is_quiet and self._reviews.is_quiet
            if self._history.is_long(limits) and is_quiet and not scheduler.is_stopping:
                await self._continue_as_new(run, request, packed_plan, limits, nodes)
            if not await self._shows(run, scheduler, limits):
                continue
            holding = self._history.is_too_long(limits)
            self._carry_out(scheduler.dispatch(holding=holding), nodes)
            if scheduler.is_done:
                await self._record(run, scheduler)
                return None
            if scheduler.has_pure and not holding:
                result = await self._run_batch(run, packed_plan, limits, scheduler)
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
                await self._wait(nodes, nodes.time_to_stop() if stopping else self._time_left(limits))
                if stopping and not self._inbox:
                    nodes.give_up()
                    return None

    def _take_in(self, limits: RunLimits) -> Scheduler:
        """Tell the scheduler what has happened."""
        scheduler = self._scheduler
        assert scheduler is not None
        if (self._cancel_requested or self._parent.parent_is_gone) and not scheduler.state.cancelled:
            self._cancel_requested = True
            self._inbox.append(Cancelled())
        if self._time_left(limits) == 0:
            self._inbox.append(TimedOut())
        while self._inbox:
            scheduler.apply(self._inbox.popleft())
        return scheduler

    def _time_left(self, limits: RunLimits) -> float | None:
        """Seconds that the run may still take; None: as long as it likes."""
        if not limits.run_timeout:
            return None
        return max(0.0, self._started_at + limits.run_timeout - workflow.now().timestamp())

    def _carry_out(self, commands: list[Command], nodes: NodeRuns) -> None:
        assert self._scheduler is not None
        for command in commands:
            match command:
                case RunNode(execution):
                    nodes.start(self._scheduler.plan.nodes[execution.node], execution)
                case StartTimer(execution_id, seconds):
                    nodes.sleep(execution_id, seconds)
                case StopTimer(execution_id):
                    nodes.stop_timer(execution_id)
                case CancelNodes(ids):
                    nodes.cancel(ids)

    async def _shows(self, run: RunRef, scheduler: Scheduler, limits: RunLimits) -> bool:
        """Whether the run may go on; while it waits for reviews alone it has no slot, and needs one again then."""
        if scheduler.status is self._shown or scheduler.is_stopping:
            return True
        request = ShowStatusRequest(run=run, status=scheduler.status)
        shown: ShownStatus = await self._result(start_local(SHOW_STATUS, request))
        self._shown = shown.status
        tell_search_attributes(run, shown.status)
        if shown.status is not Status.QUEUED:
            return True
        if not await self._turn.wait(limits.slot_wait):
            self._cancel_requested = True
        return False

    async def _continue_as_new(
        self, run: RunRef, request: GraphExecutionInput, packed_plan: str, limits: RunLimits, nodes: NodeRuns
    ) -> None:
        """End this history and begin another one with all that the run is. Nothing is under way that would be lost."""
        assert self._scheduler is not None
        state = self._scheduler.state.pack()
        if len(state) > LARGEST_STATE:
            packed: PackedState = await self._result(
                start_local(PACK_STATE, PackRequest(execution_id=run.execution_id, state=state))
            )
            if self._inbox or self._cancel_requested or not self._reviews.is_quiet:
                return  # something came meanwhile: it is taken in first, and this is tried again
            state = packed.state
        carried = Carried(
            run=run,
            plan=packed_plan,
            state=state,
            limits=limits,
            started_at=self._started_at,
            wakes_at=nodes.wakes_at,
            children=nodes.children.waiting,
            reviews=self._reviews.book,
            shown=self._shown,
        )
        workflow.continue_as_new(args=[request.model_dump(mode="json"), carried])

    async def _run_batch(self, run: RunRef, packed_plan: str, limits: RunLimits, scheduler: Scheduler) -> BatchResult:
        """One batch of pure nodes. What arrives meanwhile waits in the inbox, since the batch works on a snapshot.

        Signals wait while a local activity runs, so one runs as an ordinary one from time to time.
        """
        request = BatchRequest(
            run=run,
            plan=packed_plan,
            state=scheduler.state.pack(),
            started_at=self._started_at,
        )
        local = self._local_ms < limits.local_batches_ms
        if not local:
            self._local_ms = 0
        handle = start_local(RUN_PURE_NODES, request) if local else start_pure_batch(request)
        result: BatchResult = await self._result(handle)
        return result

    async def _record(self, run: RunRef, scheduler: Scheduler) -> None:
        """Write rows of executions that wait, before the run waits itself."""
        if rows := rows_behind(scheduler):
            await self._result(start_local(RECORD_NODE_EXECUTIONS, RecordRequest(run=run, rows=rows)))

    async def _finish(self, run: RunRef, request: GraphExecutionInput) -> Finished:
        assert self._scheduler is not None
        finish = ending.reached(run, request, self._scheduler, self._started_at)
        result: Finished = await self._result(start_local(FINISH_RUN, finish))
        return result

    async def _finish_early(
        self, run: RunRef, request: GraphExecutionInput, error: Exception | None = None
    ) -> Finished:
        if self._nodes:
            self._nodes.give_up()
        finish = ending.broken_off(
            run, request, self._scheduler, self._started_at, error=error, cancelled=self._cancel_requested
        )
        result: Finished = await self._result(start_local(FINISH_RUN, finish))
        return result

    # --- waiting ------------------------------------------------------------------------------

    async def _result(self, handle: workflow.ActivityHandle[Any]) -> Any:
        """Await an activity that is never cancelled; a cancellation of the run is noted and heeded afterwards."""
        while not handle.done():
            try:
                await workflow.wait_condition(lambda: handle.done() or self._is_to_take_over)
            except asyncio.CancelledError:
                self._cancel_requested = True
            if self._is_to_take_over and not handle.done():
                # What is awaited may itself wait for this: it was scheduled before the reset and begun again after it.
                await self._take_over()
        return handle.result()

    @property
    def _is_to_take_over(self) -> bool:
        return self._resets.is_due and self._scheduler is not None

    async def _take_over(self) -> None:
        """After a reset: bring the rows back to where the run goes on."""
        assert self._scheduler is not None
        await self._result(start_local(TAKE_OVER_RUN, self._resets.request(self._run, self._scheduler, self._inbox)))
        self._shown = Status.RUNNING

    async def _wait(self, nodes: NodeRuns, seconds: float | None) -> None:
        """Until something arrives in the inbox or the run is cancelled, at most for so many seconds."""
        try:
            await workflow.wait_condition(
                lambda: (
                    bool(self._inbox) or nodes.failure is not None or self._parent.parent_is_gone or self._resets.is_due
                ),
                timeout=None if seconds is None else timedelta(seconds=seconds),
            )
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self._cancel_requested = True
