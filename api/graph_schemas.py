"""The JSON schemas that a graph shows to those who run it, made from its input and output nodes (agent-graphs §2).

Used by `routes/graphs.py`. Nothing of this is stored: the nodes are the truth.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from api.block_catalogue import Catalogue
from blocks.base import BlockSchema, json_schema
from engine.model import BlockKind, Graph, Node


def input_schema(graph: Graph, catalogue: Catalogue) -> dict[str, Any]:
    """What a run may be given: one property for each named input; required are those without a value."""
    return _schema(graph, catalogue, BlockKind.INPUT)


def output_schema(graph: Graph, catalogue: Catalogue) -> dict[str, Any]:
    """What a run gives: one property for each named output."""
    return _schema(graph, catalogue, BlockKind.OUTPUT)


def _schema(graph: Graph, catalogue: Catalogue, kind: BlockKind) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for name, node, model in _named(graph, catalogue, kind):
        block = json_schema(model)
        schema["properties"][name] = _property(name, node, model, block["properties"].get("value", {}))
        if node.input_default.get("value") is None:
            schema["required"].append(name)
        if definitions := block.get("$defs"):
            schema.setdefault("$defs", {}).update(definitions)
    # Two nodes of one name are one input; it is required only once.
    schema["required"] = list(dict.fromkeys(schema["required"]))
    return schema


def _named(graph: Graph, catalogue: Catalogue, kind: BlockKind) -> Iterator[tuple[str, Node, type[BlockSchema]]]:
    for node in graph.nodes:
        block = catalogue.get(node.block_id)
        name = node.input_default.get("name")
        if block is not None and block.kind is kind and isinstance(name, str):
            yield name, node, block.Input


def _property(name: str, node: Node, model: type[BlockSchema], value_schema: Mapping[str, Any]) -> dict[str, Any]:
    given = node.input_default
    default = given.get("value")
    shown = {key: part for key, part in value_schema.items() if key not in ("description", "default", "title")}
    title, description = given.get("title"), given.get("description")
    shown["title"] = title if isinstance(title, str) and title else name
    shown["secret"] = bool(given.get("secret"))
    # An input that is hidden among the advanced ones must have something to fall back on.
    shown["advanced"] = bool(given.get("advanced")) and default is not None
    if isinstance(description, str) and description:
        shown["description"] = description
    if default is not None:
        shown["default"] = default
    # Only a dropdown has options; a plain input ignores them (agent-graphs §1.9).
    options = given.get("options") or given.get("placeholder_values")
    if "options" in model.model_fields and isinstance(options, list) and options:
        shown["enum"] = options
    return shown
