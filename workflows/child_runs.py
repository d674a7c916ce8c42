"""A sub-graph node: the run of the sub-graph as a child workflow, its outputs handed on while it runs.

Used by `node_runs.py`. The child tells by a signal that there is something to fetch; what it is, its rows say. Nothing
is lost when a signal is, and a child found already started (after a reset) is simply read from its beginning.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from contracts import search_attributes
from contracts.activities import (
    CHILD_CHANGED,
    COLLECT_CHILD_OUTPUTS,
    PREPARE_CHILD,
    ChildChanged,
    CollectRequest,
    NodeRequest,
    NodeResult,
    PrepareChildRequest,
    PreparedChild,
    RunRef,
)
from contracts.continuation import ChildProgress
from contracts.execution import GRAPH_EXECUTION
from engine.events import Emitted, Event
from engine.identity import node_execution_id
from engine.model import Status
from engine.values import Value
from workflows.activity_calls import start_local

_MISSED_SIGNAL = timedelta(minutes=1)
"""A child that was silent so long is looked at: whoever ended it may not have been able to say so."""

_CLOSES_WITHIN = timedelta(milliseconds=200)
"""A workflow closes a moment after its row says that the run has ended."""


class ChildRuns:
    """The children of one run, by the node executions they work for."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._news: dict[str, int] = {}
        self.waiting: dict[str, ChildProgress] = {}
        """Node executions whose child was read to its present end: with these a run may continue as new."""

    def changed(self, message: ChildChanged) -> None:
        """A child has outputs or has ended."""
        self._news[message.node_execution_id] = self._news.get(message.node_execution_id, 0) + 1

    async def run(self, request: NodeRequest, masks: Mapping[str, dict[str, Value]]) -> NodeResult:
        """Run a sub-graph node to its end. Cancelling this stops the child and waits for its end."""
        while True:
            prepared: PreparedChild = await start_local(
                PREPARE_CHILD, PrepareChildRequest(node=request, masks=dict(masks))
            )
            if prepared.result or prepared.input is None:
                return prepared.result or NodeResult(status=Status.FAILED, error="The sub-graph could not be prepared")
            following = CollectRequest(node=request, child_id=prepared.child_id, earlier_run_id=prepared.earlier_run_id)
            child = await self._settled(asyncio.create_task(self._start(prepared)), following)
            if child is None:
                # It goes on since before this run did: that run's end is the one to wait for.
                following.is_joined, following.earlier_run_id = True, None
            if result := await self._follow(following, child):
                return result
            await workflow.sleep(_CLOSES_WITHIN, summary="the sub-graph is started again")

    async def take_up(
        self, request: NodeRequest, progress: ChildProgress, masks: Mapping[str, dict[str, Value]]
    ) -> NodeResult:
        """Follow a child that a former history of this run had started."""
        child_id = node_execution_id(request.run.execution_id, request.id, 0)
        following = CollectRequest(node=request, child_id=child_id, **progress.model_dump())
        return await self._follow(following, None) or await self.run(request, masks)

    async def _follow(
        self, following: CollectRequest, child: workflow.ChildWorkflowHandle[Any, Any] | None
    ) -> NodeResult | None:
        """The node's end. None when the child turned out to have been on its way to be stopped: it must start again."""
        node_id = following.node.id
        while True:
            seen = self._news.get(node_id, 0)
            # Asked before the rows are read, so that a child which ends in between is read once more.
            following.is_closed = child is not None and child.done()
            collected = await self._settled(start_local(COLLECT_CHILD_OUTPUTS, following), following)
            if collected.outputs:
                self._tell(Emitted(node_id, collected.outputs))
            if collected.result or collected.was_stopping:
                return collected.result
            following.after, following.emitted = collected.after, collected.emitted
            self.waiting[node_id] = ChildProgress(
                after=following.after,
                emitted=following.emitted,
                earlier_run_id=following.earlier_run_id,
                is_joined=following.is_joined,
            )
            waiting = _next_task() if collected.has_more else self._news_of(node_id, seen, child)
            try:
                await self._settled(asyncio.create_task(waiting), following)
            finally:
                del self.waiting[node_id]

    async def _settled[T](self, work: asyncio.Task[T], following: CollectRequest) -> T:
        """The result of something not to be broken off: when the node is cancelled meanwhile, the child is stopped."""
        while not work.done():
            try:
                await workflow.wait_condition(work.done)
            except asyncio.CancelledError:
                if following.stopped:
                    raise  # the second time: the run waits no longer
                following.stopped = True
                await workflow.get_external_workflow_handle(following.child_id).cancel()
        return work.result()

    async def _start(self, prepared: PreparedChild) -> workflow.ChildWorkflowHandle[Any, Any] | None:
        """The child, or None when it had been started before; then it is followed by its rows and signals alone."""
        assert prepared.input is not None
        asked, context = prepared.input, prepared.input.context
        try:
            return await workflow.start_child_workflow(
                GRAPH_EXECUTION,
                asked,
                id=prepared.child_id,
                static_summary=prepared.name[:200],
                parent_close_policy=ParentClosePolicy.ABANDON,
                cancellation_type=ChildWorkflowCancellationType.ABANDON,
                search_attributes=search_attributes.of_run(
                    user_id=asked.user_id,
                    graph_id=asked.graph_id,
                    graph_version=asked.graph_version or 0,
                    status=Status.QUEUED.value,
                    root_id=context.root_execution_id or prepared.child_id,
                ),
                memo={"graph_name": prepared.name, "trigger": asked.trigger},
            )
        except WorkflowAlreadyStartedError:
            return None

    async def _news_of(
        self, node_execution_id: str, seen: int, child: workflow.ChildWorkflowHandle[Any, Any] | None
    ) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._news.get(node_execution_id, 0) > seen or (child is not None and child.done()),
                timeout=_MISSED_SIGNAL if child is None else None,
            )
        except TimeoutError:
            return


async def _next_task() -> None:
    """Until the next workflow task: what local activities answered within one leaves in one message, which is bounded.

    The run may continue as new meanwhile.
    """
    await workflow.sleep(timedelta(milliseconds=1), summary="more outputs of the sub-graph")


class ParentLink:
    """A child's way to its parent: tells it that there is something to fetch."""

    def __init__(self, run: RunRef) -> None:
        self._run = run
        self._told = 0
        self._telling: asyncio.Task[None] | None = None
        self.parent_is_gone = False

    def outputs(self, count: int) -> None:
        """The run has given so many agent outputs by now. At most one signal is on its way at a time."""
        if self._run.context.parent_execution_id is None or count <= self._told or self._telling:
            return
        self._told = count
        self._telling = asyncio.create_task(self._tell())

    async def ended(self) -> None:
        """The run has ended and its row says so."""
        if self._run.context.parent_execution_id is not None:
            await self._tell()

    async def _tell(self) -> None:
        context = self._run.context
        assert context.parent_execution_id is not None
        parent = workflow.get_external_workflow_handle(context.parent_execution_id)
        message = ChildChanged(
            child_id=self._run.execution_id, node_execution_id=context.parent_node_execution_id or ""
        )
        try:
            await parent.signal(CHILD_CHANGED, message)
        except Exception:
            # The parent is closed: it was terminated, or it gave this child up.
            self.parent_is_gone = True
        finally:
            self._telling = None
