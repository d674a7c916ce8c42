"""What of a run stands at a moment: from this the rows are brought back after a reset."""

from engine.events import Emitted, Ended, Event, Slept
from engine.model import Status
from engine.standing import opened, unended
from tests.engine.harness import Run

GRAPH = """
    a.out -> pair.left
    b.out -> pair.right
    b.more -> c.in
"""


def stands(run: Run, *inbox: Event) -> dict[str, tuple[Status, int | None]]:
    found = unended(run.plan, run.scheduler.state, inbox)
    return {f"{each.node.id}/{each.ordinal}": (each.status, each.emitted) for each in found}


def test_what_runs_waits_or_has_ended() -> None:
    run = Run(GRAPH)
    assert opened(run.plan, run.scheduler.state) == {"a": 1, "b": 1}
    assert stands(run) == {"a/0": (Status.RUNNING, 0), "b/0": (Status.RUNNING, 0)}
    run.end("a", out=1)
    run.emit("b", more=2)
    assert opened(run.plan, run.scheduler.state) == {"a": 1, "b": 1, "pair": 1, "c": 1}
    assert stands(run) == {
        "b/0": (Status.RUNNING, 1),
        "c/0": (Status.RUNNING, 0),
        "pair/0": (Status.INCOMPLETE, 0),
    }
    run.drain()
    assert stands(run) == {"pair/0": (Status.INCOMPLETE, 0)}


def test_what_finds_no_place_is_queued_and_what_sleeps_keeps_its_outputs() -> None:
    run = Run("a\nb", limit=1)
    assert stands(run) == {"a/0": (Status.RUNNING, 0), "b/0": (Status.QUEUED, 0)}
    run.emit("a", out=1)
    run.sleep("a")
    assert stands(run)["a/0"][0] is Status.RUNNING
    assert stands(run)["a/0"][1] == 1


def test_events_that_the_state_does_not_know_yet_count() -> None:
    run = Run("a\nb\nc.out -> d.in")
    a, b, c = (run.find(name) for name in "abc")
    told = run.outputs(c, [("out", 1), ("out", 2)])
    inbox = (Ended(a.id, Status.COMPLETED), Slept(b.id, 1.0, None), Emitted(c.id, told))
    assert stands(run, *inbox) == {"b/0": (Status.RUNNING, None), "c/0": (Status.RUNNING, 2)}
