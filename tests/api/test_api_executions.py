"""Runs as the API shows them, and stopping one."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_doubles import ADD, INPUT, OUTPUT, NotedRuns, sum_graph
from fastapi import FastAPI

from api.stopping import stop
from contracts.latest_run import Ending, LatestRun
from engine.model import Status
from engine.values import Reference
from store.memory import MemoryStore
from store.records import Execution, Finish, NewExecution, NodeRecord, OutputRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RUN_ID = "run-1"


def new(run: dict[str, Any]) -> NewExecution:
    return NewExecution(run["id"], "ann", run["graph_id"], 1, {"number": {"value": 4}})


async def begin(store: MemoryStore, run: dict[str, Any]) -> None:
    await store.executions.begin(new(run), run_id=RUN_ID, at=NOW)


async def end(store: MemoryStore, execution_id: str, status: Status = Status.COMPLETED) -> None:
    await store.executions.record(
        execution_id, run_id=RUN_ID, nodes=[], finish=Finish(status, {"node_count": 3}, NOW, error=None)
    )


async def work(store: MemoryStore, run: dict[str, Any], large: Reference | None = None) -> None:
    """An input, an addition that gave two values, an output of each, and an execution that still waits."""
    done = NodeRecord(
        "n1", "in", INPUT, 0, Status.COMPLETED, seq=0, queued_at=NOW, started_at=NOW, ended_at=NOW,
        inputs={"name": '"number"', "value": "4"}, outputs=(OutputRecord(0, "result", "4"),), stats={"walltime": 0.5},
    )  # fmt: skip
    second = OutputRecord(1, "result", reference=large) if large else OutputRecord(1, "result", "null")
    added = replace(
        done, id="n2", node_id="add", block_id=ADD, seq=1, inputs={"a": "4", "values_#_k": "null"},
        outputs=(OutputRecord(0, "result", "5"), second),
    )  # fmt: skip
    outs = [
        replace(done, id=f"n{n}", node_id="out", block_id=OUTPUT, seq=n, ordinal=n, inputs={"value": text},
                agent_output="total", outputs=())
        for n, text in ((3, "5"), (4, "null"))
    ]  # fmt: skip
    waits = NodeRecord("n5", "out", OUTPUT, 9, Status.INCOMPLETE, inputs={"value": "1"}, agent_output="total")
    await store.executions.record(run["id"], run_id=RUN_ID, nodes=[done, added, *outs, waits])


async def test_results(ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    large = await store.values.put(run["id"], b'{"long": true}')
    await work(store, run, large)
    await end(store, run["id"])
    shown = (await ann.get(f"/api/executions/{run['id']}")).json()
    assert (shown["status"], shown["graph_name"], shown["stats"]) == ("COMPLETED", "Sum", {"node_count": 3})
    assert shown["inputs"] == {"number": 4}
    assert shown["outputs"] == {"total": [5, None]}, "None is a value, and a waiting output is none"
    assert all(shown[time] for time in ("created_at", "started_at", "ended_at"))
    assert shown["error"] is None
    results = (await ann.get(shown["links"]["results"])).json()
    assert {key: results[key] for key in shown} == shown
    by_id = {n["id"]: n for n in results["nodes"]}
    assert {(n["block_id"], n["block_name"]) for n in results["nodes"]} >= {(ADD, "Add")}, "as events name them"
    assert list(by_id) == ["n1", "n2", "n3", "n4", "n5"]
    assert by_id["n2"]["inputs"] == {"a": 4, "values_#_k": None}
    assert by_id["n2"]["outputs"] == {"result": [5, {"long": True}]}
    assert (by_id["n5"]["status"], by_id["n5"]["queued_at"]) == ("INCOMPLETE", None)
    assert by_id["n1"]["stats"] == {"walltime": 0.5}
    for suffix in ("", "/results"):
        same = (await ann.get(f"/api/graphs/{run['graph_id']}/executions/{run['id']}{suffix}")).json()
        assert same == (results if suffix else shown)
        assert (await ann.get(f"/api/graphs/another/executions/{run['id']}{suffix}")).status_code == 404


async def test_a_run_under_way_says_what_it_has_used_so_far(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    await begin(store, run)
    await work(store, run)
    for suffix in ("", "/results"):
        stats = (await ann.get(f"/api/executions/{run['id']}{suffix}")).json()["stats"]
        assert (stats["node_count"], stats["nodes_walltime"], stats["incomplete_count"]) == (4, 2.0, 1)


async def test_a_value_that_is_gone_hides_no_other(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    await begin(store, run)
    gone: Reference = {"ref": f"{run['id']}/{'0' * 64}", "kind": "object", "size": 99}
    await work(store, run, gone)
    nodes = (await ann.get(f"/api/executions/{run['id']}/results")).json()["nodes"]
    assert nodes[1]["outputs"]["result"] == [5, {"missing": "a value of 99 bytes is no longer in the store"}]


async def test_list_and_filters(
    ann: httpx.AsyncClient, graph: dict[str, Any], run: dict[str, Any], store: MemoryStore
) -> None:
    other = (await ann.post("/api/graphs", json=sum_graph())).json()
    second = (await ann.post(f"/api/graphs/{other['id']}/execute", json={"inputs": {"number": 1}})).json()
    await begin(store, run)
    await end(store, run["id"], Status.TERMINATED)

    async def ids(**params: Any) -> list[str]:
        body = (await ann.get("/api/executions", params=params)).json()
        assert body["total_count"] == len(body["items"])
        assert all("inputs" not in item for item in body["items"])
        return [item["id"] for item in body["items"]]

    assert await ids() == [second["id"], run["id"]]
    assert await ids(graph_id=graph["id"]) == [run["id"]]
    assert await ids(status="cancelled") == [run["id"]] == await ids(status="TERMINATED")
    assert await ids(status=["QUEUED", "TERMINATED"]) == await ids(status="queued,cancelled") == await ids()
    assert await ids(status="FAILED") == []


@pytest.mark.parametrize("path", ["/api/graphs/{graph_id}/executions/{id}/stop", "/api/executions/{id}/cancel"])
async def test_stop(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore, path: str
) -> None:
    await begin(store, run)

    async def terminate(execution_id: str) -> None:
        await end(store, execution_id, Status.TERMINATED)

    runs.when_cancelled = terminate
    answer = await ann.post(path.format(**run))
    assert (answer.status_code, answer.json()["status"]) == (200, "TERMINATED")
    assert runs.cancelled == [run["id"]]
    again = await ann.post(path.format(**run))
    assert (again.status_code, again.json()) == (200, None)
    assert runs.cancelled == [run["id"]], "a run that has ended is left alone"


async def test_stop_refuses(ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns) -> None:
    for path in (
        f"/api/graphs/{run['graph_id']}/executions/unknown/stop",
        f"/api/graphs/other/executions/{run['id']}/stop",
    ):
        answer = await ann.post(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "execution_not_found")
    runs.down = True
    answer = await ann.post(f"/api/executions/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


async def test_a_run_that_stops_slowly_is_shown_as_it_is(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    row = await store.executions.get("ann", run["id"])
    assert row is not None
    fresh = await stop(app.state.services, row, wait_seconds=0)
    assert fresh is not None
    assert fresh.status is Status.RUNNING


async def stopped(app: FastAPI, store: MemoryStore, run: dict[str, Any]) -> Execution | None:
    row = await store.executions.get("ann", run["id"])
    assert row is not None
    return await stop(app.state.services, row, wait_seconds=0.05)


async def test_a_run_that_nobody_begins_is_ended_at_the_server(
    app: FastAPI, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    async def ended(execution_id: str) -> None:
        runs.known[execution_id] = LatestRun(RUN_ID, Ending(Status.TERMINATED, NOW, "too late", "workflow_terminated"))

    runs.when_terminated = ended
    fresh = await stopped(app, store, run)
    assert fresh is not None
    assert (fresh.status, fresh.run_id, fresh.error) == (Status.TERMINATED, RUN_ID, "too late")
    assert (runs.cancelled, runs.terminated) == ([run["id"]], [run["id"]])


async def test_a_run_that_is_begun_while_it_is_stopped_says_what_the_server_says(
    app: FastAPI, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    async def begun_and_ended(execution_id: str) -> None:
        await begin(store, run)
        runs.known[execution_id] = LatestRun(RUN_ID, Ending(Status.COMPLETED, NOW))

    runs.when_terminated = begun_and_ended
    fresh = await stopped(app, store, run)
    assert fresh is not None
    assert fresh.status is Status.COMPLETED


async def test_a_run_that_is_begun_in_time_is_left_to_its_worker(
    app: FastAPI, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    async def begun(_: str) -> None:
        await begin(store, run)

    runs.when_cancelled = begun
    fresh = await stopped(app, store, run)
    assert fresh is not None
    assert fresh.status is Status.RUNNING
    assert runs.terminated == []
