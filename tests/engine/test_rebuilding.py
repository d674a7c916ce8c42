"""A run that is cut off anywhere and rebuilt from what is known of its executions is the run it was.

Blocks here give the same outputs for the same inputs, so that a run that goes on can be compared with one that was
never cut.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from engine.events import Emitted, Ended, RunNode, Slept, Woke
from engine.identity import node_execution_id
from engine.model import OnNodeError, Status
from engine.plan import Plan
from engine.rebuilding import CalledBy, Nap, Rebuilding, Record, Told
from engine.scheduler import Scheduler
from engine.state import Open, Output, Phase, Resume, Route, ToolCall
from engine.values import Value, inline
from tests.engine.harness import Run
from tests.engine.test_properties import MASKS, plans

_DEEPEST = 4


def likeness(inputs: dict[str, Value]) -> str:
    return to_json(dict(sorted(inputs.items()))).decode()


def outputs_of(plan: Plan, execution: Open) -> list[Output]:
    """What the block gives: made of the node and its inputs alone, and nothing at some depth, so that loops end."""
    depth = 1 + max((v["value"][0] for v in execution.inputs.values() if isinstance(v.get("value"), list)), default=0)
    if depth > _DEEPEST:
        return []
    own = [position for position, link in enumerate(plan.links) if link.source == execution.node]
    seed = sha256(f"{execution.node} {likeness(execution.inputs)}".encode()).digest()
    made = []
    for index in range(seed[0] % 4):
        chosen = [link for bit, link in enumerate(own) if seed[1 + index] >> bit & 1]
        if chosen:
            made.append(Output(index, [Route(chosen, inline([depth, seed[5 + index] % 3]))]))
    return made


class Play:
    """Runs a plan with such blocks, one small step at a time, and keeps what rows and events would keep."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.records: dict[str, Record] = {}
        self.told: list[Told] = []
        self.begun: list[str] = []
        self.all_inputs: dict[str, str] = {}
        self.pump()

    @property
    def under_way(self) -> list[Open]:
        opened = self.scheduler.state.open.values()
        return [each for each in opened if each.phase is not Phase.READY and not each.ended]

    def pump(self) -> None:
        for command in self.scheduler.dispatch():
            if isinstance(command, RunNode):
                self._begin(command.execution)
        while execution := self.scheduler.next_pure():
            self._begin(execution)

    def _begin(self, execution: Open) -> None:
        self.begun.append(execution.id)
        self._record(execution)

    def _record(self, execution: Open) -> Record:
        node = self.scheduler.plan.nodes[execution.node]
        inputs = self.all_inputs[execution.id] = likeness(execution.inputs)
        new = Record(execution.id, node.id, execution.ordinal, Status.RUNNING, inputs, is_kept=False)
        return self.records.setdefault(execution.id, new)

    def step(self, which: int, way: int) -> None:
        """One of those under way gives an output, sleeps, wakes or ends."""
        execution = self.under_way[which % len(self.under_way)]
        record = self._record(execution)
        outputs = outputs_of(self.scheduler.plan, execution)
        if execution.phase is Phase.SLEEPING:
            record.nap = Nap(0.0, record.nap.emitted, record.nap.state) if record.nap else None
            self.scheduler.apply(Woke(execution.id))
        elif len(record.outputs) < len(outputs) and way % 3:
            output = outputs[len(record.outputs)]
            record.outputs.append(output)
            self.told.append(Told(execution.id, output.index + 1, is_end=False))
            self.scheduler.apply(Emitted(execution.id, [output]))
        elif way == 3 and len(record.outputs) == len(outputs) and record.nap is None:
            emitted = record.outputs[-1].index + 1 if record.outputs else 0
            record.nap = Nap(5.0, emitted, "kept")
            self.scheduler.apply(Slept(execution.id, 5.0, "kept", emitted))
        else:
            record.outputs = outputs
            record.status, record.is_kept, record.cost = Status.COMPLETED, True, 1
            self.told.append(Told(execution.id, 9, is_end=True))
            self.scheduler.apply(Ended(execution.id, Status.COMPLETED, outputs, cost=1))
        self.pump()

    def to_the_end(self) -> None:
        for _ in range(3000):
            if not self.under_way:
                break
            self.step(0, 0)
        assert self.scheduler.is_done


