"""Runs that go on: resume one, run one again, resume all that failed; and stopping many at once."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from api import rerunning, resuming, showing_runs
from api.dependencies import AppServices, CurrentUser, ExecutionIdPath, GraphIdPath
from api.json_body import body_of, describe
from api.routes.starts import IdempotencyKey
from api.schemas.errors import ErrorEnvelope
from api.schemas.executions import (
    BulkResumeProgress,
    BulkResumeRequest,
    BulkResumeStarted,
    ExecutionMeta,
    RerunRequest,
    StopAsked,
)
from api.starting import Started, start, start_once
from api.stopping import stop_all

router = APIRouter(tags=["executions"])

_Rerun = Annotated[RerunRequest, Depends(body_of(RerunRequest))]
_Bulk = Annotated[BulkResumeRequest, Depends(body_of(BulkResumeRequest))]
_BulkId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,200}$", description="What starting it answered.")]
_NOT_RESUMED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorEnvelope, "description": "The run is not over, or it has completed."}
}
_NOT_RUN_AGAIN: dict[int | str, dict[str, Any]] = {
    200: {"model": ExecutionMeta, "description": "The run that was started with this `Idempotency-Key` before."},
    409: {"model": ErrorEnvelope, "description": "The run is not over, or the key belongs to another run."},
}


@router.post("/executions/{execution_id}/resume", status_code=202, summary="Resume a run", responses=_NOT_RESUMED)
async def resume_execution(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> ExecutionMeta:
    """Let a FAILED or TERMINATED run go on where it stopped; finished nodes are not run again (S-073)."""
    row = await showing_runs.owned(app, user.id, execution_id)
    return showing_runs.meta(app, await resuming.resume(app, row, timezone=user.timezone))


@router.post(
    "/executions/{execution_id}/rerun",
    status_code=201,
    summary="Run a run again",
    openapi_extra=describe(RerunRequest, "What differs"),
    responses=_NOT_RUN_AGAIN,
)
async def rerun_execution(
    execution_id: ExecutionIdPath,
    body: _Rerun,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    key: IdempotencyKey = None,
) -> ExecutionMeta:
    """Start a new run that keeps finished nodes whose definition and inputs are the same.

    Its results say of each node execution whether it was kept.
    """
    row = await showing_runs.owned(app, user.id, execution_id)
    wanted = replace(await rerunning.wanted_again(app, row, body), timezone=user.timezone)
    run = await start(app, wanted) if key is None else await start_once(app, wanted, key)
    if isinstance(run, Started):
        shown = showing_runs.started(app, user.id, run)
    else:
        shown = showing_runs.meta(app, run)
        response.status_code = 200
    response.headers["Location"] = shown.links.self
    return shown


@router.post("/executions/stop", status_code=202, summary="Stop all runs")
async def stop_executions(app: AppServices, user: CurrentUser) -> StopAsked:
    """Ask all runs of the user to stop; a thousand at a time."""
    asked, remaining = await stop_all(app, user.id)
    return StopAsked(asked=asked, remaining=remaining)


@router.post("/graphs/{graph_id}/executions/stop", status_code=202, summary="Stop all runs of a graph")
async def stop_graph_executions(graph_id: GraphIdPath, app: AppServices, user: CurrentUser) -> StopAsked:
    """Ask all runs of the graph to stop; a thousand at a time."""
    await app.versions.get(user.id, graph_id)
    asked, remaining = await stop_all(app, user.id, graph_id)
    return StopAsked(asked=asked, remaining=remaining)


@router.post(
    "/graphs/{graph_id}/executions/resume",
    status_code=202,
    summary="Resume all failed runs of a graph",
    openapi_extra=describe(BulkResumeRequest, "Which, and how fast"),
)
async def resume_failed_executions(
    graph_id: GraphIdPath,
    body: _Bulk,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    key: IdempotencyKey = None,
) -> BulkResumeStarted:
    """Begin to resume all FAILED runs of the graph since a time, at a bounded rate."""
    bulk_id = await resuming.resume_failed(app, user.id, graph_id, body.since, body.per_second, key)
    progress = f"/api/graphs/{graph_id}/executions/resume/{bulk_id}"
    response.headers["Location"] = progress
    return BulkResumeStarted(id=bulk_id, progress=progress)


@router.get("/graphs/{graph_id}/executions/resume/{bulk_id}", summary="Show how far resuming is")
async def get_bulk_resume(
    graph_id: GraphIdPath, bulk_id: _BulkId, app: AppServices, user: CurrentUser
) -> BulkResumeProgress:
    """How many failed runs were started once more, and how many were refused, and why."""
    found = await resuming.progress(app, user.id, graph_id, bulk_id)
    return BulkResumeProgress(id=bulk_id, **found.model_dump(exclude={"user_id", "graph_id"}))
