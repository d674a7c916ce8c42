"""Finds the sub-graphs that an agent file means, where it holds them under other ids than its nodes say.

Used by `routes/graphs.py` on import. Places that publish agents give the sub-graphs of a file new ids and leave the
nodes that run them as they were (seen in each published file that has sub-graphs); what is left to go by are the names
of inputs and outputs, which such nodes carry with them, and the version.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from api.graph_ids import AGENT_EXECUTOR
from engine.model import BlockKind, Graph, Node, ShapeOf

type _Interface = tuple[frozenset[str], frozenset[str]]
"""Names of the inputs and of the outputs."""


def with_sub_graphs_found(graph: Graph, shape_of: ShapeOf) -> Graph:
    """The graph, its nodes naming the sub-graphs of the file that only they can mean; others stay as they are."""
    graphs = [graph, *graph.sub_graphs]
    executors = [node for each in graphs for node in each.nodes if node.block_id == AGENT_EXECUTOR]
    known = {each.id for each in graphs}
    named = {_meant(node) for node in executors}
    unnamed: dict[_Interface, list[Graph]] = {}
    for sub in graph.sub_graphs:
        if sub.id not in named:
            unnamed.setdefault(_interface(sub, shape_of), []).append(sub)
    meant = {
        graph_id: sub_id
        for node in executors
        if (graph_id := _meant(node)) and graph_id not in known
        if (sub_id := _match(node, unnamed))
    }
    claims = Counter(meant.values())
    found = {graph_id: sub for graph_id, sub in meant.items() if claims[sub] == 1}
    if not found:
        return graph
    subs = [_renamed(sub, found) for sub in graph.sub_graphs]
    return _renamed(graph, found).model_copy(update={"sub_graphs": subs})


def _meant(node: Node) -> str:
    """The id of the graph that a node runs, or an empty text: a file may say anything there."""
    graph_id = node.input_default.get("graph_id")
    return graph_id if isinstance(graph_id, str) else ""


def _match(node: Node, subs: Mapping[_Interface, Sequence[Graph]]) -> str | None:
    """The id of the one sub-graph with the inputs and outputs that the node knows; the version decides between two."""
    wanted = (_names(node.input_default.get("input_schema")), _names(node.input_default.get("output_schema")))
    fitting = subs.get(wanted, ())
    if len(fitting) > 1:
        fitting = [sub for sub in fitting if sub.version == node.input_default.get("graph_version")]
    return fitting[0].id if len(fitting) == 1 else None


def _names(schema: Any) -> frozenset[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()


def _interface(graph: Graph, shape_of: ShapeOf) -> _Interface:
    names: dict[BlockKind, set[str]] = {BlockKind.INPUT: set(), BlockKind.OUTPUT: set()}
    for node in graph.nodes:
        shape, name = shape_of(node.block_id), node.input_default.get("name")
        if shape and shape.kind in names and isinstance(name, str):
            names[shape.kind].add(name)
    return frozenset(names[BlockKind.INPUT]), frozenset(names[BlockKind.OUTPUT])


def _renamed(graph: Graph, found: Mapping[str, str]) -> Graph:
    def renamed(node: Node) -> Node:
        sub = found.get(_meant(node)) if node.block_id == AGENT_EXECUTOR else None
        return node.model_copy(update={"input_default": {**node.input_default, "graph_id": sub}}) if sub else node

    return graph.model_copy(update={"nodes": [renamed(node) for node in graph.nodes]})
