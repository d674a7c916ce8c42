"""Runs: list, read, stop. A run is found by its own id, or below its graph."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import showing_runs
from api.dependencies import AppServices, CurrentUser, ExecutionIdPath, GraphIdPath, ListPage
from api.schemas.errors import NOT_OVER
from api.schemas.executions import ExecutionDetail, ExecutionList, ExecutionMeta, ExecutionResults
from api.services import Services
from api.statuses import statuses_of
from api.stopping import stop
from contracts.errors import ExecutionNotFound
from store.records import Execution

router = APIRouter(tags=["executions"])


@router.get("/executions", summary="List the runs")
async def list_executions(
    app: AppServices,
    user: CurrentUser,
    page: ListPage,
    graph_id: Annotated[str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9._:-]+$")] = None,
    status: Annotated[list[str] | None, Query(description="Repeat it, or give several with commas.")] = None,
) -> ExecutionList:
    """The user's runs, newest first; `CANCELLED` asks for TERMINATED ones (S-089, C-7)."""
    found = await app.store.executions.page(
        user.id, graph_id=graph_id, statuses=statuses_of(status or []), limit=page.limit, before=page.before
    )
    return ExecutionList(
        items=[showing_runs.meta(app, row) for row in found.items],
        next_cursor=found.next_cursor,
        total_count=found.total_count,
    )


@router.get("/executions/{execution_id}", summary="Show a run")
async def get_execution(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> ExecutionDetail:
    """Status, stats, inputs and outputs (S-090)."""
    return await showing_runs.detail(app, await showing_runs.owned(app, user.id, execution_id))


@router.delete("/executions/{execution_id}", status_code=204, summary="Delete a run", responses=NOT_OVER)
async def delete_execution(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> None:
    """Delete it for good, with nodes, outputs, events, values and the runs of its sub-graphs; 409 while it goes on."""
    if not await app.store.removal.delete_execution(user.id, execution_id):
        raise ExecutionNotFound


@router.get("/executions/{execution_id}/results", summary="Show a run and its nodes")
async def get_results(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> ExecutionResults:
    """The same, and every node execution, INCOMPLETE ones included."""
    return await showing_runs.results(app, await showing_runs.owned(app, user.id, execution_id))


@router.post("/executions/{execution_id}/cancel", summary="Stop a run")
async def cancel_execution(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> ExecutionMeta | None:
    """Another name for stopping (S-088)."""
    return await _stop(app, await showing_runs.owned(app, user.id, execution_id))


@router.get("/graphs/{graph_id}/executions/{execution_id}", summary="Show a run of a graph")
async def get_graph_execution(
    graph_id: GraphIdPath, execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser
) -> ExecutionDetail:
    """Status, stats, inputs and outputs; 404 when it is a run of another graph."""
    return await showing_runs.detail(app, await showing_runs.owned(app, user.id, execution_id, graph_id))


@router.get("/graphs/{graph_id}/executions/{execution_id}/results", summary="Show a run of a graph and its nodes")
async def get_graph_execution_results(
    graph_id: GraphIdPath, execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser
) -> ExecutionResults:
    """The same, and every node execution."""
    return await showing_runs.results(app, await showing_runs.owned(app, user.id, execution_id, graph_id))


@router.post("/graphs/{graph_id}/executions/{execution_id}/stop", summary="Stop a run of a graph")
async def stop_execution(
    graph_id: GraphIdPath, execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser
) -> ExecutionMeta | None:
    """Stop it and answer its fresh state; `null` when it had ended before (S-085, S-086, C-5)."""
    return await _stop(app, await showing_runs.owned(app, user.id, execution_id, graph_id))


async def _stop(app: Services, row: Execution) -> ExecutionMeta | None:
    fresh = await stop(app, row)
    return None if fresh is None else showing_runs.meta(app, fresh)
