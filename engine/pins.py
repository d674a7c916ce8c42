"""Names of pins, plain and dynamic: `values_#_name`, `items_$_0`, `person_@_email`, and their nesting.

Used by validation and planning (base names), by the activity that produced an output (`select`) and by the one
that consumes inputs (`merge_dynamic`). Rules: agent-graphs §4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DELIMITER = re.compile(r"_([$#@])_")
_INDEX = re.compile(r"-?[0-9]{1,9}\Z")
_TOOL_PIN = re.compile(r"^tools_\^_(?P<tool>.+?)_~_(?P<field>.+)$")


@dataclass(frozen=True, slots=True)
class Token:
    """One step into a value: `$` list index, `#` dictionary key, `@` attribute."""

    sort: str
    key: str


class NotFound(LookupError):
    """The selector's path does not exist in the value."""


def tokenise(name: str) -> tuple[str, tuple[Token, ...]] | None:
    """Split a name into its base and its steps; None when it is plain or malformed (an empty token)."""
    parts = _DELIMITER.split(name)
    if len(parts) == 1 or not all(parts):
        return None
    steps = tuple(Token(parts[i], parts[i + 1]) for i in range(1, len(parts), 2))
    return parts[0], steps


def base_name(name: str) -> str:
    """The pin a name belongs to in a block's schema; any tool pin belongs to `tools`."""
    if name == "tools" or _TOOL_PIN.match(name):
        return "tools"
    split = tokenise(name)
    return name if split is None else split[0]


def is_tool_pin(name: str) -> bool:
    """Whether a link's source name offers its sink to a model as a tool."""
    return base_name(name) == "tools"


def select(output_name: str, value: Any, selector: str) -> Any:
    """What a link whose source name is `selector` gets of an emitted (name, value).

    Equal names give the whole value, None included. Otherwise the selector must walk into the value; a missing step,
    or None at its end, raises NotFound: nothing is delivered (agent-graphs §4.2, S-194).
    """
    if selector == output_name:
        return value
    if not selector.startswith(output_name):
        raise NotFound(selector)
    split = tokenise("_" + selector[len(output_name) :])
    if split is None or split[0] != "_":
        raise NotFound(selector)
    for token in split[1]:
        value = _descend(value, token)
    if value is None:
        raise NotFound(selector)
    return value


def _descend(value: Any, token: Token) -> Any:
    match token.sort, value:
        case "$", list() if _INDEX.match(token.key):
            index = int(token.key)
            if -len(value) <= index < len(value):
                return value[index]
        case (("#" | "@"), Mapping()) if token.key in value:
            return value[token.key]
    raise NotFound(token.key)


def merge_dynamic(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The flat inputs plus, for each dynamic pin, its base name with the piece put in place.

    In the order of the keys: a plain base key that comes later overwrites the pieces before it, one that comes earlier
    is the container they go into (copied, never changed in place). Lists are padded with None.
    ValueError for a list index that is no number. Source: agent-graphs §4.3.
    """
    if not any(_DELIMITER.search(name) for name in inputs):
        return dict(inputs)
    merged: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    for name, value in inputs.items():
        flat[name] = value
        split = tokenise(name)
        if split is None:
            merged[name] = value
        else:
            base, steps = split
            merged[base] = _assign(merged.get(base), steps, value, name)
    return flat | merged


def _assign(container: Any, steps: tuple[Token, ...], value: Any, name: str) -> Any:
    """A copy of the container with the value put where the steps lead."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step.sort == "$":
        if not (step.key.isascii() and step.key.isdigit()):
            raise ValueError(f"pin {name!r}: index must be an integer, not {step.key!r}")
        # The length first: Python refuses to read very long numbers.
        if len(step.key) > len(str(_LARGEST_INDEX)) or int(step.key) > _LARGEST_INDEX:
            raise ValueError(f"pin {name!r}: index is larger than {_LARGEST_INDEX}")
        index = int(step.key)
        items = list(container) if isinstance(container, list) else []
        items.extend([None] * (index + 1 - len(items)))
        items[index] = _assign(items[index], rest, value, name)
        return items
    entries = dict(container) if isinstance(container, Mapping) else {}
    entries[step.key] = _assign(entries.get(step.key), rest, value, name)
    return entries


_LARGEST_INDEX = 100_000


@dataclass(frozen=True, slots=True)
class ToolPin:
    """A tool argument on its way: for one sink node and one of its pins (agent-graphs §4.5)."""

    sink_id: str
    sink_name: str


def parse_tool_pin(name: str) -> ToolPin | None:
    """The sink that an emitted tool pin names, or None when the name is no tool pin."""
    match = _TOOL_PIN.match(name)
    return ToolPin(match["tool"], match["field"]) if match else None
