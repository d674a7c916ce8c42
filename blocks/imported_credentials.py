"""Credentials that an agent file names and nobody here has: an imported graph asks for others in their place.

Called by the API on import. A file names those of whoever exported it (agent-graphs §26); kept, they would stand as
settled, and the graph would not ask for credentials that it cannot run without.
"""

from collections.abc import Collection, Mapping
from typing import Any

from blocks.base import Block, BlockSchema
from blocks.credential_checks import Available, BlockOf, CredentialRefused, ProviderUnknown, chosen
from engine.model import Graph, Node
from engine.validate import linked_fields


def without_unusable(graph: Graph, block_of: BlockOf, available: Available) -> Graph:
    """The graph and its sub-graphs without credentials that their nodes could not use. The argument is not changed."""
    linked = linked_fields(graph)
    nodes = [
        _with_usable(node, block, linked.get(node.id, frozenset()), available) if block else node
        for node in graph.nodes
        for block in (block_of(node.block_id),)
    ]
    subs = [without_unusable(sub, block_of, available) for sub in graph.sub_graphs]
    return graph.model_copy(update={"nodes": nodes, "sub_graphs": subs})


def _with_usable(node: Node, block: Block[BlockSchema], linked: Collection[str], available: Available) -> Node:
    named = [name for name in block.credentials if name in node.input_default]
    inputs = {**node.input_default, **dict.fromkeys(linked, ...)}
    lost = {name for name in named if not _is_usable(name, node, block, inputs, available)}
    if not lost:
        return node
    return node.model_copy(update={"input_default": {k: v for k, v in node.input_default.items() if k not in lost}})


def _is_usable(
    name: str, node: Node, block: Block[BlockSchema], inputs: Mapping[str, Any], available: Available
) -> bool:
    try:
        chosen(name, block, node.input_default[name], inputs, available)
    except ProviderUnknown:
        return True  # validation names the input that implies no provider
    except CredentialRefused:
        return False
    return True
