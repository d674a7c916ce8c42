"""Starting a run of a graph."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.dependencies import AppServices, CurrentUser, GraphIdPath, VersionPath
from api.errors import Unsupported
from api.json_body import body_of, describe
from api.schemas.executions import ExecuteRequest, ExecutionMeta
from api.services import Services
from api.showing_runs import started
from api.starting import start
from store.records import User

router = APIRouter(prefix="/graphs/{graph_id}/execute", tags=["graphs"])

_Body = Annotated[ExecuteRequest, Depends(body_of(ExecuteRequest))]
_Preset = Annotated[str | None, Query(description="Not supported yet: leave it out.")]
_DOCUMENTED = describe(ExecuteRequest, "What the run is given")


@router.post("", status_code=201, summary="Execute the active version", openapi_extra=_DOCUMENTED)
async def execute(
    graph_id: GraphIdPath,
    body: _Body,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    preset_id: _Preset = None,
) -> ExecutionMeta:
    """Start a run of the active version (S-081). Answers at once; follow the run by its links."""
    return await _execute(app, user, graph_id, None, body, preset_id, response)


@router.post("/{version}", status_code=201, summary="Execute a version", openapi_extra=_DOCUMENTED)
async def execute_version(
    graph_id: GraphIdPath,
    version: VersionPath,
    body: _Body,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    preset_id: _Preset = None,
) -> ExecutionMeta:
    """Start a run of this version (S-079, S-080)."""
    return await _execute(app, user, graph_id, version, body, preset_id, response)


async def _execute(
    app: Services,
    user: User,
    graph_id: str,
    version: int | None,
    body: ExecuteRequest,
    preset_id: str | None,
    response: Response,
) -> ExecutionMeta:
    if body.preset_id is not None or preset_id is not None:
        raise Unsupported("Presets are not supported yet: leave `preset_id` out and give the inputs themselves.")
    if body.credentials_inputs:
        raise Unsupported("Credentials are not supported yet: leave `credentials_inputs` out or empty.")
    run = await start(app, user.id, graph_id, version, body.inputs, body.nodes_input_masks)
    shown = started(app, user.id, run)
    response.headers["Location"] = shown.links.self
    return shown
