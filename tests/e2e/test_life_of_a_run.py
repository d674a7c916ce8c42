"""The main jobs, through HTTP and real processes: run, watch, stop, survive a kill."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from dev.health import until
from tests.support.blocks import Drip, DripOnce, Hang, Killer, Pass, PassOn, Sink, Source, Trace, TraceOnce
from tests.support.graphs import graph, node
from tests.support.places import ROOT
from tests.support.system import System


def exists(path: Path) -> Callable[[], Awaitable[bool]]:
    """Whether a block in another process has written its file."""

    async def probe() -> bool:
        return path.exists()

    return probe


async def test_the_example_agent_gives_its_outputs(system: System) -> None:
    agent = json.loads((ROOT / "examples/story_loop.json").read_text())
    imported = await system.import_agent(agent)
    assert imported["problems"] == []
    result = await system.run(imported["id"], {"topic": "wool", "count": 2})
    assert result["status"] == "COMPLETED"
    assert result["outputs"] == {
        "lines": ["1. a line about wool", "2. a line about wool"],
        "words": ["warp", "weft", "shuttle"],
    }


async def test_events_come_as_things_happen_and_resume_without_gaps(system: System) -> None:
    graph_id = await system.save(
        graph([node("drip", Drip, value=5, seconds=0.1), node("out", Sink, name="n")], "drip.value -> out.value")
    )
    execution_id = await system.execute(graph_id)
    numbers, seen = [], []
    async for number, event in system.events(execution_id):
        numbers.append(number)
        seen.append(event)
    assert numbers == list(range(1, len(numbers) + 1))
    assert seen[-1]["type"] == "graph_execution_update"
    assert seen[-1]["status"] == "COMPLETED"
    values = [v for e in seen if e.get("block_name") == "TestSink" for v in e["outputs"].get("output", [])]
    assert values == [0, 1, 2, 3, 4]
    again = [number async for number, _ in system.events(execution_id, after=3)]
    assert again == numbers[3:]


async def test_downstream_runs_several_times_before_a_slow_block_ends(system: System) -> None:
    graph_id = await system.save(
        graph([node("drip", Drip, value=10, seconds=0.2), node("next", PassOn)], "drip.value -> next.value")
    )
    result = await system.run(graph_id)
    [drip] = [n for n in result["nodes"] if n["block_id"] == Drip.id]
    early = [n for n in result["nodes"] if n["block_id"] == PassOn.id and n["ended_at"] < drip["ended_at"]]
    assert len(early) >= 5


async def test_a_killed_worker_loses_nothing_and_repeats_nothing_finished(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    nodes = [node("n0", Trace, value=0, file=str(log))]
    nodes += [node(f"n{i}", Trace, file=str(log), wait_for=str(go) if i == 5 else "") for i in range(1, 10)]
    chain = graph(
        [*nodes, node("out", Sink, name="y")],
        *[f"n{i}.value -> n{i + 1}.value" for i in range(9)],
        "n9.value -> out.value",
    )
    execution_id = await system.execute(await system.save(chain))
    async for _, event in system.events(execution_id):
        if event["type"] == "node_execution_update" and event["status"] == "RUNNING":
            break
    entered = [line.split()[0] for line in log.read_text().splitlines()]
    assert len(entered) == 6, "the sixth node waits for us"
    system.kill_workers()
    go.touch()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert result["status"] == "COMPLETED"
    assert result["outputs"] == {"y": [0]}
    entered = [line.split()[0] for line in log.read_text().splitlines()]
    assert len(entered) == 11, "only the interrupted node was begun twice"
    assert len(set(entered)) == 10


async def test_an_effectful_node_is_never_entered_twice(system: System, tmp_path: Path) -> None:
    log = tmp_path / "entered"
    graph_id = await system.save(
        graph(
            [
                node("once", TraceOnce, value=1, file=str(log), wait_for=str(tmp_path / "never")),
                node("bad", Sink, name="error"),
            ],
            "once.error -> bad.value",
        )
    )
    execution_id = await system.execute(graph_id)
    assert await until(exists(log), 30)
    system.kill_workers()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert len(log.read_text().splitlines()) == 1
    [once] = [n for n in result["nodes"] if n["block_id"] == TraceOnce.id]
    assert once["status"] == "FAILED"
    assert "outcome is unknown" in result["outputs"]["error"][0]


async def test_what_an_effectful_node_gave_before_its_worker_died_stands(system: System) -> None:
    graph_id = await system.save(
        graph(
            [
                node("once", DripOnce, value=100, seconds=0.1),
                node("got", Sink, name="got"),
                node("bad", Sink, name="bad"),
            ],
            "once.value -> got.value",
            "once.error -> bad.value",
        )
    )
    execution_id = await system.execute(graph_id)
    seen = 0
    async for _, event in system.events(execution_id):
        seen += len(event.get("outputs", {}).get("value", []))
        if seen >= 3:
            break
    system.kill_workers()
    await system.start_worker()
    result = await system.ended(execution_id)
    [once] = [n for n in result["nodes"] if n["block_id"] == DripOnce.id]
    assert once["status"] == "FAILED"
    given = once["outputs"]["value"]
    assert given == list(range(len(given)))
    assert len(given) >= 3
    assert result["outputs"]["got"] == given, "what was stored was told as well"
    assert "outcome is unknown" in result["outputs"]["bad"][0]


async def test_a_pure_node_that_kills_its_worker_is_run_by_itself_afterwards(system: System, tmp_path: Path) -> None:
    graph_id = await system.save(
        graph(
            [node("in", Source, name="file"), node("kill", Killer), node("out", Sink, name="y")],
            "in.result -> kill.value",
            "kill.value -> out.value",
        )
    )
    execution_id = await system.execute(graph_id, {"file": str(tmp_path / "marker")})
    await asyncio.to_thread(system.workers[0].wait, 30)
    system.workers.clear()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert result["outputs"] == {"y": ["survived"]}


async def test_stop_over_http_ends_the_run(system: System) -> None:
    graph_id = await system.save(graph([node("hang", Hang, value=1)]))
    execution_id = await system.execute(graph_id)
    async for _, event in system.events(execution_id):
        if event["type"] == "node_execution_update":
            break
    answer = await system.http.post(f"/api/graphs/{graph_id}/executions/{execution_id}/stop")
    assert answer.json()["status"] == "TERMINATED"
    result = await system.ended(execution_id)
    assert [n["status"] for n in result["nodes"]] == ["TERMINATED"]


async def test_the_command_line_shows_and_stops_the_same_run(system: System) -> None:
    graph_id = await system.save(graph([node("hang", Hang, value=1), node("p", Pass, value=2)]))
    execution_id = await system.execute(graph_id)
    async for _, event in system.events(execution_id):
        if event["type"] == "node_execution_update" and event["block_name"] == "TestHang":
            break
    listed = json.loads(system.temporal("workflow", "list", "-q", f'HeddleGraphId="{graph_id}"', "-o", "json"))
    assert [w["execution"]["workflowId"] for w in listed] == [execution_id]
    shown = system.temporal("workflow", "show", "-w", execution_id)
    assert "run_node" in shown or "ActivityTaskScheduled" in shown
    described = system.temporal("workflow", "describe", "-w", execution_id, "-o", "json")
    assert "test" in described
    system.temporal("workflow", "cancel", "-w", execution_id)
    result = await system.ended(execution_id)
    assert result["status"] == "TERMINATED"
