"""Is a graph sound, and can it be run with these inputs? All problems at once, none raised (S-119, S-120).

Asked by the API before it stores or starts anything and by a run's first activity, since the CLI and schedules come
past the API. Rules: agent-graphs §5, architecture §5. Cycles are legal (S-173).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.model import BlockKind, BlockShape, Filled, Graph, Link, Node, NodeId, ShapeOf
from engine.pins import base_name, is_tool_pin
from engine.problems import Code, Level, Problem

type Masks = Mapping[str, Mapping[str, Any]]
"""Node id → pin → value laid over whatever arrives there."""


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """How large a graph may be; a sub-graph counts by itself. None: without limit."""

    nodes: int | None = None
    links: int | None = None


NO_LIMITS = GraphLimits()


def check_structure(graph: Graph, shape_of: ShapeOf, limits: GraphLimits = NO_LIMITS) -> list[Problem]:
    """What keeps the graph from being stored by a strict caller."""
    return [
        *_size(graph, limits),
        *_duplicate_nodes(graph),
        *_blocks(graph, shape_of),
        *_links(graph, shape_of),
        *_names(graph, shape_of),
    ]


def check_runnable(graph: Graph, shape_of: ShapeOf, masks: Masks | None = None) -> list[Problem]:
    """What keeps a sound graph from being run: required fields nobody fills, inputs that blocks do not take, nothing to
    start with."""
    masks = masks or {}
    return [
        *_required_fields(graph, shape_of, masks),
        *_refused(graph, shape_of, masks),
        *_starting_nodes(graph, shape_of),
    ]


def check_inputs(graph: Graph, shape_of: ShapeOf, inputs: Iterable[str], masks: Masks | None = None) -> list[Problem]:
    """Names of run inputs that the graph does not have, and those it cannot do without (architecture §5)."""
    masks = masks or {}
    return [*_inputs(graph, shape_of, frozenset(inputs), masks), *_masks(graph, shape_of, masks)]


def check_all(
    graph: Graph,
    shape_of: ShapeOf,
    inputs: Iterable[str] | None = None,
    masks: Masks | None = None,
    limits: GraphLimits = NO_LIMITS,
) -> list[Problem]:
    """Everything, for a run; inputs are left aside when None."""
    problems = check_structure(graph, shape_of, limits) + check_runnable(graph, shape_of, masks)
    if inputs is not None:
        problems += check_inputs(graph, shape_of, inputs, masks)
    return problems


def with_static_links(graph: Graph, shape_of: ShapeOf) -> Graph:
    """The graph with `is_static` true on every link from a block whose outputs are static (agent-graphs §5.2)."""
    static = _static_sources(graph, shape_of)
    if all(link.is_static or link.source_id not in static for link in graph.links):
        return graph
    links = [link.model_copy(update={"is_static": True}) if link.source_id in static else link for link in graph.links]
    return graph.model_copy(update={"links": links})


def pins_of(node: Node, shape: BlockShape) -> tuple[frozenset[str], frozenset[str]]:
    """(inputs, outputs) of a node. Those of a sub-graph node stand in its own `input_default` (agent-graphs §5.1).

    So do the arguments of a tool, which are pins of its node beside those of the block.
    """
    if shape.kind is BlockKind.MCP_TOOL:
        return frozenset(shape.inputs) | _schema_names(node.input_default.get("tool_input_schema")), shape.outputs
    if shape.kind is not BlockKind.AGENT:
        return frozenset(shape.inputs), shape.outputs
    return (
        _schema_names(node.input_default.get("input_schema")),
        _schema_names(node.input_default.get("output_schema")) | {"error"},
    )


def _schema_names(schema: Any) -> frozenset[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()


def _size(graph: Graph, limits: GraphLimits) -> Iterator[Problem]:
    for code, what, count, most in (
        (Code.TOO_MANY_NODES, "nodes", len(graph.nodes), limits.nodes),
        (Code.TOO_MANY_LINKS, "links", len(graph.links), limits.links),
    ):
        if most is not None and count > most:
            message = f"The graph has {count:,} {what}; {most:,} are allowed. Move a part of it into a sub-graph."
            yield Problem(code, Level.SAVE, message)


def _duplicate_nodes(graph: Graph) -> Iterator[Problem]:
    seen: set[NodeId] = set()
    for node in graph.nodes:
        if node.id in seen:
            yield Problem(
                Code.DUPLICATE_NODE_ID,
                Level.SAVE,
                f"Two nodes have the id {node.id!r}: give each its own.",
                node_id=node.id,
            )
        seen.add(node.id)


def _blocks(graph: Graph, shape_of: ShapeOf) -> Iterator[Problem]:
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        if shape is None:
            message = f"Block {node.block_id!r} is not known: replace the node or install the block."
            yield Problem(Code.UNKNOWN_BLOCK, Level.SAVE, message, node_id=node.id, block_id=node.block_id)
        elif shape.disabled:
            message = f"Block {shape.id} is disabled and cannot be executed"
            yield Problem(Code.BLOCK_DISABLED, Level.SAVE, message, node_id=node.id, block_id=node.block_id)
        elif shape.unavailable:
            message = (
                f"Node {node.title or node.id} uses block ‘{shape.name}’, which this deployment does not have: "
                f"{shape.unavailable}."
            )
            yield Problem(Code.BLOCK_UNAVAILABLE, Level.RUN, message, node_id=node.id, block_id=node.block_id)


def _links(graph: Graph, shape_of: ShapeOf) -> Iterator[Problem]:
    nodes = {node.id: node for node in graph.nodes}
    for link in graph.links:
        ends = (link.source_id, "source"), (link.sink_id, "sink")
        for node_id, end in ends:
            if node_id not in nodes:
                yield Problem(
                    Code.DANGLING_LINK,
                    Level.SAVE,
                    f"Link {link}: its {end} node {node_id!r} is not in the graph. Remove the link or add the node.",
                    node_id=node_id,
                    link_id=link.id,
                )
        if is_tool_pin(link.source_name):
            continue
        yield from _pin(link, nodes.get(link.source_id), shape_of, is_source=True)
        yield from _pin(link, nodes.get(link.sink_id), shape_of, is_source=False)


def _pin(link: Link, node: Node | None, shape_of: ShapeOf, *, is_source: bool) -> Iterator[Problem]:
    """The pin that one end of a link names, if the node's block does not have it."""
    shape = shape_of(node.block_id) if node else None
    if node is None or shape is None:
        return
    inputs, outputs = pins_of(node, shape)
    if shape.unavailable and not inputs and not outputs:
        # A block whose pins nobody remembers.
        return
    name, allowed = (link.source_name, outputs) if is_source else (link.sink_name, inputs)
    if base_name(name) in allowed or name in allowed:
        return
    yield Problem(
        Code.UNKNOWN_SOURCE_PIN if is_source else Code.UNKNOWN_SINK_PIN,
        Level.SAVE,
        f"Link {link}: `{name}` is no {'output' if is_source else 'input'} of {shape.name}. "
        f"Allowed fields: {', '.join(sorted(allowed)) or 'none'}",
        node_id=node.id,
        pin=name,
        link_id=link.id,
    )


