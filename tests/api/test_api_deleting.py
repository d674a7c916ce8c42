"""Deleting runs and graphs over HTTP."""

from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns, sum_graph
from fastapi import FastAPI

from api.app import create_app
from settings import Settings
from store.memory import MemoryStore
from tests.store.samples import RUN, end, execution


async def finish(store: MemoryStore, execution_id: str) -> None:
    """The run ends, as its workflow would have it."""
    new = execution(id=execution_id, user_id="ann")
    await store.executions.finish(new, run_id=RUN, finish=end())


async def test_a_run_is_deleted(ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore) -> None:
    path = f"/api/executions/{run['id']}"
    refused = await ann.delete(path)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "execution_running"
    await finish(store, run["id"])
    deleted = await ann.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await ann.get(path)).status_code == 404
    assert (await ann.delete(path)).status_code == 404
    assert (await ann.get("/api/executions")).json()["total_count"] == 0


async def test_a_graph_is_deleted_with_all_versions(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    path = f"/api/graphs/{run['graph_id']}"
    assert (await ann.put(path, json=sum_graph())).status_code == 200
    refused = await ann.delete(path)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "execution_running"
    assert (await ann.get(path)).status_code == 200
    await finish(store, run["id"])
    deleted = await ann.delete(path)
    assert (deleted.status_code, deleted.json()) == (200, {"version_counts": 2})
    assert (await ann.get(path)).status_code == 404
    assert (await ann.delete(path)).status_code == 404


async def test_a_deleted_graph_starts_no_run_and_its_runs_can_be_read(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await finish(store, run["id"])
    execute = f"/api/graphs/{run['graph_id']}/execute/1"
    # Remembered by now, so that the next start of this version would ask the database nothing.
    started = await ann.post(execute, json={"inputs": {"number": 4}})
    await finish(store, started.json()["id"])
    before = dict(runs.started)
    assert (await ann.delete(f"/api/graphs/{run['graph_id']}")).status_code == 200
    refused = await ann.post(execute, json={"inputs": {"number": 4}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "graph_not_found")
    assert runs.started == before
    for path in ("", "/results", "/events"):
        assert (await ann.get(f"/api/executions/{run['id']}{path}")).status_code == 200, path


@pytest.mark.parametrize(
    ("setting", "code"),
    [({"max_nodes_per_graph": 2}, "too_many_nodes"), ({"max_links_per_graph": 1}, "too_many_links")],
)
async def test_a_graph_beyond_the_limits_is_refused(
    store: MemoryStore, runs: NotedRuns, app: FastAPI, setting: dict[str, int], code: str
) -> None:
    catalogue = app.state.services.catalogue
    narrow = create_app(Settings(**setting), store=store, temporal=runs, catalogue=catalogue)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(narrow)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(transport=transport, base_url="http://heddle.test", headers=headers) as ann:
        answer = await ann.post("/api/graphs", json=sum_graph())
        assert answer.status_code == 400
        [problem] = answer.json()["error"]["details"]["problems"]
        assert (problem["code"], problem["level"]) == (code, "save")
        # What was stored under other limits, or imported, is kept and not run.
        imported = await ann.post("/api/graphs/import", json=sum_graph())
        assert [each["code"] for each in imported.json()["problems"]] == [code]
        shown = await ann.get(f"/api/graphs/{imported.json()['id']}")
        assert [each["code"] for each in shown.json()["problems"]] == [code]
        answer = await ann.post(f"/api/graphs/{imported.json()['id']}/execute", json={"inputs": {"number": 4}})
        assert answer.status_code == 400
        assert [each["code"] for each in answer.json()["error"]["details"]["problems"]] == [code]
