"""Runs that go on: stopped, resumed, run again, all at once, with workers dying meanwhile; through HTTP and the CLI."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from dev.health import until
from engine.model import GraphPolicy, OnNodeError
from tests.e2e.test_life_of_a_run import exists
from tests.support.blocks import Drip, FailUntil, Pass, Sink, Source, Trace
from tests.support.graphs import graph, node
from tests.support.system import USER, System


def traced(folder: Path) -> Any:
    """x → a → b (which waits) → out, and a stream of a thousand beside it."""
    return graph(
        [
            node("in", Source, name="x"),
            node("a", Trace, file=str(folder / "a")),
            node("b", Trace, file=str(folder / "b"), wait_for=str(folder / "go")),
            node("out", Sink, name="y"),
            node("drip", Drip, value=300, seconds=0),
            node("each", Pass),
        ],
        "in.result -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
        "drip.value -> each.value",
    )


def times(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


async def stop(system: System, execution_id: str) -> None:
    answer = await system.http.post(f"/api/executions/{execution_id}/cancel")
    assert answer.status_code == 200, answer.text
    assert (await system.ended(execution_id))["status"] == "TERMINATED"


async def test_a_worker_dies_while_a_run_is_resumed(system: System, tmp_path: Path) -> None:
    graph_id = await system.save(traced(tmp_path))
    execution_id = await system.execute(graph_id, {"x": 7})
    assert await until(exists(tmp_path / "b"), 30)
    await stop(system, execution_id)
    before = (await system.http.get(f"/api/executions/{execution_id}/results")).json()
    assert (await system.http.post(f"/api/executions/{execution_id}/resume")).status_code == 202
    system.kill_workers()
    # Whoever looks now sees that it goes on.
    assert (await system.http.get(f"/api/executions/{execution_id}")).json()["status"] in ("QUEUED", "RUNNING")
    (tmp_path / "go").touch()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert result["status"] == "COMPLETED", result["error"]
    assert result["outputs"] == {"y": [7]}
    assert times(tmp_path / "a") == 1
    assert len(result["nodes"]) == 5 + 300
    done = {n["id"]: n["ended_at"] for n in before["nodes"] if n["status"] == "COMPLETED"}
    assert {n["id"]: n["ended_at"] for n in result["nodes"] if n["id"] in done} == done
    assert result["stats"]["node_count"] == 305
    again = await system.http.post(f"/api/executions/{execution_id}/resume")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "execution_completed")


async def test_a_terminated_run_is_resumed_at_once(system: System, tmp_path: Path) -> None:
    graph_id = await system.save(traced(tmp_path))
    execution_id = await system.execute(graph_id, {"x": 7})
    assert await until(exists(tmp_path / "b"), 30)
    system.temporal("workflow", "terminate", "-w", execution_id)
    assert (await system.http.post(f"/api/executions/{execution_id}/resume")).status_code == 202
    await stop(system, execution_id)
    (tmp_path / "go").touch()
    # The same at the command line.
    given = json.dumps({"graph_id": graph_id, "user_id": USER, "resume": True})
    queue = system.environment["HEDDLE_TASK_QUEUE"]
    system.temporal(*("workflow", "start", "--type", "GraphExecution", "-t", queue, "-w", execution_id, "-i", given))

    async def completed() -> bool:
        return bool((await system.http.get(f"/api/executions/{execution_id}")).json()["status"] == "COMPLETED")

    assert await until(completed, 30)
    result = (await system.http.get(f"/api/executions/{execution_id}/results")).json()
    assert result["outputs"] == {"y": [7]}
    assert times(tmp_path / "a") == 1


async def test_a_run_is_run_again_from_a_node(system: System, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    imported = await system.import_agent(traced(tmp_path).model_dump(mode="json"))
    ids = imported["node_ids"]
    first = await system.run(imported["id"], {"x": 7})
    body = {"from_node": ids["b"], "node_inputs": {"value": "edited"}}
    answer = await system.http.post(f"/api/executions/{first['id']}/rerun", json=body)
    assert answer.status_code == 201, answer.text
    second = await system.ended(answer.json()["id"])
    assert (second["status"], second["outputs"]) == ("COMPLETED", {"y": ["edited"]})
    assert (second["rerun_of"], second["rerun_from_node"]) == (first["id"], ids["b"])
    kept = Counter(n["kept"] for n in second["nodes"])
    assert kept == {True: 303, False: 2}
    assert (times(tmp_path / "a"), times(tmp_path / "b")) == (1, 2)


async def test_all_failed_runs_of_a_graph_go_on_though_the_worker_dies(system: System, tmp_path: Path) -> None:
    there = tmp_path / "there"
    failing = graph(
        [node("it", FailUntil, value=1, file=str(there)), node("out", Sink, name="y")],
        "it.done -> out.value",
        policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
    )
    graph_id = await system.save(failing)
    failed = [await system.run(graph_id) for _ in range(4)]
    assert {run["status"] for run in failed} == {"FAILED"}
    there.touch()
    path = f"/api/graphs/{graph_id}/executions/resume"
    started = await system.http.post(path, json={"since": failed[0]["ended_at"], "per_second": 2})
    assert started.status_code == 202, started.text
    system.kill_workers()
    await system.start_worker()

    async def over() -> bool:
        return bool((await system.http.get(started.json()["progress"])).json().get("is_over"))

    assert await until(over, 60)
    progress = (await system.http.get(started.json()["progress"])).json()
    assert (progress["total"], progress["started"], progress["refused"]) == (4, 4, 0)
    for run in failed:
        result = await system.ended(run["id"])
        assert (result["status"], result["outputs"]) == ("COMPLETED", {"y": [1]})


async def test_all_runs_of_a_graph_are_stopped(system: System, tmp_path: Path) -> None:
    graph_id = await system.save(traced(tmp_path))
    runs = [await system.execute(graph_id, {"x": number}) for number in range(3)]
    assert await until(exists(tmp_path / "b"), 30)
    answer = await system.http.post(f"/api/graphs/{graph_id}/executions/stop")
    assert (answer.status_code, answer.json()) == (202, {"asked": 3, "remaining": 0})
    for run in runs:
        assert (await system.ended(run))["status"] == "TERMINATED"
