"""Nodes as tools of a language model: what a node that is linked to a `tools` pin offers (agent-graphs §18.1, §18.5).

Made by `activities/` from the graph, used by the orchestrator. A tool's parameters are the pins that its links lead to,
under names that models accept; what the node has by itself is not offered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from blocks.credentials import PLAIN_HEADERS
from blocks.language_models import ToolSpec
from engine.pins import base_name, tokenise

_LONGEST_NAME = 64
_HIDDEN = "[hidden]"
_NAMES = (
    r"credential|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|pass(?:word|wd|phrase|code)|pwd|token|secret|cookie"
    r"|session|signature|authori[sz]|oauth|(?<![a-z])auth(?![a-z])"
)
_SECRET = re.compile(_NAMES, re.IGNORECASE)
_IN_TEXTS = (
    (re.compile(r"(://)[^/\s@]*@"), rf"\1{_HIDDEN}@"),
    (re.compile(r"\b(bearer|basic)\s+(?!\[)[^\s\"',;]{6,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (
        re.compile(
            rf"((?:{_NAMES}|\bkey|\bsig)[\w.-]{{0,40}}[\"']?\s{{0,5}}[:=]\s{{0,5}}(?:\"|'|bearer\s|basic\s)?)[^\s\"'&,;}}]+",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
)
"""Secrets in URLs, and behind a name that says so, in whatever notation."""

_LOOKED_AT = 2_000
_MOST_ENTRIES = 50
"""Characters and entries of a fixed value that are looked at: far more than are shown."""

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class LinkedTool:
    """A node that a model may call. `pins`: parameter → the input pin it fills; `required` are parameters too.

    `defaults`: what of the node is fixed, for the description where two tools would have one name.
    """

    node_id: str
    name: str
    description: str
    pins: Mapping[str, str]
    properties: Mapping[str, Any]
    required: Sequence[str] = ()
    definitions: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> ToolSpec:
        """The tool as models are told of it."""
        parameters: dict[str, Any] = {"type": "object", "properties": dict(self.properties)}
        parameters["required"] = list(self.required)
        if self.definitions:
            parameters["$defs"] = dict(self.definitions)
        return ToolSpec(self.name, self.description, parameters)


def linked_tool(
    node_id: str,
    title: str,
    description: str,
    pins: Iterable[str],
    schema: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> LinkedTool:
    """The tool of a node: `schema` is the JSON schema of its inputs, `pins` those that are linked, in order."""
    fields = schema.get("properties") or {}
    filled = {base_name(name) for name, value in defaults.items() if value is not None}
    named: dict[str, str] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for pin in dict.fromkeys(pins):
        name = _free(clean(pin), named)
        base = pin if pin in fields else base_name(pin)
        named[name] = pin
        properties[name] = _property(pin, base, fields.get(base) or {})
        if base in (schema.get("required") or ()) and base not in filled:
            required.append(name)
    kept = {
        name: _without_secrets(name, value)
        for name, value in defaults.items()
        if not _SECRET.search(name) and name not in named.values() and not _is_secret(fields.get(base_name(name)))
    }
    definitions = schema.get("$defs") or {}
    uses = "#/$defs/" in repr(properties)
    return LinkedTool(
        node_id, clean(title).lower(), description, named, properties, required, definitions if uses else {}, kept
    )


def with_names_apart(tools: Iterable[LinkedTool]) -> tuple[LinkedTool, ...]:
    """The tools, those of one name numbered and told apart by what is fixed of each."""
    tools = list(tools)
    names = [tool.name for tool in tools]
    taken = {name for name in names if names.count(name) == 1}
    apart: list[LinkedTool] = []
    for tool in tools:
        if tool.name in taken and names.count(tool.name) == 1:
            apart.append(tool)
            continue
        name = _free(f"{tool.name[: _LONGEST_NAME - 4]}_1", taken)
        taken.add(name)
        shown = ", ".join(
            f"{key}={value!r:.{_SHOWN}}" for key, value in tool.defaults.items() if value not in (None, "", {}, [])
        )
        told = f"{tool.description} [fixed: {shown}]" if shown else tool.description
        apart.append(replace(tool, name=name, description=told))
    return tuple(apart)


def _is_secret(field: Any) -> bool:
    return isinstance(field, Mapping) and bool(field.get("secret"))


def _without_secrets(name: str, value: Any) -> Any:
    """What of a value may be told: nothing under a name that says it is secret, of headers only those that tell none.

    A piece of a dictionary (`headers_#_X`) is what it is a piece of.
    """
    split = tokenise(name)
    base = split[0] if split else name
    if re.search(r"headers?$", base, re.IGNORECASE):
        if split and split[1]:
            return value if str(split[1][-1].key).lower() in PLAIN_HEADERS else _HIDDEN
        if not isinstance(value, Mapping):
            return _HIDDEN if value else value
        told = islice(value.items(), _MOST_ENTRIES)
        return {key: each if str(key).lower() in PLAIN_HEADERS else _HIDDEN for key, each in told}
    match value:
        case str():
            text = value[:_LOOKED_AT]
            for pattern, instead in _IN_TEXTS:
                text = pattern.sub(instead, text)
            return text
        case list():
            if len(value) == 2 and isinstance(value[0], str) and _SECRET.search(value[0]):
                return [value[0], _HIDDEN]
            return [_without_secrets("", item) for item in value[:_MOST_ENTRIES]]
        case Mapping():
            named = (value.get(word) for word in ("name", "key", "header", "field"))
            if any(isinstance(each, str) and _SECRET.search(each) for each in named) and "value" in value:
                value = {**value, "value": _HIDDEN}
            return {
                key: _HIDDEN if _SECRET.search(str(key)) else _without_secrets(str(key), each)
                for key, each in islice(value.items(), _MOST_ENTRIES)
            }
        case _:
            return value


def clean(name: str) -> str:
    """The name with what models do not accept replaced by `_`, at most 64 characters."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:_LONGEST_NAME] or "_"


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the first like it with a number behind that is not taken."""
    taken = set(taken)
    base = re.sub(r"_1$", "", name) if name in taken else name
    number = 1
    while name in taken:
        number += 1
        name = f"{base[: _LONGEST_NAME - 5]}_{number}"
    return name


def _property(pin: str, base: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one parameter; a piece of a dictionary or list has that of its entries."""
    if pin == base:
        return {key: value for key, value in schema.items() if key not in ("default", "title", "secret", "advanced")}
    split = tokenise(pin)
    entries = schema.get("additionalProperties") or schema.get("items")
    piece = dict(entries) if isinstance(entries, Mapping) and entries else {"type": "string"}
    path = "".join(f"[{step.key}]" for step in split[1]) if split else ""
    return {**piece, "description": f"{base}{path}: {schema.get('description') or 'a part of it'}"}
