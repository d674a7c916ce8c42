"""What a run needs of its graph in order to route values: pins, links, how each node is run; no blocks, no defaults.

Compiled by activities (never from a cache that workflow code reads: that would be a hidden input), carried in history
once a run as packed text, read by the scheduler.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from engine.model import (
    MOST_CONCURRENT_NODES,
    BlockKind,
    BlockShape,
    Effects,
    Graph,
    Node,
    NodeId,
    OnNodeError,
    ShapeOf,
)
from engine.packing import pack, unpack
from engine.pins import base_name
from engine.validate import starting_nodes, with_static_links


class Mode(StrEnum):
    """How a node is run."""

    BATCH = "batch"
    """PURE: inside a batch, together with others."""
    ACTIVITY = "activity"
    """In an activity of its own."""
    CHILD = "child"
    """As a run of its own: a sub-graph."""
    NEVER = "never"
    """Not at all: notes, and blocks nobody knows (validation refuses those beforehand)."""


@dataclass(frozen=True, slots=True)
class PlanLink:
    """A link by the positions of its nodes. Its own position is that in the graph's list of links."""

    source: int
    sink: int
    pin: str
    is_static: bool = False


@dataclass(frozen=True, slots=True)
class Required:
    """A field that a node cannot do without: whether its default fills it, and the dynamic pins that do."""

    field: str
    has_default: bool = False
    pieces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A node as the scheduler and the workflow see it. Times in seconds; 0 and "" mean the deployment's default."""

    id: str
    block_id: str
    block_name: str = ""
    title: str = ""
    mode: Mode = Mode.ACTIVITY
    effectful: bool = False
    is_output: bool = False
    awaited: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    """Linked pins of which an execution has all or none when it starts (agent-graphs §18.4)."""
    static: tuple[str, ...] = ()
    required: tuple[Required, ...] = ()
    starts: bool = False
    input_name: str | None = None
    timeout: float = 0.0
    task_queue: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph version, compiled. Content only: the same graph and blocks give the same plan."""

    nodes: tuple[PlanNode, ...]
    links: tuple[PlanLink, ...]
    on_node_error: OnNodeError = OnNodeError.CONTINUE
    max_concurrent_nodes: int = 0

    def pack(self) -> str:
        """The plan as short text, for history."""
        return pack(_PLAN.dump_json(self, exclude_defaults=True))

    @staticmethod
    def unpack(text: str) -> "Plan":
        """The plan that `pack` made the text of."""
        return _PLAN.validate_json(unpack(text))


_PLAN = TypeAdapter(Plan)

type EffectsOf = Callable[[Node, BlockShape, frozenset[str]], Effects]
"""What running a node does to the world, given its block's shape and the fields that links lead into."""


def compile_plan(
    graph: Graph,
    shape_of: ShapeOf,
    effects_of: EffectsOf = lambda _node, shape, _linked: shape.effects,
    max_concurrent_nodes: int = 0,
) -> Plan:
    """The plan of a sound graph; `max_concurrent_nodes` holds where the graph itself sets no limit (0: none)."""
    graph = with_static_links(graph, shape_of)
    position = {node.id: index for index, node in enumerate(graph.nodes)}
    links = tuple(
        PlanLink(position[link.source_id], position[link.sink_id], link.sink_name, link.is_static)
        for link in graph.links
    )
    incoming: dict[int, list[PlanLink]] = {}
    for link in links:
        incoming.setdefault(link.sink, []).append(link)
    starting = {node.id for node in starting_nodes(graph, shape_of)}
    nodes = tuple(
        _plan_node(node, shape_of(node.block_id), incoming.get(index, []), effects_of, node.id in starting)
        for index, node in enumerate(graph.nodes)
    )
    return Plan(
        nodes=nodes,
        links=links,
        on_node_error=graph.policy.on_node_error,
        max_concurrent_nodes=min(
            graph.policy.max_concurrent_nodes or max_concurrent_nodes or MOST_CONCURRENT_NODES, MOST_CONCURRENT_NODES
        ),
    )


def _plan_node(
    node: Node, shape: BlockShape | None, incoming: list[PlanLink], effects_of: EffectsOf, starts: bool
) -> PlanNode:
    if shape is None or shape.kind is BlockKind.NOTE:
        name = shape.name if shape else ""
        return PlanNode(NodeId(node.id), node.block_id, name, node.title, Mode.NEVER)
    linked = dict.fromkeys(link.pin for link in incoming)
    together = tuple(pin for pin in linked if pin in shape.together) if shape.together <= linked.keys() else ()
    awaited = tuple(pin for pin in linked if pin not in together)
    fields = frozenset(base_name(pin) for pin in linked)
    effects = effects_of(node, shape, fields)
    input_name = node.input_default.get("name")
    return PlanNode(
        id=NodeId(node.id),
        block_id=node.block_id,
        block_name=shape.name,
        title=node.title,
        mode=mode_of(shape, effects),
        effectful=effects is Effects.EFFECTFUL,
        is_output=shape.kind is BlockKind.OUTPUT,
        awaited=awaited,
        together=together,
        static=tuple(dict.fromkeys(link.pin for link in incoming if link.is_static)),
        required=tuple(
            _required(field, node, awaited)
            for field, pin in shape.inputs.items()
            if pin.required and not pin.credentials and shape.kind is not BlockKind.AGENT
        ),
        starts=starts,
        input_name=input_name if shape.kind is BlockKind.INPUT and isinstance(input_name, str) else None,
        timeout=shape.timeout_seconds or 0.0,
        task_queue=shape.task_queue,
    )


def mode_of(shape: BlockShape, effects: Effects) -> Mode:
    """How a node of the block is run, by what running it does."""
    if shape.kind is BlockKind.AGENT:
        return Mode.CHILD
    return Mode.BATCH if effects is Effects.PURE else Mode.ACTIVITY


def _required(field: str, node: Node, awaited: tuple[str, ...]) -> Required:
    default_names = [name for name, value in node.input_default.items() if value is not None]
    return Required(
        field,
        has_default=any(base_name(name) == field for name in default_names),
        pieces=tuple(pin for pin in awaited if pin != field and base_name(pin) == field),
    )
