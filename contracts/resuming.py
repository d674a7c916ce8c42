"""Starts the workflow of a run once more, so that the run goes on with what its rows hold.

Called by the API for one run and by the activity that resumes many. What may be resumed is the callers' to say; that a
completed workflow is never started again, the server's.
"""

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

    ExecutionCompleted when the server says so; ExecutionRunning when the earlier run's workflow has not closed yet:
    it does a moment after the row says that the run has ended.
    """
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
        if latest and latest.ending and latest.ending.status is Status.COMPLETED:
            raise ExecutionCompleted from None
        if latest is None or latest.run_id == earlier_run_id:
            raise ExecutionRunning from None
        return None
    return handle.first_execution_run_id
