"""Blocks on several lists or on lists in lists: join, interleave, pair, compare, flatten.

Registered in `catalogue.py`. Each works in time that grows with its input: items are compared by a hashable likeness,
not pair by pair, and what pairing fills up is limited (agent-graphs §17.10).
"""

import json
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_FILLING
from engine.model import Effects


def likeness(value: Any) -> Hashable:
    """A hashable that two JSON values share when they are equal; True is not 1. ValueError when nested too deeply."""
    try:
        return _likeness(value)
    except RecursionError:
        raise ValueError("An item is nested too deeply to be compared.") from None


def _likeness(value: Any) -> Hashable:
    match value:
        case bool():
            return (bool, value)
        case dict():
            return (dict, frozenset((key, _likeness(item)) for key, item in value.items()))
        case list() | tuple():
            return (list, tuple(map(_likeness, value)))
        case _:
            return value if isinstance(value, Hashable) else repr(value)


def distinct(items: Iterable[Any]) -> Iterator[Any]:
    """Each item once, where it came first."""
    seen: set[Hashable] = set()
    for item in items:
        same = likeness(item)
        if same not in seen:
            seen.add(same)
            yield item


class ConcatenateListsInputs(Inputs):
    lists: list[list[Any]] = Field(description="The lists to join, in order")
    deduplicate: bool = Field(False, description="Keep each item once, where it comes first")
    remove_none: bool = Field(False, description="Leave out empty items")


class ConcatenateListsOutputs(Outputs):
    concatenated_list: list[Any] = Field(description="All items in one list")
    length: int = Field(description="How many items it has")


