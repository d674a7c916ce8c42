"""The events of a run as they happen: server-sent events that resume where the reader left off."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from api.dependencies import LARGEST_EVENT, AppServices, CurrentUser, ExecutionIdPath
from api.following import follow
from api.showing_runs import owned
from contracts.errors import InvalidRequest
from store.records import Execution

router = APIRouter(prefix="/executions/{execution_id}/events", tags=["executions"])


@dataclass(frozen=True, slots=True)
class Place:
    """A run and the number of the last event that the reader has."""

    row: Execution
    after: int


async def place(
    execution_id: ExecutionIdPath,
    app: AppServices,
    user: CurrentUser,
    last_event_id: Annotated[str | None, Header(description="Number of the last event read.")] = None,
    after: Annotated[str | None, Query(description="The same, for clients that cannot set the header.")] = None,
) -> Place:
    """Everything that can be refused, before the stream begins."""
    number = _number(last_event_id if last_event_id is not None else after)
    row = await owned(app, user.id, execution_id)
    if number and number >= row.last_event and row.status.is_final:
        # Browsers come back whenever a stream ends, until they are told that there is no content.
        raise HTTPException(status_code=204)
    return Place(row, number)


def _number(text: str | None) -> int:
    if text is None or text == "":
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) > LARGEST_EVENT:
        raise InvalidRequest("Last-Event-ID must be the number of an event.")
    return int(text)


@router.get("", summary="Follow a run", response_class=EventSourceResponse)
async def stream_events(place: Annotated[Place, Depends(place)], app: AppServices) -> AsyncIterator[ServerSentEvent]:
    """Every event after the given one, then each as it happens, until the run ends; a comment every 15 s between."""
    async for number, event in follow(app, place.row, after=place.after):
        yield ServerSentEvent(
            id=str(number), event=event.type, raw_data=event.model_dump_json(exclude_none=True, exclude_defaults=False)
        )
