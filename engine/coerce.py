"""Converts values to the types that a block's fields declare: `"5.5"` to 5, `[1]` to `"[1]"`, `"x"` to `["x"]`.

Called by `blocks/inputs.py` for every field of every node execution, so a value that already fits costs one check and
comes back as the same object. It must not know blocks or graphs: an annotation in, a function out.

Rules: agent-graphs §8. None is left alone at every depth, and so is what no rule names (literals, models, dates):
validation decides about those.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeAliasType, Union, get_args, get_origin

type Conversion = Callable[[Any], Any]
"""Takes a value, gives it back untouched when it fits, else a converted copy. Never changes its argument."""

type _Test = Callable[[Any], bool]


class ConversionError(ValueError):
    """The value cannot become what the field declares."""


def untouched(value: Any) -> Any:
    """The conversion of fields that take anything."""
    return value


def compile_coercion(annotation: Any) -> Conversion:
    """The conversion to what the annotation says; ConversionError where there is none (agent-graphs §8)."""
    return _rule(annotation).apply


@dataclass(frozen=True, slots=True)
class _Rule:
    """How to tell that a value fits, how to convert one that does not, and both in one call."""

    fits: _Test
    apply: Conversion


def _order(annotation: Any) -> Any:
    """The annotation spelt out. `int | str == str | int`, yet their members are tried in different orders."""
    arguments = get_args(annotation)
    if not arguments or get_origin(annotation) is Literal:
        return annotation
    return get_origin(annotation), tuple(_order(argument) for argument in arguments)


@lru_cache(maxsize=4096)
def _compiled(annotation: Any, _spelt_out: Any) -> _Rule:
    return _compile(annotation)


def _compile(annotation: Any) -> _Rule:
    if isinstance(annotation, TypeAliasType):
        return _rule(annotation.__value__)
    if isinstance(annotation, NewType):
        return _rule(annotation.__supertype__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _rule(arguments[0])
    if origin is Union or origin is UnionType:
        return _union(arguments)
    kind = origin or annotation
    if not isinstance(kind, type):
        return _ANYTHING
    if issubclass(kind, Enum):
        return _enumeration(kind) if issubclass(kind, str) else _ANYTHING
    if issubclass(kind, str):
        return _TEXT
    if kind is dict:
        return _dictionary(arguments)
    if kind in _ITEMS_OF:
        return _collection(kind, arguments)
    return _SCALARS.get(kind, _ANYTHING)


def _rule(annotation: Any) -> _Rule:
    try:
        hash(annotation)
    except TypeError:  # the metadata of an `Annotated` inside it may be anything
        return _compile(annotation)
    return _compiled(annotation, _order(annotation))


def _anything_fits(_value: Any) -> bool:
    return True


_ANYTHING = _Rule(_anything_fits, untouched)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _to_text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON has no form for: sets become lists, the rest their text."""
    return list(value) if isinstance(value, set | frozenset) else str(value)


def _is_integer(value: Any) -> bool:
    return value is None or isinstance(value, int)


def _to_integer(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, _CONTAINERS):
        return len(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, float)


def _to_number(value: Any) -> Any:
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, _CONTAINERS):
        return float(len(value))
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    # The text "nan" is a word, not a number: it would break every comparison after it, and JSON has no form for it.
    return number if math.isfinite(number) else 0.0