class ConcatenateLists(Block[ConcatenateListsInputs]):
    id = "3cf9298b-5817-4141-9d80-7c2cc5199c8e"
    name = "Concatenate lists"
    description = "Joins several lists into one."
    effects = Effects.PURE
    Input = ConcatenateListsInputs
    Output = ConcatenateListsOutputs
    examples = (
        Example({"lists": [[1, 2], [2, 3]]}, (("concatenated_list", [1, 2, 2, 3]), ("length", 4))),
        Example(
            {"lists": [[1, None], [1]], "deduplicate": True, "remove_none": True},
            (("concatenated_list", [1]), ("length", 1)),
        ),
    )

    async def run(self, inputs: ConcatenateListsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        joined = [item for items in inputs.lists for item in items if item is not None or not inputs.remove_none]
        if inputs.deduplicate:
            joined = list(distinct(joined))
        yield "concatenated_list", joined
        yield "length", len(joined)


class InterleaveListsInputs(Inputs):
    lists: list[list[Any]] = Field(description="The lists to take from in turn")


class InterleaveListsOutputs(Outputs):
    interleaved_list: list[Any] = Field(description="All items: the first of each list, then the second of each…")
    length: int = Field(description="How many items it has")


class InterleaveLists(Block[InterleaveListsInputs]):
    id = "9f616084-1d9f-4f8e-bc00-5b9d2a75cd75"
    name = "Interleave lists"
    description = "Takes items from several lists in turn; a list that has run out is skipped."
    effects = Effects.PURE
    Input = InterleaveListsInputs
    Output = InterleaveListsOutputs
    examples = (Example({"lists": [[1, 2, 3], ["a"]]}, (("interleaved_list", [1, "a", 2, 3]), ("length", 4))),)

    async def run(self, inputs: InterleaveListsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        items = list(interleave(inputs.lists))
        yield "interleaved_list", items
        yield "length", len(items)


def interleave(lists: list[list[Any]]) -> Iterator[Any]:
    """The first item of each list, then the second of each that has one, and so on."""
    remaining, position = lists, 0
    while remaining := [items for items in remaining if len(items) > position]:
        yield from (items[position] for items in remaining)
        position += 1


class ZipListsInputs(Inputs):
    lists: list[list[Any]] = Field(description="The lists to put side by side")
    pad_to_longest: bool = Field(False, description="Go on to the end of the longest list instead of the shortest")
    fill_value: Any = Field(None, description="What stands where a list has run out")


class ZipListsOutputs(Outputs):
    zipped_list: list[list[Any]] = Field(description="The first items of all lists together, then the second…")
    length: int = Field(description="How many groups there are")


class ZipLists(Block[ZipListsInputs]):
    id = "0d0e684f-5cb9-4c4b-b8d1-47a0860e0c07"
    name = "Zip lists"
    description = "Puts several lists side by side: groups of the items at the same position."
    effects = Effects.PURE
    Input = ZipListsInputs
    Output = ZipListsOutputs
    examples = (
        Example({"lists": [[1, 2], ["a", "b", "c"]]}, (("zipped_list", [[1, "a"], [2, "b"]]), ("length", 2))),
        Example(
            {"lists": [[1], ["a", "b"]], "pad_to_longest": True, "fill_value": 0},
            (("zipped_list", [[1, "a"], [0, "b"]]), ("length", 2)),
        ),
    )

    async def run(self, inputs: ZipListsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.pad_to_longest:
            _refuse_much_filling(inputs.lists, inputs.fill_value)
            groups = [list(group) for group in zip_longest(*inputs.lists, fillvalue=inputs.fill_value)]
        else:
            groups = [list(group) for group in zip(*inputs.lists, strict=False)]
        yield "zipped_list", groups
        yield "length", len(groups)


def _refuse_much_filling(lists: list[list[Any]], fill_value: Any) -> None:
    longest = max(map(len, lists), default=0)
    gaps = longest * len(lists) - sum(map(len, lists))
    if gaps * len(json.dumps(fill_value, default=str)) > LONGEST_FILLING:
        raise ValueError(f"The lists differ too much in length: {gaps:,} gaps would have to be filled.")


class ListDifferenceInputs(Inputs):
    list_a: list[Any] = Field(description="The list to keep items of")
    list_b: list[Any] = Field(description="The list whose items are left out")
    symmetric: bool = Field(False, description="Also give the items that only the second list has")


class ListDifferenceOutputs(Outputs):
    difference: list[Any] = Field(description="The items, in their order, repeated ones included")
    length: int = Field(description="How many there are")


class ListDifference(Block[ListDifferenceInputs]):
    id = "05309873-9d61-447e-96b5-b804e2511829"
    name = "List difference"
    description = "Gives the items of one list that another does not have, or those that only one of both has."
    effects = Effects.PURE
    Input = ListDifferenceInputs
    Output = ListDifferenceOutputs
    examples = (
        Example({"list_a": [1, 2, 3], "list_b": [2]}, (("difference", [1, 3]), ("length", 2))),
        Example({"list_a": [1, 2], "list_b": [2, 3], "symmetric": True}, (("difference", [1, 3]), ("length", 2))),
    )

    async def run(self, inputs: ListDifferenceInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        items = _without(inputs.list_a, inputs.list_b)
        if inputs.symmetric:
            items += _without(inputs.list_b, inputs.list_a)
        yield "difference", items
        yield "length", len(items)


def _without(items: list[Any], others: list[Any]) -> list[Any]:
    absent = set(map(likeness, others))
    return [item for item in items if likeness(item) not in absent]


class ListIntersectionInputs(Inputs):
    list_a: list[Any] = Field(description="One list; its order is kept")
    list_b: list[Any] = Field(description="Another list")


class ListIntersectionOutputs(Outputs):
    intersection: list[Any] = Field(description="The items of both, each once")
    length: int = Field(description="How many there are")


class ListIntersection(Block[ListIntersectionInputs]):
    id = "b6eb08b6-dbe3-411b-b9b4-2508cb311a1f"
    name = "List intersection"
    description = "Gives the items that two lists have in common."
    effects = Effects.PURE
    Input = ListIntersectionInputs
    Output = ListIntersectionOutputs
    examples = (Example({"list_a": [3, 1, 3], "list_b": [1, 3, 5]}, (("intersection", [3, 1]), ("length", 2))),)

    async def run(self, inputs: ListIntersectionInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        common = set(map(likeness, inputs.list_b))
        items = [item for item in distinct(inputs.list_a) if likeness(item) in common]
        yield "intersection", items
        yield "length", len(items)


class FlattenListInputs(Inputs):
    nested_list: list[Any] = Field(description="A list with lists in it")
    max_depth: int = Field(-1, description="How many levels to dissolve; -1 for all")


class FlattenListOutputs(Outputs):
    flattened_list: list[Any] = Field(description="The items, no longer in lists of their own")
    length: int = Field(description="How many there are")
    original_depth: int = Field(description="How deep the lists lay in each other; 1 when there were none inside")


class FlattenList(Block[FlattenListInputs]):
    id = "cc45bb0f-d035-4756-96a7-fe3e36254b4d"
    name = "Flatten list"
    description = "Dissolves the lists in a list, down to a chosen depth."
    effects = Effects.PURE
    Input = FlattenListInputs
    Output = FlattenListOutputs
    examples = (
        Example({"nested_list": [1, [2, [3]]]}, (("flattened_list", [1, 2, 3]), ("length", 3), ("original_depth", 3))),
        Example(
            {"nested_list": [1, [2, [3]]], "max_depth": 1},
            (("flattened_list", [1, 2, [3]]), ("length", 3), ("original_depth", 3)),
        ),
    )

    async def run(self, inputs: FlattenListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        items, depth = flatten(inputs.nested_list, inputs.max_depth)
        yield "flattened_list", items
        yield "length", len(items)
        yield "original_depth", depth


def flatten(nested: list[Any], max_depth: int = -1) -> tuple[list[Any], int]:
    """The items after dissolving `max_depth` levels (all when negative), and how deep the lists lay.

    With a stack of its own: a list may be nested deeper than Python calls may.
    """
    flat: list[Any] = []
    deepest = 1
    waiting: list[tuple[Any, int]] = [(item, 1) for item in reversed(nested)]
    while waiting:
        item, level = waiting.pop()
        if not isinstance(item, list):
            flat.append(item)
        elif 0 <= max_depth < level:
            flat.append(item)
            deepest = max(deepest, level + flatten(item)[1])
        else:
            deepest = max(deepest, level + 1)
            waiting.extend((inner, level + 1) for inner in reversed(item))
    return flat, deepest
