"""The rules of dataflow one by one: what makes a node run, in which order, and what a stop leaves behind."""

from typing import Any

import pytest

from engine.events import (
    Cancelled,
    CancelNodes,
    Command,
    Emitted,
    Ended,
    Event,
    RunNode,
    Slept,
    StartTimer,
    TimedOut,
    Woke,
)
from engine.model import OnNodeError, Status
from engine.plan import Mode, Plan, PlanLink, PlanNode
from engine.progress import open_executions, progress
from engine.scheduler import LostOutput, Scheduler
from engine.state import NodeState, Output, Phase, Resume, Route, RunState
from engine.values import Reference, inline
from tests.engine.harness import INPUT, NOTE, PURE, Run

TWO_PINS = """
    A.out -> S.a
    B.out -> S.b
"""


# --- what makes a node ready ------------------------------------------------------------------


def test_every_linked_pin_is_awaited() -> None:
    run = Run(TWO_PINS)
    run.emit("A", out=1)
    assert run.got("S") == []
    run.emit("B", out=2)
    assert run.got("S") == [{"a": 1, "b": 2}]


LOOP = """
    A.out => S.topic
    S.history -> S.history
    S.call -> T.in
    T.out -> S.answer
"""
TOGETHER = {"S": {"together": frozenset({"history", "answer"})}}


@pytest.mark.parametrize("first", ["history", "answer"])
def test_pins_awaited_together_come_all_or_none(first: str) -> None:
    """The first round of a loop has neither, each later one both, whichever comes first (agent-graphs §18.4)."""
    run = Run(LOOP, blocks=TOGETHER)
    run.emit("A", out="tea")
    assert run.got("S") == [{"topic": "tea"}]
    if first == "history":
        run.emit("S", history=["asked"], call=1)
        assert len(run.got("S")) == 1
        run.emit("T", out="green")
    else:
        run.emit("S", call=1)
        run.emit("T", out="green")
        assert len(run.got("S")) == 1
        run.emit("S", history=["asked"])
    assert run.got("S")[1:] == [{"topic": "tea", "history": ["asked"], "answer": "green"}]
    assert run.waiting("S") == []


def test_of_pins_awaited_together_one_that_is_linked_alone_is_awaited_like_any_other() -> None:
    run = Run("A.out => S.topic\nB.out -> S.history", blocks=TOGETHER)
    run.emit("A", out="tea")
    assert run.got("S") == []
    run.emit("B", out=["before"])
    assert run.got("S") == [{"topic": "tea", "history": ["before"]}]


def test_a_node_without_inputs_starts_with_the_empty_ones() -> None:
    """T-10: an empty dictionary is a valid input."""
    run = Run("A")
    assert run.got("A") == [{}]
    run.end("A")
    assert run.outcome is Status.COMPLETED


def test_none_on_a_required_field_holds_only_its_own_execution() -> None:
    run = Run("A.out -> S.a", required={"S": "a"})
    run.emit("A", out=None)
    run.emit("A", out=1)
    assert run.got("S") == [{"a": 1}]
    assert run.waiting("S") == [{"a": None}]
    run.emit("A", out=2)
    assert run.got("S") == [{"a": 1}, {"a": 2}]
    assert run.order[1:] == ["S/1", "S/2"]


def test_a_required_field_that_nothing_fills_keeps_a_starting_node_incomplete() -> None:
    run = Run("A", required={"A": "field"})
    assert run.got("A") == []
    assert run.waiting("A") == [{}]
    assert run.outcome is Status.COMPLETED


@pytest.mark.parametrize("defaults", [{"field": 1}, {"field_#_key": 1}])
def test_a_default_fills_a_required_field(defaults: dict[str, Any]) -> None:
    assert Run("A", required={"A": "field"}, defaults={"A": defaults}).got("A") == [defaults]


def test_a_default_of_none_does_not_fill_a_required_field() -> None:
    assert Run("A", required={"A": "field"}, defaults={"A": {"field": None}}).got("A") == []


def test_a_dynamic_pin_fills_its_required_field() -> None:
    run = Run("A.out -> S.values_$_0", required={"S": "values"})
    run.emit("A", out=1)
    assert run.got("S") == [{"values_$_0": 1}]