def rebuilt(plan: Plan, masks: dict[str, dict[str, Value]], records: list[Record], told: list[Told]) -> Rebuilding:
    """The activity's part: it says what inputs come to, and gives the records."""
    scheduler = Scheduler.start(plan, "run", {"given": inline([0, 0])}, masks)
    rebuilding = Rebuilding(scheduler, records, told)
    while True:
        for execution in rebuilding.unidentified():
            rebuilding.match(execution, likeness(execution.inputs))
        if not rebuilding.advance():
            break
    rebuilding.settle()
    return rebuilding


SCRIPT = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=60)


def played(plan: Plan, masks: dict[str, dict[str, Value]], script: list[tuple[int, int]]) -> Play:
    play = Play(Scheduler.start(plan, "run", {"given": inline([0, 0])}, masks))
    for which, way in script:
        if play.under_way:
            play.step(which, way)
    return play


def standing(play: Play) -> Iterator[Any]:
    """All that a run knows, but for which executions happen to be under way."""
    state = play.scheduler.state
    for position, node in sorted(state.nodes.items()):
        waiting = [(each.ordinal, each.inputs) for each in node.waiting]
        yield position, node.opened, waiting, {k: v for k, v in node.filled.items() if v}, node.sticky, node.lane
    for each in sorted(state.open.values(), key=lambda each: each.seq):
        yield each.id, each.node, each.ordinal, each.seq, each.inputs, each.received, each.held, each.ended
        yield each.phase is Phase.SLEEPING and each.resume
    yield state.queued, state.totals


@given(plans(), MASKS, SCRIPT)
@settings(max_examples=300)
def test_a_rebuilt_run_is_the_run_that_was_cut(
    plan: Plan, masks: dict[str, dict[str, Value]], script: list[tuple[int, int]]
) -> None:
    play = played(plan, masks, script)
    before = list(standing(play))
    kept = {record.id for record in play.records.values() if record.is_kept}
    rebuilding = rebuilt(plan, masks, list(play.records.values()), play.told)
    assert {match.execution.id for match in rebuilding.kept} == kept
    again = Play.__new__(Play)
    again.scheduler = rebuilding.scheduler
    assert list(standing(again)) == before
    # Both go on to the same end, and nothing that was kept begins once more.
    again = Play(rebuilding.scheduler)
    again.to_the_end()
    play.to_the_end()
    assert not kept & set(again.begun)
    assert {**{id: play.all_inputs[id] for id in kept}, **again.all_inputs} == play.all_inputs
    assert again.scheduler.state.totals == play.scheduler.state.totals


@given(plans(), MASKS, SCRIPT, st.randoms())
@settings(max_examples=300)
def test_events_in_another_order_make_no_execution_double(
    plan: Plan, masks: dict[str, dict[str, Value]], script: list[tuple[int, int]], order: Any
) -> None:
    play = played(plan, masks, script)
    told = list(play.told)
    order.shuffle(told)
    records = list(play.records.values())
    rebuilding = rebuilt(plan, masks, records, told)
    matches = [*rebuilding.kept, *rebuilding.open]
    ids = [match.execution.id for match in matches] + [each.id for each in rebuilding.waiting]
    assert len(ids) == len(set(ids))
    assert {match.execution.id for match in rebuilding.kept} <= {record.id for record in records if record.is_kept}
    for match in matches:
        node_id = plan.nodes[match.execution.node].id
        assert match.execution.id == node_execution_id("run", node_id, match.execution.ordinal)
        if match.record:
            assert match.execution.id == match.record.id
            assert likeness(match.execution.inputs) == match.record.likeness
    for position, node in rebuilding.scheduler.state.nodes.items():
        ordinals = [each.ordinal for each in node.waiting]
        assert ordinals == sorted(ordinals)
        assert node.opened > max([m.execution.ordinal for m in matches if m.execution.node == position], default=-1)
    again = Play(rebuilding.scheduler)
    kept = {match.execution.id for match in rebuilding.kept}
    again.to_the_end()
    assert not kept & set(again.begun)


