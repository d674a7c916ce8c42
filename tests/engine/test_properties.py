"""Laws that hold for every graph and every order of events, cycles, masks, failures and restarts included.

The graphs are random; what their nodes emit is chosen by the test, so a cycle ends when the test stops emitting. The
rules of placement are told a second time here, naively (`Naive`): by searching lists, as the specification words them,
where the engine keeps counters. Both must come to the same executions.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.events import Cancelled, Command, Emitted, Ended, Event, RunNode, Slept, Woke
from engine.model import OnNodeError, Status
from engine.pins import base_name
from engine.plan import Mode, Plan, PlanLink, PlanNode, Required
from engine.scheduler import Scheduler
from engine.state import Open, Output, Phase, Route, RunState
from engine.values import Value, inline, is_null

PINS = ["a", "b", "c_#_k"]

# --- random graphs ----------------------------------------------------------------------------


SOURCES = 2
"""So many nodes have nothing leading into them: without, most graphs would never do anything."""


@st.composite
def plans(draw: st.DrawFn, *, acyclic: bool = False, modes: tuple[Mode, ...] = (Mode.BATCH, Mode.ACTIVITY)) -> Plan:
    """A plan as `compile_plan` would make it: what a node awaits follows from the links."""
    count = draw(st.integers(SOURCES + 1, SOURCES + 3))
    link = st.builds(
        PlanLink,
        st.integers(0, count - 1),
        st.integers(SOURCES, count - 1),
        st.sampled_from(PINS),
        st.sampled_from([False, False, True]),
    )
    links = draw(st.lists(link, min_size=2, max_size=9))
    if acyclic:
        links = [link for link in links if link.source < link.sink]
    return Plan(
        tuple(_node(draw, position, links, modes) for position in range(count)),
        tuple(links),
        draw(st.sampled_from([OnNodeError.CONTINUE] * 7 + [OnNodeError.FAIL])),
        draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
    )


def _node(draw: st.DrawFn, position: int, links: list[PlanLink], modes: tuple[Mode, ...]) -> PlanNode:
    if position < SOURCES:
        return PlanNode(f"N{position}", "block", mode=draw(st.sampled_from(modes)), starts=True)
    incoming = [link for link in links if link.sink == position]
    linked = tuple(dict.fromkeys(link.pin for link in incoming))
    together = draw(st.sampled_from([()] * 4 + [linked[:2]])) if len(linked) > 1 else ()
    awaited = tuple(pin for pin in linked if pin not in together)
    mode = draw(st.sampled_from([*modes * 4, Mode.NEVER]))
    fields = draw(st.sampled_from([(), (), ("a",), ("c",), ("a", "c"), ("z",)]))
    pieces = {name: tuple(pin for pin in linked if pin != name and base_name(pin) == name) for name in fields}
    return PlanNode(
        id=f"N{position}",
        block_id="block",
        mode=mode,
        awaited=awaited,
        together=together,
        static=tuple(dict.fromkeys(link.pin for link in incoming if link.is_static)),
        required=tuple(Required(name, draw(st.booleans()), pieces[name]) for name in fields),
        starts=mode is not Mode.NEVER and (not incoming or draw(st.booleans())),
        input_name=draw(st.sampled_from([None, None, "given"])),
    )


MASKS = st.dictionaries(
    st.sampled_from(["N1", "N2", "N3"]),
    st.dictionaries(st.sampled_from([*PINS, "z", "c"]), st.sampled_from([inline(None), inline("mask")]), max_size=2),
    max_size=2,
)


# --- the rules, told naively ------------------------------------------------------------------


@dataclass
class Arrived:
    """An execution as the specification speaks of it: what it holds, and its place in the queue once it has one."""

    ordinal: int
    inputs: dict[str, Value] = field(default_factory=dict)
    seq: int | None = None
    outputs: list[Output] = field(default_factory=list)
    ended: bool = False


class Naive:
    """Agent-graphs §7 and architecture §5 by search: slow, and short enough to be compared with their text."""

    def __init__(self, plan: Plan, given: dict[str, Value], masks: dict[str, dict[str, Value]]) -> None:
        self.plan, self.masks, self.queued = plan, masks, 0
        self.executions: list[list[Arrived]] = [[] for _ in plan.nodes]
        for position, node in enumerate(plan.nodes):
            if node.starts:
                value = given.get(node.input_name or "")
                self._queue_if_ready(position, self._open(position, {} if value is None else {"value": value}))

    def told(self, position: int, ordinal: int, outputs: list[Output], *, ended: bool) -> None:
        execution = self.executions[position][ordinal]
        execution.outputs += outputs
        execution.ended |= ended
        for each in self._in_queue_order(position):
            while each.outputs:
                output = each.outputs.pop(0)
                ways = sorted((link, index) for index, route in enumerate(output.routes) for link in route.links)
                for link, index in ways:
                    self._deliver(self.plan.links[link], output.routes[index].value)
            if not each.ended:
                break

    def _in_queue_order(self, position: int) -> list[Arrived]:
        return sorted((e for e in self.executions[position] if e.seq is not None), key=lambda e: e.seq or 0)

    def _open(self, position: int, inputs: dict[str, Value]) -> Arrived:
        execution = Arrived(len(self.executions[position]), inputs)
        self.executions[position].append(execution)
        return execution

    def _deliver(self, link: PlanLink, value: Value) -> None:
        if self.plan.nodes[link.sink].mode is Mode.NEVER:
            return
        incomplete = [each for each in self.executions[link.sink] if each.seq is None]
        lacking = [each for each in incomplete if link.pin not in each.inputs]
        execution = lacking[0] if lacking else self._open(link.sink, {})
        execution.inputs[link.pin] = value
        if self._queue_if_ready(link.sink, execution) and link.is_static:
            for other in reversed([each for each in incomplete if each.seq is None]):
                self._queue_if_ready(link.sink, other)

    def _queue_if_ready(self, position: int, execution: Arrived) -> bool:
        node = self.plan.nodes[position]
        earlier = self._in_queue_order(position)
        latest = earlier[-1].inputs if earlier else {}
        inputs = execution.inputs | {
            pin: latest[pin] for pin in node.static if pin in latest and pin not in execution.inputs
        }
        laid = inputs | self.masks.get(node.id, {})
        if not set(node.awaited) <= set(laid):
            return False
        if set(node.together) & set(laid) not in (set(), set(node.together)):
            return False
        for required in node.required:
            pieces = [pin for pin in laid if base_name(pin) == required.field]
            if required.field in laid:
                if is_null(laid[required.field]):
                    return False
            elif not required.has_default and not pieces:
                return False
        execution.inputs, execution.seq = inputs, self.queued
        self.queued += 1
        return True


# --- a driver that is as wild as Temporal may be ----------------------------------------------


class Wild:
    """Drives one scheduler, and remembers what it saw."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.begun: list[tuple[str, int, int, dict[str, Value]]] = []
        self.emitted: Counter[str] = Counter()
        self.pump()

    @property
    def state(self) -> RunState:
        return self.scheduler.state

    def tell(self, event: Event) -> list[Command]:
        self.scheduler.apply(event)
        return self.pump()

    def pump(self) -> list[Command]:
        commands = self.scheduler.dispatch()
        for command in commands:
            if isinstance(command, RunNode):
                self._begin(command.execution)
        while execution := self.scheduler.next_pure():
            self._begin(execution)
        return commands

    def _begin(self, execution: Open) -> None:
        if execution.resume is None:
            self.begun.append((execution.id, execution.node, execution.ordinal, dict(execution.inputs)))

    def in_phase(self, *phases: Phase) -> list[Open]:
        return sorted((e for e in self.state.open.values() if e.phase in phases and not e.ended), key=lambda e: e.seq)

    @property
    def under_way(self) -> list[Open]:
        return self.in_phase(Phase.RUNNING, Phase.BATCHED)

    @property
    def in_a_lane(self) -> list[Open]:
        """Those under way behind an earlier execution of their node."""
        heads = [node.lane[0] for node in self.state.nodes.values() if node.lane]
        return [execution for execution in self.under_way if execution.id not in heads]

    def outputs(self, execution: Open, choices: list[int]) -> list[Output]:
        """Outputs with values that occur nowhere else; each choice is a set of the node's links, or none of them."""
        own = [position for position, link in enumerate(self.scheduler.plan.links) if link.source == execution.node]
        made = []
        for choice in choices:
            index = self.emitted[execution.id]
            self.emitted[execution.id] += 1
            chosen = [link for bit, link in enumerate(own) if choice >> bit & 1]
            value = inline(None if choice % 7 == 0 else f"{execution.id}#{index}")
            if chosen:
                made.append(Output(index, [Route(chosen[1:], value), Route(chosen[:1], value)]))
        return made


