"""Blocks as the API shows them: those that are here, and those that are only known; found by words, in pages.

Used by `routes/blocks.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.block_catalogue import Catalogue
from api.schemas.blocks import Availability, BlockCost, BlockDescription, BlockList, Price
from blocks.base import Block, BlockSchema, Category
from blocks.unavailable import UnavailableBlock
from contracts.errors import InvalidRequest

type AnyBlock = Block[BlockSchema] | UnavailableBlock


@dataclass(frozen=True, slots=True)
class Search:
    """Which blocks are wanted; absent wishes let every block pass. Every word must be found."""

    words: str = ""
    category: Category | None = None
    availability: Availability = Availability.AVAILABLE
    price: Price | None = None

    def finds(self, block: AnyBlock) -> bool:
        """Whether the block is wanted."""
        is_paid = isinstance(block, Block) and bool(block.costs)
        # Classes at upstream are called as `AITextGeneratorBlock`.
        text = f"{block.name} {block.name.replace(' ', '')} {_description(block)} {block.id}".lower()
        return (
            all((word.removesuffix("block") or word) in text for word in self.words.lower().split())
            and (self.category is None or self.category in block.categories)
            and (self.price is None or is_paid == (self.price is Price.PAID))
        )


def page(catalogue: Catalogue, search: Search, *, limit: int, after: str | None) -> BlockList:
    """The blocks found, by name, behind the one whose id is `after`. InvalidRequest when there is no such block."""
    found = sorted((block for block in _all(catalogue, search.availability) if search.finds(block)), key=_place)
    rest = found
    if after is not None:
        last = catalogue.get(after) or catalogue.unavailable(after)
        if last is None:
            raise InvalidRequest("The cursor is not one of this list.")
        rest = [block for block in found if _place(block) > _place(last)]
    shown = rest[:limit]
    return BlockList(
        items=[describe(block) for block in shown],
        next_cursor=shown[-1].id if len(rest) > limit else None,
        total_count=len(found),
    )


def describe(block: AnyBlock) -> BlockDescription:
    """One block."""
    if isinstance(block, UnavailableBlock):
        return _describe_unavailable(block)
    return BlockDescription(
        id=block.id,
        name=block.name,
        description=block.description,
        categories=_names(block),
        inputSchema=_input_schema(type(block)),
        outputSchema=_output_schema(type(block)),
        costs=[
            BlockCost(
                cost_amount=cost.amount,
                cost_type=cost.type.value,
                cost_filter=dict(cost.filter),
                cost_divisor=cost.divisor,
            )
            for cost in block.costs
        ],
        staticOutput=block.static_output,
        uiType=block.kind.value,
    )


# Made once: they take long, and the API answers nobody else meanwhile.
@cache
def _input_schema(block: type[Block[BlockSchema]]) -> dict[str, Any]:
    """With what will do for each credentials input, in upstream's words."""
    schema = block.Input.model_json_schema()
    for name, wanted in block.credentials.items():
        schema["properties"][name] |= {
            "credentials_provider": list(wanted.providers),
            "credentials_types": [kind.value for kind in wanted.types],
            "discriminator": wanted.provider_by.field if wanted.provider_by else wanted.host_by or None,
        }
    return schema


@cache
def _output_schema(block: type[Block[BlockSchema]]) -> dict[str, Any]:
    return block.Output.model_json_schema()


def _describe_unavailable(block: UnavailableBlock) -> BlockDescription:
    """Its pins have names, but nobody here knows their types."""
    return BlockDescription(
        id=block.id,
        name=block.name,
        description=_description(block),
        categories=_names(block),
        inputSchema={
            "type": "object",
            "properties": {name: {"title": name} for name in block.inputs},
            "required": [name for name, pin in block.inputs.items() if pin.required],
        },
        outputSchema={"type": "object", "properties": {name: {"title": name} for name in sorted(block.outputs)}},
        costs=[],
        staticOutput=block.static_output,
        uiType=block.kind.value,
        available=False,
        unavailable_because=block.why,
    )


def _all(catalogue: Catalogue, availability: Availability) -> Iterator[AnyBlock]:
    if availability is not Availability.UNAVAILABLE:
        yield from (block for block in catalogue if not block.disabled)
    if availability is not Availability.AVAILABLE:
        yield from catalogue.all_unavailable()


def _description(block: AnyBlock) -> str:
    if isinstance(block, UnavailableBlock):
        return f"This deployment does not have it: {block.why}."
    return block.description


def _names(block: AnyBlock) -> list[str]:
    return sorted(category.value for category in block.categories)


def _place(block: AnyBlock) -> tuple[str, str]:
    return block.name.lower(), block.id
