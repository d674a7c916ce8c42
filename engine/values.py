"""A value as the engine sees it: small ones inline, large ones as a reference it never opens.

Used by everything that routes values. Whoever produces a value decides which form it takes
(`activities/values.py`); the engine only asks whether it is null.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, final

type JsonKind = Literal["null", "boolean", "number", "string", "array", "object"]


@final
class Inline(TypedDict):
    """A small JSON value, as it is."""

    value: Any


@final
class Reference(TypedDict):
    """A large value that lies in the store: its key, its JSON kind and its size in bytes of JSON."""

    ref: str
    kind: JsonKind
    size: int


type Value = Inline | Reference


def inline(value: Any) -> Inline:
    """The inline form of a JSON value."""
    return {"value": value}


def is_reference(value: Value) -> bool:
    """Whether the value lies in the store."""
    return "ref" in value


def is_null(value: Value) -> bool:
    """Whether the value is None (S-194, T-58: None is a legal value)."""
    return "ref" not in value and value["value"] is None


def json_kind(value: Any) -> JsonKind:
    """The JSON kind of a plain JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not.

    A large float is the same as the whole number that Postgres makes of it: 1e23 and 10**23.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if (isinstance(one, float) and isinstance(other, int)) or (isinstance(one, int) and isinstance(other, float)):
        try:
            return float(one) == float(other)
        except OverflowError:
            return False
    return bool(one == other)
