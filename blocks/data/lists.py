"""Making, changing and asking one list. Blocks on several lists: `list_sets.py`.

Registered in `catalogue.py`. Blocks never change the list they are given; a position may count from the end (-1 is the
last) and must exist (agent-graphs §17.10).
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import Effects

_CHARACTERS_PER_TOKEN = 4


class CreateListInputs(Inputs):
    values: list[Any] = Field(description="The items; link single ones to `values_$_<position>`")
    max_size: int | None = Field(
        None, description="The most items of one list, 0 for any; what is left goes into further lists", ge=0
    )
    max_tokens: int | None = Field(
        None,
        description="The most tokens of one list, at about four characters each; 0 for any",
        ge=0,
    )


class CreateListOutputs(Outputs):
    items: list[Any] = Field(alias="list", description="A list; several when the items do not fit into one")


class CreateList(Block[CreateListInputs]):
    id = "a912d5c7-6e00-4542-b2a9-8034136930e4"
    name = "Create list"
    description = "Makes a list of its items, or several lists of limited size."
    categories = frozenset({Category.DATA})
    effects = Effects.PURE
    Input = CreateListInputs
    Output = CreateListOutputs
    examples = (
        Example({"values": ["a", 1]}, (("list", ["a", 1]),)),
        Example({"values": [1, 2, 3], "max_size": 2}, (("list", [1, 2]), ("list", [3]))),
    )

    async def run(self, inputs: CreateListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        for chunk in chunks(inputs.values, inputs.max_size, inputs.max_tokens):
            yield "list", chunk


def chunks(items: list[Any], max_size: int | None, max_tokens: int | None) -> Iterator[list[Any]]:
    """The items in order, in lists within both limits; an item over the limit alone has a list of its own."""
    chunk: list[Any] = []
    used = 0
    for item in items:
        cost = _tokens(item) if max_tokens else 0
        if chunk and ((max_size and len(chunk) >= max_size) or (max_tokens and used + cost > max_tokens)):
            yield chunk
            chunk, used = [], 0
        chunk.append(item)
        used += cost
    if chunk or not items:
        yield chunk


def _tokens(item: Any) -> int:
    """About how many tokens a model would count: without the model's own tables nobody knows exactly."""
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


class AddToListInputs(Inputs):
    items: list[Any] = Field(alias="list", default_factory=list, description="The list to add to; empty at first")
    entry: Any = Field(None, description="An item to add; an empty one, such as 0 or an empty text, does not count")
    entries: list[Any] = Field(default_factory=list, description="Items to add, before the one above")
    position: int | None = Field(None, description="Where to put them; at the end when left out")


class UpdatedListOutputs(Outputs):
    updated_list: list[Any] = Field(description="The list after the change")


