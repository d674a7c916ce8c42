"""Resuming, running again, in bulk; stopping many."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_doubles import ADD, INPUT, OUTPUT, NotedRuns, link, node, sum_graph

from contracts.errors import ExecutionCompleted
from contracts.latest_run import Ending, LatestRun
from engine.model import Status
from store.memory import MemoryStore
from store.records import Execution, Finish, NewExecution, NodeRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def row_of(store: MemoryStore, run: dict[str, Any]) -> Execution:
    row = await store.executions.get("ann", run["id"])
    assert row is not None
    return row


async def end(store: MemoryStore, run: dict[str, Any], status: Status, *nodes: NodeRecord) -> None:
    row = await row_of(store, run)
    new = NewExecution(row.id, row.user_id, row.graph_id, row.graph_version, row.inputs, row.masks)
    await store.executions.begin(new, run_id="run-1", at=NOW)
    await store.executions.record(row.id, run_id="run-1", nodes=nodes)
    await store.executions.finish(new, run_id="run-1", finish=Finish(status, {}, NOW, "why", "code"))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# --- resume -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.FAILED, Status.TERMINATED])
async def test_a_run_that_ended_badly_is_resumed(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore, status: Status
) -> None:
    await end(store, run, status)
    answer = await ann.post(f"/api/executions/{run['id']}/resume")
    assert answer.status_code == 202, answer.text
    assert (answer.json()["id"], answer.json()["status"], answer.json()["error"]) == (run["id"], "QUEUED", None)
    asked = runs.resumed[run["id"]]
    assert (asked.resume, asked.graph_version, asked.inputs) == (True, 1, {})
    row = await row_of(store, run)
    assert (row.run_id, row.status) == ("run-2", Status.QUEUED)
    # Whoever follows the run now does not meet the old end.
    events = await store.executions.events(run["id"], after=0, limit=99)
    assert not [event for event in events if event.status.is_final]


async def test_somebody_else_was_first(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    await end(store, run, Status.FAILED)
    runs.next_run_id = None
    assert (await ann.post(f"/api/executions/{run['id']}/resume")).status_code == 202
    assert (await row_of(store, run)).run_id == "run-1"


async def test_what_is_not_resumed(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    path = f"/api/executions/{run['id']}/resume"
    assert code(await ann.post(path)) == (409, "execution_running")
    await end(store, run, Status.COMPLETED)
    assert code(await ann.post(path)) == (409, "execution_completed")
    assert not runs.resumed


async def test_temporal_knows_that_it_has_completed(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise ExecutionCompleted

    await end(store, run, Status.FAILED)
    monkeypatch.setattr(runs, "resume", refuse)
    assert code(await ann.post(f"/api/executions/{run['id']}/resume")) == (409, "execution_completed")


async def test_a_run_that_was_terminated_a_moment_ago_is_resumed(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    row = await row_of(store, run)
    new = NewExecution(row.id, "ann", row.graph_id, 1, row.inputs)
    await store.executions.begin(new, run_id="run-1", at=NOW)
    runs.known[run["id"]] = LatestRun("run-1", Ending(Status.TERMINATED, NOW))
    assert (await ann.post(f"/api/executions/{run['id']}/resume")).status_code == 202


async def test_neither_a_sub_graph_s_run_nor_one_without_its_graph_is_resumed(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    row = await row_of(store, run)
    below = NewExecution("below", "ann", row.graph_id, 1, {}, root_id=row.id, parent_id=row.id)
    await store.executions.finish(below, run_id="r", finish=Finish(Status.FAILED, {}, NOW))
    answer = await ann.post("/api/executions/below/resume")
    assert code(answer) == (400, "invalid_request")
    assert row.id in answer.json()["error"]["message"]
    await end(store, run, Status.FAILED)
    assert (await ann.delete(f"/api/graphs/{row.graph_id}")).status_code == 200
    assert code(await ann.post(f"/api/executions/{run['id']}/resume")) == (404, "graph_not_found")


# --- run again --------------------------------------------------------------------------------


async def test_a_run_is_run_again_with_what_differs(
    ann: httpx.AsyncClient, graph: dict[str, Any], run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    path, add = f"/api/executions/{run['id']}/rerun", graph["node_ids"]["add"]
    assert code(await ann.post(path)) == (409, "execution_running")
    await end(store, run, Status.FAILED)
    answer = await ann.post(path, json={"from_node": add, "node_inputs": {"b": 7}})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["id"] != run["id"]
    assert (body["rerun_of"], body["rerun_from_node"], body["graph_version"]) == (run["id"], add, 1)
    asked = runs.started[body["id"]]
    assert (asked.inputs, asked.nodes_input_masks) == ({"number": 4}, {add: {"b": 7}})
    assert (asked.rerun_of, asked.rerun_from_node, asked.resume) == (run["id"], add, False)
    row = await row_of(store, body)
    assert (row.rerun_of, row.rerun_from_node) == (run["id"], add)
    shown = (await ann.get(body["links"]["self"])).json()
    assert (shown["rerun_of"], shown["rerun_from_node"]) == (run["id"], add)
    other = (await ann.post(path, json={"inputs": {"number": "x" * 40_000}})).json()
    assert list(runs.started[other["id"]].input_refs) == ["number"]
    # Once more, of the one before: its values become the new run's own.
    await end(store, other, Status.COMPLETED)
    third = (await ann.post(f"/api/executions/{other['id']}/rerun")).json()
    assert runs.started[third["id"]].input_refs["number"]["ref"].startswith(third["id"])


async def test_a_run_is_run_again_on_a_newer_version(
    ann: httpx.AsyncClient, graph: dict[str, Any], run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    await end(store, run, Status.FAILED)
    ids = graph["node_ids"]
    changed = sum_graph(
        nodes=[node(ids["in"], INPUT, name="n"), node(ids["add"], ADD), node("new", OUTPUT, name="total")],
        links=[link(f"{ids['in']}.result", f"{ids['add']}.a"), link(f"{ids['add']}.result", "new.value")],
    )
    saved = (await ann.put(f"/api/graphs/{graph['id']}", json=changed)).json()
    # Nodes that the version before had keep their ids.
    assert saved["node_ids"][ids["in"]] == ids["in"]
    assert saved["node_ids"]["new"] != "new"
    path = f"/api/executions/{run['id']}/rerun"
    answer = await ann.post(path, json={"graph_version": 2, "inputs": {"n": 1}, "from_node": ids["add"]})
    assert answer.status_code == 201, answer.text
    assert runs.started[answer.json()["id"]].inputs == {"n": 1}, "the version has no input of the old name"
    assert code(await ann.post(path, json={"graph_version": 9})) == (404, "graph_not_found")
    refused = await ann.post(path, json={"graph_version": 2, "inputs": {"n": 1}, "from_node": ids["out"]})
    assert code(refused) == (400, "node_not_found")
    assert ids["out"] in refused.json()["error"]["message"]


@pytest.mark.parametrize("body", [{"node_inputs": {"b": 1}}, {"from": "x"}, {"graph_version": 0}])
async def test_what_does_not_say_what_to_run(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore, body: dict[str, Any]
) -> None:
    await end(store, run, Status.FAILED)
    answer = await ann.post(f"/api/executions/{run['id']}/rerun", json=body)
    assert answer.status_code == 400
    assert len(runs.started) == 1


async def test_inputs_of_a_re_run_are_checked(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, graph: dict[str, Any]
) -> None:
    await end(store, run, Status.FAILED)
    path = f"/api/executions/{run['id']}/rerun"
    assert code(await ann.post(path, json={"inputs": {"ghost": 1}})) == (400, "validation_error")
    body = {"from_node": graph["node_ids"]["add"], "node_inputs": {"zz": 1}}
    assert code(await ann.post(path, json=body)) == (400, "validation_error")


async def test_a_re_run_under_a_key_is_one(
    ann: httpx.AsyncClient, graph: dict[str, Any], run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    await end(store, run, Status.FAILED)
    path, key = f"/api/executions/{run['id']}/rerun", {"Idempotency-Key": "again"}
    first = await ann.post(path, headers=key)
    again = await ann.post(path, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = await ann.post(path, headers=key, json={"from_node": graph["node_ids"]["add"]})
    assert code(other) == (409, "idempotency_conflict")
    plain = await ann.post(f"/api/graphs/{run['graph_id']}/execute", json={"inputs": {"number": 4}}, headers=key)
    assert code(plain) == (409, "idempotency_conflict")


async def test_a_value_that_is_gone_must_be_given_anew(
    ann: httpx.AsyncClient, graph: dict[str, Any], store: MemoryStore
) -> None:
    body = {"inputs": {"number": "x" * 40_000}}
    run = (await ann.post(f"/api/graphs/{graph['id']}/execute", json=body)).json()
    await end(store, run, Status.FAILED)
    store.values.drop(lambda execution_id, _: execution_id == run["id"])
    path = f"/api/executions/{run['id']}/rerun"
    refused = await ann.post(path)
    assert code(refused) == (400, "invalid_request")
    assert "'number'" in refused.json()["error"]["message"]
    assert (await ann.post(path, json={"inputs": {"number": 1}})).status_code == 201


async def test_results_say_what_was_kept(ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore) -> None:
    stats = {"walltime": 0.0, "kept": True, "waits": None}
    kept = NodeRecord("n-1", "n", "b", 0, Status.COMPLETED, seq=0, stats=stats)
    await end(store, run, Status.COMPLETED, kept, NodeRecord("m-1", "m", "b", 0, Status.COMPLETED, seq=1))
    shown = (await ann.get(f"/api/executions/{run['id']}/results")).json()["nodes"]
    assert [(each["node_id"], each["kept"]) for each in shown] == [("n", True), ("m", False)]
    assert shown[0]["stats"] == {"walltime": 0.0}


# --- many -------------------------------------------------------------------------------------


async def test_all_that_failed_are_resumed_at_a_bounded_rate(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns
) -> None:
    path, key = f"/api/graphs/{graph['id']}/executions/resume", {"Idempotency-Key": "all"}
    body = {"since": "2026-11-20T00:00:00Z", "per_second": 1000}
    first = await ann.post(path, json=body, headers=key)
    assert first.status_code == 202, first.text
    assert (await ann.post(path, json=body, headers=key)).json() == first.json()
    [(bulk_id, bulk)] = runs.bulk.items()
    assert first.json()["id"] == bulk_id
    assert (bulk.user_id, bulk.graph_id, bulk.per_second) == ("ann", graph["id"], 5.0)
    assert bulk.since == datetime(2026, 11, 20, tzinfo=UTC)
    progress = (await ann.get(first.json()["progress"])).json()
    assert progress == {"id": bulk_id, "total": 3, "started": 1, "refused": 0, "reasons": {}, "is_over": False}
    assert (await bob.get(first.json()["progress"])).status_code == 404
    assert (await ann.get(f"{path}/unknown")).status_code == 404
    assert (await ann.post(path, json={"since": "yesterday"})).status_code == 400
    assert (await ann.post(path)).json()["id"] != bulk_id


async def test_all_runs_are_asked_to_stop(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (await ann.post("/api/graphs", json=sum_graph())).json()

    async def start(graph_id: str) -> dict[str, Any]:
        answer = await ann.post(f"/api/graphs/{graph_id}/execute", json={"inputs": {"number": 1}})
        return dict(answer.json())

    mine = [await start(graph["id"]) for _ in range(3)]
    elsewhere = await start(other["id"])
    below = NewExecution("below", "ann", graph["id"], 1, {}, root_id=mine[0]["id"], parent_id=mine[0]["id"])
    await store.executions.create(below)
    over = await start(graph["id"])
    await end(store, over, Status.COMPLETED)
    answer = await ann.post(f"/api/graphs/{graph['id']}/executions/stop")
    assert (answer.status_code, answer.json()) == (202, {"asked": 3, "remaining": 0})
    assert set(runs.cancelled) == {run["id"] for run in mine}
    runs.cancelled.clear()
    assert (await ann.post("/api/executions/stop")).json() == {"asked": 4, "remaining": 0}
    assert elsewhere["id"] in runs.cancelled
    monkeypatch.setattr("api.stopping.MOST_STOPPED", 2)
    monkeypatch.setattr("api.stopping._PAGE", 2)
    runs.cancelled.clear()
    answer = await ann.post("/api/executions/stop")
    assert answer.json()["asked"] == len(runs.cancelled) <= 2
    assert answer.json()["remaining"] == 2
