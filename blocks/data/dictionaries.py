"""Making, changing and asking dictionaries.

Registered in `catalogue.py`. Blocks never change the dictionary they are given. JSON knows only texts as keys, so a key
given as a number also finds the text (agent-graphs §17.10).
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import Effects


class CreateDictionaryInputs(Inputs):
    values: dict[str, Any] = Field(description="The entries; link single ones to `values_#_<key>`")


class CreateDictionaryOutputs(Outputs):
    dictionary: dict[str, Any] = Field(description="The dictionary")


class CreateDictionary(Block[CreateDictionaryInputs]):
    id = "b924ddf4-de4f-4b56-9a85-358930dcbc91"
    name = "Create dictionary"
    description = "Makes a dictionary of its entries."
    categories = frozenset({Category.DATA})
    effects = Effects.PURE
    Input = CreateDictionaryInputs
    Output = CreateDictionaryOutputs
    examples = (Example({"values": {"name": "Ada"}}, (("dictionary", {"name": "Ada"}),)),)

    async def run(self, inputs: CreateDictionaryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "dictionary", inputs.values


class AddToDictionaryInputs(Inputs):
    dictionary: dict[Any, Any] = Field(default_factory=dict, description="The dictionary to add to; empty at first")
    key: str = Field("", description="The key of one entry; without it the value is not added")
    value: Any = Field(None, description="The value of that entry; nothing is added when there is none")
    entries: dict[Any, Any] = Field(default_factory=dict, description="More entries; they win over the one above")


class UpdatedDictionaryOutputs(Outputs):
    updated_dictionary: dict[Any, Any] = Field(description="The dictionary after the change")


class AddToDictionary(Block[AddToDictionaryInputs]):
    id = "31d1064e-7446-4693-a7d4-65e5ca1180d1"
    name = "Add to dictionary"
    description = "Adds one entry or several to a dictionary."
    effects = Effects.PURE
    Input = AddToDictionaryInputs
    Output = UpdatedDictionaryOutputs
    examples = (
        Example(
            {"dictionary": {"a": 1}, "key": "b", "value": 2, "entries": {"c": 3}},
            (("updated_dictionary", {"a": 1, "b": 2, "c": 3}),),
        ),
    )

    async def run(self, inputs: AddToDictionaryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        added = {inputs.key: inputs.value} if inputs.key and inputs.value is not None else {}
        yield "updated_dictionary", {**inputs.dictionary, **added, **inputs.entries}


class FindInDictionaryInputs(Inputs):
    input: Any = Field(description="A dictionary, a list or a JSON text of either")
    key: str | int = Field(description="The key to look up, or a position in a list")


class FindInDictionaryOutputs(Outputs):
    output: Any = Field(description="What was found")
    missing: Any = Field(description="The input, when nothing was found")


class FindInDictionary(Block[FindInDictionaryInputs]):
    id = "0e50422c-6dee-4145-83d6-3a5a392f65de"
    name = "Find in dictionary"
    description = "Looks a key up in a dictionary, a position in a list, or one key in every dictionary of a list."
    effects = Effects.PURE
    Input = FindInDictionaryInputs
    Output = FindInDictionaryOutputs
    examples = (
        Example({"input": {"a": 1}, "key": "a"}, (("output", 1),)),
        Example({"input": '[{"a": 1}, {"a": 2}]', "key": "a"}, (("output", [1, 2]),)),
        Example({"input": {"a": 1}, "key": "items"}, (("missing", {"a": 1}),)),
    )

    async def run(self, inputs: FindInDictionaryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = find(_parsed(inputs.input), inputs.key)
        yield ("missing", inputs.input) if found is _ABSENT else ("output", found)


_ABSENT = object()


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The input is a text, but not JSON: {error}"[:300]) from None


def find(collection: Any, key: str | int) -> Any:
    """The value under the key, or `_ABSENT`.

    A text key asks every item of a list, and no item having it is an answer, too (agent-graphs §17.10); but one of
    digits that none has is a position.
    """
    if isinstance(collection, dict):
        return collection.get(_key(collection, key), _ABSENT)
    if not isinstance(collection, list):
        return _ABSENT
    if isinstance(key, str):
        found = [item[key] for item in collection if isinstance(item, dict) and key in item]
        if found or not collection or not key.isdecimal():
            return found
    index = int(key)
    return collection[index] if 0 <= index < len(collection) else _ABSENT


def _key(dictionary: dict[Any, Any], key: str | int) -> str | int:
    """The key as the dictionary has it."""
    return str(key) if key not in dictionary and isinstance(key, int) else key


class RemoveFromDictionaryInputs(Inputs):
    dictionary: dict[Any, Any] = Field(description="The dictionary to take an entry from")
    key: str | int = Field(description="The key of the entry")
    return_value: bool = Field(False, description="Also give the value that was taken")


class RemoveFromDictionaryOutputs(UpdatedDictionaryOutputs):
    removed_value: Any = Field(description="The value that was taken, when asked for")


class RemoveFromDictionary(Block[RemoveFromDictionaryInputs]):
    id = "46afe2ea-c613-43f8-95ff-6692c3ef6876"
    name = "Remove from dictionary"
    description = "Takes an entry out of a dictionary."
    effects = Effects.PURE
    Input = RemoveFromDictionaryInputs
    Output = RemoveFromDictionaryOutputs
    examples = (
        Example(
            {"dictionary": {"a": 1, "b": 2}, "key": "a", "return_value": True},
            (("updated_dictionary", {"b": 2}), ("removed_value", 1)),
        ),
    )

    async def run(self, inputs: RemoveFromDictionaryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        updated = dict(inputs.dictionary)
        removed = updated.pop(_present(updated, inputs.key))
        yield "updated_dictionary", updated
        if inputs.return_value:
            yield "removed_value", removed


def _present(dictionary: dict[Any, Any], key: str | int) -> str | int:
    present = _key(dictionary, key)
    if present not in dictionary:
        raise ValueError(f"The dictionary has no key {key!r}.")
    return present


class ReplaceDictionaryValueInputs(Inputs):
    dictionary: dict[Any, Any] = Field(description="The dictionary to change")
    key: str | int = Field(description="The key of the entry to change; it must be there")
    value: Any = Field(description="The new value")


class ReplaceDictionaryValueOutputs(UpdatedDictionaryOutputs):
    old_value: Any = Field(description="The value before")


class ReplaceDictionaryValue(Block[ReplaceDictionaryValueInputs]):
    id = "27e31876-18b6-44f3-ab97-f6226d8b3889"
    name = "Replace dictionary value"
    description = "Puts another value under a key that a dictionary has."
    effects = Effects.PURE
    Input = ReplaceDictionaryValueInputs
    Output = ReplaceDictionaryValueOutputs
    examples = (
        Example({"dictionary": {"a": 1}, "key": "a", "value": 2}, (("updated_dictionary", {"a": 2}), ("old_value", 1))),
    )

    async def run(self, inputs: ReplaceDictionaryValueInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = _present(inputs.dictionary, inputs.key)
        yield "updated_dictionary", {**inputs.dictionary, key: inputs.value}
        yield "old_value", inputs.dictionary[key]


class DictionaryIsEmptyInputs(Inputs):
    dictionary: dict[Any, Any] = Field(description="The dictionary to look at")


class DictionaryIsEmptyOutputs(Outputs):
    is_empty: bool = Field(description="Whether it has no entries")


class DictionaryIsEmpty(Block[DictionaryIsEmptyInputs]):
    id = "a3cf3f64-6bb9-4cc6-9900-608a0b3359b0"
    name = "Dictionary is empty"
    description = "Tells whether a dictionary has no entries."
    effects = Effects.PURE
    Input = DictionaryIsEmptyInputs
    Output = DictionaryIsEmptyOutputs
    examples = (Example({"dictionary": {}}, (("is_empty", True),)),)

    async def run(self, inputs: DictionaryIsEmptyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "is_empty", not inputs.dictionary
