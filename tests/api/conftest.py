"""The application on the store in memory, with two users and a Temporal that takes notes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns, TestCatalogue, sum_graph
from fastapi import FastAPI

from api.app import create_app
from settings import Settings
from store.memory import MemoryStore

ANN, BOB = {"X-API-Key": "key-of-ann"}, {"X-API-Key": "key-of-bob"}


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    for user, key in (("ann", "key-of-ann"), ("bob", "key-of-bob")):
        await store.users.ensure_user(user, email=f"{user}@example.org", name=user.title())
        await store.users.add_api_key(user, name="test", key=key)
    return store


@pytest.fixture
def runs() -> NotedRuns:
    return NotedRuns()


@pytest.fixture
def catalogue() -> TestCatalogue:
    return TestCatalogue()


@pytest.fixture
def settings() -> Settings:
    return Settings(graph_body_limit_bytes=50_000, execute_body_limit_bytes=200_000)


@pytest.fixture
def app(settings: Settings, store: MemoryStore, runs: NotedRuns, catalogue: TestCatalogue) -> FastAPI:
    return create_app(settings, store=store, temporal=runs, catalogue=catalogue)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key. Exceptions that leave the application fail the test."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://heddle.test") as client:
        yield client


@pytest.fixture
async def ann(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://heddle.test", headers=ANN) as client:
        yield client


@pytest.fixture
async def bob(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://heddle.test", headers=BOB) as client:
        yield client


@pytest.fixture
async def graph(ann: httpx.AsyncClient) -> dict[str, Any]:
    """Ann's graph that adds one."""
    answer = await ann.post("/api/graphs", json=sum_graph())
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
async def run(ann: httpx.AsyncClient, graph: dict[str, Any]) -> dict[str, Any]:
    """Ann's run of it, queued."""
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 4}})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
async def another_run(ann: httpx.AsyncClient, graph: dict[str, Any]) -> dict[str, Any]:
    """A second run of it."""
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 5}})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