def _names(graph: Graph, shape_of: ShapeOf) -> Iterator[Problem]:
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        name = node.input_default.get("name")
        if shape is None or shape.kind is not BlockKind.INPUT or not isinstance(name, str):
            continue
        if name == "credentials" or name.endswith("_credentials"):
            message = f"{name!r} is a reserved input name: names ending in `credentials` belong to credentials."
            yield Problem(Code.RESERVED_INPUT_NAME, Level.SAVE, message, node_id=node.id, pin="name")


def _required_fields(graph: Graph, shape_of: ShapeOf, masks: Masks) -> Iterator[Problem]:
    linked = linked_fields(graph)
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        if shape is None or shape.kind is BlockKind.NOTE or shape.unavailable:
            continue
        filled = linked.get(node.id, frozenset()) | _filled(node.input_default) | _filled(masks.get(node.id, {}))
        if shape.kind is BlockKind.INPUT:
            filled |= {"value"}
        for name, pin in shape.inputs.items():
            # Of a sub-graph node only which graph it is must be known: its pins are the sub-graph's own to check.
            if shape.kind is BlockKind.AGENT and name != "graph_id":
                continue
            if pin.required and not pin.credentials and name not in filled:
                yield Problem(
                    Code.MISSING_REQUIRED_INPUT,
                    Level.RUN,
                    f"{shape.name}: `{name}` is required. Give it a value or link something to it.",
                    node_id=node.id,
                    pin=name,
                )


