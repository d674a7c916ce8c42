"""The properties of Notion's pages: as plain values, as conditions for a query, and as what a new page is given.

For the blocks of `blocks/notion.py`; pure.
"""

import math
from collections.abc import Mapping
from typing import Any

from blocks.providers.notion_markdown import plain, rich_text

_SELECTS = frozenset({"status", "priority", "type", "category"})
_ADDRESSES = frozenset({"url", "link"})
_CONTAINING = frozenset({"title", "rich_text", "url", "email", "phone_number", "multi_select", "relation"})
_EQUAL = frozenset({"select", "status", "date", "created_time", "last_edited_time"})
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})

type Json = dict[str, Any]


def values_of(page: Mapping[str, Any]) -> Json:
    """A page of a database: its properties by name, and `_id`, `_url`, `_created_time`, `_last_edited_time`."""
    properties = page.get("properties")
    values = {name: value_of(each) for name, each in properties.items()} if isinstance(properties, dict) else {}
    return values | {f"_{name}": page.get(name) for name in ("id", "url", "created_time", "last_edited_time")}


def value_of(stored: Any) -> Any:
    """A property as a plain value; one of a kind that is not known as Notion describes it."""
    kind = stored.get("type") if isinstance(stored, dict) else None
    own = stored.get(kind) if isinstance(kind, str) else None
    match kind:
        case "title" | "rich_text":
            return plain(own)
        case "number" | "checkbox" | "url" | "email" | "phone_number" | "created_time" | "last_edited_time":
            return own
        case "select" | "status":
            return _of(own, "name")
        case "date":
            return _of(own, "start")
        case "multi_select":
            return [_of(each, "name") for each in _list(own)]
        case "relation":
            return [_of(each, "id") for each in _list(own)]
        case "people":
            return [_of(each, "name") or _of(each, "id") for each in _list(own)]
        case "created_by" | "last_edited_by":
            return _of(own, "name") or _of(own, "id")
        case "files":
            return [_of(each, "name") or _of(_of(each, _of(each, "type")), "url") for each in _list(own)]
        case "formula" | "rollup":
            return _of(own, _of(own, "type"))
        case _:
            return stored


def condition(database: Mapping[str, Any], name: str, value: str) -> Json:
    """What a query asks for: that a property has, or holds, a value. ValueError when the database has none such."""
    kind = kind_of(database, name)
    if kind is None:
        properties = database.get("properties")
        known = ", ".join(sorted(map(str, properties))) if isinstance(properties, dict) else ""
        raise ValueError(f"The database has no property {name!r:.100}. It has: {known:.1000}.")
    if kind in _CONTAINING:
        return {"property": name, kind: {"contains": value}}
    if kind in _EQUAL:
        return {"property": name, kind: {"equals": value}}
    if kind == "checkbox" and value.strip().lower() in _TRUE | _FALSE:
        return {"property": name, kind: {"equals": value.strip().lower() in _TRUE}}
    if kind == "number" and (number := _number(value)) is not None:
        return {"property": name, kind: {"equals": number}}
    raise ValueError(f"The property {name!r:.100} is a {kind:.60}; {value!r:.100} cannot be looked for in it.")


def given(title: str, more: Mapping[str, Any], database: Mapping[str, Any]) -> Json:
    """The properties of a new page: by their kinds in the database, else by what names and values look like.

    Objects are taken as Notion has them. ValueError for a value that fits no kind.
    """
    properties: Json = {"title": {"title": rich_text(title)}}
    for name, value in more.items():
        kind = kind_of(database, name)
        if name.lower() == "title" or kind == "title" or value is None:
            continue
        properties[name] = value if isinstance(value, dict) else _written(kind or _guessed(name, value), value)
    return properties


def kind_of(database: Mapping[str, Any], name: str) -> str | None:
    """The kind of a property of a database; None when it has none of the name."""
    properties = database.get("properties")
    kind = _of(properties.get(name), "type") if isinstance(properties, dict) else None
    return kind if isinstance(kind, str) else None


def _guessed(name: str, value: Any) -> str:
    lower = name.lower()
    match value:
        case bool():
            return "checkbox"
        case int() | float():
            return "number"
        case list():
            return "multi_select"
        case _ if lower in _SELECTS:
            return "select"
        case _ if lower in _ADDRESSES:
            return "url"
        case _:
            return "email" if lower == "email" else "rich_text"


def _written(kind: str, value: Any) -> Json:
    text = value if isinstance(value, str) else str(value)
    match kind:
        case "rich_text":
            return {kind: rich_text(text)}
        case "select" | "status":
            return {kind: {"name": text}}
        case "multi_select":
            return {kind: [{"name": str(each)} for each in (value if isinstance(value, list) else [value])]}
        case "date":
            return {kind: {"start": text}}
        case "relation" | "people":
            return {kind: [{"id": str(each)} for each in (value if isinstance(value, list) else [value])]}
        case "number":
            if (number := _number(value)) is None:
                raise ValueError(f"{text!r:.100} is no number, which the property wants.")
            return {kind: number}
        case "checkbox":
            return {kind: value if isinstance(value, bool) else text.strip().lower() in _TRUE}
        case _:
            return {kind: text}


def _number(value: Any) -> float | None:
    try:
        number = value if isinstance(value, int) else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _of(value: Any, name: Any) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
