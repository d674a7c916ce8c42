"""The process itself: health, metrics, its description, and starting while everything is down."""

import asyncio
from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns, TestCatalogue
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.runs import SUMMARY_BYTES, clip
from contracts.errors import Unavailable
from settings import Settings
from store.memory import MemoryStore


async def test_ready(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})


async def test_missing(anyone: httpx.AsyncClient, runs: NotedRuns, store: MemoryStore) -> None:
    async def fail() -> None:
        raise Unavailable("The database does not answer.")

    runs.workers = False
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["workers: no poller on task queue heddle"])
    runs.down = True
    store.ping = fail  # type: ignore[method-assign]
    assert (await anyone.get("/health/ready")).json() == {
        "ready": False,
        "missing": [
            "postgres: The database does not answer.",
            "temporal: Temporal cannot be reached. Try again shortly.",
        ],
    }
    assert (await anyone.get("/health")).json() == {"status": "ok"}


async def test_a_check_that_hangs_is_bounded(
    anyone: httpx.AsyncClient, runs: NotedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr("api.health.CHECK_SECONDS", 0.01)
    runs.check = hang  # type: ignore[assignment, method-assign]
    runs.has_workers = hang  # type: ignore[method-assign]
    assert (await anyone.get("/health/ready")).json()["missing"] == ["temporal: no answer within 0.01 s"]


async def test_starts_while_everything_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.connections.FIRST_WAIT_SECONDS", 0.01)
    settings = Settings(
        database_url="postgresql://nobody:hunter2@127.0.0.1:9/none",  # type: ignore[arg-type]
        temporal_address="127.0.0.1:9",
    )
    app = create_app(settings, catalogue=TestCatalogue())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://heddle.test") as client:
            assert (await client.get("/health")).status_code == 200
            ready = await client.get("/health/ready")
            assert ready.status_code == 503
            assert [text.split(":")[0] for text in ready.json()["missing"]] == ["postgres", "temporal"]
            assert "hunter2" not in ready.text
            answer = await client.get("/api/graphs", headers={"X-API-Key": "key"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
            text = (await client.get("/metrics")).text
            assert "heddle_api_requests_total" in text
            assert "temporal_" in text or "# Temporal's SDK" not in text


async def test_metrics(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    await ann.get(f"/api/graphs/{graph['id']}")
    await ann.get(f"/v1/graphs/{graph['id']}")
    await ann.get("/nothing/at/all")
    text = (await ann.get("/metrics")).text
    samples = {
        (sample.labels["method"], sample.labels["endpoint"], sample.labels["status_code"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "heddle_api_requests_total"
    }
    assert samples == {
        ("POST", "/api/graphs", "201"): 1,
        ("GET", "/api/graphs/{graph_id}", "200"): 1,
        ("GET", "/v1/graphs/{graph_id}", "200"): 1,
        ("GET", "unmatched", "404"): 1,
    }
    assert graph["id"] not in text


async def test_request_ids(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/health", headers={"X-Request-ID": "mine-1"})).headers["x-request-id"] == "mine-1"
    assert (await anyone.get("/health", headers={"X-Request-ID": "no\tt safe"})).headers["x-request-id"] != "no\tt safe"


async def test_every_route_is_described(anyone: httpx.AsyncClient, app: FastAPI) -> None:
    schema = (await anyone.get("/openapi.json")).json()
    assert not any(path.startswith("/v1") for path in schema["paths"])
    tags = {tag["name"] for tag in schema["tags"]}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert set(operation["tags"]) <= tags, where
            assert "422" not in operation["responses"], where
            if path.startswith("/api"):
                assert {"400", "401", "404", "413", "503"} <= set(operation["responses"]), where
                assert operation["security"], where
            if method in ("post", "put") and not path.endswith(("/stop", "/cancel", "_id}/resume")):
                body = operation["requestBody"]["content"]["application/json"]["schema"]
                # A block's own inputs are the body of what runs it.
                assert body.get("properties") or path.endswith("/blocks/{block_id}/execute"), where


def test_two_applications_in_one_process(settings: Settings) -> None:
    assert create_app(settings, store=MemoryStore()) is not create_app(settings, store=MemoryStore())


@pytest.mark.parametrize(
    ("name", "summary"),
    [("Plain", "Plain"), (" a\n\tb\x00 c ", "a b c"), ("", "Untitled agent"), ("ü" * 500, "ü" * (SUMMARY_BYTES // 2))],
)
def test_summaries_fit_into_temporal(name: str, summary: str) -> None:
    assert clip(name) == summary
    assert len(clip(name).encode()) <= SUMMARY_BYTES
