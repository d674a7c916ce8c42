"""A run is run again with what is kept of it: finished nodes whose definition and inputs are the same are not run."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.execution import GRAPH_EXECUTION
from contracts.node_stats import KEPT
from engine.model import Graph, GraphPolicy, OnNodeError, Status
from tests.support.blocks import FailUntil, Pair, Pass, Sink, Source, Sub, Trace
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Outcome, Stack
from tests.workflows.test_resuming import entries


async def again(stack: Stack, earlier: Outcome, **fields: Any) -> Outcome:
    """As `temporal workflow start` would: only what differs is given."""
    asked = {"graph_id": earlier.execution.graph_id, "user_id": USER, "rerun_of": earlier.handle.id, **fields}
    handle = await stack.client.start_workflow(
        GRAPH_EXECUTION, asked, id=str(uuid.uuid4()), task_queue=stack.settings.task_queue
    )
    return await stack.outcome(handle)


def kept(outcome: Outcome) -> set[str]:
    return {n.node_id for n in outcome.nodes if n.stats.get(KEPT)}


def two_arms(log: Path, **right: Any) -> Graph:
    """x → a → b → out, y → c → out2, and both joined."""
    return graph(
        [
            node("x", Source, name="x"),
            node("y", Source, name="y"),
            node("a", Trace, file=str(log)),
            node("b", Trace, file=str(log)),
            node("c", Trace, file=str(log), **right),
            node("join", Pair),
            node("out", Sink, name="joined"),
        ],
        "x.result -> a.value",
        "a.value -> b.value",
        "y.result -> c.value",
        "b.value -> join.left",
        "c.value -> join.right",
        "join.value -> out.value",
    )


GIVEN: Mapping[str, Any] = {"x": {"large": "x" * 40_000}, "y": 2}


async def test_from_the_middle_with_other_inputs(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = await stack.run(two_arms(log), GIVEN)
    second = await again(
        stack, first, rerun_from_node="b", nodes_input_masks={"b": {"value": "edited"}}, trigger="test"
    )
    assert second.execution.status is Status.COMPLETED, second.execution.error
    assert second.outputs == {"joined": [["edited", 2]]}
    assert entries(log) == {"a": 1, "b": 2, "c": 1}
    assert kept(second) == {"x", "y", "a", "c"}
    assert (second.execution.rerun_of, second.execution.rerun_from_node) == (first.handle.id, "b")
    assert second.execution.stats["cost"] == 0
    used = sum(n.stats["walltime"] for n in second.nodes if not n.stats.get(KEPT))
    assert second.execution.stats["nodes_walltime"] == pytest.approx(used, abs=1e-4)
    assert second.execution.stats["node_count"] == 7
    # Each run owns its values.
    [a] = second.of("a")
    values = [*a.inputs.values(), *(output.value for output in a.outputs)]
    assert {v["ref"].split("/")[0] for v in values if "ref" in v} == {second.handle.id}
    assert await stack.store.removal.delete_execution(USER, first.handle.id)
    third = await again(stack, second)
    assert kept(third) == {"x", "y", "a", "b", "c", "join", "out"}
    assert third.outputs == second.outputs
    assert entries(log) == {"a": 1, "b": 2, "c": 1}


async def test_with_another_input_only_what_depends_on_it_is_run(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = await stack.run(two_arms(log), GIVEN)
    second = await again(stack, first, inputs={"y": 3})
    [joined] = second.outputs["joined"]
    assert (await stack.store.values.get([joined]))[joined["ref"]] == [GIVEN["x"], 3]
    assert entries(log) == {"a": 1, "b": 1, "c": 2}
    assert kept(second) == {"x", "a", "b"}
    assert second.execution.inputs["y"] == {"value": 3}
    assert second.execution.inputs["x"] == {"value": GIVEN["x"]}


async def test_on_a_newer_version(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = await stack.run(two_arms(log), GIVEN)
    changed = two_arms(log, wait_for=str(log)).model_copy(update={"id": first.execution.graph_id})
    _, version = await stack.save(changed)
    second = await again(stack, first, graph_version=version)
    assert second.execution.graph_version == version == 2
    assert second.execution.status is Status.COMPLETED
    assert entries(log) == {"a": 1, "b": 1, "c": 2}
    # What follows `c` is run: what `c` gives is not known beforehand.
    assert kept(second) == {"x", "y", "a", "b"}


async def test_what_had_failed_runs_again(stack: Stack, tmp_path: Path) -> None:
    there = tmp_path / "there"
    log = tmp_path / "log"
    failing = graph(
        [
            node("x", Source, name="x"),
            node("before", Trace, file=str(log)),
            node("it", FailUntil, file=str(there)),
            node("out", Sink, name="y"),
        ],
        "x.result -> before.value",
        "before.value -> it.value",
        "it.done -> out.value",
        policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
    )
    first = await stack.run(failing, {"x": 1})
    assert first.execution.status is Status.FAILED
    there.touch()
    second = await again(stack, first)
    assert second.outputs == {"y": [1]}
    assert kept(second) == {"x", "before"}
    assert entries(log) == {"before": 1}
    [it] = second.of("it")
    assert [o.name for o in it.outputs] == ["value", "done"]
    # The one before is as it was.
    row = await stack.store.executions.get(USER, first.handle.id)
    assert row == first.execution


async def test_a_sub_graph_of_the_same_version_is_kept(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = graph(
        [node("a", Source, name="a"), node("t", Trace, file=str(log)), node("o", Sink, name="out")],
        "a.result -> t.value",
        "t.value -> o.value",
    )
    child_id, version = await stack.save(child)
    pins = {"input_schema": {"properties": {"a": {}}}, "output_schema": {"properties": {"out": {}}}}

    def parent(version: int) -> Graph:
        sub = node("sub", Sub, graph_id=child_id, graph_version=version, inputs={}, user_id="", **pins)
        return graph(
            [node("in", Source, name="x"), sub, node("p", Pass), node("out", Sink, name="y")],
            "in.result -> sub.a",
            "sub.out -> p.value",
            "p.value -> out.value",
        )

    first = await stack.run(parent(version), {"x": {"a_list": [1, 2.5]}})
    second = await again(stack, first, rerun_from_node="p")
    assert second.outputs == first.outputs
    assert kept(second) == {"in", "sub"}
    assert entries(log) == {"t": 1}
    await stack.save(child.model_copy(update={"id": child_id}))
    _, newer = await stack.save(parent(version + 1).model_copy(update={"id": first.execution.graph_id}))
    third = await again(stack, first, graph_version=newer)
    assert third.outputs == first.outputs
    assert "sub" not in kept(third)
    assert entries(log) == {"t": 2}


async def test_what_cannot_be_run_again(stack: Stack, tmp_path: Path) -> None:
    first = await stack.run(two_arms(tmp_path / "log"), GIVEN)
    for fields, code in (
        ({"rerun_of": "nothing"}, "execution_not_found"),
        ({"rerun_from_node": "ghost"}, "node_not_found"),
        ({"graph_id": "another"}, "invalid_request"),
        ({"inputs": {"ghost": 1}}, "validation_error"),
    ):
        refused = await again(stack, first, **fields)
        assert (refused.execution.status, refused.execution.error_code) == (Status.FAILED, code)


async def test_a_run_that_was_kept_in_part_can_be_resumed(stack: Stack, tmp_path: Path) -> None:
    there, log = tmp_path / "there", tmp_path / "log"
    failing = graph(
        [node("x", Source, name="x"), node("t", Trace, file=str(log)), node("it", FailUntil, file=str(there))],
        "x.result -> t.value",
        "t.value -> it.value",
        policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
    )
    first = await stack.run(failing, {"x": 1})
    second = await again(stack, first)
    assert second.execution.status is Status.FAILED
    there.touch()
    handle = await stack.client.start_workflow(
        GRAPH_EXECUTION,
        {"graph_id": first.execution.graph_id, "user_id": USER, "resume": True},
        id=second.handle.id,
        task_queue=stack.settings.task_queue,
    )
    resumed = await stack.outcome(handle)
    assert resumed.execution.status is Status.COMPLETED
    assert resumed.execution.rerun_of == first.handle.id
    assert entries(log) == {"t": 1}
    assert kept(resumed) == {"x", "t"}
