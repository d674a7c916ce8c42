"""What others leave behind: a sub-graph without its parent, the key of a deleted run, the work of a killed worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from dev.health import until
from engine.model import GraphPolicy, OnNodeError
from tests.e2e.test_resetting_long_runs import begun, eventually, with_sub_graph
from tests.support.blocks import FailUntil, Sink, Source
from tests.support.graphs import graph, node
from tests.support.system import System, running_system


@pytest.fixture(scope="module")
async def system(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    async with running_system(
        temporal_address,
        temporal_executable,
        database_url,
        tmp_path_factory.mktemp("left"),
        HEDDLE_RECONCILE_INTERVAL_SECONDS="1",
        HEDDLE_RECONCILE_SILENCE_SECONDS="2",
    ) as running:
        yield running


async def test_a_sub_graph_that_says_nothing_is_stopped_after_its_parent_was_terminated(
    system: System, tmp_path: Path
) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    execution_id = await system.execute(await system.save(with_sub_graph(log, go)))
    assert await until(begun(log, 2), 40)
    listed = (await system.http.get("/api/executions", params={"status": "RUNNING"})).json()["items"]
    [child_id] = [run["id"] for run in listed if run["id"] != execution_id]
    system.temporal("workflow", "terminate", "-w", execution_id)
    # Both are read again and again meanwhile.
    for id in (execution_id, child_id):
        await eventually(system, id, lambda found: found["status"] == "TERMINATED")
    assert not go.exists()


async def test_a_key_whose_run_was_deleted_starts_no_run_that_never_runs(system: System) -> None:
    echo = graph([node("a", Source, name="x"), node("o", Sink, name="y")], "a.result -> o.value")
    path = f"/api/graphs/{await system.save(echo)}/execute"
    started = {"json": {"inputs": {"x": 1}}, "headers": {"Idempotency-Key": "once"}}
    first = (await system.http.post(path, **started)).json()
    assert (await system.ended(first["id"]))["outputs"] == {"y": [1]}
    assert (await system.http.delete(f"/api/executions/{first['id']}")).status_code == 204
    again = await system.http.post(path, **started)
    assert again.status_code == 409, again.text
    assert (await system.http.get(f"/api/executions/{first['id']}")).status_code == 404


async def test_a_worker_killed_while_it_resumes_many_delays_them_by_seconds(
    system: System, database_url: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    failing = graph([node("f", FailUntil, value=1, file=str(go))], policy=GraphPolicy(on_node_error=OnNodeError.FAIL))
    graph_id = await system.save(failing)
    older, newer = await system.run(graph_id), await system.run(graph_id)
    assert (older["status"], newer["status"]) == ("FAILED", "FAILED")
    go.touch()
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            # The newest comes first, and holds up the rest.
            await connection.execute("SELECT FROM graph_executions WHERE id = $1 FOR UPDATE", newer["id"])
            answer = await system.http.post(f"/api/graphs/{graph_id}/executions/resume", json={})
            assert answer.is_success, answer.text

            async def is_held_up() -> bool:
                query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                return bool(await connection.fetchval(query))

            assert await until(is_held_up, 20)
            system.kill_workers()
    finally:
        await connection.close()
    await system.start_worker()

    async def is_resumed() -> bool:
        row = (await system.http.get(f"/api/executions/{older['id']}")).json()
        return bool(row["status"] == "COMPLETED")

    assert await until(is_resumed, 20)
