"""Random graphs whose outcome does not depend on timing, and a model of what becomes of them.

The model drives the bare engine in this process, one execution after the other, and runs the blocks' own functions; it
knows no Temporal, no store, no batches and no streaming. A driver that loses, repeats or mixes up anything differs.

What timing may decide is left out: two values meet in a node only if both come in an order that the graph fixes.
Where several links lead to one pin, or a static one beside others, what comes after is compared without order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from activities.block_run import failure_of, run_block
from blocks.base import Block, BlockContext, NodeStats, Sleep
from blocks.catalogue import Catalogue
from blocks.inputs import assemble, validated
from engine.events import CancelNodes, Ended, RunNode, Slept, StartTimer, Woke
from engine.model import BlockKind, Graph, GraphPolicy, Node, OnNodeError, Status
from engine.pins import NotFound, merge_dynamic, select
from engine.plan import compile_plan
from engine.scheduler import Scheduler
from engine.state import Open, Output, Route
from engine.validate import with_static_links
from engine.values import Value, inline
from tests.support.blocks import (
    Big,
    Countdown,
    CountdownOn,
    Drip,
    Fail,
    Nap,
    Pair,
    Pass,
    PassOn,
    PassOnce,
    Sink,
    Source,
    Sub,
)
from tests.support.graphs import graph, node

MOST_EXECUTIONS = 120
CHILD = "child"

# --- drawing ----------------------------------------------------------------------------------

VALUES = st.sampled_from([0, 1, 2, 3, "text", "", [], [1, "b"], {"k": 2, "none": None}, {"k": [0, 1]}, True])
ONE_PIN: list[type[Block[Any]]] = [Pass, Pass, PassOn, PassOn, PassOnce, Fail, Drip, Nap]


@dataclass(frozen=True)
class Port:
    """An output that may be linked: whether the order of its values is certain, and that there is at most one."""

    end: str
    is_ordered: bool = True
    is_single: bool = False


@dataclass(frozen=True)
class Case:
    """A run to be made; `has_short_history`: of a workflow that continues as new again and again."""

    graph: Graph
    inputs: dict[str, Any]
    masks: dict[str, dict[str, Any]]
    ordered: frozenset[str]
    has_short_history: bool

    def __repr__(self) -> str:
        nodes = [f"{n.id}: {self.graph_block(n)} {n.input_default}" for n in self.graph.nodes]
        links = [str(link.id) for link in self.graph.links]
        return "\n".join(
            ["", *nodes, *links, f"{self.inputs} {self.masks} {self.graph.policy} {self.has_short_history}"]
        )

    @staticmethod
    def graph_block(each: Node) -> str:
        return next(
            kind.__name__
            for kind in (*ONE_PIN, Big, Pair, Countdown, CountdownOn, Sink, Source, Sub)
            if kind.id == each.block_id
        )


class Drawing:
    """A graph that grows node by node; each takes its values from those before."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[Node] = []
        self.arrows: list[str] = []
        self.ports: list[Port] = []
        self.inputs: dict[str, Any] = {}
        self.masks: dict[str, dict[str, Any]] = {}
        self.ordered: set[str] = set()
        self.child: Graph | None = None

    def add(
        self, block: type[Block[Any]], *outputs: str, is_ordered: bool = True, is_single: bool = False, **defaults: Any
    ) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(node(name, block, **defaults, **self.pause(block)))
        if is_ordered:
            self.ordered.add(name)
        self.ports += [Port(f"{name}.{output}", is_ordered, is_single) for output in outputs]
        return name

    def pause(self, block: type[Block[Any]]) -> dict[str, float]:
        """Some blocks give all at once, others take longer than a flush window between two outputs."""
        return {"seconds": self.draw(st.sampled_from([0.0, 0.03]))} if block is Drip else {}

    def port(self, *, ordered: bool = False) -> Port:
        return self.draw(st.sampled_from([port for port in self.ports if port.is_ordered or not ordered]))

    def link(self, port: Port, sink: str, *, static: bool = False) -> None:
        arrow = f"{port.end} {'=>' if static else '->'} {sink}"
        if arrow not in self.arrows:
            self.arrows.append(arrow)

    # --- nodes that begin ---

    def source(self) -> None:
        name = self.add(Source, "result", is_single=True, name=f"in{len(self.nodes)}")
        self.inputs[f"in{name[1:]}"] = self.draw(VALUES)

    def constant(self) -> None:
        block = self.draw(st.sampled_from(ONE_PIN))
        outputs = ("value", "error") if block is Fail else ("value",)
        value = self.draw(VALUES)
        self.add(block, *outputs, *self.pieces(value), is_single=block in (Pass, PassOn, PassOnce), value=value)

    def pieces(self, value: Any) -> list[str]:
        """Outputs that are a part of another one."""
        return (
            ["value_#_k", "value_#_none"]
            if isinstance(value, dict)
            else ["value_$_1"]
            if isinstance(value, list)
            else []
        )

    def big(self) -> None:
        self.add(Big, "value", is_single=True, value=20_000)

    # --- nodes that go on ---

    def one_pin(self) -> None:
        block = self.draw(st.sampled_from(ONE_PIN))
        from_ports = [self.port() for _ in range(self.draw(st.sampled_from([1, 1, 1, 2])))]
        is_ordered = len({port.end for port in from_ports}) == 1 and from_ports[0].is_ordered
        name = self.add(block, "value", *(["error"] if block is Fail else []), is_ordered=is_ordered)
        for port in from_ports:
            self.link(port, f"{name}.value")
        if block in (Pass, PassOn) and self.draw(st.booleans()):
            self.masks[name] = {"note": "masked"}

    def two_pins(self) -> None:
        """A pair, or two parts that become one value."""
        left, right = self.port(ordered=True), self.port(ordered=True)
        is_static = left.is_single and self.draw(st.booleans())
        is_ordered = not is_static and not any(self.is_source(port) for port in (left, right))
        block, pins = self.draw(
            st.sampled_from(
                [(Pair, ("left", "right")), (Pass, ("value_#_a", "value_#_b")), (PassOn, ("value_#_a", "value_#_b"))]
            )
        )
        name = self.add(block, "value", *(["value_$_1"] if block is Pair else ["value_#_b"]), is_ordered=is_ordered)
        self.link(left, f"{name}.{pins[0]}", static=is_static)
        self.link(right, f"{name}.{pins[1]}")

    def is_source(self, port: Port) -> bool:
        """Links from agent inputs are static whether drawn so or not."""
        return any(each.id == port.end.split(".")[0] and each.block_id == Source.id for each in self.nodes)

    def loop(self) -> None:
        block = self.draw(st.sampled_from([Countdown, CountdownOn]))
        port = self.port()
        name = self.add(block, "again", "done", is_ordered=False)
        self.link(port, f"{name}.value")
        if self.draw(st.booleans()):
            self.arrows.append(f"{name}.again -> {name}.value")
        else:
            through = self.add(self.draw(st.sampled_from([Pass, PassOn])), "value", is_ordered=False)
            self.arrows += [f"{name}.again -> {through}.value", f"{through}.value -> {name}.value"]

    def sink(self) -> None:
        port = self.port()
        name = self.add(Sink, is_ordered=port.is_ordered, name=f"out{len(self.nodes)}")
        self.link(port, f"{name}.value")

    def sub_graph(self) -> None:
        if self.child is None:
            through = self.draw(st.sampled_from([Pass, PassOn, Fail, Drip]))
            self.child = graph(
                [
                    node("a", Source, name="a"),
                    node("t", through, **self.pause(through)),
                    node("o", Sink, name="out"),
                ],
                "a.result -> t.value",
                "t.value -> o.value",
                id=CHILD,
            )
        port = self.port()
        pins = {"input_schema": {"properties": {"a": {}}}, "output_schema": {"properties": {"out": {}}}}
        name = self.add(Sub, "out", is_ordered=port.is_ordered, graph_id=CHILD, graph_version=1, inputs={}, **pins)
        self.link(port, f"{name}.a")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A graph of some nodes, its inputs and masks."""
    drawing = Drawing(draw)
    begins = [drawing.source, drawing.source, drawing.constant, drawing.constant, drawing.big]
    for begin in draw(st.lists(st.sampled_from(begins), min_size=1, max_size=3)):
        begin()
    goes_on = [drawing.one_pin] * 3 + [drawing.two_pins] * 3 + [drawing.loop, drawing.sink, drawing.sub_graph]
    for go_on in draw(st.lists(st.sampled_from(goes_on), min_size=1, max_size=6)):
        if go_on != drawing.two_pins or any(port.is_ordered for port in drawing.ports):
            go_on()
    policy = GraphPolicy(
        on_node_error=draw(st.sampled_from([OnNodeError.CONTINUE] * 7 + [OnNodeError.FAIL])),
        max_concurrent_nodes=draw(st.sampled_from([None, None, 1, 2])),
    )
    children = [drawing.child] if drawing.child else []
    drawn = graph(drawing.nodes, *drawing.arrows, policy=policy, sub_graphs=children)
    return Case(drawn, drawing.inputs, drawing.masks, frozenset(drawing.ordered), draw(st.integers(0, 3)) == 3)


# --- the model --------------------------------------------------------------------------------


@dataclass
class Told:
    """A node execution: how it ended and what it gave. Of one that waits: what it has."""

    status: str
    outputs: list[tuple[str, Any]] = field(default_factory=list)
    waiting: dict[str, Any] | None = None

    def __str__(self) -> str:
        return json.dumps([self.status, self.outputs, self.waiting], sort_keys=True)


@dataclass
class Account:
    """What became of a run: its end, node id → its executions in queue order, and what was counted."""

    status: str
    nodes: dict[str, list[Told]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def compared(self, ordered: frozenset[str]) -> dict[str, list[str]]:
        """Node id → its executions as text, sorted where their order is not certain."""
        texts = {name: [str(each) for each in told] for name, told in self.nodes.items()}
        return {name: told if name in ordered else sorted(told) for name, told in texts.items()}


class Model:
    """One run, by the engine alone."""

    def __init__(
        self, drawn: Graph, catalogue: Catalogue, inputs: Mapping[str, Any], masks: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.graph = with_static_links(drawn, catalogue.shape)
        self.catalogue = catalogue
        self.masks = masks
        self.told: dict[str, tuple[int, str, Told]] = {}
        travelling = {name: {pin: inline(value) for pin, value in mask.items()} for name, mask in masks.items()}
        values: dict[str, Value] = {name: inline(value) for name, value in inputs.items()}
        self.scheduler = Scheduler.start(compile_plan(self.graph, catalogue.shape), "run", values, travelling)

    async def run(self) -> Account:
        under_way: list[Open] = []
        while True:
            for command in self.scheduler.dispatch():
                match command:
                    case RunNode(execution):
                        under_way.append(execution)
                    case StartTimer(execution_id, _):
                        self.scheduler.apply(Woke(execution_id))
                    case CancelNodes(ids):
                        for execution_id in ids:
                            self.scheduler.apply(Ended(execution_id, Status.TERMINATED))
            while pure := self.scheduler.next_pure():
                under_way.append(pure)
            under_way = [each for each in under_way if not each.ended]
            if under_way:
                await self._run_one(under_way.pop(0))
            elif self.scheduler.is_done:
                return self._account()
            assume(len(self.told) <= MOST_EXECUTIONS)

    async def _run_one(self, execution: Open) -> None:
        node = self.graph.nodes[execution.node]
        _, _, told = self.told.setdefault(execution.id, (execution.seq, node.id, Told("COMPLETED")))
        first, arrived = len(told.outputs), _plain(execution.inputs)
        stats = NodeStats()
        extra_steps, error, slept = 0, None, None
        block = self.catalogue.get(node.block_id)
        assert block is not None
        try:
            if block.kind is BlockKind.AGENT:
                child = Model(self.graph.sub_graphs[0], self.catalogue, merge_dynamic(arrived), {})
                account = await child.run()
                told.outputs += [("out", each.outputs[0][1]) for each in account.nodes.get("o", []) if each.outputs]
                extra_steps = account.counts["node_count"]
            else:
                data = assemble(block, node.input_default, arrived, self.masks.get(node.id, {}))
                resume = execution.resume.state if execution.resume else None
                context = BlockContext("", "", 1, "", node.id, execution.id, resume=resume, stats=stats)
                async for item in run_block(block, validated(block, data), context):
                    if isinstance(item, Sleep):
                        slept = item
                    else:
                        told.outputs.append(item)
        except Exception as raised:
            error = failure_of(raised)
            told.status = error.status.value
            told.outputs.append(("error", error.message))
        outputs = [Output(first + at, self._routes(node.id, *pair)) for at, pair in enumerate(told.outputs[first:])]
        if slept:
            self.scheduler.apply(Slept(execution.id, 0.0, slept.state, len(told.outputs), outputs))
        else:
            status = Status(told.status)
            text = error.message if error else None
            self.scheduler.apply(Ended(execution.id, status, outputs, error=text, extra_steps=extra_steps))

    def _routes(self, source: str, name: str, value: Any) -> list[Route]:
        routes = []
        for position, link in enumerate(self.graph.links):
            if link.source_id == source:
                try:
                    routes.append(Route([position], inline(select(name, value, link.source_name))))
                except NotFound:
                    continue
        return routes

    def _account(self) -> Account:
        totals = self.scheduler.state.totals
        account = Account(self.scheduler.outcome.value)
        for _, name, told in sorted(self.told.values(), key=lambda each: each[0]):
            account.nodes.setdefault(name, []).append(told)
        for position, state in self.scheduler.state.nodes.items():
            for each in state.waiting:
                waiting = Told("INCOMPLETE", waiting=_plain(each.inputs))
                account.nodes.setdefault(self.graph.nodes[position].id, []).append(waiting)
        account.counts = {
            "node_count": totals.node_count,
            "node_error_count": totals.node_error_count,
            "incomplete_count": self.scheduler.incomplete_count,
        }
        return account


def _plain(values: Mapping[str, Value]) -> dict[str, Any]:
    return {pin: value["value"] for pin, value in values.items() if "value" in value}
