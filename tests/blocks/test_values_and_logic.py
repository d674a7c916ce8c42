"""Agent inputs and outputs, values, conditions, iteration, arithmetic (agent-graphs §17.1 to §17.6)."""

import json
import math
from typing import Any

import pytest

from blocks.agent_io import AgentInput, AgentOutput
from blocks.base import BlockInputError
from blocks.basic import StoreValue, UniversalTypeConverter
from blocks.data.iteration import StepThroughItems
from blocks.inputs import validated
from blocks.logic import Condition, IfInputMatches
from blocks.maths import Calculator, CountItems
from blocks.typed_inputs import AgentDateInput, AgentNumberInput, AgentTableInput, AgentToggleInput
from tests.blocks.block_runs import context, run


@pytest.mark.parametrize("value", [0, False, "", [], {}])
async def test_an_empty_value_is_a_value(value: Any) -> None:
    assert await run(AgentInput, {"name": "x", "value": value}) == [("result", value)]


async def test_typed_inputs() -> None:
    assert await run(AgentNumberInput, {"name": "n", "value": "5.5"}) == [("result", 5)]
    assert await run(AgentNumberInput, {"name": "n"}) == []
    assert await run(AgentToggleInput, {"name": "t", "value": "TRUE"}) == [("result", True)]
    assert await run(AgentTableInput, {"name": "t", "value": None}) == [("result", [])]
    assert AgentTableInput.shape().inputs["value"].optional
    assert not AgentNumberInput.shape().inputs["value"].optional
    with pytest.raises(BlockInputError, match="`value` should be a valid date"):
        await run(AgentDateInput, {"name": "d", "value": "soon"})


async def test_output_without_a_format_gives_value_and_name() -> None:
    assert await run(AgentOutput, {"name": "x"}) == [("output", None), ("name", "x")]


async def test_output_whose_format_fails_says_so_and_gives_the_value() -> None:
    (output,) = await run(AgentOutput, {"name": "x", "value": 3, "format": "{{ x / 0 }}"})
    assert output == ("output", "Error: division by zero, 3")


async def test_output_escapes_html_when_asked() -> None:
    inputs = {"name": "x", "value": "<b>", "format": "{{x}}"}
    assert await run(AgentOutput, inputs) == [("output", "<b>")]
    assert await run(AgentOutput, {**inputs, "escape_html": True}) == [("output", "&lt;b&gt;")]


@pytest.mark.parametrize(("data", "expected"), [(None, "in"), (0, "in"), ([], "in"), ("kept", "kept"), (5, 5)])
async def test_empty_stored_data_falls_back_to_the_input(data: Any, expected: Any) -> None:
    assert await run(StoreValue, {"input": "in", "data": data}) == [("output", expected)]


async def test_conversion_that_finds_no_number_gives_zero() -> None:
    assert await run(UniversalTypeConverter, {"value": "tea", "type": "number"}) == [("value", 0.0)]
    with pytest.raises(BlockInputError, match="`type`"):
        await run(UniversalTypeConverter, {"value": "tea", "type": "tea"})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"value1": " 10 ", "operator": ">", "value2": "9"}, [("result", True), ("yes_output", 10.0)]),
        ({"value1": " a ", "operator": "==", "value2": "a"}, [("result", True), ("yes_output", "a")]),
        ({"value1": "1", "operator": "==", "value2": 2}, [("result", False), ("no_output", 2)]),
        ({"value1": 1, "operator": "<=", "value2": 1, "yes_value": 0}, [("result", True), ("yes_output", 0)]),
        ({"value1": [1], "operator": "!=", "value2": [1]}, [("result", False), ("no_output", [1])]),
        ({"value1": "nan", "operator": "==", "value2": "nan"}, [("result", True), ("yes_output", "nan")]),
        ({"value1": "infinity", "operator": "!=", "value2": 1}, [("result", True), ("yes_output", "infinity")]),
    ],
)
async def test_condition(inputs: dict[str, Any], expected: list[Any]) -> None:
    assert await run(Condition, inputs) == expected