def test_a_reference_counts_as_a_value() -> None:
    run = Run("A.out -> S.a", required={"S": "a"})
    reference: Reference = {"ref": "key", "kind": "object", "size": 100_000}
    run.tell(Emitted(run.find("A").id, [Output(0, [Route([0], reference)])]))
    assert run.got("S") == [{"a": reference}]


@pytest.mark.parametrize(
    ("mask", "runs"),
    [({"field": 1}, 1), ({"field_#_key": 1}, 1), ({"field": None}, 0), ({"other": 1}, 0)],
)
def test_a_mask_fills_a_required_field(mask: dict[str, Any], runs: int) -> None:
    assert len(Run("A", required={"A": "field"}, masks={"A": mask}).got("A")) == runs


def test_a_mask_of_none_takes_a_required_value_away() -> None:
    run = Run("A.out -> S.a", required={"S": "a"}, masks={"S": {"a": None}})
    run.emit("A", out=1)
    assert run.got("S") == []


def test_a_masked_pin_counts_as_arrived_but_makes_no_arrival() -> None:
    run = Run(TWO_PINS, masks={"S": {"a": "mask"}})
    assert run.got("S") == run.waiting("S") == []
    run.emit("B", out=1)
    run.emit("B", out=2)
    assert run.got("S") == [{"a": "mask", "b": 1}, {"a": "mask", "b": 2}]
    run.emit("A", out="arrived")
    assert run.waiting("S") == [{"a": "arrived"}]


def test_an_arrival_on_a_pin_that_is_masked_alone_starts_the_node() -> None:
    run = Run("A.out -> S.a", masks={"S": {"a": "mask"}})
    run.emit("A", out="arrived")
    assert run.got("S") == [{"a": "mask"}]


def test_static_pins_are_laid_behind_those_that_arrived() -> None:
    """Their order decides what a later dynamic-pin merge yields."""
    run = Run(
        """
            Store.out => S.static
            A.out -> S.plain
        """
    )
    run.emit("Store", out="k")
    run.emit("A", out=1)
    run.emit("A", out=2)
    assert [list(got) for got in run.got("S")] == [["static", "plain"], ["plain", "static"]]


def test_one_static_pin_does_not_stand_in_for_another_that_is_unknown() -> None:
    """T-8: the wake-up must bear a static pin of which nobody knows a value yet."""
    run = Run(
        """
            K.out => S.k
            L.out => S.l
            A.out -> S.a
        """
    )
    run.emit("A", out=1)
    run.emit("A", out=2)
    run.emit("K", out="k")
    assert run.got("S") == []
    run.emit("L", out="l")
    assert run.got("S") == [{"a": 1, "k": "k", "l": "l"}, {"a": 2, "k": "k", "l": "l"}]


def test_an_execution_may_overtake_one_that_none_holds_back() -> None:
    """It runs with the sticky value of a pin that the older one has, as None; the older one keeps its own."""
    run = Run(
        """
            K.out => S.k
            A.out -> S.a
        """,
        required={"S": "k"},
    )
    run.emit("K", out="k")
    run.emit("A", out=1)
    run.emit("K", out=None)
    run.emit("A", out=2)
    run.emit("A", out=3)
    assert run.got("S") == [{"k": "k", "a": 1}, {"a": 3, "k": "k"}]
    run.emit("K", out="k'")
    assert run.waiting("S") == [{"k": None, "a": 2}, {"k": "k'"}]


def test_a_static_arrival_wakes_only_what_else_is_complete() -> None:
    run = Run(TWO_PINS + "K.out => S.k")
    for value in (1, 2, 3):
        run.emit("A", out=value)
    for value in (1, 2):
        run.emit("B", out=value)
    run.emit("K", out="k")
    assert [got["a"] for got in run.got("S")] == [1, 2]
    assert run.waiting("S") == [{"a": 3}]
    run.emit("B", out=3)
    assert run.got("S")[2:] == [{"a": 3, "b": 3, "k": "k"}]


# --- where a run begins -----------------------------------------------------------------------


def test_agent_inputs_get_the_value_of_their_name() -> None:
    run = Run(
        """
            In.result -> S.a
            Other
        """,
        blocks={"In": INPUT, "Other": INPUT},
        defaults={"In": {"name": "x"}, "Other": {"name": "y"}},
        inputs={"x": None, "z": 1},
    )
    assert run.started == [("In/0", {"name": "x", "value": None}), ("Other/0", {"name": "y"})]


