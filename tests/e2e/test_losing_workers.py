"""What becomes of a node whose worker goes away: killed again and again, or asked to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dev.health import until
from tests.e2e.test_life_of_a_run import exists
from tests.support.blocks import Crash, Film, Sink, Trace, TraceOnce
from tests.support.graphs import graph, node
from tests.support.system import System


@pytest.fixture
async def impatient(system: System) -> AsyncIterator[System]:
    """The same system with workers that begin a node twice at the most."""
    system.kill_workers()
    changed = replace(system, environment={**system.environment, "HEDDLE_NODE_MAX_ATTEMPTS": "2"})
    await changed.start_worker()
    yield changed
    system.kill_workers()
    await system.start_worker()


async def lost(system: System) -> None:
    """Wait until the only worker has died, then start another."""
    [worker] = system.workers
    assert await asyncio.to_thread(worker.wait, 30) == -signal.SIGKILL
    system.workers.clear()
    await system.start_worker()


async def test_a_node_that_kills_every_worker_fails_after_a_few(impatient: System) -> None:
    graph_id = await impatient.save(
        graph([node("kill", Crash, value="kill"), node("bad", Sink, name="error")], "kill.error -> bad.value")
    )
    execution_id = await impatient.execute(graph_id)
    await lost(impatient)
    await lost(impatient)
    result = await impatient.ended(execution_id)
    assert result["status"] == "COMPLETED"
    [kill] = [n for n in result["nodes"] if n["block_id"] == Crash.id]
    assert kill["status"] == "FAILED"
    [error] = result["outputs"]["error"]
    assert error.startswith("The worker that ran the node was lost too often")
    assert [worker.poll() for worker in impatient.workers] == [None], "it is not begun a third time"


async def test_a_node_goes_on_elsewhere_when_its_worker_is_stopped(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    graph_id = await system.save(
        graph(
            [node("n", Trace, value=7, file=str(log), wait_for=str(go)), node("out", Sink, name="y")],
            "n.value -> out.value",
        )
    )
    execution_id = await system.execute(graph_id)
    assert await until(exists(log), 30)
    [stopping] = system.workers
    await system.start_worker()
    stopping.terminate()
    assert await asyncio.to_thread(stopping.wait, 30) == 0
    system.workers.remove(stopping)
    go.touch()
    result = await system.ended(execution_id)
    assert result["outputs"] == {"y": [7]}
    processes = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert processes == [stopping.pid, system.workers[0].pid]


async def test_a_worker_that_stops_lets_an_effectful_node_end(system: System, tmp_path: Path) -> None:
    log, go = tmp_path / "entered", tmp_path / "go"
    graph_id = await system.save(
        graph(
            [node("once", TraceOnce, value=7, file=str(log), wait_for=str(go)), node("out", Sink, name="y")],
            "once.value -> out.value",
        )
    )
    execution_id = await system.execute(graph_id)
    assert await until(exists(log), 30)
    [stopping] = system.workers
    stopping.terminate()
    await asyncio.sleep(0.5)
    assert stopping.poll() is None, "it waits for the node, within its grace"
    go.touch()
    assert await asyncio.to_thread(stopping.wait, 30) == 0
    system.workers.clear()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert result["outputs"] == {"y": [7]}
    assert [int(line.split()[1]) for line in log.read_text().splitlines()] == [stopping.pid]


async def filming(system: System, log: Path) -> str:
    """A run whose node begins a job and looks whether it is done."""
    graph_id = await system.save(
        graph(
            [node("film", Film, value="tea", file=str(log)), node("y", Sink, name="y"), node("bad", Sink, name="bad")],
            "film.value -> y.value",
            "film.error -> bad.value",
        )
    )
    return await system.execute(graph_id)


def steps(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


async def test_a_worker_lost_while_a_job_is_begun_leaves_its_outcome_unknown(system: System, tmp_path: Path) -> None:
    log = tmp_path / "log"
    execution_id = await filming(system, log)
    assert await until(exists(log), 30)
    system.kill_workers()
    for step in ("begin", "look"):
        (tmp_path / f"log.{step}").touch()
    await system.start_worker()
    result = await system.ended(execution_id)
    [film] = [n for n in result["nodes"] if n["block_id"] == Film.id]
    assert film["status"] == "FAILED"
    [error] = result["outputs"]["bad"]
    assert "outcome is unknown" in error
    assert steps(log) == ["begin"]


async def test_a_worker_lost_while_a_job_is_looked_at_costs_a_look(system: System, tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "log.begin").touch()
    execution_id = await filming(system, log)

    async def is_looked_at() -> bool:
        return "look" in steps(log)

    assert await until(is_looked_at, 30)
    system.kill_workers()
    (tmp_path / "log.look").touch()
    await system.start_worker()
    result = await system.ended(execution_id)
    assert (result["status"], result["outputs"]) == ("COMPLETED", {"y": ["begun", "tea"]})
    assert steps(log) == ["begin", "look", "look", "look"]
