"""Executions that call nodes as tools, in the bare engine."""

from typing import Any

import pytest

from engine.events import Slept
from engine.model import Status
from engine.progress import open_executions, progress
from engine.scheduler import Scheduler
from engine.standing import unended
from engine.state import Phase, RunState, ToolCall
from engine.values import inline
from tests.engine.harness import NOTE, PURE, Run


def call(run: Run, who: str, *calls: tuple[str, dict[str, Any]], state: Any = None) -> None:
    asked = [ToolCall(node, {pin: inline(value) for pin, value in inputs.items()}) for node, inputs in calls]
    run.tell(Slept(run.find(who).id, None, state, phase=Phase.CALLING, calls=asked))


def told(run: Run, who: str) -> list[str]:
    """How the execution's calls ended, as it is told."""
    resume = run.find(who).resume
    assert resume is not None
    assert resume.answer is not None
    return [each["status"] for each in resume.answer["calls"]["value"]]  # type: ignore[typeddict-item]


def test_called_nodes_run_in_order_and_their_ends_are_told_together() -> None:
    run = Run("A.tools -> T.x\nA.tools -> U.x\nT.out -> S.in")
    call(run, "A", ("T", {"x": 1}), ("U", {"x": 2}), ("T", {"x": 3}), state="kept")
    assert run.order == ["A/0", "T/0", "U/0", "T/1"]
    assert run.got("T") == [{"x": 1}, {"x": 3}]
    run.end("U")
    run.fail("T/1", "boom")
    assert run.order.count("A/0") == 1
    run.end("T/0", out=9)
    assert told(run, "A") == ["COMPLETED", "COMPLETED", "FAILED"]
    assert run.got("S") == [{"in": 9}], "what a tool gives is routed on"
    resume = run.find("A").resume
    assert resume is not None
    assert (resume.round, resume.state) == (1, "kept")
    run.end("A")
    run.drain()
    assert run.outcome is Status.COMPLETED
    assert run.scheduler.state.totals.node_count == 5


def test_without_calls_it_goes_on_at_once() -> None:
    run = Run("A.tools -> T.x")
    call(run, "A", state=1)
    assert run.order == ["A/0", "A/0"]
    assert told(run, "A") == []
    call(run, "A", ("T", {"x": 1}), state=2)
    run.end("T")
    assert told(run, "A") == ["COMPLETED"]
    assert run.order == ["A/0", "A/0", "T/0", "A/0"]


def test_pure_tools_run_in_batches() -> None:
    run = Run("A.tools -> T.x", blocks={"T": PURE})
    call(run, "A", ("T", {"x": 1}))
    assert run.find("T").phase is Phase.BATCHED
    run.end("T")
    assert told(run, "A") == ["COMPLETED"]


@pytest.mark.parametrize("name", ["nobody", "N"])
def test_a_node_that_cannot_be_run_has_failed(name: str) -> None:
    run = Run("A.tools -> T.x\nN", blocks={"N": NOTE})
    call(run, "A", (name, {"x": 1}))
    assert told(run, "A") == ["FAILED"]


def test_a_call_takes_the_execution_that_other_links_have_begun() -> None:
    run = Run("A.tools -> T.x\nB.out => T.key")
    run.end("B", out="k")
    assert run.waiting("T") == [{"key": "k"}]
    call(run, "A", ("T", {"x": 1}), ("T", {"x": 2}))
    assert run.order[-2:] == ["T/0", "T/1"]
    assert run.got("T") == [{"key": "k", "x": 1}, {"key": "k", "x": 2}]
    assert run.waiting("T") == []


def test_a_call_takes_the_execution_with_what_came_after_earlier_calls() -> None:
    run = Run("A.tools -> T.x\nB.out => T.key\nC.out -> T.y")
    run.end("B", out="k")
    call(run, "A", ("T", {"x": 1}))
    run.end("C", out="y")
    run.end("T")
    call(run, "A", ("T", {"x": 2}))
    assert run.got("T") == [{"key": "k", "x": 1}, {"key": "k", "x": 2, "y": "y"}]


def test_an_execution_that_has_the_pin_already_is_left_alone() -> None:
    run = Run("A.tools -> T.x\nB.out -> T.x\nC.out -> T.y")
    run.end("B", out=0)
    call(run, "A", ("T", {"x": 1}))
    assert run.waiting("T") == [{"x": 0}]
    run.end("C", out="y")
    assert run.got("T") == [{"x": 1}, {"x": 0, "y": "y"}]


def test_whoever_calls_takes_no_place_of_those_that_run() -> None:
    run = Run("A.tools -> T.x", limit=1)
    call(run, "A", ("T", {"x": 1}))
    assert run.order == ["A/0", "T/0"]


def test_a_stopped_run_calls_nobody_and_tells_nobody() -> None:
    run = Run("A.tools -> T.x\nB")
    call(run, "A", ("T", {"x": 1}))
    run.cancel()
    assert set(run.cancelled) == {"A/0", "T/0", "B/0"}
    call(run, "B", ("T", {"x": 1}))
    run.end("T")
    assert run.order == ["A/0", "B/0", "T/0"]
    assert run.outcome is Status.TERMINATED


def test_a_run_whose_tool_waits_for_a_person_is_in_review() -> None:
    run = Run("A.tools -> T.x")
    call(run, "A", ("T", {"x": 1}))
    assert run.scheduler.status is Status.RUNNING
    run.tell(Slept(run.find("T").id, None, None, phase=Phase.REVIEW))
    assert run.scheduler.status is Status.REVIEW


def test_a_state_with_calls_travels() -> None:
    run = Run("A.tools -> T.x")
    call(run, "A", ("T", {"x": 1}))
    state = RunState.unpack(run.scheduler.state.pack())
    assert state == run.scheduler.state
    run.scheduler = Scheduler(run.plan, state)
    run.end("T")
    assert told(run, "A") == ["COMPLETED"]


def test_a_caller_counts_as_running() -> None:
    run = Run("A.tools -> T.x")
    call(run, "A", ("T", {"x": 1}))
    state = run.scheduler.state
    assert progress(state)["running"] == 2
    assert [row["phase"] for row in open_executions(run.plan, state)] == ["calling", "running"]
    assert [each.status for each in unended(run.plan, state)] == [Status.RUNNING, Status.RUNNING]