# --- single cases -----------------------------------------------------------------------------


def record(node: str, ordinal: int, inputs: dict[str, Any], *outputs: Output, **more: Any) -> Record:
    fields = {"status": Status.COMPLETED, "is_kept": True, **more}
    text = likeness({pin: inline(value) for pin, value in inputs.items()})
    id = node_execution_id("run", node, ordinal)
    return Record(id, node, ordinal, likeness=text, outputs=list(outputs), **fields)


def output(index: int, value: Any, *links: int) -> Output:
    return Output(index, [Route(list(links), inline(value))])


def test_a_failed_node_that_was_routed_stays_failed() -> None:
    plan = Run("A.error -> B.x").plan
    failed = record("A", 0, {}, output(0, "boom", 0), status=Status.FAILED, error="boom")
    rebuilding = rebuilt(plan, {}, [failed], [])
    assert [match.record for match in rebuilding.kept] == [failed]
    assert [plan.nodes[match.execution.node].id for match in rebuilding.open] == ["B"]
    assert rebuilding.scheduler.state.totals.node_error_count == 1


def test_under_the_policy_fail_what_failed_is_run_again() -> None:
    plan = Run("A.out -> B.x", on_node_error=OnNodeError.FAIL).plan
    failed = record("A", 0, {}, output(0, 1, 0), status=Status.FAILED, is_kept=False)
    rebuilding = rebuilt(plan, {}, [failed], [])
    again, behind = rebuilding.open
    assert again.execution.resume is not None
    assert again.execution.received == 1
    assert behind.execution.inputs == {"x": inline(1)}
    assert not rebuilding.scheduler.is_stopping


def test_a_failed_node_whose_inputs_cannot_be_resolved_is_found_by_its_place() -> None:
    plan = Run("A").plan
    scheduler = Scheduler.start(plan, "run", {})
    failed = record("A", 0, {"unlike": 1}, status=Status.FAILED)
    rebuilding = Rebuilding(scheduler, [failed], [])
    [execution] = rebuilding.unidentified()
    assert rebuilding.match(execution, None) is failed
    completed = Rebuilding(Scheduler.start(plan, "run", {}), [record("A", 0, {})], [])
    [execution] = completed.unidentified()
    assert completed.match(execution, None) is None


def test_a_record_that_cannot_be_used_leaves_its_execution_open() -> None:
    plan = Run("A.out -> B.x").plan
    scheduler = Scheduler.start(plan, "run", {})
    done = record("A", 0, {}, output(0, 1, 0))
    rebuilding = Rebuilding(scheduler, [done], [Told(done.id, 1, is_end=True)])
    [execution] = rebuilding.unidentified()
    assert rebuilding.match(execution, likeness({})) is done
    rebuilding.discard(done)
    assert not rebuilding.advance()
    rebuilding.settle()
    assert rebuilding.kept == []
    [match] = rebuilding.open
    assert match.record is None
    assert match.execution.resume is None


def test_an_execution_with_other_inputs_takes_a_free_id() -> None:
    plan = Run("A.out -> B.x").plan
    source = record("A", 0, {}, output(0, 1, 0), output(1, 2, 0))
    # B had another value first then: only the second one is known again.
    known = record("B", 0, {"x": 2})
    rebuilding = rebuilt(plan, {}, [source, known], [])
    [open_] = rebuilding.open
    assert open_.execution.inputs == {"x": inline(1)}
    assert open_.execution.ordinal == 1
    assert [match.record for match in rebuilding.kept] == [source, known]