async def test_what_cannot_be_compared_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^Comparison failed: '<' not supported between"):
        await run(Condition, {"value1": "tea", "operator": "<", "value2": 5})


@pytest.mark.parametrize(
    ("given", "value", "same"),
    [
        (10, "10", True),
        (10, "ten", False),
        (0, "tea", True),
        (1, "tea", False),
        (0, [], True),
        (2, ["a", "b"], True),
        (5, "5.5", True),
        (5, 5.5, True),
        (2.5, "2.5", True),
        ("10", 10, True),
        ("[1]", [1], True),
        (True, "true", True),
        (False, "no", True),
        (True, "yes", False),
        (True, 5, True),
        (1, True, True),
        (False, "false", True),
        ([1], "[1]", True),
        ({"a": 1}, '{"a": 1}', True),
        ({"a": 1}, "a", False),
    ],
)
async def test_if_input_matches(given: Any, value: Any, same: bool) -> None:
    outputs = await run(IfInputMatches, {"input": given, "value": value, "yes_value": "y"})
    assert outputs == [("result", same), ("yes_output", "y") if same else ("no_output", None)]


async def test_every_collection_is_stepped_through_in_turn() -> None:
    outputs = await run(StepThroughItems, {"items": ["a"], "items_object": {"k": "b"}, "items_str": '{"m": "c"}'})
    assert outputs == [("item", "a"), ("key", 0), ("item", "b"), ("key", "k"), ("item", "c"), ("key", "m")]
    assert await run(StepThroughItems, {}) == []


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"items": [1] * 10_001}, "10,001 items"),
        ({"items_str": " " + "1" * 1_000_000}, "1,000,001 characters"),
        ({"items_str": "[1"}, "not JSON"),
        ({"items_str": "5"}, "neither a list nor a dictionary"),
        ({"items_str": "[" * 100_000}, "not JSON"),
    ],
)
async def test_what_cannot_be_stepped_through(inputs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        await run(StepThroughItems, inputs)


async def test_what_can_be_stepped_through_goes_out_before_what_cannot() -> None:
    inputs = validated(StepThroughItems, {"items": ["a"], "items_str": "[1"})
    outputs = StepThroughItems().run(inputs, context())
    assert [await anext(outputs), await anext(outputs)] == [("item", "a"), ("key", 0)]
    with pytest.raises(ValueError, match="not JSON"):
        await anext(outputs)


async def test_the_limit_itself_can_be_stepped_through() -> None:
    assert len(await run(StepThroughItems, {"items": [1] * 10_000})) == 20_000


@pytest.mark.parametrize(
    ("operation", "a", "b", "expected"),
    [
        ("Subtract", 5, 7, -2.0),
        ("Multiply", "3", "4", 12.0),
        ("Divide", 1, 0, math.inf),
        ("Divide", 0, 0, math.inf),
        ("Power", 2, 10, 1024.0),
        ("Power", 0, -1, math.inf),
        ("Multiply", 1e308, 10, math.inf),
    ],
)
async def test_calculator(operation: str, a: Any, b: Any, expected: float) -> None:
    assert await run(Calculator, {"operation": operation, "a": a, "b": b}) == [("result", expected)]


@pytest.mark.parametrize(("a", "b"), [(-8, 0.5), (10, 400), (9e99, 9e99)])
async def test_a_power_without_a_result_is_not_a_number(a: float, b: float) -> None:
    ((_, result),) = await run(Calculator, {"operation": "Power", "a": a, "b": b, "round_result": True})
    assert math.isnan(result)


async def test_rounding_gives_whole_numbers_and_leaves_infinity() -> None:
    inputs = {"operation": "Divide", "a": 7, "b": 4, "round_result": True}
    ((_, result),) = await run(Calculator, inputs)
    assert json.dumps(result) == "2"
    assert await run(Calculator, {**inputs, "b": 0}) == [("result", math.inf)]


@pytest.mark.parametrize(("collection", "count"), [({"a": 1}, 1), ("tea", 3), ([], 0), (12, -1), (True, -1)])
async def test_count_items(collection: Any, count: int) -> None:
    assert await run(CountItems, {"collection": collection}) == [("count", count)]