def test_an_agent_input_with_an_incoming_link_starts_and_starts_again() -> None:
    run = Run("A.out -> In.value", blocks={"In": INPUT}, defaults={"In": {"name": "x"}}, inputs={"x": 1})
    assert run.got("In") == [{"name": "x", "value": 1}]
    run.emit("A", out=2)
    assert run.got("In")[1:] == [{"name": "x", "value": 2}]


def test_an_agent_input_with_an_incoming_link_and_no_value_waits_for_the_link() -> None:
    run = Run("A.out -> In.value", blocks={"In": INPUT}, defaults={"In": {"name": "x"}})
    assert run.got("In") == []
    run.emit("A", out=2)
    assert run.got("In") == [{"name": "x", "value": 2}]
    assert run.waiting("In") == []


def test_a_value_given_at_the_start_counts_as_arrived_on_its_pin() -> None:
    run = Run(
        """
            A.out -> In.value
            B.out -> In.title
        """,
        blocks={"In": INPUT},
        defaults={"In": {"name": "x"}},
        inputs={"x": 1},
    )
    run.emit("A", out=2)
    assert run.waiting("In") == [{"value": 1}, {"value": 2}]
    run.emit("B", out="t")
    assert [got["value"] for got in run.got("In")] == [1]


def test_notes_swallow_what_is_sent_to_them() -> None:
    run = Run(
        """
            A.out -> Note.value
            A.out -> S.a
        """,
        blocks={"Note": NOTE},
    )
    run.emit("A", out=1)
    assert run.order == ["A/0", "S/0"]
    assert run.scheduler.incomplete_count == 0
    assert run.position("Note") not in run.scheduler.state.nodes


# --- order ------------------------------------------------------------------------------------


def test_the_limit_lets_executions_start_in_queue_order() -> None:
    run = Run(
        """
            A.x -> S.a
            B
            C
        """,
        limit=2,
    )
    assert run.order == ["A/0", "B/0"]
    run.emit("A", x=1)
    run.emit("A", x=2)
    run.end("B")
    assert run.order[2:] == ["C/0"]
    run.end("C")
    run.end("A")
    assert run.order[3:] == ["S/0", "S/1"]


def test_batched_and_sleeping_executions_do_not_count_against_the_limit() -> None:
    run = Run(
        """
            P
            A
            B
        """,
        limit=1,
        blocks={"P": PURE},
    )
    assert run.order == ["A/0", "P/0"]
    run.sleep("A")
    assert run.order[2:] == ["B/0"]
    run.wake("A")
    assert run.order[3:] == []
    run.end("B")
    assert run.order[3:] == ["A/0"]


def test_outputs_are_routed_in_the_order_of_the_links() -> None:
    run = Run(
        """
            A.out -> X.a
            A.out_#_k -> Y.a
            A.out -> Z.a
        """
    )
    whole, piece = inline({"k": 1}), inline(1)
    run.tell(Emitted(run.find("A").id, [Output(0, [Route([0, 2], whole), Route([1], piece)])]))
    assert run.order[1:] == ["X/0", "Y/0", "Z/0"]


LANE = """
    Feed.item -> S.a
    S.out -> Sink.a
"""


def test_executions_of_one_node_that_end_out_of_order_are_routed_in_order() -> None:
    run = Run(LANE)
    for item in (1, 2, 3):
        run.emit("Feed", item=item)
    run.end("S/2", out=3)
    run.end("S/1", out=2)
    assert run.got("Sink") == []
    assert progress(run.scheduler.state) == {
        "done": 2, "failed": 0, "queued": 0, "running": 2, "sleeping": 0, "listening": 0, "review": 0, "incomplete": 0,
    }  # fmt: skip
    run.end("S/0", out=1)
    assert run.got("Sink") == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_outputs_that_stream_are_held_until_the_earlier_execution_has_ended() -> None:
    run = Run(LANE)
    for item in (1, 2):
        run.emit("Feed", item=item)
    run.emit("S/1", out="second")
    run.emit("S/1", out="third")
    run.emit("S/0", out="first")
    assert run.got("Sink") == [{"a": "first"}], "the head of the lane streams, the one behind it is held"
    run.end("S/0")
    assert run.got("Sink")[1:] == [{"a": "second"}, {"a": "third"}]
    assert run.find("S/1").held == []
    run.emit("S/1", out="fourth")
    assert run.got("Sink")[3:] == [{"a": "fourth"}], "what was behind is the head now, and streams"


