"""Starting a run of a graph."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from api.dependencies import AppServices, CurrentUser, GraphIdPath, VersionPath
from api.errors import Unsupported
from api.json_body import body_of, describe
from api.schemas.errors import ErrorEnvelope
from api.schemas.executions import ExecuteRequest, ExecutionMeta
from api.services import Services
from api.showing_runs import meta, started
from api.starting import Started, Wanted, start, start_once
from store.records import User

router = APIRouter(prefix="/graphs/{graph_id}/execute", tags=["graphs"])

_Body = Annotated[ExecuteRequest, Depends(body_of(ExecuteRequest))]
_Preset = Annotated[str | None, Query(description="Not supported yet: leave it out.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="A text of your choice that names this start: sent again with the same body, it starts nothing "
        "and answers 200 with the run that it started before.",
    ),
]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ExecutionMeta, "description": "The run that was started with this `Idempotency-Key` before."},
    409: {"model": ErrorEnvelope, "description": "The `Idempotency-Key` belongs to another run."},
}
_DOCUMENTED = describe(ExecuteRequest, "What the run is given")


@router.post("", status_code=201, summary="Execute the active version", openapi_extra=_DOCUMENTED, responses=_ANSWERS)
async def execute(
    graph_id: GraphIdPath,
    body: _Body,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    preset_id: _Preset = None,
    key: IdempotencyKey = None,
) -> ExecutionMeta:
    """Start a run of the active version (S-081). Answers at once; follow the run by its links."""
    return await _execute(app, user, graph_id, None, body, preset_id, key, response)


@router.post("/{version}", status_code=201, summary="Execute a version", openapi_extra=_DOCUMENTED, responses=_ANSWERS)
async def execute_version(
    graph_id: GraphIdPath,
    version: VersionPath,
    body: _Body,
    app: AppServices,
    user: CurrentUser,
    response: Response,
    preset_id: _Preset = None,
    key: IdempotencyKey = None,
) -> ExecutionMeta:
    """Start a run of this version (S-079, S-080)."""
    return await _execute(app, user, graph_id, version, body, preset_id, key, response)


async def _execute(
    app: Services,
    user: User,
    graph_id: str,
    version: int | None,
    body: ExecuteRequest,
    preset_id: str | None,
    key: str | None,
    response: Response,
) -> ExecutionMeta:
    if body.preset_id is not None or preset_id is not None:
        raise Unsupported("Presets are not supported yet: leave `preset_id` out and give the inputs themselves.")
    wanted = Wanted(
        user.id,
        graph_id,
        version,
        body.inputs,
        body.nodes_input_masks,
        timezone=user.timezone,
        credentials=body.credentials_inputs,
    )
    run = await start(app, wanted) if key is None else await start_once(app, wanted, key)
    if isinstance(run, Started):
        shown = started(app, user.id, run)
    else:
        shown = meta(app, run)
        response.status_code = 200
    response.headers["Location"] = shown.links.self
    return shown
