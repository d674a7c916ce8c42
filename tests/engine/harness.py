"""Runs graphs in the bare engine, with the interleaving that a test chooses.

A graph is short text, one link a line, `A.out -> S.in` (`=>` for a static link); a line with a name alone is a node.
Each node has a block of its own, whose id is the node's and whose pins are those the text mentions. An execution is
called by its node and ordinal, `S/1`, or by the node alone, which means the oldest that is under way (or asleep).
Values are plain JSON; the harness plays the activity and resolves output pins for the links that exist.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.events import Cancelled, CancelNodes, Command, Emitted, Ended, Event, RunNode, Slept, StartTimer, Woke
from engine.model import (
    BlockId,
    BlockKind,
    BlockShape,
    Effects,
    Graph,
    GraphPolicy,
    Link,
    Node,
    OnNodeError,
    Pin,
    ShapeOf,
    Status,
)
from engine.pins import NotFound, base_name, select
from engine.plan import Plan, compile_plan
from engine.scheduler import Scheduler
from engine.state import Open, Output, Phase, Route
from engine.values import Value, inline

_LINK = re.compile(r"(\S+?)\.(\S+) ([-=])> (\S+?)\.(\S+)")

type Pair = tuple[str, Any]
type Behaviour = Callable[[dict[str, Any]], Iterable[Pair]]


def shape(id: str, inputs: str = "", outputs: str = "", required: str = "", **more: Any) -> BlockShape:
    """A block with the pins named in the texts; all the rest as `BlockShape` has it."""
    pins = {name: Pin(required=name in required.split()) for name in (inputs + " " + required).split()}
    return BlockShape(id=BlockId(id), name=id, inputs=pins, outputs=frozenset(outputs.split()), **more)


def catalogue(*shapes: BlockShape) -> ShapeOf:
    """The function that looks these blocks up."""
    known = {each.id: each for each in shapes}

    def shape_of(block_id: BlockId) -> BlockShape | None:
        return known.get(block_id)

    return shape_of


def draw(
    text: str,
    *,
    required: Mapping[str, str] | None = None,
    defaults: Mapping[str, dict[str, Any]] | None = None,
    blocks: Mapping[str, dict[str, Any]] | None = None,
    policy: GraphPolicy | None = None,
) -> tuple[Graph, ShapeOf]:
    """A graph and its catalogue. `required`: node → pins; `blocks`: node → what its `BlockShape` has otherwise."""
    links: list[Link] = []
    nodes: dict[str, None] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if found := _LINK.fullmatch(line):
            source, output, arrow, sink, pin = found.groups()
            links.append(
                Link(
                    id=str(len(links)),
                    source_id=source,
                    source_name=output,
                    sink_id=sink,
                    sink_name=pin,
                    is_static=arrow == "=",
                )
            )
            nodes |= {source: None, sink: None}
        else:
            assert "." not in line, f"not a link: {line!r}"
            nodes[line] = None
    required, defaults, blocks = required or {}, defaults or {}, blocks or {}
    shapes = [
        shape(
            node,
            inputs=" ".join(base_name(link.sink_name) for link in links if link.sink_id == node),
            outputs=" ".join(base_name(link.source_name) for link in links if link.source_id == node),
            required=required.get(node, ""),
            **blocks.get(node, {}),
        )
        for node in nodes
    ]
    graph = Graph(
        nodes=[Node(id=node, block_id=node, input_default=defaults.get(node, {})) for node in nodes],
        links=links,
        policy=policy or GraphPolicy(),
    )
    return graph, catalogue(*shapes)


PURE = {"effects": Effects.PURE}
INPUT = {"kind": BlockKind.INPUT, "effects": Effects.PURE, "static_output": True}
NOTE = {"kind": BlockKind.NOTE}


class Run:
    """A run under way: what started, with what, and what the engine asked for besides."""

    def __init__(
        self,
        text: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        masks: Mapping[str, Mapping[str, Any]] | None = None,
        skipped: Iterable[str] = (),
        limit: int | None = None,
        on_node_error: OnNodeError = OnNodeError.CONTINUE,
        **drawn: Any,
    ) -> None:
        policy = GraphPolicy(on_node_error=on_node_error, max_concurrent_nodes=limit)
        self.graph, shape_of = draw(text, policy=policy, **drawn)
        self.plan: Plan = compile_plan(self.graph, shape_of)
        self.started: list[tuple[str, dict[str, Any]]] = []
        self.timers: list[tuple[str, float]] = []
        self.cancelled: list[str] = []
        self._emitted: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self.scheduler = Scheduler.start(
            self.plan,
            "run",
            {name: inline(value) for name, value in (inputs or {}).items()},
            {node: {pin: inline(value) for pin, value in mask.items()} for node, mask in (masks or {}).items()},
            skipped,
        )
        self.pump()

    # --- what happened ------------------------------------------------------------------------

    def got(self, node: str) -> list[dict[str, Any]]:
        """What the executions of a node were run with, in the order in which they started."""
        return [inputs for name, inputs in self.started if name.split("/")[0] == node]

    @property
    def order(self) -> list[str]:
        """The executions in the order in which they started."""
        return [name for name, _ in self.started]

    def waiting(self, node: str) -> list[dict[str, Any]]:
        """What the INCOMPLETE executions of a node hold, oldest first."""
        state = self.scheduler.state.nodes.get(self.position(node))
        return [_plain(waiting.inputs) for waiting in state.waiting] if state else []

    @property
    def outcome(self) -> Status:
        """How the run ended; it must have."""
        assert self.scheduler.is_done, "the run goes on"
        return self.scheduler.outcome

    def position(self, node: str) -> int:
        """Where the node stands in the plan."""
        return [each.id for each in self.plan.nodes].index(node)

    # --- what tests do ------------------------------------------------------------------------

    def emit(self, who: str, *pairs: Pair, **outputs: Any) -> None:
        """The execution emits outputs while it runs."""
        execution = self.find(who)
        self.tell(Emitted(execution.id, self.outputs(execution, (*pairs, *outputs.items()))))

    def end(self, who: str, *pairs: Pair, **outputs: Any) -> None:
        """The execution ends well, with these last outputs."""
        self._end(self.find(who), Status.COMPLETED, (*pairs, *outputs.items()))

    def fail(self, who: str, text: str) -> None:
        """The execution fails; its activity emits the text on `error`."""
        self._end(self.find(who), Status.FAILED, [("error", text)], error=text)

    def sleep(self, who: str, seconds: float = 1.0, state: Any = None) -> None:
        """The execution asks to be run again later."""
        execution = self.find(who)
        self.tell(Slept(execution.id, seconds, state, self._emitted.get(execution.id, 0)))

    def wake(self, who: str) -> None:
        """The timer of the execution fires."""
        self.tell(Woke(self.find(who).id))

    def cancel(self) -> None:
        """The run is stopped."""
        self.tell(Cancelled())

    def drain(self, limit: int = 1000, **behaviours: Behaviour) -> None:
        """End every execution under way, oldest first, with what its node's behaviour yields, until nothing is left."""
        for _ in range(limit):
            under_way = [e for e in self.scheduler.state.open.values() if not e.ended and e.phase is not Phase.READY]
            if not under_way:
                return
            execution = min(under_way, key=lambda each: each.seq)
            node = self.plan.nodes[execution.node].id
            behave = behaviours.get(node, _emit_nothing)
            self._end(execution, Status.COMPLETED, list(behave(self._laid(execution))))
        raise AssertionError(f"still busy after {limit} executions")

    # --- the driver ---------------------------------------------------------------------------

    def tell(self, event: Event) -> list[Command]:
        """Give the engine an event and do what it says."""
        self.scheduler.apply(event)
        return self.pump()

    def pump(self) -> list[Command]:
        """Carry out what is due, and take up all pure nodes."""
        commands = self.scheduler.dispatch()
        for command in commands:
            match command:
                case RunNode(execution):
                    self._begin(execution)
                case StartTimer(id, seconds):
                    self.timers.append((self._names[id], seconds))
                case CancelNodes(ids):
                    self.cancelled += [self._names[id] for id in ids]
        while pure := self.scheduler.next_pure():
            self._begin(pure)
        return commands

    def find(self, who: str) -> Open:
        """The execution that goes by this name."""
        node, _, ordinal = who.partition("/")
        for execution in sorted(self.scheduler.state.open.values(), key=lambda each: each.seq):
            is_under_way = execution.phase is not Phase.READY and not execution.ended
            is_meant = self.plan.nodes[execution.node].id == node and ordinal in ("", str(execution.ordinal))
            if is_under_way and is_meant:
                return execution
        raise AssertionError(f"{who} is not under way")

    def outputs(self, execution: Open, pairs: Iterable[Pair]) -> list[Output]:
        """Outputs as an activity makes them: resolved for the links that exist, those that go nowhere left out."""
        made = []
        for name, value in pairs:
            index = self._emitted.get(execution.id, 0)
            self._emitted[execution.id] = index + 1
            if routes := list(self._routes(self.plan.nodes[execution.node].id, name, value)):
                made.append(Output(index, routes))
        return made

    def _routes(self, node: str, name: str, value: Any) -> Iterable[Route]:
        for position, link in enumerate(self.graph.links):
            if link.source_id == node:
                try:
                    yield Route([position], inline(select(name, value, link.source_name)))
                except NotFound:
                    continue

    def _end(self, execution: Open, status: Status, pairs: Iterable[Pair], error: str | None = None) -> None:
        sent = execution.received
        event = Ended(execution.id, status, self.outputs(execution, pairs), error=error, walltime=1.0, cost=1)
        self.tell(replace(event, sent=sent))

    def _begin(self, execution: Open) -> None:
        node = self.plan.nodes[execution.node].id
        name = self._names[execution.id] = f"{node}/{execution.ordinal}"
        self.started.append((name, self._laid(execution)))

    def _laid(self, execution: Open) -> dict[str, Any]:
        node = self.graph.nodes[execution.node]
        mask = self.scheduler.state.masks.get(node.id, {})
        return {**node.input_default, **_plain(execution.inputs), **_plain(mask)}


def _plain(values: Mapping[str, Value]) -> dict[str, Any]:
    return {pin: value.get("value", value) for pin, value in values.items()}


def _emit_nothing(_inputs: dict[str, Any]) -> Iterable[Pair]:
    return ()


def interleavings(*sequences: list[Any]) -> Iterable[list[Any]]:
    """All ways to merge the sequences that keep the order of each."""
    rest = [sequence for sequence in sequences if sequence]
    if not rest:
        yield []
    for chosen in range(len(rest)):
        following = [sequence[1:] if i == chosen else sequence for i, sequence in enumerate(rest)]
        for tail in interleavings(*following):
            yield [rest[chosen][0], *tail]
