"""The conversion table of agent-graphs §8, row by row, and its laws."""

from collections.abc import Mapping
from datetime import date
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NewType, Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from engine.coerce import ConversionError, compile_coercion, untouched


class Model(BaseModel):
    size: int = 0


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1


class LongText(str):
    __slots__ = ()


UserId = NewType("UserId", str)
type Names = list[str]

TABLE: list[tuple[Any, Any, Any]] = [
    (str, [], "[]"),
    (str, 5, "5"),
    (str, True, "true"),
    (str, {"a": "\u00fc"}, '{"a": "\u00fc"}'),
    (str, {1}, "[1]"),
    (LongText, 5, "5"),
    (UserId, 5, "5"),
    (Annotated[str, "meta"], 5, "5"),
    (list[Annotated[int, []]], "5", [5]),
    (str, [date(2026, 5, 31)], '["2026-05-31"]'),
    (int, "5.5", 5),
    (int, 5.5, 5),
    (int, "12345678901234567890", 12345678901234567890),
    (int, "five", 0),
    (int, "nan", 0),
    (int, [1, 2, 3], 3),
    (int, {"a": 1}, 1),
    (int, True, True),
    (int, object, 0),
    (float, 5, 5.0),
    (float, " 2.5 ", 2.5),
    (float, "five", 0.0),
    (float, "inf", 0.0),
    (float, [1], 1.0),
    (bool, "TRUE", True),
    (bool, "1", True),
    (bool, "yes", False),
    (bool, 2, True),
    (bool, [], False),
    (list, "a", ["a"]),
    (list, " a b\n", ["a b"]),
    (list[str], "[broken] ", ["[broken]"]),
    (list, " [1, 2] ", [1, 2]),
    (list, "[broken]", ["[broken]"]),
    (list, {"a": 1}, [["a", 1]]),
    (list, (1, 2), [1, 2]),
    (list, 7, [7]),
    (list[int], "5", [5]),
    (list[int], ["1", 2.5, None], [1, 2, None]),
    (list[str], [["a"]], ['["a"]']),
    (Names, "x", ["x"]),
    (dict, '{"a": 1}', {"a": 1}),
    (dict, "[1]", {"value": [1]}),
    (dict, "text", {"value": "text"}),
    (dict, ["x", "y"], {0: "x", 1: "y"}),
    (dict, 3, {"value": 3}),
    (dict[str, int], {"a": "4"}, {"a": 4}),
    (dict[str, Any], ["x"], {"0": "x"}),
    (tuple, "ab", ("a", "b")),
    (tuple[int, str], ["1", 2], (1, "2")),
    (tuple[int, str], (1, "2", 3), (1, "2", 3)),
    (tuple[int, ...], ["1", "2"], (1, 2)),
    (set, "aaa", {"a"}),
    (set[int], ["1", "1"], {1}),
    (str | list[str], [1, 2], "[1, 2]"),
    (list[str] | str, [1, 2], ["1", "2"]),
    (Optional[int], "7", 7),  # noqa: UP045
    (Union[int, str], 2.5, 2),  # noqa: UP007
    (str | int, 2.5, "2.5"),
    (int | Any, "x", "x"),
    (Colour, "red", Colour.RED),
    (Colour, Colour.RED, Colour.RED),
    (Colour | int, "9", 9),
    (Literal["a"] | int, "a", "a"),
    (Model | str, {"size": 1}, {"size": 1}),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), TABLE, ids=lambda part: repr(part)[:40])
def test_conversion(annotation: Any, value: Any, expected: Any) -> None:
    converted = compile_coercion(annotation)(value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize("annotation", [Any, object, Literal["a"], Model, Level, date, Mapping, "forward"])
@pytest.mark.parametrize("value", [5, "x", [1], {"a": 1}])
def test_what_no_rule_names_is_left_to_validation(annotation: Any, value: Any) -> None:
    assert compile_coercion(annotation)(value) is value


@pytest.mark.parametrize("annotation", [list[int], tuple[int, str], set[int], dict[str, int], str | list[int]])
def test_none_fits_whatever_is_around_it(annotation: Any) -> None:
    assert compile_coercion(list[annotation])([None]) == [None]


def test_any_costs_nothing() -> None:
    assert compile_coercion(Any) is untouched


def test_an_unknown_enumeration_value_is_an_error_that_names_the_allowed_ones() -> None:
    with pytest.raises(ConversionError, match="'green' is not one of: red, blue"):
        compile_coercion(Colour)("green")
    with pytest.raises(ConversionError, match="none of the types"):
        compile_coercion(Colour | None)("g" * 200)


def test_a_set_of_lists_is_an_error() -> None:
    with pytest.raises(ConversionError, match="set"):
        compile_coercion(set)([[1]])


def test_the_argument_is_never_changed() -> None:
    values = ["1", {"a": "2"}]
    assert compile_coercion(list[int])(values) == [1, 1]
    assert values == ["1", {"a": "2"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
annotations = st.recursive(
    st.sampled_from([str, int, float, bool, list, dict, Any]),
    lambda inner: st.one_of(
        inner.map(lambda item: list[item]),  # type: ignore[valid-type]
        inner.map(lambda item: dict[str, item]),  # type: ignore[valid-type]
        inner.map(lambda item: item | None),
        st.tuples(inner, inner).map(lambda pair: Union[pair[0], pair[1]]),  # noqa: UP007
    ),
    max_leaves=5,
)


@given(annotations, json_values)
def test_a_converted_value_fits_and_stays_the_same_object(annotation: Any, value: Any) -> None:
    convert = compile_coercion(annotation)
    once = convert(value)
    assert convert(once) is once


@given(annotations)
def test_none_is_left_alone(annotation: Any) -> None:
    assert compile_coercion(annotation)(None) is None


@given(st.lists(st.integers()), st.dictionaries(st.text(), st.text()))
def test_values_that_fit_are_returned_as_they_are(numbers: list[int], words: dict[str, str]) -> None:
    assert compile_coercion(list[int])(numbers) is numbers
    assert compile_coercion(dict[str, str])(words) is words
    assert compile_coercion(dict[str, str] | list[int])(numbers) is numbers
