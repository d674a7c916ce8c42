"""Models that nobody provides any more: an imported agent that names one gets the default of its block.

Called by the API after `legacy.py` has given renamed models their names of today. Source: agent-graphs §1.8.
"""

from typing import Any

from blocks.base import Block, BlockSchema
from blocks.credential_checks import BlockOf
from blocks.credentials import CredentialsField
from engine.model import Graph, Node


def with_known_models(graph: Graph, block_of: BlockOf) -> Graph:
    """The graph and its sub-graphs with models that somebody provides. The argument is not changed."""
    nodes = [_with_known_model(node, block_of(node.block_id)) for node in graph.nodes]
    subs = [with_known_models(sub, block_of) for sub in graph.sub_graphs]
    return graph.model_copy(update={"nodes": nodes, "sub_graphs": subs})


def _with_known_model(node: Node, block: Block[BlockSchema] | None) -> Node:
    for name, wanted in block.credentials.items() if block else ():
        defaults = _replaced(node.input_default, name, wanted, block) if block else None
        if defaults is not None:
            return node.model_copy(update={"input_default": defaults})
    return node


def _replaced(
    defaults: dict[str, Any], name: str, wanted: CredentialsField, block: Block[BlockSchema]
) -> dict[str, Any] | None:
    """A node's inputs with its block's own model, without the credentials of another provider; None: all is well."""
    by = wanted.provider_by
    model = defaults.get(by.field) if by else None
    if by is None or not isinstance(model, str) or by.provider_of(model) is not None:
        return None
    default = block.Input.model_fields[by.field].default
    if not isinstance(default, str):
        return None
    given = defaults.get(name)
    mismatched = isinstance(given, dict) and given.get("provider") != by.provider_of(default)
    return {pin: value for pin, value in defaults.items() if not (mismatched and pin == name)} | {
        by.field: str(default)
    }
