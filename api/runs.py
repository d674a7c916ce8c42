"""The API's door to Temporal: start a run, cancel it, see whether anybody would work on it.

`starting.py`, `stopping.py` and `health.py` use it through the protocol `Runs`. It knows the workflow by its type's
name and input model only. Every call is bounded; a Temporal that does not answer is Unavailable.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts.activities import EVENT, EventSent
from contracts.block_execution import BLOCK_EXECUTION, BlockExecutionInput, BlockExecutionResult
from contracts.bulk import BULK_PROGRESS, BULK_RESUME, BulkProgress, BulkResumeInput
from contracts.errors import (
    ExecutionOver,
    ExecutionRunning,
    HeddleError,
    InvalidRequest,
    ReviewDecided,
    ReviewNotEditable,
    ReviewNotFound,
    SystemFault,
    Unavailable,
)
from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput
from contracts.fairness import fair_to
from contracts.latest_run import LatestRun, latest_run
from contracts.resuming import start_resumed
from contracts.reviews import REVIEW_NODE, ReviewDecision, ReviewOutcome
from contracts.search_attributes import USER_ID, of_run
from engine.model import Status
from telemetry.logging import Logger

log = Logger(__name__)

RPC_SECONDS = 5.0
DECISION_SECONDS = 15.0
"""A decision is answered by the run itself, which may have to be loaded first."""

BLOCK_GRACE_SECONDS = 40.0
"""Beyond a block's own limit; more than the workflow gives its activity, whose failure tells more than a time-out."""

POLLER_SILENCE = timedelta(seconds=90)
"""A worker asks again at the latest every minute; one that has been silent for longer is gone."""

