"""Node executions that are under way: their activities and timers, and how each end becomes an event.

Used by `graph_execution.py` alone. It knows nothing of graph semantics.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic_core import to_json
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as ActivityTimeout

from contracts.activities import (
    LIGHTEN,
    FailNodeRequest,
    NodeRequest,
    NodeResult,
    RunLimits,
    RunRef,
)
from contracts.continuation import Carried, ChildProgress
from contracts.lightening import Lightened, LightenRequest
from engine.events import Ended, Event, Slept, Woke
from engine.model import Status
from engine.plan import Mode, PlanNode
from engine.state import Open, Phase, RunState
from engine.tool_calls import call_of
from workflows.activity_calls import start_fail_node, start_local, start_node
from workflows.child_runs import ChildRuns
from workflows.reviews import Reviews

_TRAVELS_TOGETHER = 1024 * 1024
"""Bytes of inputs that an activity is scheduled with: the server takes twice as much, and the rest needs room too."""


class NodeRuns:
    """Starts, cancels and awaits node executions; tells what became of each through `tell`."""

    def __init__(
        self,
        run: RunRef,
        limits: RunLimits,
        state: RunState,
        reviews: Reviews,
        tell: Callable[[Event], None],
    ) -> None:
        self._run = run
        self._limits = limits
        # What a run begins with and keeps; its state is another object after each batch.
        self._masks = state.masks
        self._skipped = state.skipped_nodes
        self._reviews = reviews
        self._tell = tell
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._cancelled: set[str] = set()
        self.children = ChildRuns(tell)
        self.wakes_at: dict[str, float] = {}
        self.failure: BaseException | None = None
        """What no node can answer for: the run must end by it, or it would wait for ever."""
        self._stops_at: float | None = None

    def time_to_stop(self) -> float:
        """Seconds that a stopped run still waits for its nodes to end, whatever arrives meanwhile; asked for the first
        time when the run is stopped. Never none at all, so that a timer stands where one always stood in history."""
        now = workflow.now().timestamp()
        if self._stops_at is None:
            self._stops_at = now + self._limits.node_stop_timeout
        return max(self._stops_at - now, 0.001)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way but timers and sub-graphs, which go on without this history."""
        return all(id in self.wakes_at or id in self.children.waiting for id in self._tasks)

    def start(self, node: PlanNode, execution: Open) -> None:
        """Run an execution: in an activity of its own, or as a run of its own."""
        workflow.logger.debug("Dispatching node execution %s for node %s", execution.id, node.id)
        request = self._request(node, execution)
        if node.mode is Mode.CHILD:
            self._keep(execution.id, self._run_child(request, self.children.run(request, self._masks)))
        else:
            self._keep(execution.id, self._run_node(node, request))

    def take_up(self, node: PlanNode, execution: Open, carried: Carried) -> None:
        """Go on with an execution that was under way when the former history of this run ended."""
        if (wakes_at := carried.wakes_at.get(execution.id)) is not None:
            self.sleep(execution.id, max(0.0, wakes_at - workflow.now().timestamp()))
        if execution.phase is not Phase.RUNNING:
            return
        request = self._request(node, execution)
        progress = carried.children.get(execution.id, ChildProgress())
        self._keep(execution.id, self._run_child(request, self.children.take_up(request, progress, self._masks)))

    def _request(self, node: PlanNode, execution: Open) -> NodeRequest:
        return NodeRequest(
            run=self._run,
            id=execution.id,
            node_id=node.id,
            ordinal=execution.ordinal,
            seq=execution.seq,
            inputs=execution.inputs,
            is_masked=node.id in self._masks,
            is_approved=node.id in self._reviews.book.approved_nodes,
            called_by=call_of(execution),
            skipped_nodes=self._skipped,
            resume=execution.resume,
        )

    def sleep(self, execution_id: str, seconds: float) -> None:
        """Wait on a durable timer, then say so."""
        self.wakes_at[execution_id] = workflow.now().timestamp() + seconds
        self._keep(execution_id, self._sleep(execution_id, seconds))

    def stop_timer(self, execution_id: str) -> None:
        """Wait no longer on the timer of an execution that has what it waited for."""
        if execution_id in self.wakes_at:
            del self.wakes_at[execution_id]
            self._tasks[execution_id].cancel()

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel activities and timers; each still tells its end."""
        for execution_id in ids:
            if task := self._tasks.get(execution_id):
                workflow.logger.info("Stopping node execution %s", execution_id)
                self._cancelled.add(execution_id)
                task.cancel()

    def give_up(self) -> None:
        """Wait no longer for executions that do not stop (S-144)."""
        for execution_id in self._tasks:
            workflow.logger.warning(
                "Node execution #%s did not stop in time, it may be stuck or taking too long.", execution_id
            )
        self.cancel(list(self._tasks))

    def _keep(self, execution_id: str, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks[execution_id] = task
        task.add_done_callback(lambda done: self._forget(execution_id, done))

    def _forget(self, execution_id: str, task: asyncio.Task[Any]) -> None:
        if self._tasks.get(execution_id) is task:
            del self._tasks[execution_id]
        if not task.cancelled() and (error := task.exception()):
            self.failure = error

    async def _run_node(self, node: PlanNode, request: NodeRequest) -> None:
        try:
            await self._lighten(request)
            result = await start_node(node, request, self._limits)
        except ActivityError as error:
            # A stopped node is stopped, whatever its activity met with on the way out.
            if is_cancelled_exception(error) or request.id in self._cancelled:
                self._tell(Ended(request.id, Status.TERMINATED, error="The run was stopped"))
                return
            result = await start_fail_node(_failure(request, error))
        except asyncio.CancelledError:
            self._tell(Ended(request.id, Status.TERMINATED, error="The run was stopped"))
            return
        if result.suspension and result.suspension.review:
            self._reviews.asked(request.id, request.node_id, result.suspension.review)
        self._tell(_event(request.id, result))

    async def _lighten(self, request: NodeRequest) -> None:
        """Inputs that are too much for one message together move into the store; each of them may be small."""
        answer = request.resume.answer if request.resume else None
        if len(to_json((request.inputs, answer))) <= _TRAVELS_TOGETHER or not workflow.patched("lighten"):
            return
        lightened: Lightened = await start_local(
            LIGHTEN,
            LightenRequest(execution_id=self._run.execution_id, inputs=request.inputs, answer=answer or {}),
        )
        request.inputs = lightened.inputs
        if request.resume and answer is not None:
            request.resume = replace(request.resume, answer=lightened.answer)

    async def _run_child(self, request: NodeRequest, running: Awaitable[NodeResult]) -> None:
        try:
            result = await running
        except asyncio.CancelledError:
            self._tell(Ended(request.id, Status.TERMINATED, error="The run was stopped"))
            return
        self._tell(_event(request.id, result))

    async def _sleep(self, execution_id: str, seconds: float) -> None:
        try:
            await workflow.sleep(timedelta(seconds=seconds), summary="delay")
        except asyncio.CancelledError:
            if self.wakes_at.pop(execution_id, None) is not None:
                self._tell(Ended(execution_id, Status.TERMINATED, error="The run was stopped"))
            return
        del self.wakes_at[execution_id]
        if not self._reviews.expired(execution_id):
            self._tell(Woke(execution_id))


def _event(execution_id: str, result: NodeResult) -> Event:
    if result.suspension:
        wait = result.suspension
        phase = Phase.REVIEW if wait.review else Phase.LISTENING if wait.event is not None else Phase.SLEEPING
        return Slept(
            execution_id,
            wait.seconds,
            wait.state,
            wait.emitted,
            result.outputs,
            phase=phase if wait.calls is None else Phase.CALLING,
            event=wait.event or "",
            calls=wait.calls or [],
        )
    return Ended(
        execution_id,
        result.status,
        result.outputs,
        sent=result.sent,
        error=result.error,
        error_code=result.error_code,
        walltime=result.walltime,
        cputime=result.cputime,
        cost=result.cost,
        extra_steps=result.extra_steps,
    )


def _failure(request: NodeRequest, error: ActivityError) -> FailNodeRequest:
    """What to write for a node whose activity did not come back with a result of its own."""
    cause = error.cause
    if isinstance(cause, ActivityTimeout):
        text = "The worker that ran the node was lost too often, or the node took too long."
        return FailNodeRequest(node=request, error=text, error_code="node_lost")
    if isinstance(cause, ApplicationError):
        return FailNodeRequest(node=request, error=cause.message, error_code=cause.type or "node_failed")
    return FailNodeRequest(node=request, error="The node could not be run.", error_code="node_failed")
