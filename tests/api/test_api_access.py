"""Who may do what: every route asks for a key, and another user's things do not exist."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.authentication import REMEMBERED_SECONDS, Authenticator
from contracts.errors import NotAuthenticated
from settings import Settings
from store.memory import MemoryStore

OPEN = {"/health", "/health/live", "/health/ready", "/metrics"}


def _routes() -> list[tuple[str, str]]:
    """(method, path) of every route, under both prefixes."""
    app = create_app(Settings(), store=MemoryStore())
    documented = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    return documented + [
        (method, path.replace("/api/", "/v1/", 1)) for method, path in documented if path.startswith("/api/")
    ]


ROUTES = _routes()
GUARDED = [(method, path) for method, path in ROUTES if path not in OPEN]


def _count(router: Any) -> int:
    """Methods and paths below a router, however FastAPI nests them."""
    total = 0
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        total += _count(inner) if inner is not None else len(set(getattr(route, "methods", ())) - {"HEAD"})
    return total


def test_the_list_of_routes_is_complete(app: FastAPI) -> None:
    documentation = 3  # /, /docs, /openapi.json
    assert len(ROUTES) == _count(app) - documentation
    assert len(GUARDED) >= 2 * 16


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_key(anyone: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await anyone.request(method, path, content=b"not even JSON")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_with_a_wrong_key(anyone: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic a2V5"}):
        assert (await anyone.request(method, path, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [route for route in GUARDED if "{graph_id}" in route[1] or "{exec" in route[1]]
)
async def test_what_is_anothers_does_not_exist(
    bob: httpx.AsyncClient, run: dict[str, Any], method: str, path: str
) -> None:
    places = {
        "graph_id": run["graph_id"],
        "execution_id": run["id"],
        "version": 1,
        "name": "paid",
        "sha256": "0" * 64,
        "bulk_id": "resume-1",
    }
    filled = path.format(**places)
    body = {"name": "x", "nodes": [], "links": []} if method == "PUT" else {}
    answer = await bob.request(method, filled, json=body)
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["code"] in {"graph_not_found", "execution_not_found"}


async def test_lists_hold_only_ones_own(ann: httpx.AsyncClient, bob: httpx.AsyncClient, run: dict[str, Any]) -> None:
    for path in ("/api/graphs", "/api/executions"):
        assert (await ann.get(path)).json()["total_count"] == 1
        assert (await bob.get(path)).json() == {"items": [], "next_cursor": None, "total_count": 0}


@pytest.mark.parametrize("headers", [{"X-API-Key": "key-of-ann"}, {"Authorization": "Bearer key-of-ann"}])
async def test_both_ways_to_send_a_key(anyone: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await anyone.get("/v1/graphs", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_open_routes(anyone: httpx.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 200


async def test_a_key_is_remembered_for_a_few_seconds_only(store: MemoryStore) -> None:
    now = 100.0
    asked: list[str] = []
    by_api_key = store.users.by_api_key

    async def counted(key: str) -> Any:
        asked.append(key)
        return await by_api_key(key)

    store.users.by_api_key = counted  # type: ignore[method-assign]
    authenticator = Authenticator(store, clock=lambda: now)
    for _ in range(3):
        assert (await authenticator.user_of("key-of-ann")).id == "ann"
    assert asked == ["key-of-ann"]
    now += REMEMBERED_SECONDS + 0.1
    await authenticator.user_of("key-of-ann")
    assert len(asked) == 2
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            await authenticator.user_of("unknown")
    assert len(asked) == 4, "an unknown key is asked for each time"
