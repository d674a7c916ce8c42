"""Sub-graphs: runs of their own, whose outputs, stats and end are their parent's."""

import time

from engine.model import Graph, Status
from tests.support.blocks import Drip, Fail, Hang, Loud, Pass, PassOn, Sink, Source, Sub
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Outcome, Stack


async def parent_of(stack: Stack, child: Graph, *arrows: str, **defaults: object) -> Graph:
    """A graph with the child between an input `x` and an output `y`."""
    child_id, version = await stack.save(child)
    sub = node(
        "sub",
        Sub,
        graph_id=child_id,
        graph_version=version,
        inputs={},
        input_schema={"properties": {"a": {}, "b": {}}},
        output_schema={"properties": {"out": {}}},
        user_id="",
        **defaults,
    )
    return graph(
        [node("in", Source, name="x", value=1), sub, node("after", PassOn), node("out", Sink, name="y")],
        "in.result -> sub.a",
        "sub.out -> after.value",
        "after.value -> out.value",
        *arrows,
    )


async def child_of(stack: Stack, outcome: Outcome) -> Outcome:
    """The run of the only sub-graph node."""
    page = await stack.store.executions.page(USER, limit=100, before=None)
    [child] = [run for run in page.items if run.parent_id == outcome.handle.id]
    return await stack.outcome(stack.client.get_workflow_handle(child.id))


async def test_a_sub_graph_gives_its_outputs_and_counts_in_its_parent(stack: Stack) -> None:
    child = graph(
        [node("a", Source, name="a"), node("p", Pass), node("o", Sink, name="out")],
        "a.result -> p.value",
        "p.value -> o.value",
    )
    outcome = await stack.run(await parent_of(stack, child), {"x": {"deep": [1]}})
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [{"deep": [1]}]}
    [sub] = outcome.of("sub")
    assert sub.status is Status.COMPLETED
    assert sub.inputs == {"a": {"value": {"deep": [1]}}}
    assert [(o.name, o.value) for o in sub.outputs] == [("out", {"value": {"deep": [1]}})]
    assert outcome.execution.stats["node_count"] == 4 + 3
    below = await child_of(stack, outcome)
    assert below.execution.status is Status.COMPLETED
    assert below.execution.root_id == outcome.handle.id
    assert below.execution.user_id == USER


async def test_outputs_of_a_sub_graph_stream_up(stack: Stack) -> None:
    child = graph([node("d", Drip, value=5, seconds=0.2), node("o", Sink, name="out")], "d.value -> o.value")
    outcome = await stack.run(await parent_of(stack, child))
    assert outcome.outputs == {"y": [0, 1, 2, 3, 4]}
    [sub] = outcome.of("sub")
    assert sub.ended_at is not None
    assert len([n for n in outcome.of("after") if n.started_at and n.started_at < sub.ended_at]) >= 3


async def test_a_failed_sub_graph_is_no_error_of_its_node(stack: Stack) -> None:
    child = graph(
        [node("f", Fail, value=7), node("o", Sink, name="out")], "f.value -> o.value", policy={"on_node_error": "fail"}
    )
    outcome = await stack.run(await parent_of(stack, child))
    assert outcome.of("sub")[0].status is Status.COMPLETED
    assert (await child_of(stack, outcome)).execution.status is Status.FAILED


async def test_stop_of_the_root_reaches_every_descendant(stack: Stack) -> None:
    lowest = graph([node("h", Hang, value=1), node("o", Sink, name="out")], "h.value -> o.value")
    middle = await parent_of(stack, lowest)
    middle.nodes[0].input_default["name"] = "a"
    middle.nodes[-1].input_default["name"] = "out"
    handle = await stack.start(await parent_of(stack, middle))
    async for _ in stack.watch(handle.id):
        nodes = await stack.store.executions.nodes(handle.id)
        if any(n.node_id == "out" and n.status is Status.COMPLETED for n in nodes):
            break
    started = time.monotonic()
    await handle.cancel()
    outcome = await stack.outcome(handle)
    assert time.monotonic() - started < 10
    assert outcome.execution.status is Status.TERMINATED
    assert outcome.of("sub")[0].status is Status.TERMINATED
    below = await child_of(stack, outcome)
    assert below.execution.status is Status.TERMINATED
    assert (await child_of(stack, below)).execution.status is Status.TERMINATED


