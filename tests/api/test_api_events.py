"""The event stream: what it sends, where it resumes, when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_doubles import ADD, NotedRuns
from fastapi import FastAPI
from test_api_executions import NOW, RUN_ID, begin, end, new, work

from api.following import LARGEST_VALUE_BYTES, follow
from engine.model import Status
from engine.values import Reference
from store.memory import MemoryStore
from store.ownership import NOTHING
from store.records import Execution, NodeRecord, OutputRecord


def parse(text: str) -> list[dict[str, Any]]:
    """The events of a stream."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append({"id": int(fields["id"]), "event": fields["event"], **json.loads(fields["data"])})
    return events


@pytest.fixture
async def done(run: dict[str, Any], store: MemoryStore) -> dict[str, Any]:
    await begin(store, run)
    await work(store, run)
    await end(store, run["id"])
    return run


async def test_all_events_of_a_run_that_has_ended(ann: httpx.AsyncClient, done: dict[str, Any]) -> None:
    answer = await ann.get(f"/api/executions/{done['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = parse(answer.text)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[0]["status"]) == ("graph_execution_update", "RUNNING")
    assert (events[-1]["type"], events[-1]["status"]) == ("graph_execution_update", "COMPLETED")
    assert all(event["event"] == event["type"] and event["execution_id"] == done["id"] for event in events)
    (added,) = [event for event in events if event.get("node_id") == "add"]
    assert added["outputs"] == {"result": [5, None]}
    assert (added["block_id"], added["block_name"], added["node_execution_id"]) == (ADD, "Add", "n2")
    assert "node_id" not in events[-1]


async def test_titles(ann: httpx.AsyncClient, graph: dict[str, Any], run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    record = NodeRecord("n", graph["node_ids"]["add"], ADD, 0, Status.COMPLETED, seq=0)
    await store.executions.record(run["id"], run_id=RUN_ID, nodes=[record])
    await end(store, run["id"])
    events = parse((await ann.get(f"/api/executions/{run['id']}/events")).text)
    assert [event.get("title") for event in events] == [None, "Plus one", None]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_resumes(ann: httpx.AsyncClient, done: dict[str, Any], how: str) -> None:
    path = f"/api/executions/{done['id']}/events"
    everything = parse((await ann.get(path)).text)
    for after in range(len(everything)):
        sent = {"headers": {"Last-Event-ID": str(after)}} if how == "header" else {"params": {"after": after}}
        assert parse((await ann.get(path, **sent)).text) == everything[after:]  # type: ignore[arg-type]
    for after in (len(everything), 10**18):
        answer = await ann.get(path, headers={"Last-Event-ID": str(after)})
        assert (answer.status_code, answer.content) == (204, b""), "so that a browser does not come back for ever"


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "99999999999999999999", "\u0663".encode(), "1 2"])
async def test_bad_numbers(ann: httpx.AsyncClient, run: dict[str, Any], bad: str | bytes) -> None:
    answer = await ann.get(f"/api/executions/{run['id']}/events", headers={b"Last-Event-ID": bad})  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def _row(store: MemoryStore, run: dict[str, Any]) -> Execution:
    row = await store.executions.get("ann", run["id"])
    assert row is not None
    return row


async def test_events_come_as_they_happen(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    stream = follow(app.state.services, await _row(store, run), after=0)
    waiting = asyncio.ensure_future(anext(stream))
    await begin(store, run)
    assert (await waiting)[0] == 1
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    await work(store, run)
    numbers = [(await waiting)[0]] + [(await anext(stream))[0] for _ in range(4)]
    assert numbers == [2, 3, 4, 5, 6]
    await end(store, run["id"], Status.TERMINATED)
    number, event = await anext(stream)
    assert (number, event.status) == (7, Status.TERMINATED)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert not store.executions._watchers.watched, "nobody watches any more"


async def test_more_events_than_one_read_takes(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    for start in range(0, 298, 50):
        await store.executions.record(
            run["id"],
            run_id=RUN_ID,
            nodes=[
                NodeRecord(f"n{n}", "add", ADD, n, Status.COMPLETED, seq=n) for n in range(start, min(start + 50, 298))
            ],
        )
    await end(store, run["id"])  # the 300th event: the last read comes back full
    numbers = [number async for number, _ in follow(app.state.services, await _row(store, run), after=0)]
    assert numbers == list(range(1, 301))


async def test_a_reader_ahead_of_the_run_still_hears_its_end(
    app: FastAPI, run: dict[str, Any], store: MemoryStore
) -> None:
    await begin(store, run)
    stream = follow(app.state.services, await _row(store, run), after=1000)
    waiting = asyncio.ensure_future(anext(stream))
    await end(store, run["id"])
    assert (await waiting)[1].status is Status.COMPLETED


async def test_a_run_resumed_within_one_read_goes_on(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    stream = follow(app.state.services, await _row(store, run), after=0)
    await end(store, run["id"], Status.FAILED)
    assert await store.ownership.take_over(run["id"], run_id="run-2", owner="run-1", standing=NOTHING, at=NOW)
    await store.executions.begin(new(run), run_id="run-2", at=NOW)
    statuses = [(await anext(stream))[1].status for _ in range(3)]
    assert statuses == [Status.RUNNING, Status.QUEUED, Status.RUNNING], "the end that did not last is not told"
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_values_that_are_too_large_are_left_out(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    await begin(store, run)
    huge: Reference = {"ref": f"{run['id']}/{'0' * 64}", "kind": "string", "size": LARGEST_VALUE_BYTES + 1}
    small = await store.values.put(run["id"], b'"here"')
    record = NodeRecord(
        "n", "add", ADD, 0, Status.COMPLETED, seq=0,
        outputs=(OutputRecord(0, "result", reference=huge), OutputRecord(1, "result", reference=small)),
    )  # fmt: skip
    await store.executions.record(run["id"], run_id=RUN_ID, nodes=[record])
    await end(store, run["id"])
    bodies = [event async for _, event in follow(app.state.services, await _row(store, run), after=1)]
    first, second = bodies[0].outputs["result"]
    assert "8388609 bytes" in first["truncated"]
    assert second == "here"


async def test_a_reader_that_leaves_is_forgotten(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    stream: AsyncIterator[Any] = follow(app.state.services, await _row(store, run), after=0)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.wait([waiting], timeout=0)
    assert store.executions._watchers.watched == {run["id"]}
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not store.executions._watchers.watched


async def test_open_streams_are_counted(ann: httpx.AsyncClient, done: dict[str, Any], runs: NotedRuns) -> None:
    await ann.get(f"/api/executions/{done['id']}/events")
    metrics = (await ann.get("/metrics")).text
    assert "heddle_api_event_streams 0.0" in metrics
    assert 'heddle_api_request_duration_seconds_count{endpoint="/api/executions/{execution_id}/events"' not in metrics
