"""Starts the workflow of a run once more, so that the run goes on with what its rows hold.

Called by the API for one run and by the activity that resumes many. What may be resumed is the callers' to say; that a
completed workflow is never started again, the server's.
"""

import asyncio
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from contracts.errors import ExecutionCompleted, ExecutionRunning
from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput
from contracts.fairness import fair_to
from contracts.latest_run import latest_run
from contracts.search_attributes import of_run
from engine.model import Status

_RPC = timedelta(seconds=5)
_CLOSES_WITHIN = 3.0
"""Seconds: a run's row says that it has ended a moment before its workflow has closed."""

_PAUSE = 0.05


async def start_resumed(
    client: Client,
    execution_id: str,
    run: GraphExecutionInput,
    *,
    task_queue: str,
    earlier_run_id: str | None,
    graph_name: str,
) -> str | None:
    """The id of the workflow's new run; None when somebody else was first.

    ExecutionCompleted when the server says so; ExecutionRunning when the earlier run's workflow does not close.
    """
    waited = 0.0
    while True:
        try:
            handle = await client.start_workflow(
                GRAPH_EXECUTION,
                run,
                id=execution_id,
                task_queue=task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=of_run(
                    user_id=run.user_id,
                    graph_id=run.graph_id,
                    graph_version=run.graph_version or 0,
                    status=Status.QUEUED.value,
                    root_id=execution_id,
                ),
                memo={"graph_name": graph_name, "trigger": run.trigger},
                priority=fair_to(run.user_id),
                static_summary=graph_name,
                static_details=f"Graph `{run.graph_id}` version {run.graph_version}, resumed by `{run.user_id}`.",
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError:
            latest = await latest_run(client, execution_id)
            if latest is not None and latest.run_id != earlier_run_id:
                if latest.ending is not None and latest.ending.status is Status.COMPLETED:
                    raise ExecutionCompleted from None
                return None
            if latest is not None and latest.ending is not None and latest.ending.status is Status.COMPLETED:
                raise ExecutionCompleted from None
            if waited >= _CLOSES_WITHIN:
                raise ExecutionRunning from None
            await asyncio.sleep(_PAUSE)
            waited += _PAUSE
        else:
            return handle.first_execution_run_id
