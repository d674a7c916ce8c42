"""Reviews that wait for a person, and the decisions on them; the paths are upstream's (agent-graphs §20.8)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api import showing_runs
from api.dependencies import AppServices, CurrentUser, ExecutionIdPath, ListPage
from api.json_body import body_of, describe
from api.reviewing import decide, shown
from api.schemas.errors import ErrorEnvelope
from api.schemas.reviews import ReviewAction, ReviewBody, ReviewList, ReviewResult

router = APIRouter(prefix="/review", tags=["reviews"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorEnvelope, "description": "It was decided otherwise before, or its run has ended."}
}


@router.get("/pending", summary="List the reviews that wait for you")
async def pending(app: AppServices, user: CurrentUser, page: ListPage) -> ReviewList:
    """Of all your runs, newest first."""
    found = await app.store.reviews.waiting(user.id, limit=page.limit, before=page.before)
    items = await shown(app, found.items)
    return ReviewList(items=items, next_cursor=found.next_cursor, total_count=found.total_count)


@router.get("/execution/{execution_id}", summary="List the reviews of a run")
async def of_execution(execution_id: ExecutionIdPath, app: AppServices, user: CurrentUser) -> list[ReviewBody]:
    """Those that wait and those that are decided, in the order in which they were asked."""
    row = await showing_runs.owned(app, user.id, execution_id)
    return await shown(app, await app.store.reviews.of_execution(user.id, row.id))


@router.post(
    "/action",
    summary="Decide on reviews",
    openapi_extra=describe(ReviewAction, "The decisions"),
    responses=_REFUSED,
)
async def act(
    body: Annotated[ReviewAction, Depends(body_of(ReviewAction))], app: AppServices, user: CurrentUser
) -> ReviewResult:
    """Approve or reject reviews of one run; each decision lets its own node go on at once.

    The first decision on a review stands: the same one again is answered like it, another one with 409.
    """
    return await decide(app, user, body.reviews)
