"""Reviews, events and a graph's settings over HTTP."""

from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns

from contracts.errors import ReviewDecided
from engine.model import Status
from store.memory import MemoryStore
from store.reviews import NewReview
from tests.store.samples import NOW, RUN, end, execution, node


async def ask(store: MemoryStore, run: dict[str, Any], review_id: str = "x-1", **changes: Any) -> None:
    """The run's node asks for a decision."""
    execution_id = run["id"]
    new = execution(id=execution_id, user_id="ann", graph_id=run["graph_id"])
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await store.executions.record(execution_id, run_id=RUN, nodes=[node(review_id, Status.REVIEW)])
    asked: dict[str, Any] = {
        "execution_id": execution_id,
        "id": review_id,
        "node_execution_id": review_id,
        "node_id": "n",
        "user_id": "ann",
        "attempt": 1,
        "payload": {"value": {"to": "Ada"}},
        "instructions": "Send it?",
        "editable": True,
        "asked_at": NOW,
    }
    await store.reviews.ask(NewReview(**asked | changes))


async def decide(client: httpx.AsyncClient, *reviews: dict[str, Any]) -> tuple[int, Any]:
    answer = await client.post("/api/review/action", json={"reviews": list(reviews)})
    body = answer.json()
    return answer.status_code, body["error"]["code"] if body.get("error") else body


APPROVE = {"review_id": "x-1", "approved": True}


async def test_what_waits_is_listed_for_its_user(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    await ask(store, run)
    page = (await ann.get("/api/review/pending")).json()
    assert (page["total_count"], page["next_cursor"]) == (1, None)
    (shown,) = page["items"]
    assert shown["payload"] == {"to": "Ada"}
    assert (shown["id"], shown["node_exec_id"], shown["status"]) == ("x-1", "x-1", "WAITING")
    assert (shown["execution_id"], shown["graph_id"]) == (run["id"], run["graph_id"])
    assert (await ann.get(f"/api/review/execution/{run['id']}")).json() == [shown]
    assert (await bob.get("/api/review/pending")).json()["items"] == []
    assert (await bob.get(f"/api/review/execution/{run['id']}")).status_code == 404
    assert await decide(bob, APPROVE) == (404, "review_not_found")


async def test_a_decision_reaches_the_run(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    decision = {
        "node_exec_id": "x-1",
        "approved": True,
        "message": " ",
        "reviewed_data": {"to": "Bob"},
        "auto_approve_future": False,
    }
    assert await decide(ann, decision) == (
        200,
        {"approved_count": 1, "rejected_count": 0, "failed_count": 0, "error": None},
    )
    ((execution_id, told),) = runs.decisions
    assert execution_id == run["id"]
    assert (told.reviewer, told.message, told.reviewed_data) == ("ann", "", {"to": "Bob"})


async def test_large_data_travels_by_reference(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    await decide(ann, APPROVE | {"reviewed_data": "x" * 100_000})
    ((_, told),) = runs.decisions
    assert told.reviewed_data is None
    assert told.reviewed_data_ref is not None
    assert told.edits


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"review_id": "nobody"}, 404, "review_not_found"),
        ({"reviewed_data": "x" * 300_000}, 413, "body_too_large"),
        ({"reviewed_data": [[[[[[[[[[[1]]]]]]]]]]]}, 400, "invalid_request"),
        ({"message": "x" * 2_001}, 400, "invalid_request"),
        ({"approved": "perhaps"}, 400, "invalid_request"),
        ({"reviewer": "somebody else"}, 400, "invalid_request"),
    ],
)
async def test_bad_decisions_are_refused(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns,
    change: dict[str, Any], status: int, code: str,
) -> None:  # fmt: skip
    await ask(store, run)
    assert await decide(ann, APPROVE | change) == (status, code)
    assert runs.decisions == []


