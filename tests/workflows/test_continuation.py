"""Runs longer than a history: they continue as new, and nobody can tell but Temporal."""

from temporalio.client import WorkflowHandle

from engine.model import Status
from tests.support.blocks import Countdown, Drip, Nap, Pair, Pass, PassOn, Sink, Source, Sub
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack


async def histories(stack: Stack, handle: WorkflowHandle[object, object]) -> list[int]:
    """The number of events of each history of a run, the newest first."""
    lengths: list[int] = []
    run_id: str | None = (await handle.describe()).run_id
    while run_id:
        history = await stack.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        lengths.append(len(history.events))
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return lengths


async def carried(stack: Stack, handle: WorkflowHandle[object, object]) -> list[int]:
    """Bytes that each history of a run was begun with, the newest first: what the one before it handed on."""
    sizes: list[int] = []
    run_id: str | None = (await handle.describe()).run_id
    while run_id:
        history = await stack.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        started = history.events[0].workflow_execution_started_event_attributes
        sizes.append(sum(len(payload.data) for payload in started.input.payloads))
        run_id = started.continued_execution_run_id
    return sizes


async def test_a_long_loop_has_many_short_histories(short_histories: Stack) -> None:
    loop = graph(
        [node("in", Source, name="n"), node("count", Countdown), node("out", Sink, name="n")],
        "in.result -> count.value",
        "count.again -> count.value",
        "count.done -> out.value",
    )
    outcome = await short_histories.run(loop, {"n": 3000})
    assert outcome.outputs == {"n": ["done"]}
    assert len(outcome.of("count")) == 3001
    assert outcome.execution.stats["node_count"] == 3003
    lengths = await histories(short_histories, outcome.handle)
    assert len(lengths) >= 10
    assert max(lengths) < 30
    sizes = await carried(short_histories, outcome.handle)
    assert max(sizes[:-1]) - min(sizes[:-1]) < 200, "a state does not grow with the passes"
    assert max(sizes) < 5_000
    events = await short_histories.store.executions.events(outcome.handle.id, after=0, limit=10_000)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_chain_of_activities_continues_between_two_of_them(short_histories: Stack) -> None:
    nodes = [node(f"n{i}", PassOn) for i in range(1, 12)]
    chain = graph(
        [node("n0", PassOn, value=5), *nodes, node("out", Sink, name="y")],
        *[f"n{i}.value -> n{i + 1}.value" for i in range(11)],
        "n11.value -> out.value",
    )
    outcome = await short_histories.run(chain)
    assert outcome.outputs == {"y": [5]}
    assert len(await histories(short_histories, outcome.handle)) > 2
    assert [n.status for n in outcome.nodes] == [Status.COMPLETED] * 13


async def test_timers_and_waiting_values_travel(short_histories: Stack) -> None:
    napping = graph(
        [
            node("nap", Nap, value=12),
            node("one", Pass, value="one"),
            node("pair", Pair),
            node("out", Sink, name="n"),
        ],
        "one.value -> pair.left",
        "nap.value -> pair.right",
        "pair.value -> out.value",
    )
    outcome = await short_histories.run(napping)
    assert outcome.outputs == {"n": [["one", 0]]}
    assert sorted(n.status for n in outcome.of("pair")) == ["COMPLETED", *["INCOMPLETE"] * 12]
    assert len(await histories(short_histories, outcome.handle)) > 2


async def test_a_sub_graph_outlives_its_parents_histories(short_histories: Stack) -> None:
    child = graph([node("d", Drip, value=12, seconds=0.1), node("o", Sink, name="out")], "d.value -> o.value")
    child_id, version = await short_histories.save(child)
    sub = node(
        "sub", Sub, graph_id=child_id, graph_version=version, inputs={}, output_schema={"properties": {"out": {}}}
    )
    parent = graph(
        [sub, node("after", PassOn), node("out", Sink, name="y")], "sub.out -> after.value", "after.value -> out.value"
    )
    outcome = await short_histories.run(parent)
    assert outcome.outputs == {"y": list(range(12))}
    assert len(await histories(short_histories, outcome.handle)) > 1
    assert outcome.of("sub")[0].status is Status.COMPLETED
