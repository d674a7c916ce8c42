"""The rules of running a run again: what it is given, and which nodes run in any case.

Used by the API and by the activity that begins a run, which must come to the same.
"""

from collections.abc import Mapping

from engine.model import BlockKind, Graph, ShapeOf
from engine.plan import Plan


def inputs_again[ValueT](
    graph: Graph, shape_of: ShapeOf, earlier: Mapping[str, ValueT], edited: Mapping[str, ValueT]
) -> dict[str, ValueT]:
    """The earlier run's inputs with the edited ones over them; without those that the version no longer has."""
    names = set()
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        if shape is not None and shape.kind is BlockKind.INPUT:
            names.add(node.input_default.get("name"))
    return {**{name: value for name, value in earlier.items() if name in names}, **edited}


def masks_again[ValueT](
    graph: Graph, earlier: Mapping[str, Mapping[str, ValueT]], edited: Mapping[str, Mapping[str, ValueT]]
) -> dict[str, dict[str, ValueT]]:
    """The earlier run's masks with the edited pins over them; without those of nodes that the version no longer has.

    Nodes of its sub-graphs count as its own: masks go down to them.
    """
    known = {node.id for each in (graph, *graph.sub_graphs) for node in each.nodes}
    masks = {node_id: dict(mask) for node_id, mask in earlier.items() if node_id in known}
    for node_id, mask in edited.items():
        masks.setdefault(node_id, {}).update(mask)
    return masks


def has_node(graph: Graph, node_id: str | None) -> bool:
    """Whether the graph has the node from which on it is to run again; True when none is named."""
    return node_id is None or any(node.id == node_id for node in graph.nodes)


def from_node_on(plan: Plan, node_id: str | None) -> frozenset[str]:
    """The node and all that its outputs can reach; nothing without a node."""
    links: dict[int, list[int]] = {}
    for link in plan.links:
        links.setdefault(link.source, []).append(link.sink)
    found = {position for position, node in enumerate(plan.nodes) if node.id == node_id}
    todo = list(found)
    while todo:
        new = [sink for sink in links.get(todo.pop(), ()) if sink not in found]
        found.update(new)
        todo += new
    return frozenset(plan.nodes[position].id for position in found)