async def test_decisions_of_one_request(
    ann: httpx.AsyncClient, run: dict[str, Any], another_run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    await ask(store, run, "x-2", editable=False)
    await ask(store, another_run, "y-1")
    assert await decide(ann) == (400, "invalid_request")
    assert await decide(ann, APPROVE, APPROVE) == (400, "invalid_request")
    assert await decide(ann, APPROVE, {"review_id": "y-1", "approved": True}) == (409, "reviews_of_several_runs")
    edited = {"review_id": "x-2", "approved": True, "reviewed_data": 1}
    assert await decide(ann, APPROVE, edited) == (400, "review_not_editable")
    assert runs.decisions == []
    status, counts = await decide(ann, APPROVE, {"review_id": "x-2", "approved": False})
    assert (status, counts["approved_count"], counts["rejected_count"]) == (200, 1, 1)


async def test_a_decision_that_stands(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    await store.reviews.decide(
        run["id"], "x-1", run_id=RUN, approved=False, reviewer="ann", message="", data=None, at=NOW
    )
    assert await decide(ann, APPROVE) == (409, "review_decided")
    assert runs.decisions == []
    assert (await decide(ann, APPROVE | {"approved": False}))[0] == 200
    assert await decide(ann, APPROVE | {"approved": False, "message": "other"}) == (409, "review_decided")
    edited = {"approved": False, "reviewed_data": {"to": "Bob"}}
    assert await decide(ann, APPROVE | edited) == (409, "review_decided")
    assert runs.decisions == []


async def test_the_run_has_the_last_word(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    runs.refuses = ReviewDecided()
    assert await decide(ann, APPROVE) == (409, "review_decided")


async def test_a_run_that_has_ended(
    ann: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore, runs: NotedRuns
) -> None:
    await ask(store, run)
    new = execution(id=run["id"], user_id="ann")
    await store.executions.finish(new, run_id=RUN, finish=end(Status.TERMINATED))
    (shown,) = (await ann.get(f"/api/review/execution/{run['id']}")).json()
    assert (shown["status"], shown["review_message"]) == ("REJECTED", "Execution was stopped by user")
    assert await decide(ann, APPROVE) == (409, "execution_over")
    assert await decide(ann, APPROVE | {"approved": False}) == (409, "execution_over")
    sent = await ann.post(f"/api/executions/{run['id']}/events/paid", json={})
    assert (sent.status_code, sent.json()["error"]["code"]) == (409, "execution_over")
    assert runs.events == []


async def test_an_event_is_sent(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns
) -> None:
    path = f"/api/executions/{run['id']}/events/order%20paid"
    sent = await ann.post(path, json={"payload": {"amount": 5}})
    assert (sent.status_code, sent.json()) == (202, {"execution_id": run["id"], "name": "order paid"})
    await ann.post(path)
    await ann.post(path, json={"payload": "x" * 100_000})
    told = [event for _, event in runs.events]
    assert [event.payload for event in told] == [{"amount": 5}, None, None]
    assert told[2].payload_ref is not None
    assert (await bob.post(path, json={})).status_code == 404
    assert (await ann.post(path, json={"payload": 1, "more": 2})).status_code == 400
    assert (await ann.post(path, json=[1])).status_code == 400


async def test_settings_of_a_graph(ann: httpx.AsyncClient, bob: httpx.AsyncClient, run: dict[str, Any]) -> None:
    path = f"/api/graphs/{run['graph_id']}/settings"
    assert (await ann.get(path)).json() == {"human_in_the_loop_safe_mode": True, "sensitive_action_safe_mode": False}
    changed = await ann.patch(path, json={"sensitive_action_safe_mode": True})
    assert changed.json() == {"human_in_the_loop_safe_mode": True, "sensitive_action_safe_mode": True}
    assert (await ann.get(path)).json() == changed.json()
    assert (await bob.get(path)).status_code == 404
    assert (await bob.patch(path, json={})).status_code == 404
    assert (await ann.patch(path, json={"safe": True})).status_code == 400