CHOICES = st.lists(st.integers(0, 63), max_size=3)
ENDINGS = st.sampled_from([Status.COMPLETED, Status.COMPLETED, Status.FAILED])
WHICH = st.integers(0, 100)


class AnyRun(RuleBasedStateMachine):
    """Any graph, any order of events, late and repeated ones too, with a restart from a snapshot before each event."""

    @initialize(plan=plans(), masks=MASKS, skipped=st.sampled_from([[], ["N1"], ["N2"]]))
    def begin(self, plan: Plan, masks: dict[str, dict[str, Value]], skipped: list[str]) -> None:
        given: dict[str, Value] = {"given": inline("given")}
        scheduler = Scheduler.start(plan, "run", given, masks, skipped)
        self.plan, self.run, self.naive = plan, Wild(scheduler), Naive(plan, given, masks)
        self.told: list[Event] = []
        self.sent: dict[tuple[int, str], list[Any]] = {}

    def tell(self, event: Event) -> None:
        """The engine gets the event, and so does one that was packed and unpacked just before."""
        restored = Wild(Scheduler(Plan.unpack(self.plan.pack()), RunState.unpack(self.run.state.pack())))
        assert self.run.tell(event) == restored.tell(event)
        assert self.run.state.dump_json() == restored.state.dump_json()

    def tell_news(self, execution: Open, event: Event) -> None:
        """An event that never happened before: the naive rules hear of it too."""
        is_stopping = self.run.scheduler.is_stopping
        self.told.append(event)
        self.tell(event)
        if not is_stopping and isinstance(event, Emitted | Ended | Slept):
            for output in event.outputs:
                for route in output.routes:
                    for position in route.links:
                        link = self.plan.links[position]
                        self.sent.setdefault((link.sink, link.pin), []).append(plain(route.value))
            self.naive.told(execution.node, execution.ordinal, event.outputs, ended=isinstance(event, Ended))

    # --- what may happen ---

    @precondition(lambda self: self.run.under_way)
    @rule(which=WHICH, choices=CHOICES)
    def emit(self, which: int, choices: list[int]) -> None:
        execution = pick(self.run.under_way, which)
        self.tell_news(execution, Emitted(execution.id, self.run.outputs(execution, choices)))

    @precondition(lambda self: self.run.under_way)
    @rule(which=WHICH, count=st.integers(1, 4))
    def emit_on_all_links(self, which: int, count: int) -> None:
        """Makes several executions of one node, without which much of the rules would not be tried."""
        self.emit(which, [63] * count)

    @precondition(lambda self: self.run.in_a_lane)
    @rule(which=WHICH, count=st.integers(1, 2))
    def emit_behind_another(self, which: int, count: int) -> None:
        execution = pick(self.run.in_a_lane, which)
        self.tell_news(execution, Emitted(execution.id, self.run.outputs(execution, [63] * count)))

    @property
    def may_end(self) -> list[Open]:
        """Sources go on for a while, so that something happens."""
        return [each for each in self.run.under_way if each.node >= SOURCES or len(self.told) > 20]

    @precondition(lambda self: self.may_end)
    @rule(which=WHICH, choices=CHOICES, status=ENDINGS)
    def end(self, which: int, choices: list[int], status: Status) -> None:
        execution = pick(self.may_end, which)
        outputs = self.run.outputs(execution, choices)
        self.tell_news(execution, Ended(execution.id, status, outputs, sent=execution.received))

    @precondition(lambda self: self.run.under_way)
    @rule(which=WHICH, choices=CHOICES)
    def sleep(self, which: int, choices: list[int]) -> None:
        execution = pick(self.run.under_way, which)
        outputs = self.run.outputs(execution, choices)
        self.tell_news(execution, Slept(execution.id, 1.0, {"kept": which}, self.run.emitted[execution.id], outputs))

    @precondition(lambda self: self.run.in_phase(Phase.SLEEPING))
    @rule(which=WHICH, is_cancelled=st.booleans())
    def wake(self, which: int, is_cancelled: bool) -> None:
        """By its timer, or by the cancellation of a run that stops."""
        execution = pick(self.run.in_phase(Phase.SLEEPING), which)
        is_cancelled &= self.run.scheduler.is_stopping
        self.tell_news(execution, Ended(execution.id, Status.TERMINATED) if is_cancelled else Woke(execution.id))

    @precondition(lambda self: self.told)
    @rule(which=WHICH)
    def repeat(self, which: int) -> None:
        """Outputs and ends that were told come again; of sleeping and waking a driver tells once each."""
        event = pick(self.told, which)
        if isinstance(event, Emitted | Ended):
            before = self.run.state.dump_json()
            self.tell(event)
            assert self.run.state.dump_json() == before

    @precondition(lambda self: len(self.told) > 20)
    @rule()
    def stop(self) -> None:
        self.tell(Cancelled())

    @precondition(lambda self: len(self.told) > 5)
    @rule()
    def run_alone(self) -> None:
        self.run.scheduler.run_alone()
        self.run.pump()

    @rule(queued=st.booleans())
    def record(self, queued: bool) -> None:
        ready = {(e.node, e.ordinal): e.inputs for e in self.run.in_phase(Phase.READY)}
        for behind in self.run.scheduler.take_unrecorded(queued=queued):
            expected = self.waiting if behind.status is Status.INCOMPLETE else ready
            assert behind.inputs == expected[self.plan.nodes.index(behind.node), behind.ordinal]
        assert set(self.run.state.unrecorded) <= (set() if queued else set(self.run.state.open))

    # --- what always holds ---

    @property
    def waiting(self) -> dict[tuple[int, int], dict[str, Value]]:
        """What executions that wait hold, by node and ordinal."""
        return {
            (position, each.ordinal): each.inputs
            for position, node in self.run.state.nodes.items()
            for each in node.waiting
        }

    @property
    def queued(self) -> dict[tuple[int, int], dict[str, Value]]:
        """What executions that were ever queued got."""
        still_open = {(e.node, e.ordinal): e.inputs for e in self.run.state.open.values()}
        return {(node, ordinal): inputs for _, node, ordinal, inputs in self.run.begun} | still_open

    @invariant()
    def running_counts_executions_that_run(self) -> None:
        running = len(self.run.in_phase(Phase.RUNNING))
        assert self.run.state.running == running
        assert not self.plan.max_concurrent_nodes or running <= self.plan.max_concurrent_nodes

    @invariant()
    def those_that_have_a_pin_come_first(self) -> None:
        for position, node in self.run.state.nodes.items():
            for pin in {*PINS, "value", *node.filled}:
                having = [pin in each.inputs for each in node.waiting]
                assert having == sorted(having, reverse=True), (position, pin)
                assert node.filled.get(pin, 0) == sum(having)
            ordinals = [each.ordinal for each in node.waiting]
            assert ordinals == sorted(ordinals)

    @invariant()
    def every_execution_is_one_and_begins_once(self) -> None:
        ids = Counter(id for id, *_ in self.run.begun)
        places = Counter((node, ordinal) for _, node, ordinal, _ in self.run.begun)
        assert {*ids.values(), *places.values()} <= {1}
        assert len(ids) == len(places)

    @invariant()
    def no_value_is_lost_used_twice_or_overtaken(self) -> None:
        """Of pins without static links. Values held back in a lane are on their way still; None counts, nameless."""
        if self.run.scheduler.is_stopping:
            return
        held = Counter(
            (self.plan.links[position].sink, self.plan.links[position].pin, plain(route.value))
            for execution in self.run.state.open.values()
            for output in execution.held
            for route in output.routes
            for position in route.links
        )
        executions = sorted((self.queued | self.waiting).items())
        for position, node in enumerate(self.plan.nodes):
            for pin in {*node.awaited, *node.together} - set(node.static) if node.mode is not Mode.NEVER else ():
                arrived = [plain(i[pin]) for (at, _), i in executions if at == position and pin in i]
                sent = Counter(self.sent.get((position, pin), []))
                assert (
                    Counter(arrived)
                    + Counter(
                        {value: count for (sink, of, value), count in held.items() if (sink, of) == (position, pin)}
                    )
                    == sent
                )
                self._in_order([value for value in arrived if value is not None])

    def _in_order(self, values: list[str]) -> None:
        """Values of one source node come in the order of its executions and of what each of them emitted."""
        turn = {id: turn for turn, (id, *_) in enumerate(self.run.begun)}
        source = {id: node for id, node, *_ in self.run.begun}
        emitted = [value.split("#") for value in values]
        for node in set(source.values()):
            order = [(turn[id], int(index)) for id, index in emitted if source[id] == node]
            assert order == sorted(order)

    @invariant()
    def the_naive_rules_come_to_the_same(self) -> None:
        if self.run.scheduler.is_stopping:
            return
        naive = {(at, e.ordinal): e for at, executions in enumerate(self.naive.executions) for e in executions}
        assert {place: e.inputs for place, e in naive.items() if e.seq is None} == self.waiting
        assert {place: e.inputs for place, e in naive.items() if e.seq is not None} == self.queued
        for execution in self.run.state.open.values():
            assert naive[execution.node, execution.ordinal].seq == execution.seq

    @invariant()
    def a_snapshot_is_the_state(self) -> None:
        text = self.run.state.dump_json()
        assert RunState.load_json(text) == self.run.state
        assert RunState.load_json(text).dump_json() == text

    def teardown(self) -> None:
        """Without new outputs any run comes to its end, whatever its graph."""
        if not hasattr(self, "run"):
            return
        for _ in range(1000):
            if self.run.scheduler.is_done:
                break
            for execution in self.run.in_phase(Phase.SLEEPING):
                self.tell(Woke(execution.id))
            for execution in self.run.under_way:
                self.tell(Ended(execution.id, Status.COMPLETED))
        assert self.run.scheduler.is_done


