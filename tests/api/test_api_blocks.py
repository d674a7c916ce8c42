"""Blocks over HTTP: found, described, and run by themselves."""

from typing import Any

import httpx
import pytest
from api_doubles import ADD, AGENT, DISABLED, FAR, NotedRuns, TestAdd, TestCatalogue, node

from contracts.block_execution import BlockExecutionResult
from contracts.errors import InsufficientBalance
from store.memory import MemoryStore


async def names(ann: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await ann.get("/api/blocks", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["total_count"] >= len(body["items"])
    return [block["name"] for block in body["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Add", "Agent", "Dropdown", "Input", "Output"]),
        ({"search": "ADD"}, ["Add"]),
        ({"search": "tests put"}, ["Input", "Output"]),
        ({"search": ADD}, ["Add"]),
        ({"search": "AddBlock"}, ["Add"]),
        ({"search": "SendTelegramBlock", "availability": "all"}, ["Send Telegram"]),
        ({"search": "telegraph"}, []),
        ({"search": "telegraph", "availability": "all"}, ["Send Telegram"]),
        ({"availability": "unavailable"}, ["Send Telegram"]),
        ({"availability": "all"}, ["Add", "Agent", "Dropdown", "Input", "Output", "Send Telegram"]),
        ({"category": "LOGIC"}, ["Add"]),
        ({"category": "SOCIAL"}, []),
        ({"category": "SOCIAL", "availability": "all"}, ["Send Telegram"]),
        ({"cost": "paid"}, ["Add"]),
        ({"cost": "free", "search": "put"}, ["Input", "Output"]),
    ],
)
async def test_blocks_are_found(ann: httpx.AsyncClient, query: dict[str, str], found: list[str]) -> None:
    assert await names(ann, **query) == found


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_give_every_block_once(ann: httpx.AsyncClient, limit: int) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": limit, "availability": "all"}
    while True:
        page = (await ann.get("/api/blocks", params=query)).json()
        assert page["total_count"] == 6
        seen += [block["name"] for block in page["items"]]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == limit
        query["cursor"] = page["next_cursor"]
    assert seen == ["Add", "Agent", "Dropdown", "Input", "Output", "Send Telegram"]


@pytest.mark.parametrize(
    "query", ["category=TEA", "availability=maybe", "cost=some", "cursor=nobody", "limit=0", "search=" + "a" * 201]
)
async def test_wishes_that_cannot_be_read(ann: httpx.AsyncClient, query: str) -> None:
    answer = await ann.get(f"/api/blocks?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def test_a_block_that_is_only_known_is_described(ann: httpx.AsyncClient) -> None:
    shown = (await ann.get(f"/api/blocks/{FAR}")).json()
    assert shown["available"] is False
    assert shown["unavailable_because"] == "it needs an account with a telegraph office"
    assert shown["inputSchema"]["required"] == ["text"]
    assert set(shown["outputSchema"]["properties"]) == {"sent", "error"}
    assert (await ann.get(f"/api/blocks/{ADD}")).json()["available"] is True


async def test_a_graph_with_such_a_block_is_kept_shown_and_not_run(ann: httpx.AsyncClient) -> None:
    graph = {"name": "Telegraph", "nodes": [node("tell", FAR, "Tell them", text="hi")], "links": []}
    saved = await ann.post("/api/graphs", json=graph)
    assert saved.status_code == 201, saved.text
    shown = (await ann.get(f"/api/graphs/{saved.json()['id']}")).json()
    for told in (saved.json(), shown):
        assert [problem["code"] for problem in told["problems"]] == ["block_unavailable"]
    assert [n["block_id"] for n in shown["nodes"]] == [FAR]
    again = {"name": "Telegraph", "nodes": shown["nodes"], "links": shown["links"]}
    assert (await ann.put(f"/api/graphs/{saved.json()['id']}", json=again)).status_code == 200
    started = await ann.post(f"/api/graphs/{saved.json()['id']}/execute", json={"inputs": {}})
    assert started.status_code == 400
    [problem] = started.json()["error"]["details"]["problems"]
    assert (problem["code"], problem["level"], problem["block_id"]) == ("block_unavailable", "run", FAR)
    assert problem["message"] == (
        "Node Tell them uses block ‘Send Telegram’, which this deployment does not have: "
        "it needs an account with a telegraph office."
    )


# --- running one by itself --------------------------------------------------------------------


async def test_a_block_runs_by_a_workflow(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    answer = await ann.post(f"/api/blocks/{ADD}/execute", json={"a": 1, "b": 2})
    assert (answer.status_code, answer.json()) == (200, {"result": [3]})
    [(execution_id, asked)] = runs.blocks.items()
    assert execution_id.startswith("block-")
    assert (asked.block_id, asked.user_id, asked.inputs, asked.seconds) == (ADD, "ann", {"a": 1, "b": 2}, 60.0)


async def test_large_values_travel_by_reference(ann: httpx.AsyncClient, runs: NotedRuns, store: MemoryStore) -> None:
    reference = await store.values.put("block-1", b'{"result": ["large"]}')
    runs.block_result = BlockExecutionResult(outputs=reference)
    answer = await ann.post(f"/api/blocks/{ADD}/execute", json={"a": "x" * 100_000, "b": 2})
    assert answer.json() == {"result": ["large"]}
    [asked] = runs.blocks.values()
    assert asked.inputs == {"b": 2}
    assert (await store.values.get([asked.input_refs["a"]])).popitem()[1] == "x" * 100_000


@pytest.mark.parametrize(
    ("block_id", "status", "code", "words"),
    [
        ("none", 404, "block_not_found", "No block"),
        (FAR, 403, "block_unavailable", "telegraph office"),
        (DISABLED, 403, "block_disabled", "disabled"),
        (AGENT, 400, "unsupported", "graph only"),
    ],
)
async def test_blocks_that_are_not_run(
    ann: httpx.AsyncClient, runs: NotedRuns, block_id: str, status: int, code: str, words: str
) -> None:
    answer = await ann.post(f"/api/blocks/{block_id}/execute", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert words in answer.json()["error"]["message"]
    assert runs.blocks == {}


async def test_nothing_runs_without_credits(
    app: Any, ann: httpx.AsyncClient, runs: NotedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Empty:
        async def require_positive(self, user_id: str) -> None:
            raise InsufficientBalance

    monkeypatch.setattr(app.state.services, "balance", Empty())
    answer = await ann.post(f"/api/blocks/{ADD}/execute", json={"a": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_balance")
    assert runs.blocks == {}


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ("invalid_input", 400, "invalid_input"),
        ("block_failed", 400, "block_failed"),
        ("timed_out", 400, "block_failed"),
    ],
)
async def test_a_block_that_fails(
    ann: httpx.AsyncClient, runs: NotedRuns, failure: str, status: int, code: str
) -> None:
    runs.block_result = BlockExecutionResult(outputs={"value": {"out": [1]}}, error="No tea", error_code=failure)
    answer = await ann.post(f"/api/blocks/{ADD}/execute", json={})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (status, code, "No tea")
    if code == "block_failed":
        assert error["details"] == {"code": failure, "outputs": {"out": [1]}}


async def test_temporal_is_away(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    runs.down = True
    assert (await ann.post(f"/api/blocks/{ADD}/execute", json={"a": 1})).status_code == 503


async def test_what_is_no_object_is_refused(ann: httpx.AsyncClient, catalogue: TestCatalogue) -> None:
    assert catalogue.get(ADD).__class__ is TestAdd
    assert (await ann.post(f"/api/blocks/{ADD}/execute", json=[1])).status_code == 400