def test_a_self_loop_queues_behind_itself() -> None:
    run = Run(
        """
            Feed.item -> S.a
            S.again -> S.a
        """,
        blocks={"S": PURE},
    )
    run.emit("Feed", item=0)
    run.emit("S", again=1)
    run.emit("S/1", again=3)
    run.emit("S/0", again=2)
    run.end("S/0")
    assert [got["a"] for got in run.got("S")] == [0, 1, 2, 3]
    run.end("S/1", again=4)
    assert [got["a"] for got in run.got("S")][4:] == [4]


# --- events that come late or twice -----------------------------------------------------------


def test_indexes_already_seen_are_passed_over() -> None:
    run = Run("A.out -> S.a")
    execution = run.find("A")
    first, second = run.outputs(execution, [("out", 1), ("out", 2)])
    run.tell(Emitted(execution.id, [first]))
    run.tell(Emitted(execution.id, [first]))
    run.tell(Emitted(execution.id, [first, second]))
    run.tell(Ended(execution.id, Status.COMPLETED, [second], sent=2))
    assert run.got("S") == [{"a": 1}, {"a": 2}]


def test_events_of_unknown_and_ended_executions_change_nothing() -> None:
    run = Run(LANE)
    run.emit("Feed", item=1)
    run.emit("Feed", item=2)
    run.sleep("S/1")
    ended = run.find("S/1").id
    run.end("S/1")
    before = run.scheduler.state.dump_json()
    output = [Output(7, [Route([1], inline("late"))])]
    for id in (ended, "nobody"):
        for event in (
            Emitted(id, output), Ended(id, Status.FAILED, output), Slept(id, 1, None, outputs=output), Woke(id),
        ):  # fmt: skip
            assert run.tell(event) == []
    assert run.scheduler.state.dump_json() == before


def test_an_end_or_sleep_of_an_execution_that_does_not_run_changes_nothing() -> None:
    run = Run("A\nB", limit=1)
    (queued,) = (e for e in run.scheduler.state.open.values() if e.phase is Phase.READY)
    before = run.scheduler.state.dump_json()
    for event in (Ended(queued.id, Status.COMPLETED), Slept(queued.id, 1, None), Woke(queued.id)):
        assert run.tell(event) == []
    assert run.scheduler.state.dump_json() == before


def test_a_second_sleep_and_a_second_waking_change_nothing() -> None:
    run = Run("A")
    id = run.find("A").id
    run.sleep("A", 5)
    assert run.tell(Slept(id, 9, None)) == []
    run.wake("A")
    before = run.scheduler.state.dump_json()
    assert run.tell(Woke(id)) == []
    assert run.scheduler.state.dump_json() == before


def test_an_output_that_was_told_and_never_arrived_is_an_error() -> None:
    run = Run("A.out -> S.a")
    id = run.find("A").id
    run.emit("A", out=1)
    with pytest.raises(LostOutput, match="2 outputs were sent, 1 arrived"):
        run.tell(Ended(id, Status.COMPLETED, sent=2))


# --- ends -------------------------------------------------------------------------------------


def test_ended_executions_add_up() -> None:
    run = Run("A\nB")
    run.tell(Ended(run.find("A").id, Status.COMPLETED, walltime=1.5, cputime=0.5, cost=3, extra_steps=2))
    run.tell(Ended(run.find("B").id, Status.FAILED, walltime=1.0, cputime=0.25, cost=4))
    totals = run.scheduler.state.totals
    assert (totals.node_count, totals.node_error_count, totals.cost) == (4, 1, 7)
    assert (totals.nodes_walltime, totals.nodes_cputime) == (2.5, 0.75)


def test_a_run_ends_when_nothing_is_open_and_incomplete_executions_stay() -> None:
    """T-22: they stay INCOMPLETE, the graph is COMPLETED."""
    run = Run(TWO_PINS)
    run.emit("A", out=1)
    run.end("A")
    assert not run.scheduler.is_done
    run.end("B")
    assert run.outcome is Status.COMPLETED
    assert run.scheduler.incomplete_count == 1


