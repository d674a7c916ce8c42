"""Starting a run: what is refused, what is sent to Temporal, what is stored, and how little a second start costs."""

from typing import Any

import httpx
import pytest
from api_doubles import ADD, NotedRuns, TestCatalogue, node, sum_graph
from fastapi import FastAPI

from api.run_values import INLINE_TOTAL_BYTES, part
from contracts.errors import InsufficientBalance, InvalidRequest, Unavailable
from engine.model import Status
from store.memory import MemoryStore, MemoryUsers
from store.records import Finish, NewExecution, User


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
@pytest.mark.parametrize("version", ["", "/1"])
async def test_execute(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore, prefix: str, version: str
) -> None:
    answer = await ann.post(f"{prefix}/graphs/{graph['id']}/execute{version}", json={"inputs": {"number": 4}})
    body = answer.json()
    assert answer.status_code == 201, answer.text
    assert (body["status"], body["graph_id"], body["graph_version"]) == ("QUEUED", graph["id"], 1)
    assert answer.headers["location"] == body["links"]["self"] == f"/api/executions/{body['id']}"
    assert body["links"]["temporal_ui"].endswith(f"/namespaces/default/workflows/{body['id']}")
    started = runs.started[body["id"]]
    assert (started.user_id, started.graph_version, started.inputs, started.trigger) == ("ann", 1, {"number": 4}, "api")
    row = await store.executions.get("ann", body["id"])
    assert row is not None
    assert (row.inputs, row.trigger, row.status.value) == ({"number": {"value": 4}}, "api", "QUEUED")


async def test_a_run_keeps_its_users_time(
    ann: httpx.AsyncClient, runs: NotedRuns, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_tokyo(*_: object) -> User:
        return User("ann", "ann@example.com", "Ann", timezone="Asia/Tokyo")

    monkeypatch.setattr(MemoryUsers, "by_api_key", in_tokyo)
    graph = (await ann.post("/api/graphs", json=sum_graph())).json()
    run = (await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 4}})).json()
    assert runs.started[run["id"]].context.timezone == "Asia/Tokyo"
    row = await store.executions.get("ann", run["id"])
    assert row is not None
    new = NewExecution(row.id, row.user_id, row.graph_id, row.graph_version, row.inputs, row.masks)
    await store.executions.begin(new, run_id="run-1", at=row.created_at)
    await store.executions.finish(new, run_id="run-1", finish=Finish(Status.FAILED, {}, row.created_at))
    again = (await ann.post(f"/api/executions/{run['id']}/rerun", json={})).json()
    assert runs.started[again["id"]].context.timezone == "Asia/Tokyo"
    assert (await ann.post(f"/api/executions/{run['id']}/resume")).status_code == 202
    assert runs.resumed[run["id"]].context.timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    "body",
    [
        {"input_data": {"number": 4}},
        {"node_input": {"number": 4}},
        {"inputs": {"number": 4}, "credentials_inputs": {}, "preset_id": None, "nodes_input_masks": None},
        {"inputs": {"number": 4}, "input_credentials": None},
    ],
)
async def test_spellings(ann: httpx.AsyncClient, graph: dict[str, Any], body: dict[str, Any]) -> None:
    assert (await ann.post(f"/api/graphs/{graph['id']}/execute", json=body)).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"inputs": {"number": 4}, "input_data": {"number": 4}}, "invalid_request"),
        ({"inputs": {"number": 4}, "surprise": 1}, "invalid_request"),
        ({"inputs": [1]}, "invalid_request"),
        ({"inputs": {"number": 4}, "nodes_input_masks": {"x": 1}}, "invalid_request"),
        ({"inputs": {"number": 4}, "preset_id": "p"}, "unsupported"),
        ({"inputs": {"number": 4}, "credentials_inputs": {"openai": {}}}, "validation_error"),
        ({}, "validation_error"),
        (None, "validation_error"),
    ],
)
async def test_refused(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, body: dict[str, Any] | None, code: str
) -> None:
    content = {} if body is None else {"json": body}
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", **content)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not runs.started
    assert (await ann.get("/api/executions")).json()["total_count"] == 0


async def test_refusals_say_what_is_wrong(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, graph: dict[str, Any]
) -> None:
    for client, graph_id in ((ann, "none"), (bob, graph["id"])):
        answer = await client.post(f"/api/graphs/{graph_id}/execute", json={})
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == f"Graph #{graph_id} not found or access denied."
    error = (await ann.post(f"/api/graphs/{graph['id']}/execute", json={})).json()["error"]
    assert error["message"].startswith("Graph validation failed: ")
    assert error["details"]["problems"]