def plain(value: Value) -> Any:
    """The JSON value of an inline one; there are no others here."""
    return value["value"]  # type: ignore[typeddict-item]


def pick[Thing](things: list[Thing], which: int) -> Thing:
    return things[which % len(things)]


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(max_examples=250, stateful_step_count=60)


# --- whole runs -------------------------------------------------------------------------------

SCRIPT = st.lists(st.tuples(st.sampled_from(["emit", "end", "sleep", "wake"]), WHICH, CHOICES), max_size=40)


def play(plan: Plan, script: list[tuple[str, int, list[int]]]) -> Wild:
    """A run in which happens what the script says; what cannot happen is passed over."""
    run = Wild(Scheduler.start(plan, "run", {}))
    for what, which, choices in script:
        able = run.in_phase(Phase.SLEEPING) if what == "wake" else run.under_way
        if not able:
            continue
        execution = pick(able, which)
        if what == "wake":
            run.tell(Woke(execution.id))
            continue
        outputs = run.outputs(execution, choices)
        if what == "emit":
            run.tell(Emitted(execution.id, outputs))
        elif what == "end":
            run.tell(Ended(execution.id, Status.COMPLETED, outputs))
        else:
            run.tell(Slept(execution.id, 1.0, None, run.emitted[execution.id], outputs))
    return run