def test_a_skipped_node_that_is_last_in_the_queue_does_not_end_the_run() -> None:
    """T-3: what runs beside it goes on."""
    run = Run(
        """
            A.out -> S.a
            Skipped.out -> After.a
        """,
        skipped=["Skipped"],
    )
    assert run.order == ["A/0", "Skipped/0"]
    assert run.scheduler.is_skipped(run.find("Skipped"))
    assert not run.scheduler.is_skipped(run.find("A"))
    run.end("Skipped")
    assert not run.scheduler.is_done
    run.end("A", out=1)
    run.drain()
    assert run.order[2:] == ["S/0"], "nothing follows a skipped node"
    assert run.outcome is Status.COMPLETED


def test_a_failed_node_fails_the_run_if_the_graph_says_so() -> None:
    run = Run(
        """
            A.error -> Handler.a
            B
            C
        """,
        on_node_error=OnNodeError.FAIL,
        limit=2,
    )
    run.fail("A", "boom")
    assert run.cancelled == ["B/0"]
    assert run.order == ["A/0", "B/0"], "nothing new starts"
    assert run.got("Handler") == []
    assert not run.scheduler.is_done
    run.tell(Ended(run.find("B").id, Status.FAILED, error="because it was cancelled"))
    assert run.outcome is Status.FAILED
    assert (run.scheduler.state.error, run.scheduler.state.error_code) == ("boom", "node_failed")
    assert run.scheduler.state.totals.node_error_count == 2


def test_the_reason_of_a_failed_run_keeps_the_code_of_its_node() -> None:
    run = Run("A", on_node_error=OnNodeError.FAIL)
    run.tell(Ended(run.find("A").id, Status.FAILED, error_code="outcome_unknown"))
    assert (run.scheduler.state.error, run.scheduler.state.error_code) == ("A node failed", "outcome_unknown")


def test_a_failure_inside_a_batch_cancels_what_runs_outside_once_the_state_is_back() -> None:
    run = Run("A\nP", blocks={"P": PURE}, on_node_error=OnNodeError.FAIL)
    batch = Scheduler(run.plan, RunState.unpack(run.scheduler.state.pack()))
    batch.apply(Ended(run.find("P").id, Status.FAILED, error="boom"))
    after = Scheduler(run.plan, RunState.unpack(batch.state.pack()))
    assert after.dispatch() == [CancelNodes((run.find("A").id,))]
    assert after.dispatch() == []


# --- sleeping ---------------------------------------------------------------------------------


def test_an_execution_sleeps_wakes_and_goes_on_where_it_was() -> None:
    run = Run("A.out -> S.a")
    run.emit("A", out=1)
    run.sleep("A", 60.0, {"next": 2})
    assert run.timers == [("A/0", 60.0)]
    assert progress(run.scheduler.state)["sleeping"] == 1
    assert not run.scheduler.is_done
    (command,) = run.tell(Woke(run.find("A").id))
    assert isinstance(command, RunNode)
    assert command.execution.resume == Resume(1, 1, {"next": 2})
    run.sleep("A", 60.0, {"next": 3})
    run.wake("A")
    assert run.find("A").resume == Resume(2, 1, {"next": 3})
    run.end("A", out=2)
    assert run.got("S") == [{"a": 1}, {"a": 2}]


def test_an_execution_that_wakes_goes_to_the_end_of_the_queue() -> None:
    run = Run("A\nB\nC", limit=1)
    run.sleep("A")
    run.wake("A")
    run.end("B")
    assert run.order == ["A/0", "B/0", "C/0"]
    run.end("C")
    assert run.order[3:] == ["A/0"]


def test_outputs_told_with_the_wish_to_sleep_are_routed_at_once() -> None:
    run = Run("A.out -> S.a")
    execution = run.find("A")
    run.tell(Slept(execution.id, 1.0, None, 1, run.outputs(execution, [("out", 1)])))
    assert run.got("S") == [{"a": 1}]


def test_a_pure_node_that_slept_goes_on_in_an_activity() -> None:
    run = Run("P", blocks={"P": PURE})
    run.sleep("P")
    assert run.scheduler.state.running == 0
    run.wake("P")
    assert run.find("P").phase is Phase.RUNNING
    assert run.scheduler.state.running == 1


