"""A row that is about to be shown and looks alive, but of which nothing was heard for long, is asked for at Temporal.

Used by `showing_runs.py`: somebody may have terminated or deleted the workflow without the row's knowledge. The
worker's reconciler finds it a little later; whoever reads the row learns it at once.
"""

from datetime import UTC, datetime

from api.services import Services
from contracts.errors import ExecutionNotFound, HeddleError
from contracts.latest_run import missing
from store.ownership import Owner
from store.records import Execution
from store.repair import repair
from telemetry.logging import Logger

log = Logger(__name__)


async def up_to_date(app: Services, row: Execution) -> Execution:
    """The row as it is, or as Temporal's word has made it. When Temporal does not answer, the row as it is."""
    if row.status.is_final or datetime.now(UTC) - row.created_at < app.silence:
        return row
    if not await app.store.ownership.is_silent(row.id, app.silence):
        return row
    return await asked_for(app, row)


async def asked_for(app: Services, row: Execution) -> Execution:
    """The row after Temporal was asked. When it does not answer, the row as it is."""
    try:
        latest = await app.runs.latest(row.id)
    except HeddleError as error:
        log.warning("silent run not asked for", graph_execution_id=row.id, error=error.message)
        return row
    ending = latest.ending if latest else missing(datetime.now(UTC))
    if ending is None:
        await app.store.ownership.heard([row.id])
        return row
    await repair(app.store, row.id, Owner(row.run_id, row.status), latest.run_id if latest else None, ending)
    log.warning("row brought into agreement with Temporal", graph_execution_id=row.id, status=ending.status.value)
    fresh = await app.store.executions.get(row.user_id, row.id)
    if fresh is None:
        raise ExecutionNotFound
    return fresh