CLOSES_WITHIN = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between two tries to resume a run whose row has ended, and whose workflow has not closed yet."""

SUMMARY_BYTES = 300
"""Temporal takes 400 bytes, quotes and all."""

_PASSING = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
    }
)


class Runs(Protocol):
    """Runs as Temporal keeps them."""

    async def start(self, execution_id: str, run: GraphExecutionInput, *, graph_version: int, graph_name: str) -> bool:
        """Start the run under its id; the same id again is the same run. False when that has ended before.

        Unavailable when nobody answers.
        """
        ...

    async def resume(
        self, execution_id: str, run: GraphExecutionInput, *, earlier_run_id: str | None, graph_name: str
    ) -> str | None:
        """Start the run once more, so that it goes on; the new run's id, None when somebody else was first.

        ExecutionCompleted when it has completed, ExecutionRunning when it does not close, Unavailable.
        """
        ...

    async def start_bulk(self, bulk_id: str, bulk: BulkResumeInput) -> None:
        """Start resuming many runs; the same id again is the same."""
        ...

    async def bulk_progress(self, bulk_id: str) -> BulkProgress | None:
        """How far it is; None when Temporal knows none of this id."""
        ...

    async def cancel(self, execution_id: str) -> None:
        """Ask the run to stop; one that has ended, or never was, is left alone."""
        ...

    async def terminate(self, execution_id: str, reason: str) -> None:
        """End the run without asking a worker; one that has ended, or never was, is left alone."""
        ...

    async def send_event(self, execution_id: str, event: EventSent) -> None:
        """Send an event to the run. ExecutionOver when it has ended."""
        ...

    async def decide(self, execution_id: str, decision: ReviewDecision) -> ReviewOutcome:
        """Make a decision known to the run. Its refusals: ReviewNotFound, ReviewDecided, ReviewNotEditable,
        ExecutionOver."""
        ...

    async def run_block(self, execution_id: str, asked: BlockExecutionInput, *, name: str) -> BlockExecutionResult:
        """Run a block by itself and wait for what it gives. Unavailable when nobody could run it in time."""
        ...

    async def latest(self, execution_id: str) -> LatestRun | None:
        """The newest run of the workflow and how it ended; None when Temporal knows none."""
        ...

    async def check(self) -> None:
        """Unavailable when Temporal does not answer."""
        ...

    async def has_workers(self) -> bool:
        """Whether a worker has asked for workflow tasks lately."""
        ...


class TemporalRuns:
    """Runs over a client; the client may connect late."""

    def __init__(self, client: Client, *, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, execution_id: str, run: GraphExecutionInput, *, graph_version: int, graph_name: str) -> bool:
        """See `Runs`."""
        name = clip(graph_name)
        memo: Mapping[str, str] = {"graph_name": name, "trigger": run.trigger}
        async with _bounded():
            try:
                await self._client.start_workflow(
                    GRAPH_EXECUTION,
                    run,
                    id=execution_id,
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    search_attributes=of_run(
                        user_id=run.user_id,
                        graph_id=run.graph_id,
                        graph_version=graph_version,
                        status=Status.QUEUED.value,
                        root_id=execution_id,
                    ),
                    memo=memo,
                    priority=fair_to(run.user_id),
                    static_summary=name,
                    static_details=(
                        f"Graph `{run.graph_id}` version {graph_version}, started by `{run.user_id}` through the API."
                    ),
                    rpc_timeout=timedelta(seconds=RPC_SECONDS),
                )
            except WorkflowAlreadyStartedError:
                log.info("run had been started before", graph_execution_id=execution_id)
                return False
        return True

    async def resume(
        self, execution_id: str, run: GraphExecutionInput, *, earlier_run_id: str | None, graph_name: str
    ) -> str | None:
        """See `Runs`."""
        name = clip(graph_name)
        async with _bounded():
            for seconds in CLOSES_WITHIN:
                try:
                    return await start_resumed(
                        self._client,
                        execution_id,
                        run,
                        task_queue=self._task_queue,
                        earlier_run_id=earlier_run_id,
                        graph_name=name,
                    )
                except ExecutionRunning:
                    await asyncio.sleep(seconds)
            raise ExecutionRunning

    async def start_bulk(self, bulk_id: str, bulk: BulkResumeInput) -> None:
        """See `Runs`."""
        async with _bounded():
            try:
                await self._client.start_workflow(
                    BULK_RESUME,
                    bulk,
                    id=bulk_id,
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    priority=fair_to(bulk.user_id),
                    static_summary=f"Resume the failed runs of {bulk.graph_id}"[:200],
                    rpc_timeout=timedelta(seconds=RPC_SECONDS),
                )
            except WorkflowAlreadyStartedError:
                log.info("bulk resume had been started before", bulk_id=bulk_id)

    async def bulk_progress(self, bulk_id: str) -> BulkProgress | None:
        """See `Runs`."""
        async with _bounded():
            handle = self._client.get_workflow_handle(bulk_id)
            try:
                answer = await handle.query(
                    BULK_PROGRESS, result_type=BulkProgress, rpc_timeout=timedelta(seconds=RPC_SECONDS)
                )
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return None
                raise
            except WorkflowQueryFailedError:
                return None  # a workflow of another type
            return cast("BulkProgress", answer)

    async def cancel(self, execution_id: str) -> None:
        """See `Runs`."""
        async with _bounded():
            try:
                await self._client.get_workflow_handle(execution_id).cancel(rpc_timeout=timedelta(seconds=RPC_SECONDS))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def terminate(self, execution_id: str, reason: str) -> None:
        """See `Runs`."""
        async with _bounded():
            try:
                handle = self._client.get_workflow_handle(execution_id)
                await handle.terminate(reason=reason, rpc_timeout=timedelta(seconds=RPC_SECONDS))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def send_event(self, execution_id: str, event: EventSent) -> None:
        """See `Runs`."""
        async with _bounded():
            try:
                handle = self._client.get_workflow_handle(execution_id)
                await handle.signal(EVENT, event, rpc_timeout=timedelta(seconds=RPC_SECONDS))
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise ExecutionOver from error
                raise

    async def decide(self, execution_id: str, decision: ReviewDecision) -> ReviewOutcome:
        """See `Runs`. A request sent twice is two updates: the run itself knows its decisions."""
        async with _bounded(DECISION_SECONDS):
            try:
                outcome: ReviewOutcome = await self._client.get_workflow_handle(execution_id).execute_update(
                    REVIEW_NODE,
                    decision,
                    result_type=ReviewOutcome,
                    rpc_timeout=timedelta(seconds=DECISION_SECONDS),
                )
                return outcome
            except WorkflowUpdateFailedError as error:
                raise _refusal(error.cause) from error
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                raise Unavailable("Nobody works on the run at the moment. Try again shortly.") from error
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise ExecutionOver from error
                raise

    async def run_block(self, execution_id: str, asked: BlockExecutionInput, *, name: str) -> BlockExecutionResult:
        """See `Runs`."""
        limit = asked.seconds + BLOCK_GRACE_SECONDS
        async with _bounded(limit + RPC_SECONDS):
            try:
                result: BlockExecutionResult = await self._client.execute_workflow(
                    BLOCK_EXECUTION,
                    asked,
                    id=execution_id,
                    result_type=BlockExecutionResult,
                    task_queue=self._task_queue,
                    execution_timeout=timedelta(seconds=limit),
                    search_attributes=TypedSearchAttributes([SearchAttributePair(USER_ID, asked.user_id)]),
                    priority=fair_to(asked.user_id),
                    static_summary=clip(name),
                )
                return result
            except WorkflowFailureError as error:
                raise Unavailable("No worker could run the block in time. Try again shortly.") from error

    async def latest(self, execution_id: str) -> LatestRun | None:
        """See `Runs`."""
        async with _bounded():
            return await latest_run(self._client, execution_id)

    async def check(self) -> None:
        """See `Runs`."""
        async with _bounded():
            await self._describe()

    async def has_workers(self) -> bool:
        """See `Runs`."""
        async with _bounded():
            return await self._describe()

    async def _describe(self) -> bool:
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=self._task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            ),
            timeout=timedelta(seconds=RPC_SECONDS),
        )
        oldest = datetime.now(UTC) - POLLER_SILENCE
        return any(poller.last_access_time.ToDatetime(UTC) > oldest for poller in answer.pollers)


def clip(name: str) -> str:
    """A name in one line and within Temporal's limit for summaries."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return line[:200].encode()[:SUMMARY_BYTES].decode(errors="ignore") or "Untitled agent"


