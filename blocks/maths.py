"""Arithmetic and counting.

Registered in `catalogue.py`. Numbers are floats, so no power can grow without bound: what is too large or not a number
comes out as NaN, division by zero as infinity (agent-graphs §17.6).
"""

import math
from collections.abc import AsyncIterator, Callable, Sized
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import Effects


class Operation(StrEnum):
    """What a calculator can do."""

    ADD = "Add"
    SUBTRACT = "Subtract"
    MULTIPLY = "Multiply"
    DIVIDE = "Divide"
    POWER = "Power"


_OPERATIONS: dict[Operation, Callable[[float, float], Any]] = {
    Operation.ADD: lambda a, b: a + b,
    Operation.SUBTRACT: lambda a, b: a - b,
    Operation.MULTIPLY: lambda a, b: a * b,
    Operation.DIVIDE: lambda a, b: a / b,
    Operation.POWER: lambda a, b: a**b,
}


class CalculatorInputs(Inputs):
    operation: Operation = Field(description="What to do with the two numbers")
    a: float = Field(description="The first number")
    b: float = Field(description="The second number")
    round_result: bool = Field(False, description="Round the result to a whole number")


class CalculatorOutputs(Outputs):
    result: float = Field(description="The result; infinity after a division by zero, NaN when there is none")


class Calculator(Block[CalculatorInputs]):
    id = "b1ab9b19-67a6-406d-abf5-2dba76d00c79"
    name = "Calculator"
    description = "Adds, subtracts, multiplies, divides or raises to a power."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = CalculatorInputs
    Output = CalculatorOutputs
    examples = (
        Example({"operation": "Add", "a": 10, "b": 5}, (("result", 15.0),)),
        Example({"operation": "Divide", "a": 7, "b": 2, "round_result": True}, (("result", 4),)),
    )

    async def run(self, inputs: CalculatorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "result", calculate(inputs.operation, inputs.a, inputs.b, round_result=inputs.round_result)


def calculate(operation: Operation, a: float, b: float, *, round_result: bool = False) -> float:
    """The result; infinity for a division by zero, NaN for a root of a negative number and for what overflows."""
    try:
        result = _OPERATIONS[operation](a, b)
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return math.nan
    if isinstance(result, complex):
        return math.nan
    number = float(result)
    return round(number) if round_result and math.isfinite(number) else number


class CountItemsInputs(Inputs):
    collection: Any = Field(description="A list, a dictionary or a text")


class CountItemsOutputs(Outputs):
    count: int = Field(description="How many items, entries or characters; -1 for what cannot be counted")


class CountItems(Block[CountItemsInputs]):
    id = "3c9c2f42-b0c3-435f-ba35-05f7a25c772a"
    name = "Count items"
    description = "Counts the items of a list, the entries of a dictionary or the characters of a text."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = CountItemsInputs
    Output = CountItemsOutputs
    examples = (
        Example({"collection": [1, 2, 3]}, (("count", 3),)),
        Example({"collection": 5}, (("count", -1),)),
    )

    async def run(self, inputs: CountItemsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "count", len(inputs.collection) if isinstance(inputs.collection, Sized) else -1