# --- stopping ---------------------------------------------------------------------------------


def test_a_stop_cancels_what_runs_or_sleeps_and_starts_nothing() -> None:
    run = Run(
        """
            A.out -> S.a
            Asleep
            P
            Queued
        """,
        limit=1,
        blocks={"P": PURE},
    )
    run.sleep("A")
    assert run.order == ["A/0", "P/0", "Asleep/0"]
    run.cancel()
    assert run.cancelled == ["A/0", "Asleep/0", "P/0"]
    assert not run.scheduler.is_done
    run.wake("A")
    run.end("P")
    run.end("Asleep")
    assert run.order[3:] == []
    assert run.outcome is Status.TERMINATED


def test_a_stop_leaves_queued_pure_nodes_alone() -> None:
    plan = Plan(nodes=(PlanNode("P", "P", mode=Mode.BATCH, starts=True),), links=())
    scheduler = Scheduler.start(plan, "run", {})
    before, commands, after = scheduler.has_pure, scheduler.step(Cancelled()), scheduler.has_pure
    assert (before, commands, after) == (True, [], False)
    assert scheduler.next_pure() is None
    assert scheduler.is_done


def test_outputs_that_arrive_while_the_run_stops_are_not_routed() -> None:
    run = Run("A.out -> S.a")
    run.cancel()
    run.end("A", out=1)
    assert run.scheduler.state.queued == 1
    assert run.scheduler.take_unrecorded() == []
    assert run.outcome is Status.TERMINATED


def test_a_second_stop_changes_nothing() -> None:
    run = Run("A")
    run.cancel()
    run.cancel()
    assert run.cancelled == ["A/0"]


def test_a_stop_prevails_over_a_failure() -> None:
    run = Run("A\nB", on_node_error=OnNodeError.FAIL)
    run.fail("A", "boom")
    run.cancel()
    run.end("B")
    assert run.outcome is Status.TERMINATED


@pytest.mark.parametrize("slept_first", [True, False])
def test_no_timer_is_started_while_the_run_stops(slept_first: bool) -> None:
    run = Run("A")
    id = run.find("A").id
    events: list[Event] = [Slept(id, 60.0, None), Cancelled()]
    for event in events if slept_first else reversed(events):
        run.scheduler.apply(event)
    commands = run.scheduler.dispatch()
    assert commands == ([] if slept_first else [CancelNodes((id,))])
    assert run.outcome is Status.TERMINATED


def test_timers_that_are_due_survive_a_continuation() -> None:
    run = Run("A")
    id = run.find("A").id
    run.scheduler.apply(Slept(id, 60.0, None))
    after = Scheduler(run.plan, RunState.load_json(run.scheduler.state.dump_json()))
    assert after.dispatch() == [StartTimer(id, 60.0)]


# --- batches ----------------------------------------------------------------------------------


def _pure_chain() -> Run:
    return Run(
        """
            A.out -> P.a
            P.out -> Q.a
        """,
        blocks={"A": PURE, "P": PURE, "Q": PURE},
    )


def test_pure_nodes_go_to_batches_unless_a_value_is_large() -> None:
    run = _pure_chain()
    assert run.find("A").phase is Phase.BATCHED
    run.emit("A", out=1)
    reference: Reference = {"ref": "key", "kind": "string", "size": 100_000}
    run.tell(Ended(run.find("A").id, Status.COMPLETED, [Output(1, [Route([0], reference)])]))
    assert [run.find("P/0").phase, run.find("P/1").phase] == [Phase.BATCHED, Phase.RUNNING]


def test_pure_nodes_that_run_alone_get_activities_and_later_ones_are_batched_again() -> None:
    plan = Plan(
        nodes=(
            PlanNode("A", "A", mode=Mode.BATCH, starts=True),
            PlanNode("B", "B", mode=Mode.BATCH, awaited=("a",)),
            PlanNode("C", "C", starts=True),
        ),
        links=(PlanLink(0, 1, "a"),),
    )
    scheduler = Scheduler.start(plan, "run", {}, skipped_nodes=["C"])
    scheduler.run_alone()
    assert _nodes_run(plan, scheduler.dispatch()) == ["A"]
    skipped = scheduler.next_pure()
    assert skipped is not None
    assert scheduler.is_skipped(skipped)
    assert not scheduler.has_pure
    first = next(iter(scheduler.state.open))
    commands = scheduler.step(Ended(first, Status.COMPLETED, [Output(0, [Route([0], inline(1))])]))
    assert commands == []
    assert scheduler.has_pure