def test_one_that_slept_goes_on_sleeping_or_wakes() -> None:
    plan = Run("A.out -> B.x").plan
    for seconds in (0.0, 5.0):
        nap = Nap(seconds, 1, {"left": 2})
        slept = record("A", 0, {}, output(0, 1, 0), status=Status.RUNNING, is_kept=False, nap=nap)
        rebuilding = rebuilt(plan, {}, [slept], [])
        execution = rebuilding.open[0].execution
        assert execution.resume is not None
        assert (execution.resume.emitted, execution.resume.state) == (1, {"left": 2})
        assert (execution.phase is Phase.SLEEPING) == (seconds > 0)
        assert rebuilding.scheduler.state.due_timers == ({execution.id: 5.0} if seconds else {})


def test_an_end_that_is_told_twice_is_one() -> None:
    plan = Run("A.out -> B.x").plan
    done = record("A", 0, {}, output(0, 1, 0), cost=3)
    rebuilding = rebuilt(plan, {}, [done], [Told(done.id, 1, is_end=True)] * 2)
    assert rebuilding.scheduler.state.totals.cost == 3
    assert [match.execution.inputs for match in rebuilding.open] == [{"x": inline(1)}]


def test_a_node_of_which_nothing_can_be_told_is_passed_over() -> None:
    plan = Run("A.out -> B.x").plan
    nothing = record("A", 0, {})
    nothing.likeness = None
    rebuilding = rebuilt(plan, {}, [nothing], [Told(nothing.id, 1, is_end=True)])
    assert rebuilding.kept == []
    assert [match.record for match in rebuilding.open] == [None]


def test_inputs_that_cannot_be_resolved_have_no_equals() -> None:
    plan = Run("A").plan
    rebuilding = Rebuilding(Scheduler.start(plan, "run", {}), [], [])
    [execution] = rebuilding.unidentified()
    assert rebuilding.match(execution, None) is None


# --- tools ------------------------------------------------------------------------------------

TOOLS = "A.tools -> T.x\nT.out -> S.in"


def called(ordinal: int, round: int, index: int, **more: Any) -> Record:
    """What A called: T gives its argument to S, by the plan's second link."""
    value = [round, index]
    of_a = CalledBy(node_execution_id("run", "A", 0), round, index)
    given = [output(0, value, 1)] if more.get("is_kept", True) else []
    made = record("T", ordinal, {"x": value}, *given, called_by=of_a, **more)
    made.inputs = {"x": inline(value)}
    return made


def behind(ordinal: int, round: int, index: int) -> Record:
    return record("S", ordinal, {"in": [round, index]})


def calling(round: int, *calls: ToolCall, state: Any = "kept") -> Nap:
    return Nap(None, 0, state, phase=Phase.CALLING, round=round, calls=list(calls))


def again(round: int, index: int, node: str = "T") -> ToolCall:
    return ToolCall(node, {"x": inline([round, index])})


def caller(nap: Nap | None, **more: Any) -> Record:
    return record("A", 0, {}, status=Status.RUNNING, is_kept=False, nap=nap, round=4, **more)


def test_what_one_that_is_done_had_called_is_kept_with_what_it_led_to() -> None:
    plan = Run(TOOLS).plan
    records = [record("A", 0, {}), called(0, 1, 0), called(1, 1, 1), called(2, 2, 0)]
    records += [behind(0, 1, 0), behind(1, 1, 1), behind(2, 2, 0)]
    told = [Told(each.id, 1, is_end=True) for each in (*records[1:4], records[0])]
    rebuilding = rebuilt(plan, {}, records, told)
    assert rebuilding.open == []
    assert {match.execution.id for match in rebuilding.kept} == {each.id for each in records}
    assert rebuilding.scheduler.is_done
    # Also when nothing is told in order.
    for order in (told[::-1], []):
        matches = rebuilt(plan, {}, records, order).kept
        assert len({match.execution.id for match in matches}) == len(matches)


