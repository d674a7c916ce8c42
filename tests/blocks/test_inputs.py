"""From what arrived at a node to what its block gets: defaults, masks, dynamic pins, conversion, validation."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import field_validator

from blocks.agent_io import AgentInput
from blocks.base import Block, BlockContext, BlockInputError, BlockOutputError, Inputs, Outputs, Yielded
from blocks.basic import StoreValue
from blocks.clock import GetCurrentTime
from blocks.data.dictionaries import AddToDictionary, CreateDictionary
from blocks.data.lists import AddToList, CreateList
from blocks.inputs import assemble, check_output, validated
from blocks.maths import Calculator, CalculatorInputs
from blocks.text.plain import CombineTexts, TextSplit


def test_delivered_over_defaults_and_the_mask_over_both() -> None:
    data = assemble(Calculator, {"operation": "Add", "a": 1, "b": 1}, {"a": 2, "b": 2}, {"b": 3})
    assert data == {"operation": "Add", "a": 2.0, "b": 3.0}
    assert list(data) == ["operation", "a", "b"]


def test_pieces_stay_and_are_merged() -> None:
    data = assemble(CreateDictionary, {"values": {}, "values_#_c": "!"}, {"values_#_a": "Hello", "values_#_b": 2}, {})
    assert data["values"] == {"c": "!", "a": "Hello", "b": 2}
    assert data["values_#_a"] == "Hello"


def test_the_defaults_container_is_kept_out_of_it() -> None:
    defaults = {"values": {"nested": {"x": 1}}}
    before = copy.deepcopy(defaults)
    assemble(CreateDictionary, defaults, {"values_#_nested_#_y": 2, "values_#_z": 3}, {})
    assert defaults == before


def test_merged_pieces_are_converted_like_any_value() -> None:
    data = assemble(CombineTexts, {}, {"input_$_1": 5, "input_$_0": "a"}, {})
    assert data["input"] == ["a", "5"]


def test_fields_under_another_name_in_code_are_converted_too() -> None:
    data = assemble(AddToList, {}, {"list": "[1]", "entry": 2}, {})
    assert data["list"] == [1]
    assert getattr(validated(AddToList, data), "items") == [1]  # noqa: B009


def test_none_is_left_for_the_fields_default() -> None:
    data = assemble(TextSplit, {"strip": None}, {"text": "a", "delimiter": ","}, {})
    assert data["strip"] is None
    assert getattr(validated(TextSplit, data), "strip") is True  # noqa: B009


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"operation": "Add", "a": 1}, "`b` is required"),
        ({"operation": "Add", "a": 1, "b": None}, "`b` is required"),
        ({"a": 1}, "`operation` is required; `b` is required"),
        ({"operation": "Modulo", "a": 1, "b": 1}, "`operation`: 'Modulo' is not one of: Add, Subtract"),
    ],
)
def test_what_does_not_fit_is_named_in_plain_words(inputs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BlockInputError) as failure:
        validated(Calculator, assemble(Calculator, inputs, {}, {}))
    message = str(failure.value)
    assert message.startswith("Unable to execute block with invalid input data: ")
    assert complaint in message
    for jargon in ("pydantic", "http", "type=", "validation error", "input_value"):
        assert jargon not in message


def test_a_wrong_item_is_located_and_its_value_kept_secret() -> None:
    with pytest.raises(BlockInputError, match=r"`input` should be a valid string \(item 1\)") as failure:
        validated(CombineTexts, {"input": ["fine", {"secret": "s3cr3t"}]})
    assert "s3cr3t" not in str(failure.value)


def test_limits_of_fields_are_told() -> None:
    with pytest.raises(BlockInputError, match="`max_size` should be greater than or equal to 0"):
        validated(CreateList, {"values": [], "max_size": -1})


def test_objects_are_called_objects() -> None:
    with pytest.raises(BlockInputError, match=r"`format_type` should be an object$"):
        validated(GetCurrentTime, {"trigger": "go", "format_type": 5})


@pytest.mark.parametrize("name", ["values_$_x", "values_$_-1", "values_$_999999999"])
def test_a_piece_that_has_no_place(name: str) -> None:
    with pytest.raises(BlockInputError, match="invalid input data: pin "):
        assemble(CreateList, {}, {name: 1}, {})


def test_classes_and_instances_are_asked_alike() -> None:
    inputs = validated(Calculator(), assemble(Calculator(), {}, {"operation": "Add", "a": "1", "b": 2}, {}))
    assert isinstance(inputs, CalculatorInputs)
    assert (inputs.a, inputs.b) == (1.0, 2.0)


def test_outputs_of_a_block() -> None:
    check_output(Calculator, "result", 5)
    check_output(Calculator, "error", "text")
    check_output(StoreValue, "output", None)
    check_output(CreateList, "list", [1])
    with pytest.raises(
        BlockOutputError, match="Block produced an invalid output data: `result` should be a valid number"
    ):
        check_output(Calculator, "result", "5")
    with pytest.raises(BlockOutputError, match="it has no output `items`, only: error, list"):
        check_output(CreateList, "items", [1])


def test_only_standard_blocks_have_their_values_checked() -> None:
    check_output(AgentInput, "result", object())
    with pytest.raises(BlockOutputError, match="no output `error`"):
        check_output(AgentInput, "error", "text")


class Odd:
    """A type that pydantic has no schema for."""


class PickyInputs(Inputs):
    even: int

    @field_validator("even")
    @classmethod
    def must_be_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an odd number")
        return value


class PickyOutputs(Outputs):
    odd: Odd


class Picky(Block[PickyInputs]):
    Input = PickyInputs
    Output = PickyOutputs

    async def run(self, inputs: PickyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "odd", Odd()


def test_blocks_with_rules_and_types_of_their_own() -> None:
    with pytest.raises(BlockInputError, match=r"data: `even` is not acceptable: an odd number$"):
        validated(Picky, {"even": 3})
    check_output(Picky, "odd", Odd())


json_values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
keys = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)


@given(st.dictionaries(keys, json_values, min_size=1))
def test_a_dictionary_delivered_in_pieces_is_whole_again(entries: dict[str, Any]) -> None:
    pieces = {f"values_#_{key}": value for key, value in entries.items()}
    assert assemble(CreateDictionary, {"values": {}}, pieces, {})["values"] == entries


@given(st.lists(json_values, min_size=1, max_size=8), st.randoms())
def test_a_list_delivered_in_pieces_is_whole_again_whatever_the_order(items: list[Any], random: Any) -> None:
    pieces = [(f"values_$_{index}", item) for index, item in enumerate(items)]
    random.shuffle(pieces)
    assert assemble(CreateList, {}, dict(pieces), {})["values"] == items


@given(st.dictionaries(keys, json_values), st.dictionaries(keys, json_values), st.dictionaries(keys, json_values))
def test_assembling_changes_no_argument(
    defaults: dict[str, Any], delivered: dict[str, Any], mask: dict[str, Any]
) -> None:
    defaults = {"entries": defaults, "key": "k"}
    delivered = {f"entries_#_{key}": value for key, value in delivered.items()}
    before = json.dumps([defaults, delivered, mask])
    assemble(AddToDictionary, defaults, delivered, mask)
    assert json.dumps([defaults, delivered, mask]) == before