def test_what_leaves_in_one_workflow_task_is_bounded() -> None:
    plan = Plan(
        nodes=(PlanNode("A", "A", starts=True), PlanNode("B", "B", awaited=("a",))), links=(PlanLink(0, 1, "a"),)
    )
    scheduler = Scheduler.start(plan, "run", {})
    scheduler.dispatch()
    first = next(iter(scheduler.state.open))
    large = inline("x" * 400_000)
    commands = scheduler.step(Ended(first, Status.COMPLETED, [Output(i, [Route([0], large)]) for i in range(5)]))
    assert _nodes_run(plan, commands) == ["B", "B"]
    assert _nodes_run(plan, scheduler.dispatch()) == ["B", "B"]
    assert _nodes_run(plan, scheduler.dispatch()) == ["B"]


def _nodes_run(plan: Plan, commands: list[Command]) -> list[str]:
    return [plan.nodes[command.execution.node].id for command in commands if isinstance(command, RunNode)]


# --- rows that are behind ---------------------------------------------------------------------


def _behind(run: Run, **options: Any) -> list[tuple[str, int, Status, dict[str, Any], int | None]]:
    return [
        (each.node.id, each.ordinal, each.status, dict(each.inputs), each.seq)
        for each in run.scheduler.take_unrecorded(**options)
    ]


def test_executions_that_wait_are_told_once_as_they_stand() -> None:
    run = Run(TWO_PINS + "C", limit=2)
    run.emit("A", out=1)
    run.emit("A", out=2)
    assert _behind(run, queued=False) == [
        ("S", 0, Status.INCOMPLETE, {"a": {"value": 1}}, None),
        ("S", 1, Status.INCOMPLETE, {"a": {"value": 2}}, None),
    ]
    assert _behind(run) == [("C", 0, Status.QUEUED, {}, 2)]
    assert _behind(run) == []
    run.emit("B", out=3)
    run.emit("B", out=4)
    assert _behind(run) == [
        ("S", 0, Status.QUEUED, {"a": {"value": 1}, "b": {"value": 3}}, 3),
        ("S", 1, Status.QUEUED, {"a": {"value": 2}, "b": {"value": 4}}, 4),
    ]
    run.end("A")
    run.end("B")
    assert run.order[2:] == ["C/0", "S/0"]
    run.end("C")
    assert _behind(run) == [], "what was dispatched has a row of its own"


def test_open_executions_are_listed_in_queue_order() -> None:
    run = Run(TWO_PINS)
    run.emit("A", out=1)
    run.end("A")
    (only,) = open_executions(run.scheduler.plan, run.scheduler.state)
    assert only == {
        "id": run.find("B").id, "node_id": "B", "block": "B", "title": "", "phase": "running", "outputs": 0,
    }  # fmt: skip


# --- size -------------------------------------------------------------------------------------


def test_thousands_of_unmatched_arrivals_cost_no_search() -> None:
    """Each arrival finds its place without looking at those that wait: their number must not be squared."""
    run = Run(TWO_PINS)
    state = run.scheduler.state.nodes[run.position("S")] = NodeState()
    state.waiting = _CountingList()
    for value in range(5000):
        run.emit("A", out=value)
    assert len(run.waiting("S")) == 5000
    touched = _CountingList.touched
    run.emit("A", out=0)
    run.emit("B", out=0)
    assert _CountingList.touched - touched < 10


class _CountingList(list[Any]):
    touched = 0

    def __getitem__(self, index: Any) -> Any:
        type(self).touched += 1
        return super().__getitem__(index)

    def __iter__(self) -> Any:
        type(self).touched += len(self)
        return super().__iter__()


def test_a_run_that_timed_out_stops_and_has_failed() -> None:
    run = Run("A")
    commands = run.scheduler.step(TimedOut())
    assert commands == [CancelNodes((run.find("A").id,))]
    assert run.scheduler.outcome is Status.FAILED
    assert run.scheduler.step(TimedOut()) == []