@given(plans(), SCRIPT)
def test_the_same_events_give_the_same_run_to_the_byte(plan: Plan, script: list[tuple[str, int, list[int]]]) -> None:
    one, other = play(plan, script), play(plan, script)
    assert one.begun == other.begun
    assert one.state.dump_json() == other.state.dump_json()


def _apart(node: PlanNode) -> PlanNode:
    return replace(node, mode=Mode.ACTIVITY) if node.mode is Mode.BATCH else node


@given(plans(modes=(Mode.BATCH,)), SCRIPT)
def test_batches_and_activities_give_the_same_executions(plan: Plan, script: list[tuple[str, int, list[int]]]) -> None:
    plan = replace(plan, max_concurrent_nodes=0)
    apart = replace(plan, nodes=tuple(_apart(node) for node in plan.nodes))
    assert play(plan, script).begun == play(apart, script).begun


@given(plans(acyclic=True), st.lists(CHOICES, min_size=5, max_size=5))
@settings(max_examples=50)
def test_a_run_of_an_acyclic_graph_ends_and_no_arrival_makes_two_executions(
    plan: Plan, emissions: list[list[int]]
) -> None:
    run = Wild(Scheduler.start(plan, "run", {}))
    arrivals = Counter(position for position, node in enumerate(plan.nodes) if node.starts)
    for _ in range(10_000):
        if not run.under_way:
            break
        execution = run.under_way[0]
        outputs = run.outputs(execution, emissions[execution.node][:2])
        arrivals.update(plan.links[link].sink for each in outputs for route in each.routes for link in route.links)
        run.tell(Ended(execution.id, Status.COMPLETED, outputs))
    assert run.scheduler.is_done
    assert run.scheduler.outcome is Status.COMPLETED
    assert Counter(node for _, node, *_ in run.begun) <= arrivals
