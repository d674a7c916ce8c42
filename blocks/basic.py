"""Blocks without a subject of their own: keep a value, print, note, convert, reverse.

Registered in `catalogue.py`. Printing only records: nothing reaches a console (agent-graphs §17.3).
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Example, Inputs, Outputs, Yielded
from engine.coerce import compile_coercion
from engine.model import BlockKind, Effects


class StoreValueInputs(Inputs):
    input: Any = Field(description="The value to give when there is no stored one; its arrival starts the block")
    data: Any = Field(None, description="The stored value; an empty one does not count")


class StoreValueOutputs(Outputs):
    output: Any = Field(description="The stored value, or else the input")


class StoreValue(Block[StoreValueInputs]):
    id = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
    name = "Store value"
    description = "Keeps a value, so that every later execution of the nodes behind it can use it."
    effects = Effects.PURE
    static_output = True
    Input = StoreValueInputs
    Output = StoreValueOutputs
    examples = (
        Example({"input": "go", "data": "kept"}, (("output", "kept"),)),
        Example({"input": "go", "data": 0}, (("output", "go"),)),
    )

    async def run(self, inputs: StoreValueInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", inputs.data or inputs.input


class PrintInputs(Inputs):
    text: Any = Field(description="What to record")


class PrintOutputs(Outputs):
    output: Any = Field(description="What was recorded")
    status: str = Field(description="Always `printed`")


class Print(Block[PrintInputs]):
    id = "f3b1c1b2-4c4f-4f0d-8d2f-4c4f0d8d2f4c"
    name = "Print"
    description = "Records a value among the run's results, for whoever looks into the run."
    effects = Effects.PURE
    Input = PrintInputs
    Output = PrintOutputs
    examples = (Example({"text": "hello"}, (("output", "hello"), ("status", "printed"))),)

    async def run(self, inputs: PrintInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", inputs.text
        yield "status", "printed"


class NoteInputs(Inputs):
    text: str = Field(description="The note")


class NoteOutputs(Outputs):
    output: str = Field(description="The note")


class Note(Block[NoteInputs]):
    id = "cc10ff7b-7753-4ff2-9af6-9399b1a7eddc"
    name = "Note"
    description = "A remark for people who read the graph; it never runs."
    kind = BlockKind.NOTE
    effects = Effects.PURE
    Input = NoteInputs
    Output = NoteOutputs
    examples = (Example({"text": "Mind the loop."}, (("output", "Mind the loop."),)),)

    async def run(self, inputs: NoteInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", inputs.text


class ReverseListInputs(Inputs):
    input_list: list[Any] = Field(description="The list to turn round")


class ReverseListOutputs(Outputs):
    reversed_list: list[Any] = Field(description="The list, last item first")


class ReverseList(Block[ReverseListInputs]):
    id = "422cb708-3109-4277-bfe3-bc2ae5812777"
    name = "Reverse list"
    description = "Turns the order of a list round."
    effects = Effects.PURE
    Input = ReverseListInputs
    Output = ReverseListOutputs
    examples = (Example({"input_list": [1, 2, 3]}, (("reversed_list", [3, 2, 1]),)),)

    async def run(self, inputs: ReverseListInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "reversed_list", inputs.input_list[::-1]


class TypeOption(StrEnum):
    """What a value can be converted to."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    DICTIONARY = "dictionary"


_CONVERSIONS = {
    TypeOption.STRING: compile_coercion(str),
    TypeOption.NUMBER: compile_coercion(float),
    TypeOption.BOOLEAN: compile_coercion(bool),
    TypeOption.LIST: compile_coercion(list),
    TypeOption.DICTIONARY: compile_coercion(dict),
}


class TypeConverterInputs(Inputs):
    value: Any = Field(description="The value to convert")
    type: TypeOption = Field(description="What to convert it to")


class TypeConverterOutputs(Outputs):
    value: Any = Field(description="The converted value")


class UniversalTypeConverter(Block[TypeConverterInputs]):
    id = "95d1b990-ce13-4d88-9737-ba5c2070c97b"
    name = "Universal type converter"
    description = "Converts a value to text, a number, yes or no, a list or a dictionary."
    effects = Effects.PURE
    Input = TypeConverterInputs
    Output = TypeConverterOutputs
    examples = (
        Example({"value": "2.5", "type": "number"}, (("value", 2.5),)),
        Example({"value": [1, 2], "type": "string"}, (("value", "[1, 2]"),)),
        Example({"value": "text", "type": "dictionary"}, (("value", {"value": "text"}),)),
    )

    async def run(self, inputs: TypeConverterInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", _CONVERSIONS[inputs.type](inputs.value)
