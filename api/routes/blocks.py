"""The blocks that a graph can place: listed, described, and run by themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import showing_blocks
from api.dependencies import AppServices, CurrentUser, ListPage
from api.errors import BlockNotFound
from api.json_body import JsonObject
from api.running_blocks import run_block
from api.schemas.blocks import Availability, BlockDescription, BlockList, Price
from api.schemas.errors import ErrorEnvelope
from api.showing_blocks import Search
from blocks.base import Category

router = APIRouter(prefix="/blocks", tags=["blocks"])

_INPUTS: dict[str, Any] = {
    "requestBody": {
        "description": "The block's inputs, by name",
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorEnvelope, "description": "This deployment does not have the block, or it is switched off."},
}


@router.get("", summary="List the blocks")
async def list_blocks(
    app: AppServices,
    _: CurrentUser,
    page: ListPage,
    search: Annotated[str, Query(max_length=200, description="Words of its name, description or id.")] = "",
    category: Annotated[Category | None, Query(description="Only blocks of this category.")] = None,
    availability: Annotated[Availability, Query(description="Which blocks to list.")] = Availability.AVAILABLE,
    cost: Annotated[Price | None, Query(description="Only blocks that are free, or that can cost.")] = None,
) -> BlockList:
    """Blocks by name, but for those that are switched off (S-095)."""
    wanted = Search(search, category, availability, cost)
    return showing_blocks.page(app.catalogue, wanted, limit=page.limit, after=page.before)


@router.get("/{block_id}", summary="Describe a block")
async def get_block(block_id: str, app: AppServices, _: CurrentUser) -> BlockDescription:
    """One block by its id, also by one that older files use, with the JSON Schemas of its inputs and outputs."""
    block = app.catalogue.get(block_id) or app.catalogue.unavailable(block_id)
    if block is None:
        raise BlockNotFound
    return showing_blocks.describe(block)


@router.post("/{block_id}/execute", summary="Run a block", openapi_extra=_INPUTS, responses=_ANSWERS)
async def execute_block(block_id: str, inputs: JsonObject, app: AppServices, user: CurrentUser) -> dict[str, list[Any]]:
    """Run one block outside any graph and answer everything it gives, by the names of its outputs (S-096).

    400 when the inputs do not fit (`invalid_input`), or when it fails: `block_failed`, whose `details` tell the
    failure's own code and what it gave before.
    """
    return await run_block(app, user, block_id, inputs)
