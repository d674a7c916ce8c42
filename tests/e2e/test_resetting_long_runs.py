"""Resets of runs that continued as new, and of runs with sub-graphs: by the CLI, to the beginning and to the middle."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dev.health import until
from engine.model import Graph
from tests.support.blocks import Sink, Source, Sub, Trace
from tests.support.graphs import graph, node
from tests.support.system import System, running_system

NODES = 10


@pytest.fixture(scope="module")
async def system(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A Heddle whose runs continue as new after a few events."""
    async with running_system(
        temporal_address,
        temporal_executable,
        database_url,
        tmp_path_factory.mktemp("resets"),
        HEDDLE_CONTINUE_AFTER_EVENTS="12",
        HEDDLE_RECONCILE_INTERVAL_SECONDS="1",
        HEDDLE_RECONCILE_SILENCE_SECONDS="2",
    ) as running:
        yield running


def entered(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def chain(log: Path, wait_for: str = "") -> Graph:
    """Nodes that take notes, one after the other, and an agent output; the last of them may wait for a file."""
    nodes = [node("n0", Trace, value=7, file=str(log))]
    nodes += [node(f"n{i}", Trace, file=str(log), wait_for=wait_for if i == NODES - 1 else "") for i in range(1, NODES)]
    arrows = [f"n{i}.value -> n{i + 1}.value" for i in range(NODES - 1)]
    return graph([*nodes, node("out", Sink, name="y")], *arrows, f"n{NODES - 1}.value -> out.value")


def run_ids(system: System, execution_id: str) -> list[str]:
    """The run's histories, the oldest first."""
    listed = json.loads(system.temporal("workflow", "list", "-q", f'WorkflowId="{execution_id}"', "-o", "json"))
    runs = sorted(listed, key=lambda each: each["startTime"])
    return [each["execution"]["runId"] for each in runs]


def reset(system: System, execution_id: str, *where: str) -> None:
    system.temporal("workflow", "reset", "-w", execution_id, "--reason", "a test", *where)


async def eventually(system: System, execution_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The results once they are as expected."""
    found: dict[str, Any] = {}

    async def probe() -> bool:
        nonlocal found
        found = (await system.http.get(f"/api/executions/{execution_id}/results")).json()
        return condition(found)

    assert await until(probe, 40), found
    return found


def begun(log: Path, times: int) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return len(entered(log)) >= times

    return probe


@pytest.mark.parametrize("which", [0, 1, -1], ids=["first", "second", "last"])
@pytest.mark.parametrize("where", ["FirstWorkflowTask", "LastWorkflowTask"])
async def test_reset_of_a_run_that_continued(system: System, tmp_path: Path, which: int, where: str) -> None:
    log = tmp_path / "entered"
    first = await system.run(await system.save(chain(log)))
    assert first["outputs"] == {"y": [7]}
    ids = run_ids(system, first["id"])
    assert len(ids) >= 3, "it continued as new"
    reset(system, first["id"], "--run-id", ids[which], "--type", where)
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert found["outputs"] == {"y": [7]}
    assert [(n["id"], n["status"]) for n in found["nodes"]] == [(n["id"], "COMPLETED") for n in first["nodes"]]
    again = [n["id"] for n, was in zip(found["nodes"], first["nodes"], strict=True) if n["ended_at"] != was["ended_at"]]
    assert again == [n["id"] for n in found["nodes"]][len(found["nodes"]) - len(again) :], "what came before stays"
    assert len(entered(log)) in (NODES + len(again), NODES + len(again) - 1), "only what came after is run again"


async def test_reset_of_a_continued_run_that_is_under_way(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    execution_id = await system.execute(await system.save(chain(log, str(go))))
    assert await until(begun(log, NODES), 40)
    reset(system, execution_id, "--type", "FirstWorkflowTask")
    assert await until(begun(log, NODES + 1), 40)
    go.touch()
    found = await system.ended(execution_id)
    assert (found["status"], found["outputs"]) == ("COMPLETED", {"y": [7]})
    assert len(found["nodes"]) == NODES + 1


def with_sub_graph(log: Path, go: Path) -> Graph:
    """A node, a sub-graph whose node waits for a file, and a node behind it."""
    pins = {"input_schema": {"properties": {"a": {}}}, "output_schema": {"properties": {"out": {}}}}
    child = graph(
        [
            node("a", Source, name="a"),
            node("t", Trace, file=str(log), wait_for=str(go)),
            node("o", Sink, name="out"),
        ],
        "a.result -> t.value",
        "t.value -> o.value",
        id="below",
    )
    return graph(
        [
            node("before", Trace, value=7, file=str(log)),
            node("sub", Sub, graph_id="below", graph_version=1, inputs={}, **pins),
            node("after", Trace, file=str(log)),
            node("out", Sink, name="y"),
        ],
        "before.value -> sub.a",
        "sub.out -> after.value",
        "after.value -> out.value",
        sub_graphs=[child],
    )


@pytest.mark.parametrize("where", ["FirstWorkflowTask", "LastWorkflowTask"])
async def test_reset_of_a_run_whose_sub_graph_is_under_way(system: System, tmp_path: Path, where: str) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    execution_id = await system.execute(await system.save(with_sub_graph(log, go)))
    assert await until(begun(log, 2), 40)
    reset(system, execution_id, "--type", where)
    if where == "FirstWorkflowTask":
        assert await until(begun(log, 3), 40), "the first node runs again, the sub-graph's goes on"
    go.touch()
    found = await system.ended(execution_id)
    assert (found["status"], found["outputs"]) == ("COMPLETED", {"y": [7]})
    assert [n["status"] for n in found["nodes"]] == ["COMPLETED"] * 4


async def test_reset_of_a_completed_run_with_a_sub_graph(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    go.touch()
    first = await system.run(await system.save(with_sub_graph(log, go)))
    assert first["outputs"] == {"y": [7]}
    reset(system, first["id"], "--run-id", run_ids(system, first["id"])[0], "--type", "FirstWorkflowTask")
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert found["outputs"] == {"y": [7]}
    assert [n["status"] for n in found["nodes"]] == ["COMPLETED"] * 4
