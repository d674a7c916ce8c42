"""Names of pins: taking a value apart on its way out, putting one together on its way in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pins import (
    NotFound,
    Token,
    ToolPin,
    base_name,
    is_tool_pin,
    merge_dynamic,
    parse_tool_pin,
    select,
    tokenise,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", None),
        ("a_$_0", ("a", (Token("$", "0"),))),
        ("a_$_0_#_k_@_x", ("a", (Token("$", "0"), Token("#", "k"), Token("@", "x")))),
        ("a_#_two words", ("a", (Token("#", "two words"),))),
        ("a_b_#_c_d", ("a_b", (Token("#", "c_d"),))),
        ("a_#_", None),
        ("_#_k", None),
        ("a_#__$_0", None),
        ("a_%_k", None),
        ("", None),
    ],
)
def test_tokenise(name: str, expected: Any) -> None:
    assert tokenise(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", "plain"),
        ("a_$_0_#_k", "a"),
        ("a_#_", "a_#_"),
        ("tools", "tools"),
        ("tools_^_node_~_pin", "tools"),
        ("tools_^_node_~_values_#_k", "tools"),
        ("tools_^_node", "tools_^_node"),
    ],
)
def test_base_name(name: str, expected: str) -> None:
    assert base_name(name) == expected
    assert is_tool_pin(name) is (expected == "tools")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tools_^_node-1_~_values_#_k", ToolPin("node-1", "values_#_k")),
        ("tools_^_node_~_a_~_b", ToolPin("node", "a_~_b")),
        ("tools", None),
        ("tools_^_node_~_", None),
    ],
)
def test_parse_tool_pin(name: str, expected: ToolPin | None) -> None:
    assert parse_tool_pin(name) == expected


VALUE = {"k": {"x": 1, "none": None}, "items": [10, [20, 21]], "": 5}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("out", VALUE),
        ("out_#_k", VALUE["k"]),
        ("out_#_k_#_x", 1),
        ("out_#_k_@_x", 1),
        ("out_#_items_$_0", 10),
        ("out_#_items_$_1_$_1", 21),
        ("out_#_items_$_-1_$_0", 20),
    ],
)
def test_select(selector: str, expected: Any) -> None:
    assert select("out", VALUE, selector) == expected


@pytest.mark.parametrize(
    "selector",
    [
        "other",
        "outer",
        "out_",
        "out_#_",
        "outx_#_k",
        "out_#_absent",
        "out_#_k_#_none",
        "out_$_0",
        "out_#_items_#_0",
        "out_#_items_$_2",
        "out_#_items_$_-3",
        "out_#_items_$_x",
        "out_#_items_$_--1",
        "out_#_items_$_²",
        "out_#_items_$_" + "9" * 5000,
        "out_#_items_$_0_#_k",
        "ou",
    ],
)
def test_a_selector_that_leads_nowhere_delivers_nothing(selector: str) -> None:
    with pytest.raises(NotFound):
        select("out", VALUE, selector)


@pytest.mark.parametrize("value", [None, False, 0, "", []])
def test_an_equal_name_delivers_whatever_it_is(value: Any) -> None:
    """T-58: None is a legal output value when the names match."""
    assert select("out", value, "out") == value
    assert select("out_#_literal", value, "out_#_literal") == value


@pytest.mark.parametrize("value", [False, 0, "", []])
def test_only_none_is_not_delivered_from_within(value: Any) -> None:
    assert select("out", {"k": value}, "out_#_k") == value


@pytest.mark.parametrize(
    ("inputs", "merged"),
    [
        ({"a": 1}, {}),
        ({"values_#_a": "Hello"}, {"values": {"a": "Hello"}}),
        ({"values_#_a": 1, "values_#_b": 2}, {"values": {"a": 1, "b": 2}}),
        ({"values": {"z": 0}, "values_#_a": 1}, {"values": {"z": 0, "a": 1}}),
        ({"values_#_a": 1, "values": {"z": 0}}, {"values": {"z": 0}}),
        ({"values": {}, "values_#_c": "!", "values_#_a": 1}, {"values": {"c": "!", "a": 1}}),
        ({"items_$_2": "c", "items_$_0": "a"}, {"items": ["a", None, "c"]}),
        ({"items": ["x"], "items_$_1": "y"}, {"items": ["x", "y"]}),
        ({"items": "text", "items_$_0": "y"}, {"items": ["y"]}),
        ({"values": [1], "values_#_k": 2}, {"values": {"k": 2}}),
        ({"values": None, "values_#_k": None}, {"values": {"k": None}}),
        ({"person_@_email": "e"}, {"person": {"email": "e"}}),
        ({"a_$_0_#_k_@_x": 1, "a_$_0_#_l": 2}, {"a": [{"k": {"x": 1}, "l": 2}]}),
        ({"a_#_": 1}, {}),
    ],
)
def test_merge_dynamic(inputs: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge_dynamic(inputs) == inputs | merged


def test_merging_changes_nothing_that_it_was_given() -> None:
    inputs = {"values": {"list": [1]}, "values_#_list_$_1": 2, "values_#_k": 3}
    assert merge_dynamic(inputs)["values"] == {"list": [1, 2], "k": 3}
    assert inputs["values"] == {"list": [1]}
    plain = {"a": 1}
    assert merge_dynamic(plain) is not plain


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("x", "index must be an integer, not 'x'"),
        ("-1", "index must be an integer, not '-1'"),
        ("²", "index must be an integer, not '²'"),
        ("100001", "index is larger than 100000"),
        ("9" * 5000, "index is larger than 100000"),
    ],
)
def test_an_index_that_no_list_can_have(index: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        merge_dynamic({f"items_$_{index}": 1})


def test_the_largest_index() -> None:
    assert len(merge_dynamic({"items_$_100000": 1})["items"]) == 100_001


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="_$#@"), min_size=1, max_size=5)
STEPS = st.lists(
    st.one_of(st.tuples(st.just("$"), st.integers(0, 5).map(str)), st.tuples(st.sampled_from("#@"), KEYS)),
    max_size=4,
)
SCALARS = st.one_of(st.booleans(), st.integers(), st.text(max_size=5))


@given(KEYS.filter(lambda name: name != "tools"), STEPS, SCALARS)
def test_what_a_pin_puts_in_place_a_selector_of_the_same_name_takes_out(
    base: str, steps: list[tuple[str, str]], value: Any
) -> None:
    name = base + "".join(f"_{sort}_{key}" for sort, key in steps)
    merged = merge_dynamic({name: value})
    assert base_name(name) == base
    assert select(base, merged[base], name) == value
    assert merged[name] == value


@given(st.dictionaries(st.text(alphabet="ab_$#@0", max_size=12), SCALARS))
def test_whatever_the_names_the_flat_inputs_stay_visible(inputs: dict[str, Any]) -> None:
    try:
        merged = merge_dynamic(inputs)
    except ValueError:
        return
    bases = {base_name(name) for name in inputs if tokenise(name)}
    assert {name: merged[name] for name in inputs if name not in bases} == {
        name: value for name, value in inputs.items() if name not in bases
    }
    assert set(merged) == set(inputs) | bases
