"""The end of a run: what is written of it, and how its workflow closes so that both say the same.

Used by `graph_execution.py` alone.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from contracts.activities import Finished, FinishRequest, RunRef
from contracts.execution import GraphExecutionInput, GraphExecutionResult
from engine.model import Status
from engine.scheduler import Scheduler
from engine.state import Totals
from workflows.visibility import tell_search_attributes


def reached(run: RunRef, request: GraphExecutionInput, scheduler: Scheduler, started_at: float) -> FinishRequest:
    """The end of a run whose scheduler is done."""
    return FinishRequest(
        run=run,
        input=request,
        status=scheduler.outcome,
        totals=scheduler.state.totals,
        incomplete_count=scheduler.incomplete_count,
        walltime=workflow.now().timestamp() - started_at,
        error=scheduler.state.error,
        error_code=scheduler.state.error_code,
        has_begun=True,
    )


def broken_off(
    run: RunRef,
    request: GraphExecutionInput,
    scheduler: Scheduler | None,
    started_at: float,
    *,
    error: Exception | None,
    cancelled: bool,
) -> FinishRequest:
    """The end of a run that cannot go on, or was stopped before it began."""
    cause = error.cause if isinstance(error, ActivityError) and error.cause else error
    message = getattr(cause, "message", None) or str(cause) or type(cause).__name__
    is_broken = error is not None
    return FinishRequest(
        run=run,
        input=request,
        status=Status.TERMINATED if cancelled else Status.FAILED,
        totals=scheduler.state.totals if scheduler else Totals(),
        walltime=workflow.now().timestamp() - started_at,
        error=message if is_broken else None,
        error_code=(getattr(cause, "type", None) or "system_error") if is_broken else None,
    )


def close(run: RunRef, finished: Finished) -> GraphExecutionResult:
    """End the workflow so that its close status equals the row's."""
    tell_search_attributes(run, finished.status)
    workflow.set_current_details(f"**{finished.status}**" + (f": {finished.error}" if finished.error else ""))
    if finished.status is Status.TERMINATED:
        raise asyncio.CancelledError(finished.error or "The run was stopped")
    if finished.status is Status.FAILED:
        raise ApplicationError(
            finished.error or "The run failed", type=finished.error_code or "run_failed", non_retryable=True
        )
    return GraphExecutionResult(execution_id=run.execution_id, status=finished.status, stats=finished.stats)
