"""`Idempotency-Key`: one key, one run, however often and however long after the same is asked."""

import asyncio
from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns, sum_graph

from contracts.errors import Unavailable
from engine.identity import keyed_execution_id
from engine.model import Status
from store.memory import MemoryStore
from store.records import Execution, Finish, NewExecution
from tests.store.samples import NOW

KEY = {"Idempotency-Key": "order-4711"}


async def post(client: httpx.AsyncClient, graph: dict[str, Any], body: Any, **changes: Any) -> httpx.Response:
    version = changes.pop("version", "")
    return await client.post(f"/api/graphs/{graph['id']}/execute{version}", json=body, headers=changes or KEY)


async def test_the_same_again_is_the_same_run(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    body = {"inputs": {"number": 4}}
    first = await post(ann, graph, body)
    assert first.status_code == 201, first.text
    assert first.json()["id"] == keyed_execution_id("ann", KEY["Idempotency-Key"])
    row = await store.executions.get("ann", first.json()["id"])
    assert row is not None
    started = dict(runs.started)
    await store.executions.begin(_new(row), run_id="run-1", at=NOW)
    again = await post(ann, graph, {"input_data": {"number": 4.0}})
    assert again.status_code == 200, again.text
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "RUNNING")
    assert again.headers["location"] == first.headers["location"]
    assert (await post(ann, graph, body, version="/1")).status_code == 200
    # Long after Temporal has forgotten it.
    await store.executions.finish(_new(row), run_id="run-1", finish=Finish(Status.COMPLETED, {}, NOW))
    await ann.put(f"/api/graphs/{graph['id']}", json=sum_graph(name="Newer"))
    over = await post(ann, graph, body)
    assert (over.status_code, over.json()["status"], over.json()["graph_version"]) == (200, "COMPLETED", 1)
    assert runs.started == started
    assert runs.starts == 1


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"number": 5}},
        {"inputs": {"number": True}},
        {"inputs": {"number": 1, "more": 1}},
        {"inputs": {}},
        {"inputs": {"number": 1}, "nodes_input_masks": {"x": {"y": 1}}},
        "another graph",
        "another version",
    ],
)
async def test_another_run_under_the_key_is_refused(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, body: Any
) -> None:
    assert (await post(ann, graph, {"inputs": {"number": 1}})).status_code == 201
    version = ""
    if body == "another graph":
        graph, body = (await ann.post("/api/graphs", json=sum_graph())).json(), {"inputs": {"number": 1}}
    elif body == "another version":
        version, body = "/2", {"inputs": {"number": 1}}
    answer = await post(ann, graph, body, version=version)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert len(runs.started) == 1


async def test_masks_and_large_values_are_compared_too(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    add = graph["node_ids"]["add"]
    body = {"inputs": {"number": "x" * 40_000}, "nodes_input_masks": {add: {"b": "y" * 40_000}}}
    assert (await post(ann, graph, body)).status_code == 201
    assert (await post(ann, graph, body)).status_code == 200
    body["nodes_input_masks"][add]["b"] += "y"
    assert (await post(ann, graph, body)).status_code == 409


async def test_a_key_is_its_user_s_own(ann: httpx.AsyncClient, bob: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    first = await post(ann, graph, {"inputs": {"number": 4}})
    his = (await bob.post("/api/graphs", json=sum_graph())).json()
    second = await post(bob, his, {"inputs": {"number": 5}})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_many_at_once_start_one_run(ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns) -> None:
    answers = await asyncio.gather(*(post(ann, graph, {"inputs": {"number": 4}}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(runs.started) == 1


async def test_a_start_that_failed_is_made_up_for_by_the_next(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns
) -> None:
    body = {"inputs": {"number": "x" * 40_000}}
    runs.down = True
    assert (await post(ann, graph, body)).status_code == 503
    runs.down = False
    answer = await post(ann, graph, body)
    assert (answer.status_code, answer.json()["status"]) == (200, "QUEUED")
    assert list(runs.started) == [answer.json()["id"]]
    assert runs.started[answer.json()["id"]].input_refs["number"]["size"] == 40_002


async def test_nothing_is_started_without_the_row(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    async def fail(new: Any) -> bool:
        raise Unavailable

    store.executions.create = fail  # type: ignore[method-assign]
    assert (await post(ann, graph, {"inputs": {"number": 4}})).status_code == 503
    assert not runs.started


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\x7f"])
async def test_a_key_that_is_none(ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, key: str) -> None:
    answer = await post(ann, graph, {"inputs": {"number": 4}}, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert not runs.started


async def test_what_cannot_run_takes_no_key(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    assert (await post(ann, graph, {"inputs": {"nmber": 4}})).status_code == 400
    assert (await post(ann, graph, {"inputs": {"number": 4}})).status_code == 201


def _new(row: Execution) -> NewExecution:
    return NewExecution(row.id, row.user_id, row.graph_id, row.graph_version, row.inputs, row.masks)


async def test_the_key_of_a_deleted_run_is_not_free_while_temporal_remembers_it(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    body = {"inputs": {"number": 4}}
    id = (await post(ann, graph, body)).json()["id"]
    row = await store.executions.get("ann", id)
    assert row is not None
    await store.executions.finish(_new(row), run_id="run-1", finish=Finish(Status.COMPLETED, {}, NOW))
    assert (await ann.delete(f"/api/executions/{id}")).status_code == 204
    runs.over.add(id)
    for _ in range(2):
        refused = await post(ann, graph, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "idempotency_conflict")
        assert "was deleted" in refused.json()["error"]["message"]
        assert await store.executions.get("ann", id) is None
    runs.over.clear()
    assert (await post(ann, graph, body)).status_code == 201
