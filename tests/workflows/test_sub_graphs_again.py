"""Sub-graphs whose parent ended before them and goes on, and sub-graphs that give more than travels at a time."""

import asyncio
from pathlib import Path

import pytest

from engine.model import Graph, Status
from tests.support.blocks import Sink, Source, Spend, Spread, Stubborn, Sub, Trace
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack
from tests.workflows.test_resuming import entries, resume, traced, until
from tests.workflows.test_sub_graphs import child_of


async def parent_of(stack: Stack, child: Graph) -> Graph:
    """A graph that hands its input `x` to the child's `a`, and the child's `out` to its output `y`."""
    child_id, version = await stack.save(child)
    pins = {"input_schema": {"properties": {"a": {}}}, "output_schema": {"properties": {"out": {}}}}
    sub = node("sub", Sub, graph_id=child_id, graph_version=version, inputs={}, user_id="", **pins)
    return graph(
        [node("in", Source, name="x"), sub, node("out", Sink, name="y")], "in.result -> sub.a", "sub.out -> out.value"
    )


def through(block: type) -> Graph:
    """A graph with the block between an input `a` and an output `out`."""
    return graph(
        [node("a", Source, name="a"), node("b", block), node("o", Sink, name="out")],
        "a.result -> b.value",
        "b.value -> o.value",
    )


async def test_a_sub_graph_gives_more_than_one_message_holds(stack: Stack) -> None:
    # 5.6 MB in values that each travel inline: the server takes 4 MB in a message.
    outcome = await stack.run(await parent_of(stack, through(Spread)), {"x": 700})
    assert outcome.execution.status is Status.COMPLETED
    assert len(outcome.outputs["y"]) == len(set(outcome.outputs["y"])) == 700
    [sub] = outcome.of("sub")
    below = await child_of(stack, outcome)
    assert outcome.outputs["y"] == below.outputs["out"]
    assert [output.value["value"] for output in sub.outputs] == below.outputs["out"]


async def test_a_sub_graph_that_gives_much_lets_its_run_continue_as_new(short_histories: Stack) -> None:
    outcome = await short_histories.run(await parent_of(short_histories, through(Spread)), {"x": 300})
    assert outcome.execution.status is Status.COMPLETED
    assert len(outcome.outputs["y"]) == len(set(outcome.outputs["y"])) == 300
    assert outcome.handle.first_execution_run_id != outcome.execution.run_id


async def test_a_run_joins_its_sub_graph_that_went_on_without_it(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    child = traced(log, go)
    child.nodes[0].input_default["name"] = "a"
    child.nodes[-1].input_default["name"] = "out"
    handle = await stack.start(await parent_of(stack, child), {"x": "v"})
    async with asyncio.timeout(30):
        while "middle" not in entries(log):
            await asyncio.sleep(0.02)
    # The child learns of it when it next has something to tell.
    await handle.terminate()
    again = await resume(stack, handle.id)
    await until(stack, handle.id, "sub", Status.RUNNING)
    go.touch()
    outcome = await stack.outcome(again)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": ["v"]}
    assert entries(log) == {"first": 1, "middle": 1, "last": 1}
    assert (await child_of(stack, outcome)).execution.status is Status.COMPLETED


async def test_a_sub_graph_that_still_stops_is_started_again_by_the_run_that_goes_on(stack: Stack) -> None:
    handle = await stack.start(await parent_of(stack, through(Stubborn)), {"x": 3})
    await until(stack, handle.id, "out", Status.COMPLETED)
    await handle.cancel()
    page = await stack.store.executions.nodes(handle.id)
    assert [n.status for n in page if n.node_id == "sub"] == [Status.RUNNING]
    # The child was told to stop, which takes it seconds; nobody waits for it any more.
    await asyncio.sleep(0.5)
    await handle.terminate()
    outcome = await stack.outcome(await resume(stack, handle.id))
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [3]}
    assert (await child_of(stack, outcome)).execution.status is Status.COMPLETED


async def test_what_a_sub_graph_used_before_its_run_was_stopped_counts_once(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    child = graph(
        [
            node("a", Source, name="a"),
            node("before", Spend),
            node("t", Trace, file=str(log), wait_for=str(go)),
            node("after", Spend, value=4),
            node("o", Sink, name="out"),
        ],
        "a.result -> before.value",
        "before.value -> t.value",
        "t.value -> after.rounds",
        "after.value -> o.value",
    )
    handle = await stack.start(await parent_of(stack, child), {"x": 3})
    async with asyncio.timeout(30):
        while "t" not in entries(log):
            await asyncio.sleep(0.02)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    assert stopped.execution.stats["cost"] == 3
    go.touch()
    whole = await stack.outcome(await resume(stack, handle.id))
    assert whole.execution.stats["cost"] == 3 + 4
    [sub] = whole.of("sub")
    assert sub.stats["extra_cost"] == 3 + 4
    others = sum(n.stats["walltime"] for n in whole.nodes if n.node_id != "sub")
    assert whole.execution.stats["nodes_walltime"] == pytest.approx(sub.stats["walltime"] + others, abs=0.01)
