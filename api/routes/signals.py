"""Events that somebody sends to a run, for its node that waits for them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api import showing_runs
from api.dependencies import AppServices, CurrentUser, ExecutionIdPath
from api.json_body import body_of, describe
from api.reviewing import send_event
from api.schemas.errors import ErrorEnvelope
from api.schemas.reviews import EventTaken, EventToSend

router = APIRouter(tags=["executions"])

_Name = Annotated[
    str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", description="As the waiting node calls it.")
]
_REFUSED: dict[int | str, dict[str, Any]] = {409: {"model": ErrorEnvelope, "description": "The run has ended."}}


@router.post(
    "/executions/{execution_id}/events/{name}",
    status_code=202,
    summary="Send an event to a run",
    openapi_extra=describe(EventToSend, "What comes with the event"),
    responses=_REFUSED,
)
async def send(
    execution_id: ExecutionIdPath,
    name: _Name,
    body: Annotated[EventToSend, Depends(body_of(EventToSend))],
    app: AppServices,
    user: CurrentUser,
) -> EventTaken:
    """The node that has waited longest for an event of this name goes on with its payload.

    When none waits, the event is kept for the first one that will. 409 when the run has ended.
    """
    row = await showing_runs.owned(app, user.id, execution_id)
    await send_event(app, row, name, body.payload)
    return EventTaken(execution_id=row.id, name=name)
