"""Decisions: compare two values, or look whether an input is a certain value, and go one of two ways.

Registered in `catalogue.py` (agent-graphs §17.4).
"""

import math
import operator
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.coerce import compile_coercion
from engine.model import Effects


class Comparison(StrEnum):
    """How two values are compared."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="


_COMPARISONS: dict[Comparison, Callable[[Any, Any], Any]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.NOT_EQUAL: operator.ne,
    Comparison.GREATER: operator.gt,
    Comparison.LESS: operator.lt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
    Comparison.LESS_OR_EQUAL: operator.le,
}


class DecisionOutputs(Outputs):
    result: bool = Field(description="Whether it is so")
    yes_output: Any = Field(description="Given only when it is so")
    no_output: Any = Field(description="Given only when it is not so")


class ConditionInputs(Inputs):
    value1: Any = Field(description="The value on the left; a text that reads as a number counts as that number")
    operator: Comparison = Field(description="How to compare")
    value2: Any = Field(description="The value on the right; read like the one on the left")
    yes_value: Any = Field(None, description="What to give when it is so; the left value when left out")
    no_value: Any = Field(None, description="What to give when it is not so; the right value when left out")


class Condition(Block[ConditionInputs]):
    id = "715696a0-e1da-45c8-b209-c2fa9c3b0be6"
    name = "Condition"
    description = "Compares two values and goes one of two ways."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = ConditionInputs
    Output = DecisionOutputs
    examples = (
        Example({"value1": "10", "operator": ">", "value2": 5}, (("result", True), ("yes_output", 10.0))),
        Example(
            {"value1": "a", "operator": "==", "value2": "b", "no_value": "other"},
            (("result", False), ("no_output", "other")),
        ),
    )

    async def run(self, inputs: ConditionInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        left, right = as_operand(inputs.value1), as_operand(inputs.value2)
        try:
            result = bool(_COMPARISONS[inputs.operator](left, right))
        except TypeError as error:
            raise ValueError(f"Comparison failed: {error}") from None
        yield "result", result
        if result:
            yield "yes_output", left if inputs.yes_value is None else inputs.yes_value
        else:
            yield "no_output", right if inputs.no_value is None else inputs.no_value


def as_operand(value: Any) -> Any:
    """A text as the number it reads as, or else without the spaces around it; anything else as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    # "nan" and "infinity" are words here: a name, a title. As numbers they would compare wrongly.
    return number if math.isfinite(number) else text


class IfInputMatchesInputs(Inputs):
    input: Any = Field(description="The value to look at")
    value: Any = Field(description="The value to compare it with, converted to the type of the input")
    yes_value: Any = Field(None, description="What to give when they are equal")
    no_value: Any = Field(None, description="What to give when they differ")


class IfInputMatches(Block[IfInputMatchesInputs]):
    id = "6dbbc4b3-ca6c-42b6-b508-da52d23e13f2"
    name = "If input matches"
    description = "Looks whether an input equals a value and goes one of two ways."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = IfInputMatchesInputs
    Output = DecisionOutputs
    examples = (
        Example({"input": 10, "value": "10", "yes_value": "ten"}, (("result", True), ("yes_output", "ten"))),
        Example({"input": "a", "value": "b"}, (("result", False), ("no_output", None))),
    )

    async def run(self, inputs: IfInputMatchesInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        result = matches(inputs.input, inputs.value)
        yield "result", result
        if result:
            yield "yes_output", inputs.yes_value
        else:
            yield "no_output", inputs.no_value


_TO_TYPE = {kind: compile_coercion(kind) for kind in (str, int, float, bool, list, dict)}


def matches(given: Any, value: Any) -> bool:
    """Whether they are equal, if need be once the value has the type of what was given.

    It is converted as any input is (agent-graphs §8): what is no number is 0 then, a text other than `true` is false.
    """
    convert = _TO_TYPE.get(type(given))
    return bool(given == value or (convert and given == convert(value)))