def _refused(graph: Graph, shape_of: ShapeOf, masks: Masks) -> Iterator[Problem]:
    arriving: dict[NodeId, list[Link]] = {}
    for link in graph.links:
        arriving.setdefault(link.sink_id, []).append(link)
    stay = _static_sources(graph, shape_of)
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        if shape is None or shape.refusals is None:
            continue
        mask, links = masks.get(node.id, {}), arriving.get(node.id, [])
        linked = frozenset(base_name(link.sink_name) for link in links)
        fixed = {pin: value for pin, value in node.input_default.items() if base_name(pin) not in linked}
        static = frozenset(base_name(link.sink_name) for link in links if link.is_static or link.source_id in stay)
        for pin, message in shape.refusals(Filled({**fixed, **mask}, linked, static)):
            yield Problem(Code.INPUT_REFUSED, Level.RUN, f"{shape.name}: {message}", node_id=node.id, pin=pin)


def _static_sources(graph: Graph, shape_of: ShapeOf) -> set[NodeId]:
    return {node.id for node in graph.nodes if (shape := shape_of(node.block_id)) and shape.static_output}


def linked_fields(graph: Graph) -> dict[NodeId, frozenset[str]]:
    """Node id → the fields of its block that a link leads into."""
    fields: dict[NodeId, set[str]] = {}
    for link in graph.links:
        fields.setdefault(link.sink_id, set()).add(base_name(link.sink_name))
    return {node_id: frozenset(names) for node_id, names in fields.items()}


def _filled(values: Mapping[str, Any]) -> frozenset[str]:
    """The fields that have a value other than None, by their base names."""
    return frozenset(base_name(name) for name, value in values.items() if value is not None)


def _starting_nodes(graph: Graph, shape_of: ShapeOf) -> Iterator[Problem]:
    if not starting_nodes(graph, shape_of):
        yield Problem(
            Code.NO_STARTING_NODE,
            Level.RUN,
            "No starting nodes found for the graph, make sure an AgentInput or blocks with no inbound links are "
            "present as starting nodes.",
        )


def starting_nodes(graph: Graph, shape_of: ShapeOf) -> list[Node]:
    """Nodes that begin a run: those nothing leads into, and all agent inputs; never notes (agent-graphs §6.3)."""
    linked = {link.sink_id for link in graph.links}
    starting = []
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        kind = shape.kind if shape else BlockKind.STANDARD
        if kind is not BlockKind.NOTE and (kind is BlockKind.INPUT or node.id not in linked):
            starting.append(node)
    return starting


def _inputs(graph: Graph, shape_of: ShapeOf, given: frozenset[str], masks: Masks) -> Iterator[Problem]:
    linked = linked_fields(graph)
    known: set[str] = set()
    for node in graph.nodes:
        shape = shape_of(node.block_id)
        if shape is None or shape.kind is not BlockKind.INPUT:
            continue
        name = node.input_default.get("name")
        if not isinstance(name, str):
            continue
        known.add(name)
        has_value = "value" in _filled(node.input_default) | _filled(masks.get(node.id, {})) | linked.get(
            node.id, frozenset()
        )
        pin = shape.inputs.get("value")
        if name not in given and not has_value and (pin is None or not pin.optional):
            message = f"Input {name!r} is required and has no default."
            yield Problem(Code.MISSING_INPUT, Level.RUN, message, node_id=node.id, pin=name)
    for name in sorted(given - known):
        message = f"The graph has no input {name!r}. It has: {', '.join(sorted(known)) or 'none'}."
        yield Problem(Code.UNKNOWN_INPUT, Level.RUN, message, pin=name)


def _masks(graph: Graph, shape_of: ShapeOf, masks: Masks) -> Iterator[Problem]:
    # They go down to sub-graphs too.
    nodes = {node.id: node for each in (*graph.sub_graphs, graph) for node in each.nodes}
    for node_id, mask in masks.items():
        node = nodes.get(NodeId(node_id))
        if node is None:
            message = f"nodes_input_masks names node {node_id!r}, which is not in the graph."
            yield Problem(Code.UNKNOWN_MASK_NODE, Level.RUN, message, node_id=node_id)
            continue
        shape = shape_of(node.block_id)
        if shape is None:
            continue
        inputs, _ = pins_of(node, shape)
        for pin in mask:
            if base_name(pin) not in inputs and pin not in shape.inputs:
                message = f"{shape.name} has no input {pin!r}. Allowed fields: {', '.join(sorted(inputs)) or 'none'}"
                yield Problem(Code.UNKNOWN_MASK_PIN, Level.RUN, message, node_id=node_id, pin=pin)
