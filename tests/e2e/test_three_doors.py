"""What people do with the `temporal` CLI, the rows tell within seconds."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dev.health import until
from tests.support.blocks import Drip, Hang, Lines, Pair, Pass, PassOn, Sink, Source, Trace, TraceOnce
from tests.support.graphs import graph, node
from tests.support.system import USER, System, running_system


@pytest.fixture(scope="module")
async def system(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A Heddle that compares rows with Temporal every second."""
    async with running_system(
        temporal_address,
        temporal_executable,
        database_url,
        tmp_path_factory.mktemp("doors"),
        HEDDLE_RECONCILE_INTERVAL_SECONDS="1",
        HEDDLE_RECONCILE_SILENCE_SECONDS="2",
    ) as running:
        yield running


async def results(system: System, execution_id: str) -> dict[str, Any]:
    answer = await system.http.get(f"/api/executions/{execution_id}/results")
    return dict(answer.json()) if answer.is_success else {}


async def eventually(system: System, execution_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The results once they are as expected."""

    async def probe() -> bool:
        found = await results(system, execution_id)
        return bool(found) and condition(found)

    assert await until(probe, 40), json.dumps(await results(system, execution_id))[:1500]
    return await results(system, execution_id)


def is_(status: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: found["status"] == status


def start(system: System, given: Any, *options: str) -> str:
    """Start a run without the API; its id."""
    execution_id = f"by-hand-{uuid.uuid4()}"
    queue = system.environment["HEDDLE_TASK_QUEUE"]
    text = json.dumps(given)
    system.temporal(
        *("workflow", "start", "--type", "GraphExecution", "-t", queue, "-w", execution_id, "-i", text, *options)
    )
    return execution_id


def history(system: System, execution_id: str) -> list[dict[str, Any]]:
    shown = json.loads(system.temporal("workflow", "show", "-w", execution_id, "-o", "json"))
    return list(shown["events"])


def reset(system: System, execution_id: str, *where: str) -> None:
    system.temporal("workflow", "reset", "-w", execution_id, "--reason", "a test", *where)


def written(path: Path) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return path.exists()

    return probe


def entered(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()]


async def running(system: System, graph_id: str, block_name: str = "TestHang") -> str:
    """A run with a node that is under way."""
    execution_id = await system.execute(graph_id)
    async for _, event in system.events(execution_id):
        if event["type"] == "node_execution_update" and event["block_name"] == block_name:
            break
    return execution_id


async def numbers(system: System, execution_id: str) -> list[tuple[str, str]]:
    """(node or empty, status) of all events that are told."""
    return [(event.get("block_name") or "", event["status"]) async for _, event in system.events(execution_id)]


# --- start ------------------------------------------------------------------------------------


async def test_a_run_started_by_hand_is_like_any_other(system: System) -> None:
    graph_id = await system.save(
        graph([node("in", Source, name="x"), node("out", Sink, name="y")], "in.result -> out.value")
    )
    execution_id = start(system, {"graph_id": graph_id, "user_id": USER, "inputs": {"x": 7}})
    found = await eventually(system, execution_id, is_("COMPLETED"))
    assert found["outputs"] == {"y": [7]}


async def test_an_input_that_cannot_be_read_has_a_row_that_says_why(system: System) -> None:
    execution_id = start(system, {"graph_id": "g", "user_id": USER, "input": {}})
    found = await eventually(system, execution_id, is_("FAILED"))
    assert found["error_code"] == "invalid_request"
    assert "input: Extra inputs are not permitted" in found["error"]


@pytest.mark.parametrize("levels", [120, 197, 1_000])
async def test_an_input_that_is_nested_too_deep_ends_the_run(system: System, levels: int) -> None:
    graph_id = await system.save(graph([node("in", Source, name="x")]))
    deep = json.loads("[" * levels + "]" * levels)
    execution_id = start(system, {"graph_id": graph_id, "user_id": USER, "inputs": {"x": deep}})
    found = await eventually(system, execution_id, is_("FAILED"))
    assert found["error_code"] == "invalid_request"
    assert "nested" in found["error"]


async def test_an_id_that_is_started_once_more_is_a_new_run(system: System) -> None:
    saved = [await system.save(graph([node("in", Source, name=name), node("p", Pass, value=name)])) for name in "xy"]
    execution_id = start(system, {"graph_id": saved[0], "user_id": USER, "inputs": {"x": 1}})
    await eventually(system, execution_id, is_("COMPLETED"))
    queue = system.environment["HEDDLE_TASK_QUEUE"]
    again = json.dumps({"graph_id": saved[1], "user_id": USER, "inputs": {"y": 2}})
    system.temporal("workflow", "start", "--type", "GraphExecution", "-t", queue, "-w", execution_id, "-i", again)
    found = await eventually(system, execution_id, lambda f: f["inputs"] == {"y": 2} and f["status"] == "COMPLETED")
    assert found["graph_id"] == saved[1]
    assert len(found["nodes"]) == 2


async def test_a_run_that_nobody_took_before_it_was_terminated_has_a_row(system: System) -> None:
    graph_id = await system.save(graph([node("p", Pass, value=1)]))
    system.kill_workers()
    execution_id = start(system, {"graph_id": graph_id, "user_id": USER})
    system.temporal("workflow", "terminate", "-w", execution_id, "--reason", "too late")
    await system.start_worker()
    found = await eventually(system, execution_id, is_("TERMINATED"))
    assert "too late" in found["error"]


def close_status(system: System, execution_id: str) -> str:
    described = json.loads(system.temporal("workflow", "describe", "-w", execution_id, "-o", "json"))
    return str(described["workflowExecutionInfo"]["status"]).removeprefix("WORKFLOW_EXECUTION_STATUS_")


async def test_a_run_is_stopped_without_any_worker(system: System) -> None:
    graph_id = await system.save(graph([node("p", PassOn, value=1)]))
    system.kill_workers()
    execution_id = await system.execute(graph_id)
    began = time.monotonic()
    answer = await system.http.post(f"/api/executions/{execution_id}/cancel")
    assert answer.json()["status"] == "TERMINATED"
    assert time.monotonic() - began < 8
    assert close_status(system, execution_id) == "TERMINATED"
    await system.start_worker()
    assert (await system.run(graph_id))["status"] == "COMPLETED"
    found = await results(system, execution_id)
    assert (found["status"], found["nodes"]) == ("TERMINATED", [])


async def test_a_run_that_is_stopped_while_a_worker_starts_has_one_end(system: System) -> None:
    graph_id = await system.save(graph([node("p", Pass, value=1)]))
    system.kill_workers()
    ids = [await system.execute(graph_id) for _ in range(8)]

    async def stopped(place: int, execution_id: str) -> None:
        await asyncio.sleep(place * 0.4)
        await system.http.post(f"/api/executions/{execution_id}/cancel")

    await asyncio.gather(system.start_worker(), *(stopped(*each) for each in enumerate(ids)))
    agreed = {"TERMINATED": ("TERMINATED", "CANCELED"), "COMPLETED": ("COMPLETED",)}
    for execution_id in ids:
        found = await eventually(system, execution_id, lambda f: f["status"] in agreed)
        assert close_status(system, execution_id) in agreed[found["status"]]


# --- the end ----------------------------------------------------------------------------------


async def test_a_terminated_run_says_so_and_its_stream_ends(system: System) -> None:
    execution_id = await running(system, await system.save(graph([node("hang", Hang, value=1)])))
    system.temporal("workflow", "terminate", "-w", execution_id, "--reason", "enough")
    found = await system.ended(execution_id)
    assert (found["status"], found["error_code"]) == ("TERMINATED", "workflow_terminated")
    assert "enough" in found["error"]
    assert [n["status"] for n in found["nodes"]] == ["TERMINATED"]


async def test_a_run_that_timed_out_in_temporal_failed(system: System) -> None:
    graph_id = await system.save(graph([node("hang", Hang, value=1)]))
    execution_id = start(system, {"graph_id": graph_id, "user_id": USER}, "--run-timeout", "3s")
    found = await eventually(system, execution_id, is_("FAILED"))
    assert found["error_code"] == "workflow_timed_out"


async def test_a_deleted_run_failed(system: System) -> None:
    execution_id = await running(system, await system.save(graph([node("hang", Hang, value=1)])))
    system.temporal("workflow", "delete", "-w", execution_id, "--yes")
    found = await eventually(system, execution_id, is_("FAILED"))
    assert found["error_code"] == "workflow_missing"


async def test_a_silent_run_that_goes_on_is_left_alone(system: System) -> None:
    execution_id = await running(system, await system.save(graph([node("hang", Hang, value=1)])))
    await asyncio.sleep(6)
    assert (await results(system, execution_id))["status"] == "RUNNING"
    system.temporal("workflow", "cancel", "-w", execution_id)
    assert (await system.ended(execution_id))["status"] == "TERMINATED"


# --- reset ------------------------------------------------------------------------------------


async def test_reset_to_the_beginning_runs_everything_again(system: System, tmp_path: Path) -> None:
    log = tmp_path / "entered"
    graph_id = await system.save(
        graph([node("t", TraceOnce, value=1, file=str(log)), node("out", Sink, name="y")], "t.value -> out.value")
    )
    first = await system.run(graph_id)
    reset(system, first["id"], "--type", "FirstWorkflowTask")
    await eventually(system, first["id"], lambda f: f["status"] == "COMPLETED" and len(entered(log)) == 2)
    found = await system.ended(first["id"])
    assert found["outputs"] == {"y": [1]}
    assert [n["status"] for n in found["nodes"]] == ["COMPLETED"] * 2
    assert {n["id"] for n in found["nodes"]} == {n["id"] for n in first["nodes"]}
    assert [n["ended_at"] for n in found["nodes"]] != [n["ended_at"] for n in first["nodes"]]
    assert (await numbers(system, first["id"])).count(("", "COMPLETED")) == 1, "the first end is no longer told"


@pytest.mark.parametrize("where", ["FirstWorkflowTask", "LastWorkflowTask"])
async def test_reset_of_a_run_of_pure_nodes(system: System, where: str) -> None:
    first = await system.run(await system.save(graph([node("p", Pass, value=1)])))
    reset(system, first["id"], "--type", where)
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert [n["id"] for n in found["nodes"]] == [n["id"] for n in first["nodes"]]


def chain(log: Path, wait_for: str = "") -> Any:
    """Five nodes that take notes, one after the other, and an agent output."""
    nodes = [node("n0", Trace, value=0, file=str(log))]
    nodes += [node(f"n{i}", Trace, file=str(log), wait_for=wait_for if i == 4 else "") for i in range(1, 5)]
    arrows = [f"n{i}.value -> n{i + 1}.value" for i in range(4)]
    return graph([*nodes, node("out", Sink, name="y")], *arrows, "n4.value -> out.value")


def before_completion(events: list[dict[str, Any]], count: int) -> str:
    """The event of the workflow task that heard of the completion number `count`: there a reset goes on."""
    completed = [i for i, event in enumerate(events) if event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_COMPLETED"]
    following = events[completed[count - 1] :]
    found = next(event for event in following if event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED")
    return str(found["eventId"])


async def test_reset_to_the_middle_keeps_what_came_before(system: System, tmp_path: Path) -> None:
    log = tmp_path / "entered"
    first = await system.run(await system.save(chain(log)))
    reset(system, first["id"], "--event-id", before_completion(history(system, first["id"]), 3))
    await eventually(system, first["id"], lambda f: f["status"] == "COMPLETED" and len(entered(log)) == 7)
    found = await system.ended(first["id"])
    assert entered(log)[5:] == entered(log)[3:5], "only what came after is run again"
    assert found["outputs"] == {"y": [0]}
    ended = [n["ended_at"] for n in found["nodes"]]
    assert ended[:3] == [n["ended_at"] for n in first["nodes"]][:3]
    assert all(now > then for now, then in zip(ended[3:], [n["ended_at"] for n in first["nodes"]][3:], strict=True))
    told = [name for name, status in await numbers(system, first["id"]) if status == "COMPLETED"]
    assert sorted(told) == sorted(["TestTrace"] * 5 + ["TestSink", ""])


async def test_reset_to_the_last_task(system: System, tmp_path: Path) -> None:
    log = tmp_path / "entered"
    first = await system.run(await system.save(chain(log)))
    reset(system, first["id"], "--type", "LastWorkflowTask")
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert [n["status"] for n in found["nodes"]] == ["COMPLETED"] * 6
    assert [n["ended_at"] for n in found["nodes"]][:5] == [n["ended_at"] for n in first["nodes"]][:5]
    assert found["outputs"] == {"y": [0]}


async def test_reset_of_a_run_that_is_under_way(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    execution_id = await system.execute(await system.save(chain(log, str(go))))

    async def waits() -> bool:
        return log.exists() and len(entered(log)) == 5

    assert await until(waits, 40)
    reset(system, execution_id, "--event-id", before_completion(history(system, execution_id), 2))

    async def begun_again() -> bool:
        return len(entered(log)) >= 8

    assert await until(begun_again, 40)
    go.touch()
    found = await system.ended(execution_id)
    assert (found["status"], found["outputs"]) == ("COMPLETED", {"y": [0]})
    assert len(found["nodes"]) == 6


async def test_what_the_new_run_does_not_do_is_no_longer_shown(system: System, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("a\nb\nc\n")
    graph_id = await system.save(
        graph(
            [node("l", Lines, value=str(lines)), node("next", PassOn), node("out", Sink, name="y")],
            "l.value -> next.value",
            "next.value -> out.value",
        )
    )
    first = await system.run(graph_id)
    assert sorted(first["outputs"]["y"]) == ["a", "b", "c"]
    lines.write_text("d\n")
    reset(system, first["id"], "--type", "FirstWorkflowTask")
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert found["outputs"] == {"y": ["d"]}
    assert len(found["nodes"]) == 3
    assert len(await numbers(system, first["id"])) <= 8


async def test_reset_after_outputs_that_were_streamed(system: System) -> None:
    graph_id = await system.save(
        graph(
            [node("drip", Drip, value=6, seconds=0.15), node("next", PassOn), node("out", Sink, name="y")],
            "drip.value -> next.value",
            "next.value -> out.value",
        )
    )
    first = await system.run(graph_id)
    assert sorted(first["outputs"]["y"]) == list(range(6))
    reset(system, first["id"], "--event-id", before_completion(history(system, first["id"]), 2))
    found = await eventually(
        system, first["id"], lambda f: f["status"] == "COMPLETED" and f["ended_at"] > first["ended_at"]
    )
    assert sorted(found["outputs"]["y"]) == list(range(6))
    assert len(found["nodes"]) == 13
    [drip] = [n for n in found["nodes"] if n["block_id"] == Drip.id]
    assert drip["outputs"]["value"] == list(range(6))


async def test_after_a_reset_what_waited_waits_again(system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    slow = node("slow", Trace, value="late", file=str(tmp_path / "entered"), wait_for=str(go))
    graph_id = await system.save(
        graph(
            [node("quick", PassOn, value="soon"), slow, node("pair", Pair), node("out", Sink, name="y")],
            "quick.value -> pair.left",
            "slow.value -> pair.right",
            "pair.value -> out.value",
        )
    )
    execution_id = await system.execute(graph_id)
    await eventually(system, execution_id, lambda f: [n["status"] for n in f["nodes"]].count("INCOMPLETE") == 1)
    waiting = history(system, execution_id)
    go.touch()
    await system.ended(execution_id)
    go.unlink()
    last = [e["eventId"] for e in waiting if e["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED"][-1]
    # The server would apply the signals again by which the slow node told its output.
    reset(system, execution_id, "--event-id", str(last), "--reapply-exclude", "Signal")
    found = await eventually(system, execution_id, is_("RUNNING"))
    pairs = [n for n in found["nodes"] if n["block_id"] == Pair.id]
    assert [(n["status"], n["inputs"]) for n in pairs] == [("INCOMPLETE", {"left": "soon"})]
    assert not found["outputs"]
    go.touch()
    found = await eventually(system, execution_id, is_("COMPLETED"))
    assert found["outputs"] == {"y": [["soon", "late"]]}


async def test_a_reset_run_that_was_terminated_before_anybody_took_it(system: System) -> None:
    first = await system.run(await system.save(graph([node("p", PassOn, value=1)])))
    system.kill_workers()
    reset(system, first["id"], "--type", "FirstWorkflowTask")
    system.temporal("workflow", "terminate", "-w", first["id"], "--reason", "on second thoughts")
    await system.start_worker()
    found = await eventually(system, first["id"], is_("TERMINATED"))
    assert "on second thoughts" in found["error"]


# --- signal, pause ----------------------------------------------------------------------------


async def test_a_signal_by_hand_does_no_harm(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    execution_id = await system.execute(await system.save(chain(log, str(go))))
    message = json.dumps({"run_id": "another", "id": "nobody", "outputs": [{"index": 0, "routes": []}]})
    system.temporal("workflow", "signal", "-w", execution_id, "--name", "node_outputs", "-i", message)
    go.touch()
    assert (await system.ended(execution_id))["outputs"] == {"y": [0]}


def activity(system: System, verb: str, execution_id: str) -> None:
    described = json.loads(system.temporal("workflow", "describe", "-w", execution_id, "-o", "json"))
    [pending] = described["pendingActivities"]
    system.temporal("activity", verb, "-w", execution_id, "-a", pending["activityId"])


@pytest.mark.parametrize("verbs", [("pause", "unpause"), ("reset",)], ids=" and ".join)
@pytest.mark.parametrize("block", [Trace, TraceOnce])
async def test_a_paused_or_reset_node(
    system: System, tmp_path: Path, block: type[Trace], verbs: tuple[str, ...]
) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    graph_id = await system.save(
        graph(
            [
                node("t", block, value=1, file=str(log), wait_for=str(go)),
                node("out", Sink, name="y"),
                node("bad", Sink, name="error"),
            ],
            "t.value -> out.value",
            "t.error -> bad.value",
        )
    )
    execution_id = await system.execute(graph_id)
    assert await until(written(log), 30)
    for verb in verbs:
        activity(system, verb, execution_id)
        await asyncio.sleep(4)  # until it has been heard with a heartbeat
        if verb == "pause":
            assert (await results(system, execution_id))["status"] == "RUNNING"
    go.touch()
    found = await system.ended(execution_id)
    nodes = [n for n in found["nodes"] if n["block_id"] == block.id]
    assert len(nodes) == 1
    if block is Trace:
        assert (nodes[0]["status"], found["outputs"]) == ("COMPLETED", {"y": [1]})
    else:
        assert len(entered(log)) == 1
        assert nodes[0]["status"] in ("COMPLETED", "FAILED")
        assert nodes[0]["status"] == "COMPLETED" or "outcome is unknown" in found["outputs"]["error"][0]


# --- the comparison itself --------------------------------------------------------------------


async def test_a_worker_killed_while_it_compares_delays_the_next_comparison_by_seconds(
    system: System, database_url: str
) -> None:
    first = await system.run(await system.save(graph([node("p", PassOn, value=1)])))
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE graph_executions IN ACCESS EXCLUSIVE MODE")
            assert await until(lambda: comparing(system), 40)
            system.kill_workers()
    finally:
        await connection.close()
    # A row that is final is not asked for when it is read: only the comparison finds this.
    reset(system, first["id"], "--type", "FirstWorkflowTask")
    system.temporal("workflow", "terminate", "-w", first["id"], "--reason", "nobody was there")
    await system.start_worker()
    await eventually(system, first["id"], is_("TERMINATED"))


async def comparing(system: System) -> bool:
    """Whether a worker is at comparing rows with workflows."""
    queue = system.environment["HEDDLE_TASK_QUEUE"]
    query = f'WorkflowType = "ReconcileRuns" AND TaskQueue = "{queue}" AND ExecutionStatus = "Running"'
    for found in json.loads(system.temporal("workflow", "list", "-q", query, "-o", "json")):
        described = json.loads(
            system.temporal("workflow", "describe", "-w", found["execution"]["workflowId"], "-o", "json")
        )
        states = [each["state"] for each in described.get("pendingActivities", ())]
        return states == ["PENDING_ACTIVITY_STATE_STARTED"]
    return False
