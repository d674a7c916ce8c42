"""Runs of graphs through the real server: what happens is what the rows say."""

from engine.model import Status
from tests.support.blocks import Drip, Fail, Nap, Pass, PassOn, PassOnce, Sink, Source
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack


async def test_a_chain_of_pure_nodes_is_one_local_activity(stack: Stack) -> None:
    chain = graph(
        [node("in", Source, name="x"), node("a", Pass), node("b", Pass), node("out", Sink, name="y")],
        "in.result -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
    )
    outcome = await stack.run(chain, {"x": {"k": [1, None]}})
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [{"k": [1, None]}]}
    assert [n.status for n in outcome.nodes] == [Status.COMPLETED] * 4
    history = await outcome.handle.fetch_history()
    assert len([e for e in history.events if e.HasField("marker_recorded_event_attributes")]) == 1
    assert not any(e.HasField("activity_task_scheduled_event_attributes") for e in history.events)


async def test_nodes_with_activities_of_their_own(stack: Stack) -> None:
    chain = graph(
        [node("in", Source, name="x"), node("a", PassOn), node("b", PassOnce), node("out", Sink, name="y")],
        "in.result -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
    )
    outcome = await stack.run(chain, {"x": 7})
    assert outcome.outputs == {"y": [7]}
    assert [n.status for n in outcome.nodes] == [Status.COMPLETED] * 4
    assert outcome.execution.stats["node_count"] == 4


async def test_a_failed_node_routes_its_error_and_the_run_completes(stack: Stack) -> None:
    failing = graph(
        [
            node("f", Fail, value=1),
            node("ok", Sink, name="ok"),
            node("bad", Sink, name="bad"),
        ],
        "f.value -> ok.value",
        "f.error -> bad.value",
    )
    outcome = await stack.run(failing)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"ok": [1], "bad": ["boom"]}
    assert outcome.of("f")[0].status is Status.FAILED
    assert outcome.execution.stats["node_error_count"] == 1


async def test_a_node_that_sleeps_goes_on_after_its_timer(stack: Stack) -> None:
    napping = graph([node("nap", Nap, value=2), node("out", Sink, name="n")], "nap.value -> out.value")
    outcome = await stack.run(napping)
    assert outcome.outputs == {"n": [0, 1, 2]}
    assert outcome.of("nap")[0].status is Status.COMPLETED


async def test_outputs_are_routed_while_the_node_still_runs(stack: Stack) -> None:
    dripping = graph([node("drip", Drip, value=5, seconds=0.1), node("next", PassOn)], "drip.value -> next.value")
    outcome = await stack.run(dripping)
    drip_end = outcome.of("drip")[0].ended_at
    assert drip_end is not None
    before = [n for n in outcome.of("next") if n.started_at is not None and n.started_at < drip_end]
    assert len(before) >= 3
    assert [n.inputs["value"] for n in outcome.of("next")] == [{"value": i} for i in range(5)]
