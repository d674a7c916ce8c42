"""Gives a graph that comes from outside identities of its own, so that it can never collide with another's.

Used by `routes/graphs.py`. Rules: agent-graphs §1.5 and §1.6. It looks nothing up: a reference to a graph that is not
in the file stays as it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from engine.model import Graph, Link, Node, NodeId
from engine.pins import parse_tool_pin

AGENT_EXECUTOR = "e189baac-8c20-45a1-94a7-55177ea42565"
"""The block whose `input_default` names another graph."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A graph with new ids; which old node id of the main graph became which, and which graph id."""

    graph: Graph
    node_ids: dict[str, str]
    graph_ids: dict[str, str]


def with_new_ids(
    graph: Graph, *, user_id: str, graph_id: str | None = None, known_nodes: Collection[str] = ()
) -> Renamed:
    """New ids for the graph (or the given one, for a new version), its sub-graphs, and all their nodes and links.

    Nodes of the version before (`known_nodes`) keep theirs, so that a run can be run again on the new version.
    """
    # Nothing says which of two sub-graphs with one id is meant: the first is kept, and the main graph before all.
    kept = {sub.id: sub for sub in reversed(graph.sub_graphs) if sub.id != graph.id}
    graph_ids = {graph.id: graph_id or str(uuid4()), **{old: str(uuid4()) for old in kept}}
    first_versions = frozenset(graph_ids) - ({graph.id} if graph_id else set())
    subs = [_rename(sub, graph_ids, first_versions, user_id).graph for sub in reversed(kept.values())]
    main = _rename(graph, graph_ids, first_versions, user_id, known_nodes)
    return Renamed(main.graph.model_copy(update={"sub_graphs": subs}), main.node_ids, graph_ids)


def _rename(
    graph: Graph,
    graph_ids: Mapping[str, str],
    first_versions: frozenset[str],
    user_id: str,
    known_nodes: Collection[str] = (),
) -> Renamed:
    node_ids = {node.id: node.id if node.id in known_nodes else NodeId(str(uuid4())) for node in graph.nodes}
    renamed = graph.model_copy(
        update={
            "id": graph_ids[graph.id],
            "version": 1,
            "is_active": True,
            "sub_graphs": [],
            "nodes": [
                node.model_copy(
                    update={
                        "id": node_ids[node.id],
                        "input_default": _input_default(node, graph_ids, first_versions, user_id),
                    }
                )
                for node in graph.nodes
            ],
            "links": [_link(link, node_ids) for link in graph.links],
        }
    )
    return Renamed(renamed, {str(old): str(new) for old, new in node_ids.items()}, dict(graph_ids))


def _link(link: Link, node_ids: Mapping[NodeId, NodeId]) -> Link:
    tool = parse_tool_pin(link.source_name)
    source_name = link.source_name
    if tool is not None and (sink := node_ids.get(NodeId(tool.sink_id))):
        source_name = f"tools_^_{sink}_~_{tool.sink_name}"
    return link.model_copy(
        update={
            "id": str(uuid4()),
            # An end that is not in the graph keeps its id, so that the problem says which one it was.
            "source_id": node_ids.get(link.source_id, link.source_id),
            "sink_id": node_ids.get(link.sink_id, link.sink_id),
            "source_name": source_name,
        }
    )


def _input_default(
    node: Node, graph_ids: Mapping[str, str], first_versions: frozenset[str], user_id: str
) -> dict[str, Any]:
    defaults: dict[str, Any] = _without_credentials(node.input_default)
    if node.block_id != AGENT_EXECUTOR:
        return defaults
    old = defaults.get("graph_id")
    if isinstance(old, str) and old in graph_ids:
        defaults["graph_id"] = graph_ids[old]
        if old in first_versions:
            defaults["graph_version"] = 1
    return {**defaults, "user_id": user_id, "inputs": defaults.get("inputs") or {}}


def _without_credentials(value: Any) -> Any:
    """A copy in which credentials of whoever exported the file are gone."""
    match value:
        case dict():
            return {k: None if k == "_credentials_id" else _without_credentials(v) for k, v in value.items()}
        case list():
            return [_without_credentials(item) for item in value]
        case _:
            return value