def _refusal(cause: BaseException) -> HeddleError:
    """A decision that the run refused, as an error of ours."""
    kinds = (ReviewNotFound, ReviewDecided, ReviewNotEditable, ExecutionOver, InvalidRequest)
    if isinstance(cause, ApplicationError):
        for kind in kinds:
            if cause.type == kind.code:
                return kind(cause.message)
    # The run ended while it had the decision in its hands.
    return ExecutionOver()


@asynccontextmanager
async def _bounded(seconds: float = RPC_SECONDS) -> AsyncIterator[None]:
    """Turn what goes wrong between us and Temporal into our errors; the bound holds for all retries together."""
    try:
        # The SDK's own limit is that of one attempt; it makes up to ten.
        async with asyncio.timeout(seconds):
            yield
    except RPCError as error:
        if error.status in _PASSING:
            raise Unavailable("Temporal does not answer. Try again shortly.") from error
        # What the caller can get wrong was refused before; the rest, such as a search attribute that nobody
        # registered, is ours.
        raise SystemFault(f"Temporal refuses the call ({error.status.name}: {error.message}).") from error
    except (RuntimeError, TimeoutError) as error:
        # A client that connects late reports a refused connection as a bare RuntimeError.
        raise Unavailable("Temporal cannot be reached. Try again shortly.") from error
