"""Graph versions as activities need them: loaded, compiled, and kept, since a stored version never changes.

Used by the activities of this folder. Workflow code must not read this cache: the plan reaches it through history.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from cachetools import LRUCache

from blocks.base import Block, BlockSchema
from blocks.catalogue import Catalogue
from contracts.errors import GraphNotFound
from engine.model import BlockKind, BlockShape, Effects, Graph, Node
from engine.pins import NotFound, base_name, is_tool_pin, parse_tool_pin, select
from engine.plan import Mode, Plan, compile_plan, mode_of
from engine.problems import Problem
from engine.validate import GraphLimits, check_all, with_static_links
from engine.values import Value
from store.graph_records import Graphs
from telemetry.logging import Logger

log = Logger("heddle.nodes")

TRUSTED_SECONDS = 5.0
"""So long a version that was seen in the store counts as being there when a run begins."""

type AnyBlock = Block[BlockSchema]


type _Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A link as seen by the node it leaves: its position among the graph's links, and what it names."""

    position: int
    source_name: str
    sink_id: str
    sink_name: str


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A node with its block and the links that leave it."""

    node: Node
    block: AnyBlock
    links: tuple[SourceLink, ...]

    def selected(self, name: str, value: object) -> list[tuple[list[int], object]]:
        """What the links of the node get of an emitted output: (link positions, value), the whole value first."""
        whole: list[int] = []
        pieces: list[tuple[list[int], object]] = []
        tool = parse_tool_pin(name)
        for link in self.links:
            if tool is not None:
                if (
                    value is not None
                    and is_tool_pin(link.source_name)
                    and (link.sink_id, link.sink_name) == (tool.sink_id, tool.sink_name)
                ):
                    whole.append(link.position)
            elif link.source_name == name:
                whole.append(link.position)
            else:
                try:
                    pieces.append(([link.position], select(name, value, link.source_name)))
                except NotFound:
                    continue
                except Exception as error:
                    # One link's trouble is not the others' (S-193).
                    log.error(f"Failed to register next executions: {error}", link=link.source_name, sink=link.sink_id)
        return [(whole, value), *pieces] if whole else pieces


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """A graph version, its plan, and its nodes with their blocks by node id."""

    graph: Graph
    version: int
    name: str
    plan: Plan
    packed_plan: str
    problems: list[Problem] = field(repr=False)
    """What keeps the graph from being run when no masks fill it in; found once, since a version never changes."""
    placed: dict[str, PlacedBlock] = field(repr=False)

    @property
    def needs_credentials(self) -> bool:
        """Whether a node asks for credentials."""
        return any(each.block.credentials for each in self.placed.values())

    @property
    def may_ask(self) -> bool:
        """Whether a node may ask a person."""
        kinds = ((each.block.kind, each.block.sensitive) for each in self.placed.values())
        return any(kind is BlockKind.HUMAN_IN_THE_LOOP or sensitive for kind, sensitive in kinds)


class GraphCache:
    """Loads and compiles graph versions; keeps the most recently used ones."""

    def __init__(
        self,
        graphs: Graphs,
        catalogue: Catalogue,
        *,
        max_concurrent_nodes: int,
        limits: GraphLimits,
        size: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._graphs = graphs
        self._catalogue = catalogue
        self._max_concurrent_nodes = max_concurrent_nodes
        self._clock = clock
        self._compiled: LRUCache[_Key, CompiledGraph] = LRUCache(maxsize=size)
        self._seen: LRUCache[_Key, float] = LRUCache(maxsize=size)

    async def load_to_begin(self, user_id: str, graph_id: str, version: int | None) -> CompiledGraph:
        """`load` for a run that begins: a version that has been deleted meanwhile is GraphNotFound."""
        key = (user_id, graph_id, version or 0)
        if version and key in self._compiled and self._clock() - self._seen.get(key, -1e9) > TRUSTED_SECONDS:
            if await self._graphs.get(user_id, graph_id, version) is None:
                # Forgotten for beginnings only: runs under way, if any, go on with what is compiled.
                raise GraphNotFound(f"Graph #{graph_id} not found or access denied.")
            self._seen[key] = self._clock()
        return await self.load(user_id, graph_id, version)

    async def load(self, user_id: str, graph_id: str, version: int | None) -> CompiledGraph:
        """The user's graph; its active version by default. GraphNotFound when absent or another's (S-117, S-121)."""
        if version and (known := self._compiled.get((user_id, graph_id, version))):
            return known
        row = await self._graphs.get(user_id, graph_id, version or None)
        if row is None:
            raise GraphNotFound(f"Graph #{graph_id} not found or access denied.")
        compiled = self._compile(row.graph, row.version, row.name)
        key = (user_id, graph_id, row.version)
        self._compiled[key] = compiled
        self._seen[key] = self._clock()
        return compiled

    def masked(self, compiled: CompiledGraph, masks: Mapping[str, Mapping[str, Value]]) -> CompiledGraph:
        """The graph as a run with these masks is planned: a mask may change what running a node does."""
        nodes = list(compiled.plan.nodes)
        for index, node in enumerate(nodes):
            placed = compiled.placed.get(node.id)
            if placed is None or node.mode is Mode.NEVER or not (mask := masks.get(node.id)):
                continue
            # What lies in the store counts as not known.
            laid = {base_name(name): ... if "ref" in value else value["value"] for name, value in mask.items()}
            effects = placed.block.effects_for({**_filled(placed.node, map(base_name, node.awaited)), **laid})
            mode = mode_of(placed.block.shape(), effects)
            nodes[index] = replace(node, mode=mode, effectful=effects is Effects.EFFECTFUL)
        if nodes == list(compiled.plan.nodes):
            return compiled
        plan = replace(compiled.plan, nodes=tuple(nodes))
        return replace(compiled, plan=plan, packed_plan=plan.pack())

    def _compile(self, graph: Graph, version: int, name: str) -> CompiledGraph:
        graph = with_static_links(graph, self._catalogue.shape)
        leaving: dict[str, list[SourceLink]] = {}
        known = {node.id for node in graph.nodes}
        for position, link in enumerate(graph.links):
            source = SourceLink(position, link.source_name, link.sink_id, link.sink_name)
            leaving.setdefault(link.source_id, []).append(source)
        sound = all(link.source_id in known and link.sink_id in known for link in graph.links)
        plan = (
            compile_plan(graph, self._catalogue.shape, self._effects, self._max_concurrent_nodes)
            if sound
            else Plan((), ())
        )
        placed = {
            str(node.id): PlacedBlock(node, block, tuple(leaving.get(node.id, ())))
            for node in graph.nodes
            if (block := self._catalogue.get(node.block_id)) is not None
        }
        problems = check_all(graph, self._catalogue.shape, limits=self.limits)
        return CompiledGraph(graph, version, name, plan, plan.pack(), problems, placed)

    def _effects(self, node: Node, shape: BlockShape, linked: frozenset[str]) -> Effects:
        """The effects of the node, which a block may derive from what the node fills in (a format makes a template)."""
        block = self._catalogue.get(node.block_id)
        if block is None:
            return shape.effects
        return block.effects_for(_filled(node, linked))


def _filled(node: Node, linked: Iterable[str]) -> dict[str, Any]:
    """What the node's own values fill in; what links bring is not known."""
    filled = {base_name(name): value for name, value in node.input_default.items()}
    return {**filled, **dict.fromkeys(linked, ...)}


@lru_cache(maxsize=256)
def unpack_plan(packed: str) -> Plan:
    """The plan from its text, kept: the same text gives the same plan."""
    return Plan.unpack(packed)
