"""Graphs as they leave the deployment: without what is its owner's alone.

Used by `routes/graphs.py`. Pure. Source: agent-graphs §1.7.
"""

from collections.abc import Mapping
from typing import Any

from api.block_catalogue import Catalogue
from blocks.base import json_schema
from engine.model import BlockKind, Graph, Node

_TELLING = ("credentials", "api_key", "password", "token", "secret")
"""What the name of a secret input holds; a switch of such a name (`hide_password`) tells nothing."""

_TELLING_WITHIN = ("credentials", "apikey", "password", "token", "secret", "authorization", "cookie")
"""What the name of a secret text within an input holds, but for its dashes: a header's, an input's of a sub-graph."""


def for_export(graph: Graph, catalogue: Catalogue) -> Graph:
    """The graph and its sub-graphs without credentials and secrets. Webhooks are never kept with nodes."""
    return graph.model_copy(
        update={
            "nodes": [_node(node, catalogue) for node in graph.nodes],
            "sub_graphs": [for_export(sub, catalogue) for sub in graph.sub_graphs],
        }
    )


def _node(node: Node, catalogue: Catalogue) -> Node:
    block = catalogue.get(node.block_id)
    schema = json_schema(block.Input)["properties"] if block else {}
    hidden = {"value"} if block and block.kind is BlockKind.INPUT and node.input_default.get("secret") else set[str]()
    kept = {
        name: _without_secrets(value)
        for name, value in node.input_default.items()
        if name not in hidden and not _is_secret(name, value, schema.get(name, {}))
    }
    return node.model_copy(update={"input_default": kept})


def _is_secret(name: str, value: Any, schema: Mapping[str, Any]) -> bool:
    if schema.get("secret") is True:
        return True
    return any(part in name.lower() for part in _TELLING) and not isinstance(value, bool)


def _tells(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return any(part in plain for part in _TELLING_WITHIN)


def _without_secrets(value: Any) -> Any:
    """The value without texts whose names tell secrets. Only texts: a schema describes a pin of such a name."""
    if isinstance(value, Mapping):
        return {
            name: _without_secrets(inner)
            for name, inner in value.items()
            if not (isinstance(inner, str) and _tells(name))
        }
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value
