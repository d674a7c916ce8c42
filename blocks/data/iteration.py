"""Stepping through a collection: one output per item.

Registered in `catalogue.py` (agent-graphs §17.5).
"""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_ITEMS_TEXT, MOST_ITEMS
from engine.model import Effects


class StepThroughItemsInputs(Inputs):
    items: list[Any] = Field(default_factory=list, description="A list to step through")
    items_object: dict[Any, Any] = Field(default_factory=dict, description="A dictionary to step through")
    items_str: str = Field("", description="A list or dictionary to step through, as JSON text")


class StepThroughItemsOutputs(Outputs):
    item: Any = Field(description="One item or the value of one entry")
    key: Any = Field(description="Its position, from 0, or the entry's key")


class StepThroughItems(Block[StepThroughItemsInputs]):
    id = "f66a3543-28d3-4ab5-8945-9b336371e2ce"
    name = "Step through items"
    description = "Gives the items of a list, the entries of a dictionary or those of a JSON text, one after the other."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = StepThroughItemsInputs
    Output = StepThroughItemsOutputs
    examples = (
        Example({"items": ["a", "b"]}, (("item", "a"), ("key", 0), ("item", "b"), ("key", 1))),
        Example({"items_object": {"x": 1}, "items_str": "[2]"}, (("item", 1), ("key", "x"), ("item", 2), ("key", 0))),
    )

    async def run(self, inputs: StepThroughItemsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        for collection in (inputs.items, inputs.items_object, inputs.items_str):
            # The text is read when its turn comes: what the others have goes out even if it is not JSON.
            for key, item in _entries(_parsed(collection) if isinstance(collection, str) else collection):
                yield "item", item
                yield "key", key


def _parsed(text: str) -> list[Any] | dict[Any, Any]:
    if not text.strip():
        return []
    if len(text) > LONGEST_ITEMS_TEXT:
        raise ValueError(f"items_str has {len(text):,} characters; at most {LONGEST_ITEMS_TEXT:,} are possible.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"items_str is not JSON: {error}") from None
    if not isinstance(value, list | dict):
        raise ValueError("items_str is neither a list nor a dictionary.")
    return value


def _entries(collection: list[Any] | dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    if len(collection) > MOST_ITEMS:
        raise ValueError(f"There are {len(collection):,} items; at most {MOST_ITEMS:,} are possible.")
    return collection.items() if isinstance(collection, dict) else enumerate(collection)
