"""What a block knows of its run, skipped nodes, and sub-graphs whose parent has ended (S-038, S-165, S-186)."""

import uuid
from typing import Any

import pytest

from blocks.base import Block
from contracts.execution import GRAPH_EXECUTION
from engine.model import Status
from tests.support.blocks import Drip, Hang, Pair, Pass, PassOn, Sink, Sub, Told, ToldInBatch
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack


@pytest.mark.parametrize("block", [Told, ToldInBatch])
async def test_a_block_knows_who_runs_it_and_where(stack: Stack, block: type[Block[Any]]) -> None:
    context = {"timezone": "Europe/Berlin", "locale": "de-DE", "preferences": {"units": "metric"}}
    outcome = await stack.run(graph([node("a", block, value=1), node("b", block, value=2)]), context=context)
    for node_id in ("a", "b"):
        [told] = outcome.of(node_id)
        [said] = [output.value["value"] for output in told.outputs]
        assert said == {
            "user_id": USER,
            "graph_id": outcome.execution.graph_id,
            "graph_version": 1,
            "graph_execution_id": outcome.handle.id,
            "node_id": node_id,
            "node_execution_id": told.id,
            "root_execution_id": outcome.handle.id,
            "parent_execution_id": None,
            "resume": None,
            "answer": None,
            "is_approved": False,
            "asks_people": True,
            **context,
        }


@pytest.mark.parametrize("block", [Told, ToldInBatch])
async def test_what_nobody_said_of_the_user_has_defaults(stack: Stack, block: type[Block[Any]]) -> None:
    outcome = await stack.run(graph([node("a", block, value=1)]))
    [said] = [output.value["value"] for output in outcome.of("a")[0].outputs]
    assert (said["timezone"], said["locale"], said["preferences"]) == ("UTC", "en-US", {})


async def test_the_context_goes_down_to_sub_graphs(stack: Stack) -> None:
    child_id, version = await stack.save(
        graph([node("t", Told, value=1), node("o", Sink, name="out")], "t.value -> o.value")
    )
    sub = node(
        "sub", Sub, graph_id=child_id, graph_version=version, inputs={}, output_schema={"properties": {"out": {}}}
    )
    outcome = await stack.run(
        graph([sub, node("out", Sink, name="said")], "sub.out -> out.value"),
        context={"timezone": "Asia/Tokyo", "locale": "ja-JP"},
    )
    [said] = outcome.outputs["said"]
    assert (said["timezone"], said["locale"]) == ("Asia/Tokyo", "ja-JP")
    assert said["root_execution_id"] == said["parent_execution_id"] == outcome.handle.id
    assert said["graph_execution_id"] not in (outcome.handle.id, None)
    assert said["graph_id"] == child_id


async def test_skipped_nodes_complete_without_being_run(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever they would be: pure, with an activity of its own, or a sub-graph. What runs besides is not stopped."""
    caplog.set_level("INFO")
    skipping = graph(
        [
            node("drip", Drip, value=3, seconds=0.05),
            node("pure", Pass, value=1),
            node("own", PassOn, value=1),
            node("sub", Sub, graph_id="none", graph_version=1, inputs={}, output_schema={"properties": {"out": {}}}),
            node("after", Pair),
            node("out", Sink, name="y"),
        ],
        "pure.value -> after.left",
        "own.value -> after.right",
        "sub.out -> after.left",
        "drip.value -> out.value",
    )
    outcome = await stack.run(skipping, nodes_to_skip=["pure", "own", "sub"])
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [0, 1, 2]}
    for node_id in ("pure", "own", "sub"):
        [skipped] = outcome.of(node_id)
        assert (skipped.status, skipped.outputs, skipped.inputs) == (Status.COMPLETED, [], {})
        assert skipped.stats["extra_cost"] == 0
        said = f"Skipping node execution {skipped.id} for node {node_id} - optional credentials not configured"
        assert said in caplog.messages
    assert outcome.of("after") == []


@pytest.mark.parametrize("above", ["parent_execution_id", "root_execution_id"])
async def test_a_sub_graph_that_comes_after_the_end_of_a_run_above_it_is_not_begun(stack: Stack, above: str) -> None:
    stopped = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(stopped.id):
        if await stack.store.executions.nodes(stopped.id):
            break
    await stopped.cancel()
    await stack.outcome(stopped)
    going_on = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(going_on.id):
        if await stack.store.executions.nodes(going_on.id):
            break
    graph_id, version = await stack.save(graph([node("a", PassOn, value=1)]))
    context = {"parent_execution_id": going_on.id, "root_execution_id": going_on.id, above: stopped.id}
    asked = {"graph_id": graph_id, "user_id": USER, "graph_version": version, "context": context}
    late = await stack.client.start_workflow(
        GRAPH_EXECUTION, asked, id=str(uuid.uuid4()), task_queue=stack.settings.task_queue
    )
    outcome = await stack.outcome(late)
    assert outcome.execution.status is Status.TERMINATED
    assert outcome.nodes == []
    await going_on.cancel()
    await stack.outcome(going_on)
