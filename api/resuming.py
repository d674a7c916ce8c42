"""Lets runs that failed or were stopped go on: one, or all that failed of a graph.

Called by `routes/continuing.py`. The workflow rebuilds the run from its rows; here is only what may be resumed.
"""

from datetime import UTC, datetime
from uuid import uuid4

from api.reconciling import asked_for
from api.services import Services
from contracts.bulk import BulkProgress, BulkResumeInput
from contracts.errors import ExecutionCompleted, ExecutionNotFound, ExecutionRunning, InvalidRequest
from contracts.execution import ExecutionContext, GraphExecutionInput
from engine.identity import keyed_execution_id
from engine.model import Status
from store.records import Execution
from telemetry.logging import Logger

log = Logger(__name__)

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def resume(app: Services, row: Execution, *, timezone: str = "UTC") -> Execution:
    """The run's row, QUEUED again.

    ExecutionRunning, ExecutionCompleted, InvalidRequest for a sub-graph's run, GraphNotFound when its version is gone,
    InsufficientBalance, Unavailable: then nothing was started.
    """
    if row.parent_id is not None:
        raise InvalidRequest(f"This is the run of a sub-graph: resume the run at its root, {row.root_id}.")
    if not row.status.is_final:
        # Somebody may have terminated the workflow just now.
        row = await asked_for(app, row)
    if not row.status.is_final:
        raise ExecutionRunning("The run is not over, so it cannot be resumed.")
    if row.status is Status.COMPLETED:
        raise ExecutionCompleted
    version = await app.versions.get(row.user_id, row.graph_id, row.graph_version)
    await app.balance.require_positive(row.user_id)
    run = GraphExecutionInput(
        graph_id=row.graph_id,
        user_id=row.user_id,
        graph_version=row.graph_version,
        trigger=row.trigger,
        resume=True,
        context=ExecutionContext(timezone=timezone),
    )
    run_id = await app.runs.resume(row.id, run, earlier_run_id=row.run_id, graph_name=version.name)
    if run_id is not None:
        # The workflow does the same when it begins; whoever reads the row or its events now need not wait for that.
        await app.store.ownership.reopen(row.id, run_id=run_id, owner=row.run_id, at=datetime.now(UTC))
    log.info("run resumed", graph_execution_id=row.id)
    fresh = await app.store.executions.get(row.user_id, row.id)
    if fresh is None:
        raise ExecutionNotFound
    return fresh


async def resume_failed(
    app: Services, user_id: str, graph_id: str, since: datetime | None, per_second: float | None, key: str | None
) -> str:
    """Begin to resume all failed runs of the graph; the id by which to ask how far that is.

    Under a key the same again begins nothing. GraphNotFound when the graph is not the user's.
    """
    await app.versions.get(user_id, graph_id)
    await app.balance.require_positive(user_id)
    bulk_id = f"resume-{keyed_execution_id(user_id, f'{graph_id} {key}') if key else uuid4()}"
    most = app.bulk_resume_per_second
    bulk = BulkResumeInput(
        user_id=user_id, graph_id=graph_id, since=since or _EVER, per_second=min(per_second or most, most)
    )
    await app.runs.start_bulk(bulk_id, bulk)
    return bulk_id


async def progress(app: Services, user_id: str, graph_id: str, bulk_id: str) -> BulkProgress:
    """How far it is. ExecutionNotFound when there is none of this id, or it is another's."""
    found = await app.runs.bulk_progress(bulk_id)
    if found is None or (found.user_id, found.graph_id) != (user_id, graph_id):
        raise ExecutionNotFound("There is no such round of resuming.")
    return found