async def test_inputs_and_masks_are_checked_together(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    body = {"inputs": {"nmber": 1}, "nodes_input_masks": {"ghost": {"a": 1}, graph["node_ids"]["add"]: {"zz": 1}}}
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json=body)
    problems = answer.json()["error"]["details"]["problems"]
    assert [(p["code"], p.get("node_id"), p.get("pin")) for p in problems] == [
        ("missing_input", graph["node_ids"]["in"], "number"),
        ("unknown_input", None, "nmber"),
        ("unknown_mask_node", "ghost", None),
        ("unknown_mask_pin", graph["node_ids"]["add"], "zz"),
    ]
    assert answer.json()["detail"]["node_errors"][graph["node_ids"]["in"]]["number"]


async def test_a_mask_can_fill_what_is_missing(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    saved = (await ann.post("/api/graphs/import", json=sum_graph(nodes=[node("add", ADD)], links=[]))).json()
    path, add = f"/api/graphs/{saved['id']}/execute", saved["node_ids"]["add"]
    assert (await ann.post(path, json={})).status_code == 400
    answer = await ann.post(path, json={"nodes_input_masks": {add: {"a": 2}}})
    assert answer.status_code == 201, answer.text
    assert runs.started[answer.json()["id"]].nodes_input_masks == {add: {"a": 2}}
    assert (await ann.post(path, json={})).status_code == 400, "one mask must not be remembered for the next run"


async def test_large_values_travel_by_reference(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    large = "ü" * 20_000
    add = graph["node_ids"]["add"]
    body = {"inputs": {"number": large}, "nodes_input_masks": {add: {"a": large, "b": 2}}}
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json=body)
    started = runs.started[answer.json()["id"]]
    assert started.inputs == {}
    assert started.input_refs["number"]["size"] == 40_002
    assert started.mask_refs[add]["a"] == started.input_refs["number"], "the same text is stored once"
    assert started.nodes_input_masks == {add: {"b": 2}}
    shown = (await ann.get(f"/api/executions/{answer.json()['id']}")).json()
    assert shown["inputs"] == {"number": large}
    assert shown["nodes_input_masks"] == {add: {"a": large, "b": 2}}


async def test_many_small_values_are_too_much_together(store: MemoryStore) -> None:
    entries = {n: "x" * (5000 + n) for n in range(100)}
    parted = await part(store.values, "e", entries, limit_bytes=10_000)
    assert sum(len(v) + 2 for v in parted.inline.values()) <= INLINE_TOTAL_BYTES
    assert set(parted.inline) | set(parted.references) == set(entries)
    assert max(parted.inline) < min(parted.references), "the largest go first"
    for too_much in (dict.fromkeys(range(7_000)), {"n" * 1_100_000: 1}):
        with pytest.raises(InvalidRequest, match="too much for one run"):
            await part(store.values, "e", too_much, limit_bytes=10_000)


async def test_nothing_is_stored_when_temporal_is_down(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns
) -> None:
    runs.down = True
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 4}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert (await ann.get("/api/executions")).json()["total_count"] == 0


async def test_a_started_run_is_answered_even_when_its_row_must_wait(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    async def fail(new: Any) -> None:
        raise Unavailable

    store.executions.create = fail  # type: ignore[method-assign]
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 4}})
    assert answer.status_code == 201
    assert answer.json()["id"] in runs.started


async def test_the_balance_is_asked_after_validation(
    app: FastAPI, ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns
) -> None:
    class Empty:
        async def require_positive(self, user_id: str) -> None:
            assert user_id == "ann"
            raise InsufficientBalance

    app.state.services.balance = Empty()
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 4}})
    assert answer.status_code == 402
    assert answer.json()["detail"] == "Insufficient balance to execute the agent. Please top up your account."
    assert (await ann.post(f"/api/graphs/{graph['id']}/execute", json={})).status_code == 400
    assert not runs.started


async def test_a_second_start_of_a_version_asks_the_database_nothing(
    ann: httpx.AsyncClient, graph: dict[str, Any], store: MemoryStore, catalogue: TestCatalogue
) -> None:
    path, body = f"/api/graphs/{graph['id']}/execute/1", {"inputs": {"number": 4}}
    assert (await ann.post(path, json=body)).status_code == 201
    store.graphs.get = None  # type: ignore[assignment, method-assign]
    store.users.by_api_key = None  # type: ignore[assignment, method-assign]
    asked = catalogue.shapes_asked
    assert (await ann.post(path, json=body)).status_code == 201
    assert catalogue.shapes_asked - asked == len(sum_graph()["nodes"]), "only the inputs are checked again"


async def test_the_active_version_is_never_a_remembered_one(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    path, body = f"/api/graphs/{graph['id']}/execute", {"inputs": {"number": 4}}
    assert (await ann.post(path, json=body)).json()["graph_version"] == 1
    await ann.put(f"/api/graphs/{graph['id']}", json=sum_graph())
    assert (await ann.post(path, json=body)).json()["graph_version"] == 2
    assert (await ann.post(f"{path}/1", json=body)).json()["graph_version"] == 1
    for version in ("3", "0", "-1", "x", "9" * 30):
        assert (await ann.post(f"{path}/{version}", json=body)).status_code in (400, 404)
