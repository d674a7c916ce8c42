"""Executions that wait for an event or a decision, in the bare engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import Cancelled, EventCame, RunNode, Slept, StartTimer, StopTimer, Woke
from engine.model import Status
from engine.progress import open_executions, progress
from engine.scheduler import Scheduler
from engine.standing import unended
from engine.state import Phase, RunState
from engine.values import inline
from engine.waits import MOST_EVENTS
from tests.engine.harness import Run


def listen(run: Run, who: str, name: str = "paid", seconds: float | None = None) -> None:
    run.tell(Slept(run.find(who).id, seconds, None, phase=Phase.LISTENING, event=name))


def ask(run: Run, who: str, seconds: float | None = None) -> None:
    run.tell(Slept(run.find(who).id, seconds, None, phase=Phase.REVIEW))


def send(run: Run, payload: object, name: str = "paid") -> None:
    run.tell(EventCame(name, inline(payload)))


def answer(run: Run, who: str) -> object:
    resume = run.find(who).resume
    assert resume is not None
    return resume.answer


def test_an_event_wakes_who_listens_for_its_name() -> None:
    run = Run("A\nB")
    listen(run, "A")
    listen(run, "B", "other")
    assert [row.get("event") for row in open_executions(run.plan, run.scheduler.state)] == ["paid", "other"]
    assert progress(run.scheduler.state)["listening"] == 2
    assert run.scheduler.status is Status.RUNNING
    send(run, 1)
    assert answer(run, "A") == {"payload": {"value": 1}}
    assert run.find("B").phase is Phase.LISTENING
    assert run.timers == []


def test_each_event_wakes_one_the_oldest_first() -> None:
    run = Run("S.out -> A.a")
    run.end("S", ("out", 1), ("out", 2))
    listen(run, "A/0")
    listen(run, "A/1")
    send(run, "first")
    send(run, "second")
    assert [answer(run, who) for who in ("A/0", "A/1")] == [
        {"payload": {"value": "first"}}, {"payload": {"value": "second"}},
    ]  # fmt: skip


def test_an_event_that_nobody_waits_for_is_kept_in_order() -> None:
    run = Run("A\nB\nC")
    send(run, 1)
    send(run, 2)
    send(run, 3, "other")
    listen(run, "A", seconds=60)
    listen(run, "B")
    assert [answer(run, who) for who in "AB"] == [{"payload": {"value": 1}}, {"payload": {"value": 2}}]
    assert run.timers == []
    listen(run, "C")
    assert run.find("C").phase is Phase.LISTENING
    assert list(run.scheduler.state.events) == ["other"]


def test_answers_count_among_what_one_task_can_carry() -> None:
    run = Run("\n".join(f"N{number}" for number in range(20)))
    ids = [run.find(f"N{number}").id for number in range(20)]
    for id in ids:
        run.scheduler.apply(Slept(id, None, None, phase=Phase.REVIEW))
    for id in ids:
        run.scheduler.apply(Woke(id, {"data": inline("x" * 200_000)}))
    begun = [command for command in run.scheduler.dispatch() if isinstance(command, RunNode)]
    assert len(begun) == 5


def test_only_so_many_are_kept() -> None:
    run = Run("A")
    for number in range(MOST_EVENTS + 3):
        send(run, number)
    listen(run, "A")
    assert answer(run, "A") == {"payload": {"value": 3}}


@pytest.mark.parametrize("wait", [listen, ask])
def test_a_deadline_that_passes_is_an_empty_answer(wait: object) -> None:
    run = Run("A")
    wait(run, "A", seconds=60.0)  # type: ignore[operator]
    assert run.timers == [("A/0", 60.0)]
    run.wake("A")
    assert answer(run, "A") == {}


def test_an_answer_before_the_deadline_stops_the_timer() -> None:
    run = Run("A")
    id = run.find("A").id
    assert run.scheduler.step(Slept(id, 60.0, None, phase=Phase.REVIEW)) == [StartTimer(id, 60.0)]
    stop, begin = run.scheduler.step(Woke(id, {"approved": inline(True)}))
    assert stop == StopTimer(id)
    assert isinstance(begin, RunNode)
    assert run.scheduler.step(Woke(id)) == [], "the timer came too late"


def test_an_answer_that_comes_with_the_question_needs_no_timer() -> None:
    run = Run("A")
    id = run.find("A").id
    run.scheduler.apply(Slept(id, 60.0, None, phase=Phase.REVIEW))
    (begin,) = run.scheduler.step(Woke(id, {"approved": inline(True)}))
    assert isinstance(begin, RunNode)


def test_a_run_is_in_review_while_nothing_else_goes_on() -> None:
    run = Run("A\nB\nC")
    ask(run, "A")
    assert run.scheduler.status is Status.RUNNING
    run.sleep("B")
    run.end("C")
    assert run.scheduler.status is Status.RUNNING
    run.wake("B")
    ask(run, "B")
    assert run.scheduler.status is Status.REVIEW
    assert not run.scheduler.is_done
    assert [each.status for each in unended(run.plan, run.scheduler.state)] == [Status.REVIEW] * 2
    run.tell(Woke(run.find("A").id, {}))
    assert run.scheduler.status is Status.RUNNING


def test_a_stopped_run_waits_for_nobody() -> None:
    run = Run("A\nB")
    ask(run, "A")
    listen(run, "B")
    run.tell(Cancelled())
    assert run.scheduler.is_done
    assert run.outcome is Status.TERMINATED
    assert run.scheduler.status is Status.REVIEW or run.scheduler.is_stopping


@given(st.lists(st.sampled_from(["send", "A", "B", "C"]), max_size=40))
def test_every_event_goes_to_exactly_one(steps: list[str]) -> None:
    """Whatever comes first, events or those who wait for them: the n-th event is the n-th waiter's."""
    run = Run("A\nB\nC")
    sent, waiters = 0, list[str]()
    for step in steps:
        if step == "send":
            send(run, sent)
            sent += 1
        elif step not in waiters:
            listen(run, step)
            waiters.append(step)
        text = run.scheduler.state.pack()
        run.scheduler = Scheduler(run.plan, RunState.unpack(text))
    for place, who in enumerate(waiters):
        if place < sent:
            assert answer(run, who) == {"payload": {"value": place}}
        else:
            assert run.find(who).phase is Phase.LISTENING
