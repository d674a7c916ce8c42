"""What the server says of the latest run of a workflow id: whether it goes on, and how it ended if not.

Asked by activities that find a row in another run's hands, by the reconciler and by the API: Temporal's word decides
when rows and workflows disagree. Not for workflow code.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus as Code
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError, TerminatedError
from temporalio.exceptions import TimeoutError as WorkflowTimeout
from temporalio.service import RPCError, RPCStatusCode

from contracts.errors import WorkflowMissing, WorkflowTerminated, WorkflowTimedOut
from contracts.execution import GraphExecutionResult, RunStats
from engine.model import Status

_RPC = timedelta(seconds=5)

_CLOSED = {
    Code.WORKFLOW_EXECUTION_STATUS_COMPLETED,
    Code.WORKFLOW_EXECUTION_STATUS_FAILED,
    Code.WORKFLOW_EXECUTION_STATUS_CANCELED,
    Code.WORKFLOW_EXECUTION_STATUS_TERMINATED,
    Code.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a workflow closed, in the words of a run's row."""

    status: Status
    at: datetime
    error: str | None = None
    error_code: str | None = None
    stats: RunStats | None = None


@dataclass(frozen=True, slots=True)
class LatestRun:
    """The newest run of a workflow id. Without an ending it goes on, or is paused."""

    run_id: str
    ending: Ending | None = None


async def current_run_id(client: Client, execution_id: str) -> str | None:
    """The newest run of a workflow id; None when the server knows none."""
    found = await _describe(client, execution_id)
    return None if found is None else found[0]


async def latest_run(client: Client, execution_id: str) -> LatestRun | None:
    """The newest run and how it ended; None when the server knows none, because it was deleted or never was."""
    found = await _describe(client, execution_id)
    if found is None:
        return None
    run_id, code, closed_at = found
    if code not in _CLOSED:
        return LatestRun(run_id)
    return LatestRun(run_id, await _ending(client, execution_id, run_id, closed_at))


def missing(at: datetime) -> Ending:
    """The end of a run that the server does not know."""
    return Ending(Status.FAILED, at, WorkflowMissing().message, WorkflowMissing.code)


async def _describe(client: Client, execution_id: str) -> tuple[str, int, datetime] | None:
    """The raw answer: the SDK's own reading fails on a paused workflow."""
    request = DescribeWorkflowExecutionRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=execution_id)
    )
    try:
        answer = await client.workflow_service.describe_workflow_execution(request, timeout=_RPC)
    except RPCError as error:
        # A namespace that is not found says nothing of the workflow.
        if error.status is RPCStatusCode.NOT_FOUND and not any(
            "Namespace" in detail.type_url for detail in error.grpc_status.details
        ):
            return None
        raise
    info = answer.workflow_execution_info
    return info.execution.run_id, info.status, info.close_time.ToDatetime(UTC)


async def _ending(client: Client, execution_id: str, run_id: str, at: datetime) -> Ending:
    handle = client.get_workflow_handle(execution_id, run_id=run_id, result_type=GraphExecutionResult)
    try:
        result = await handle.result(follow_runs=False, rpc_timeout=_RPC)
    except WorkflowFailureError as failure:
        return _failure(failure.cause, at)
    return Ending(result.status, at, result.error, stats=result.stats)


def _failure(cause: BaseException, at: datetime) -> Ending:
    match cause:
        case CancelledError():
            return Ending(Status.TERMINATED, at, "The run was stopped")
        case TerminatedError():
            reason = f" Reason: {cause.message}" if cause.message else ""
            return Ending(Status.TERMINATED, at, WorkflowTerminated().message + reason, WorkflowTerminated.code)
        case WorkflowTimeout():
            return Ending(Status.FAILED, at, WorkflowTimedOut().message, WorkflowTimedOut.code)
        case ApplicationError():
            return Ending(Status.FAILED, at, cause.message, cause.type or "run_failed")
        case _:
            return Ending(Status.FAILED, at, str(cause), "run_failed")