class AddToList(Block[AddToListInputs]):
    id = "aeb08fc1-2fc1-4141-bc8e-f758f183a822"
    name = "Add to list"
    description = "Adds one item or several to a list."
    effects = Effects.PURE
    Input = AddToListInputs
    Output = UpdatedListOutputs
    examples = (
        Example({"list": [1], "entry": 2}, (("updated_list", [1, 2]),)),
        Example({"list": [1, 4], "entries": [2], "entry": 3, "position": 1}, (("updated_list", [1, 2, 3, 4]),)),
    )

    async def run(self, inputs: AddToListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        added = [*inputs.entries, inputs.entry] if inputs.entry else inputs.entries
        at = len(inputs.items) if inputs.position is None else inputs.position
        yield "updated_list", [*inputs.items[:at], *added, *inputs.items[at:]]


class FindInListInputs(Inputs):
    items: list[Any] = Field(alias="list", description="The list to search")
    value: Any = Field(description="The item to find")


class FindInListOutputs(Outputs):
    index: int = Field(description="The first position of the item, from 0; only when found")
    found: bool = Field(description="Whether the list has it")
    not_found_value: Any = Field(description="The item, when the list does not have it")


class FindInList(Block[FindInListInputs]):
    id = "5e2c6d0a-1e37-489f-b1d0-8e1812b23333"
    name = "Find in list"
    description = "Tells at which position a list has an item."
    effects = Effects.PURE
    Input = FindInListInputs
    Output = FindInListOutputs
    examples = (
        Example({"list": ["a", "b"], "value": "b"}, (("index", 1), ("found", True))),
        Example({"list": ["a"], "value": "c"}, (("found", False), ("not_found_value", "c"))),
    )

    async def run(self, inputs: FindInListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.value in inputs.items:
            yield "index", inputs.items.index(inputs.value)
            yield "found", True
        else:
            yield "found", False
            yield "not_found_value", inputs.value


class GetListItemInputs(Inputs):
    items: list[Any] = Field(alias="list", description="The list to take from")
    index: int = Field(description="The position of the item, from 0; -1 is the last")


class GetListItemOutputs(Outputs):
    item: Any = Field(description="The item")


class GetListItem(Block[GetListItemInputs]):
    id = "262ca24c-1025-43cf-a578-534e23234e97"
    name = "Get list item"
    description = "Gives the item at a position of a list."
    effects = Effects.PURE
    Input = GetListItemInputs
    Output = GetListItemOutputs
    examples = (Example({"list": ["a", "b"], "index": -1}, (("item", "b"),)),)

    async def run(self, inputs: GetListItemInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "item", inputs.items[existing(inputs.items, inputs.index)]


def existing(items: list[Any], index: int) -> int:
    """The index, if the list has it; else a ValueError that says what it has."""
    if -len(items) <= index < len(items):
        return index
    raise ValueError(f"Index {index} is out of range: the list has {len(items)} items.")


class RemoveFromListInputs(Inputs):
    items: list[Any] = Field(alias="list", description="The list to take from")
    value: Any = Field(None, description="The item to take: the first that equals it")
    index: int | None = Field(None, description="The position of the item to take; wins over the value")
    return_item: bool = Field(False, description="Also give the item that was taken")


class RemoveFromListOutputs(UpdatedListOutputs):
    removed_item: Any = Field(description="The item that was taken, when asked for")


class RemoveFromList(Block[RemoveFromListInputs]):
    id = "d93c5a93-ac7e-41c1-ae5c-ef67e6e9b826"
    name = "Remove from list"
    description = "Takes an item out of a list, by its value or its position."
    effects = Effects.PURE
    Input = RemoveFromListInputs
    Output = RemoveFromListOutputs
    examples = (
        Example({"list": ["a", "b"], "value": "a"}, (("updated_list", ["b"]),)),
        Example(
            {"list": ["a", "b"], "index": 1, "return_item": True}, (("updated_list", ["a"]), ("removed_item", "b"))
        ),
    )

    async def run(self, inputs: RemoveFromListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        updated = list(inputs.items)
        if inputs.index is not None:
            removed = updated.pop(existing(updated, inputs.index))
        elif inputs.value is None:
            raise ValueError("Say which item to remove: give a value or an index.")
        elif inputs.value in updated:
            removed = updated.pop(updated.index(inputs.value))
        else:
            raise ValueError("The list does not have the item to remove.")
        yield "updated_list", updated
        if inputs.return_item:
            yield "removed_item", removed


class ReplaceListItemInputs(Inputs):
    items: list[Any] = Field(alias="list", description="The list to change")
    index: int = Field(description="The position of the item to change, from 0; -1 is the last")
    value: Any = Field(description="The new item")


class ReplaceListItemOutputs(UpdatedListOutputs):
    old_item: Any = Field(description="The item before")


class ReplaceListItem(Block[ReplaceListItemInputs]):
    id = "fbf62922-bea1-4a3d-8bac-23587f810b38"
    name = "Replace list item"
    description = "Puts another item at a position of a list."
    effects = Effects.PURE
    Input = ReplaceListItemInputs
    Output = ReplaceListItemOutputs
    examples = (
        Example({"list": ["a", "b"], "index": 0, "value": "z"}, (("updated_list", ["z", "b"]), ("old_item", "a"))),
    )

    async def run(self, inputs: ReplaceListItemInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        updated = list(inputs.items)
        old = updated[existing(updated, inputs.index)]
        updated[inputs.index] = inputs.value
        yield "updated_list", updated
        yield "old_item", old


class ListIsEmptyInputs(Inputs):
    items: list[Any] = Field(alias="list", description="The list to look at")


class ListIsEmptyOutputs(Outputs):
    is_empty: bool = Field(description="Whether it has no items")


class ListIsEmpty(Block[ListIsEmptyInputs]):
    id = "896ed73b-27d0-41be-813c-c1c1dc856c03"
    name = "List is empty"
    description = "Tells whether a list has no items."
    effects = Effects.PURE
    Input = ListIsEmptyInputs
    Output = ListIsEmptyOutputs
    examples = (Example({"list": []}, (("is_empty", True),)),)

    async def run(self, inputs: ListIsEmptyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "is_empty", not inputs.items