def test_one_that_waited_for_its_tools_waits_for_those_that_had_not_ended() -> None:
    plan = Run(TOOLS).plan
    pending = called(2, 3, 1, status=Status.RUNNING, is_kept=False)
    records = [
        caller(calling(3, again(3, 0), again(3, 1))),
        called(0, 1, 0),
        behind(0, 1, 0),
        called(1, 3, 0),
        behind(1, 3, 0),
        pending,
    ]
    told = [Told(each.id, 1, is_end=True) for each in (records[1], records[3])]
    rebuilding = rebuilt(plan, {}, records, told)
    assert {match.execution.id for match in rebuilding.kept} == {each.id for each in records if each.is_kept}
    waiting, open_ = (match.execution for match in rebuilding.open)
    assert waiting.phase is Phase.CALLING
    assert waiting.resume is not None
    assert (waiting.resume.round, waiting.resume.state) == (4, "kept")
    assert (open_.id, open_.caller, open_.call) == (pending.id, waiting.id, "3.1")
    assert [(each.id, each.status) for each in waiting.calls] == [
        (records[3].id, Status.COMPLETED),
        (pending.id, None),
    ]
    # And on it goes.
    scheduler = rebuilding.scheduler
    scheduler.dispatch()
    scheduler.apply(Ended(open_.id, Status.COMPLETED))
    answer = waiting.resume.answer
    assert answer is not None
    assert answer["calls"] == inline(
        [{"id": records[3].id, "status": "COMPLETED"}, {"id": pending.id, "status": "COMPLETED"}]
    )


def test_one_whose_tools_had_all_ended_goes_on_with_what_they_gave() -> None:
    plan = Run(TOOLS).plan
    # There was another T/0, which is not known any more, so that the ids of the rebuilt run are others at first.
    records = [caller(calling(1, again(1, 0), again(1, 1, "gone"))), called(3, 1, 0), behind(0, 1, 0)]
    rebuilding = rebuilt(plan, {}, records, [])
    [match] = rebuilding.open
    assert match.execution.phase is Phase.READY
    assert match.execution.resume is not None
    assert match.execution.resume.answer == {
        "calls": inline([{"id": records[1].id, "status": "COMPLETED"}, {"id": "", "status": "FAILED"}])
    }
    assert rebuilding.scheduler.state.due_stops == []


def test_calls_that_no_row_knows_of_are_made_and_not_taken_for_others() -> None:
    """The run ended before they were begun. A call before was the same, and so is what a link has brought."""
    plan = Run(f"{TOOLS}\nB.out -> T.x").plan
    earlier, linked = called(0, 1, 0), record("T", 1, {"x": [2, 0]})
    earlier.likeness = linked.likeness
    source = record("B", 0, {}, output(0, [2, 0], 2))
    records = [caller(calling(2, again(2, 0))), earlier, linked, source, behind(0, 1, 0)]
    rebuilding = rebuilt(plan, {}, records, [])
    assert {match.execution.id for match in rebuilding.kept} == {each.id for each in records if each.is_kept}
    waiting, new = (match.execution for match in rebuilding.open)
    assert (new.ordinal, new.caller, new.inputs) == (2, waiting.id, {"x": inline([2, 0])})


def test_one_that_kept_nothing_begins_anew_without_what_it_had_called() -> None:
    plan = Run(TOOLS).plan
    rebuilding = rebuilt(plan, {}, [caller(None), called(0, 1, 0), behind(0, 1, 0)], [])
    assert rebuilding.kept == []
    [match] = rebuilding.open
    assert match.execution.resume == Resume(4, 0)


def test_what_was_stopped_of_earlier_calls_is_not_called_again() -> None:
    plan = Run(TOOLS).plan
    stopped = called(0, 1, 0, status=Status.TERMINATED, is_kept=False)
    rebuilding = rebuilt(plan, {}, [record("A", 0, {}), stopped], [])
    assert rebuilding.open == []
    assert [match.execution.id for match in rebuilding.kept] == [node_execution_id("run", "A", 0)]