async def test_a_child_of_a_terminated_parent_ends_terminated(stack: Stack) -> None:
    child = graph([node("d", Drip, value=200, seconds=0.1), node("o", Sink, name="out")], "d.value -> o.value")
    handle = await stack.start(await parent_of(stack, child))
    async for _ in stack.watch(handle.id):
        if any(n.node_id == "out" for n in await stack.store.executions.nodes(handle.id)):
            break
    await handle.terminate()
    page = await stack.store.executions.page(USER, limit=100, before=None)
    [below] = [run for run in page.items if run.parent_id == handle.id]
    outcome = await stack.outcome(stack.client.get_workflow_handle(below.id))
    assert outcome.execution.status is Status.TERMINATED


async def test_sub_graphs_that_go_too_deep_fail_their_node(stack: Stack) -> None:
    # A graph that calls itself: stopped by the depth limit, not by the machine.
    endless = await parent_of(stack, graph([node("o", Sink, name="out", value=1)]))
    endless = endless.model_copy(update={"id": "endless"})
    endless.nodes[1].input_default.update(graph_id="endless", graph_version=1)
    endless.nodes[-1].input_default["name"] = "out"
    endless.nodes[0].input_default["name"] = "a"
    bad = graph(
        [*endless.nodes, node("bad", Sink, name="out")],
        "in.result -> sub.a",
        "sub.out -> after.value",
        "sub.error -> bad.value",
        id="endless",
    )
    outcome = await stack.run(bad, {"a": 1})
    assert outcome.execution.status is Status.COMPLETED
    depth = 0
    while outcome.of("sub")[0].status is Status.COMPLETED:
        outcome = await child_of(stack, outcome)
        depth += 1
    assert depth == stack.settings.max_sub_graph_depth
    assert "nested" in str(outcome.of("sub")[0].error)


async def test_large_values_and_masks_go_down(stack: Stack) -> None:
    child = graph(
        [
            node("a", Source, name="a"),
            node("p", Pass),
            node("m", Pass, value="unmasked"),
            node("o", Sink, name="out"),
            node("o2", Sink, name="out"),
        ],
        "a.result -> p.value",
        "p.value -> o.value",
        "m.value -> o2.value",
    )
    parent = await parent_of(stack, child, nodes_input_masks={"m": {"value": "masked"}})
    large = "x" * 100_000
    outcome = await stack.run(parent, {"x": large})
    below = await child_of(stack, outcome)
    assert below.of("m")[0].inputs["value"] == {"value": "masked"}
    [reference] = [value for value in below.outputs["out"] if value != "masked"]
    assert (await stack.store.values.get([reference]))[reference["ref"]] == large


async def test_the_formatted_value_goes_up_and_the_raw_one_is_the_runs_own(stack: Stack) -> None:
    child = graph(
        [node("d", Drip, value=2, seconds=0), node("o", Loud, name="out"), node("h", Pass, value="hi")],
        "h.value -> o.value",
        "d.value -> o.value",
    )
    outcome = await stack.run(await parent_of(stack, child))
    assert sorted(outcome.outputs["y"]) == ["0", "1", "HI"], "what the node gives, in the order it was given"
    below = await child_of(stack, outcome)
    assert below.outputs["out"] == ["hi", 0, 1], "what arrived at the output, in queue order"


async def test_inputs_that_a_sub_graph_requires_may_be_missing(stack: Stack) -> None:
    child = graph(
        [node("a", Source, name="a"), node("m", Source, name="missing"), node("o", Sink, name="out"), node("p", Pass)],
        "a.result -> o.value",
        "m.result -> p.value",
    )
    outcome = await stack.run(await parent_of(stack, child), {"x": 5})
    assert outcome.outputs == {"y": [5]}
    below = await child_of(stack, outcome)
    assert below.execution.status is Status.COMPLETED
    [empty] = below.of("m")
    assert (empty.status, empty.outputs) == (Status.COMPLETED, []), "it has no value and gives none"
    assert below.of("p") == []


async def test_an_input_that_cannot_be_put_together_fails_its_node(stack: Stack) -> None:
    child = graph([node("a", Source, name="a"), node("o", Sink, name="out")], "a.result -> o.value")
    parent = await parent_of(stack, child)
    odd = parent.links[0].model_copy(update={"id": "odd", "sink_name": "a_$_first"})
    parent = parent.model_copy(
        update={
            "nodes": [*parent.nodes, node("told", Sink, name="told")],
            "links": [*parent.links[1:], odd, *graph([], "sub.error -> told.value").links],
        }
    )
    outcome = await stack.run(parent, {"x": 1})
    assert outcome.execution.status is Status.COMPLETED
    [sub] = outcome.of("sub")
    assert sub.status is Status.FAILED
    message = "Unable to execute block with invalid input data: pin 'a_$_first': index must be an integer, not 'first'"
    assert sub.error == message
    assert outcome.outputs == {"told": [message]}