def _is_truth(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _to_truth(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() in {"true", "1"}
    return bool(value)


_CONTAINERS = (list, tuple, set, frozenset, Mapping)
_TEXT = _Rule(_is_text, _to_text)
_SCALARS = {
    int: _Rule(_is_integer, _to_integer),
    float: _Rule(_is_number, _to_number),
    bool: _Rule(_is_truth, _to_truth),
}


def _enumeration(kind: type[Enum]) -> _Rule:
    members: dict[Any, Enum] = {member.value: member for member in kind}

    def fits(value: Any) -> bool:
        return value is None or isinstance(value, kind)

    def apply(value: Any) -> Any:
        if fits(value):
            return value
        if isinstance(value, str) and value in members:
            return members[value]
        raise ConversionError(f"{_short(value)} is not one of: {', '.join(members)}")

    return _Rule(fits, apply)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _list_items(value: Any) -> list[Any]:
    if isinstance(value, str):
        text = value.strip()
        parsed = _parsed(text) if text.startswith("[") and text.endswith("]") else None
        return parsed if isinstance(parsed, list) else [text]
    if isinstance(value, Mapping):
        return [[key, item] for key, item in value.items()]
    return list(value) if isinstance(value, tuple | set | frozenset) else [value]


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, str | list | tuple | set | frozenset | Mapping) else [value]


_NOT_JSON = object()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


_ITEMS_OF: Mapping[type, Callable[[Any], list[Any]]] = {
    list: _list_items,
    tuple: _items,
    set: _items,
    frozenset: _items,
}


def _collection(kind: type[Any], arguments: tuple[Any, ...]) -> _Rule:
    """Lists, tuples and sets. A tuple of fixed length converts its items one by one, as far as they go."""
    items_of = _ITEMS_OF[kind]
    fixed = kind is tuple and arguments and arguments[-1] is not Ellipsis
    rules = [_rule(argument) for argument in arguments if argument is not Ellipsis]
    item = rules[0] if rules and not fixed else _ANYTHING

    def fits(value: Any) -> bool:
        if value is None:
            return True
        if not isinstance(value, kind):
            return False
        if fixed:
            return all(rule.fits(entry) for rule, entry in zip(rules, value, strict=False))
        return item is _ANYTHING or all(map(item.fits, value))

    def apply(value: Any) -> Any:
        if fits(value):
            return value
        items = value if isinstance(value, kind) else items_of(value)
        if fixed:
            converted = [rule.apply(entry) for rule, entry in zip(rules, items, strict=False)]
            return (*converted, *items[len(converted) :])
        return _build(kind, map(item.apply, items))

    return _Rule(fits, apply)


def _build(kind: type[Any], items: Any) -> Any:
    try:
        return kind(items)
    except TypeError:  # a set of lists or dictionaries
        raise ConversionError(f"its items cannot be put in a {kind.__name__}") from None


def _dictionary(arguments: tuple[Any, ...]) -> _Rule:
    key, item = (_rule(arguments[0]), _rule(arguments[1])) if arguments else (_ANYTHING, _ANYTHING)
    plain = key is _ANYTHING and item is _ANYTHING

    def fits(value: Any) -> bool:
        if value is None:
            return True
        if not isinstance(value, dict):
            return False
        return plain or (all(map(key.fits, value)) and all(map(item.fits, value.values())))

    def apply(value: Any) -> Any:
        if fits(value):
            return value
        entries = value if isinstance(value, dict) else _entries(value)
        return {key.apply(name): item.apply(entry) for name, entry in entries.items()}

    return _Rule(fits, apply)


def _entries(value: Any) -> dict[Any, Any]:
    if isinstance(value, str):
        parsed = _parsed(value)
        if isinstance(parsed, dict):
            return parsed
        return {"value": value if parsed is _NOT_JSON else parsed}
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return dict(value) if isinstance(value, Mapping) else {"value": value}


def _union(members: tuple[Any, ...]) -> _Rule:
    """What fits any member stays; else the first member that converts it wins."""
    rules = [_rule(member) for member in members if member is not NoneType]
    if any(rule is _ANYTHING for member, rule in zip(members, rules, strict=False) if member is Any):
        return _ANYTHING
    tests = [_fits_exactly(member) for member in members if member is not NoneType]

    def fits(value: Any) -> bool:
        return value is None or any(test(value) for test in tests)

    def apply(value: Any) -> Any:
        if fits(value):
            return value
        for rule in rules:
            try:
                return rule.apply(value)
            except ConversionError:
                continue
        raise ConversionError(f"{_short(value)} is none of the types that this input takes")

    return _Rule(fits, apply)


def _fits_exactly(member: Any) -> _Test:
    """Whether a value is of a member as it is. What no rule converts (a model, a literal) fits by its type or value."""
    rule = _rule(member)
    if rule is not _ANYTHING or member is Any:
        return rule.fits
    if get_origin(member) is Literal:
        allowed = get_args(member)
        return lambda value: value in allowed
    return (lambda value: isinstance(value, member)) if isinstance(member, type) else _anything_fits
