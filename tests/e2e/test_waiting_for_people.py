"""Reviews and events through real processes: a run that waits survives them all, and every door decides."""

import json
from typing import Any

from blocks.people import HumanInTheLoop, WaitForEvent
from dev.health import until
from engine.model import Graph
from tests.support.blocks import Sink, Source, Trace
from tests.support.graphs import graph, node
from tests.support.system import System


def asking(file: str) -> Graph:
    """in → entered once → review → one output for each way."""
    return graph(
        [
            node("in", Source, name="draft"),
            node("before", Trace, file=file),
            node("ask", HumanInTheLoop, name="Send it?"),
            node("yes", Sink, name="yes"),
            node("no", Sink, name="no"),
        ],
        "in.result -> before.value",
        "before.value -> ask.data",
        "ask.approved_data -> yes.value",
        "ask.rejected_data -> no.value",
    )


async def in_review(system: System, execution_id: str) -> dict[str, Any]:
    """The run's review, once the run waits for nothing else."""

    async def probe() -> bool:
        answer = await system.http.get(f"/api/executions/{execution_id}")
        return bool(answer.json()["status"] == "REVIEW")

    assert await until(probe, 40)
    (review,) = (await system.http.get(f"/api/review/execution/{execution_id}")).json()
    return dict(review)


async def decide(system: System, review: dict[str, Any], **decision: Any) -> tuple[int, dict[str, Any]]:
    answer = await system.http.post(
        "/api/review/action", json={"reviews": [{"review_id": review["id"], "approved": True, **decision}]}
    )
    return answer.status_code, answer.json()


async def test_a_review_outlives_every_worker(system: System, tmp_path: Any) -> None:
    entered = tmp_path / "entered"
    graph_id = await system.save(asking(str(entered)))
    execution_id = await system.execute(graph_id, {"draft": "Dear Ada"})
    review = await in_review(system, execution_id)
    assert review["payload"] == "Dear Ada"
    pending = (await system.http.get("/api/review/pending")).json()["items"]
    assert review["id"] in [each["id"] for each in pending]
    system.kill_workers()
    status, body = await decide(system, review)
    assert (status, body["error"]["code"]) == (503, "unavailable")
    await system.start_worker()
    # Sent once more, whatever became of the first request.
    approved = {"approved_count": 1, "rejected_count": 0, "failed_count": 0, "error": None}
    assert await decide(system, review) == (200, approved)
    result = await system.ended(execution_id)
    assert result["outputs"]["yes"] == ["Dear Ada"]
    assert entered.read_text().count("\n") == 1, "what was done before the review is not done again"


async def test_a_decision_from_the_command_line(system: System, tmp_path: Any) -> None:
    graph_id = await system.save(asking(str(tmp_path / "entered")))
    execution_id = await system.execute(graph_id, {"draft": 1})
    review = await in_review(system, execution_id)
    decision = {"review_id": review["id"], "approved": False, "reviewer": "ops", "message": "Not today"}
    update = ("workflow", "update", "execute", "-w", execution_id, "--name", "review_node", "-i")
    shown = system.temporal(*update, json.dumps(decision))
    assert "approved:false" in shown
    result = await system.ended(execution_id)
    assert result["outputs"]["no"] == [1]
    (row,) = (await system.http.get(f"/api/review/execution/{execution_id}")).json()
    assert (row["status"], row["reviewed_by"], row["review_message"]) == ("REJECTED", "ops", "Not today")
    status, body = await decide(system, review)
    assert (status, body["error"]["code"]) == (409, "review_decided")


async def test_a_run_in_review_is_stopped(system: System, tmp_path: Any) -> None:
    graph_id = await system.save(asking(str(tmp_path / "entered")))
    execution_id = await system.execute(graph_id, {"draft": 1})
    review = await in_review(system, execution_id)
    stopped = await system.http.post(f"/api/graphs/{graph_id}/executions/{execution_id}/stop")
    assert stopped.json()["status"] == "TERMINATED"
    (row,) = (await system.http.get(f"/api/review/execution/{execution_id}")).json()
    assert (row["id"], row["status"], row["review_message"]) == (
        review["id"], "REJECTED", "Execution was stopped by user",
    )  # fmt: skip


async def test_events_by_two_doors(system: System) -> None:
    graph_id = await system.save(
        graph(
            [
                node("one", WaitForEvent, name="paid"),
                node("two", WaitForEvent, name="shipped"),
                node("out", Sink, name="n"),
                node("end", Sink, name="n"),
            ],
            "one.payload -> out.value",
            "two.payload -> end.value",
        )
    )
    execution_id = await system.execute(graph_id)
    sent = await system.http.post(f"/api/executions/{execution_id}/events/paid", json={"payload": {"amount": 5}})
    assert sent.status_code == 202
    event = json.dumps({"name": "shipped", "payload": "by hand"})
    system.temporal("workflow", "signal", "-w", execution_id, "--name", "event", "-i", event)
    result = await system.ended(execution_id)
    assert sorted(map(str, result["outputs"]["n"])) == ["by hand", "{'amount': 5}"]
    late = await system.http.post(f"/api/executions/{execution_id}/events/paid", json={})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "execution_over")
