"""The blocks that a graph can place."""

from fastapi import APIRouter

from api.dependencies import AppServices, CurrentUser
from api.errors import BlockNotFound
from api.schemas.blocks import BlockCost, BlockDescription
from blocks.base import Block, BlockSchema

router = APIRouter(prefix="/blocks", tags=["blocks"])


@router.get("", summary="List the blocks")
async def list_blocks(app: AppServices, _: CurrentUser) -> list[BlockDescription]:
    """Every block that is not disabled, by name (S-095)."""
    shown = [_describe(block) for block in app.catalogue if not block.disabled]
    return sorted(shown, key=lambda block: block.name)


@router.get("/{block_id}", summary="Describe a block")
async def get_block(block_id: str, app: AppServices, _: CurrentUser) -> BlockDescription:
    """One block by its id, also by one that older files use."""
    block = app.catalogue.get(block_id)
    if block is None:
        raise BlockNotFound
    return _describe(block)


def _describe(block: Block[BlockSchema]) -> BlockDescription:
    return BlockDescription(
        id=block.id,
        name=block.name,
        description=block.description,
        categories=sorted(category.value for category in block.categories),
        inputSchema=block.Input.model_json_schema(),
        outputSchema=block.Output.model_json_schema(),
        costs=[
            BlockCost(cost_amount=cost.amount, cost_type=cost.type.value, cost_filter=dict(cost.filter))
            for cost in block.costs
        ],
        staticOutput=block.static_output,
        uiType=block.kind.value,
    )
