"""An effectful block that begins a job and waits for it: the job is begun once, its looks may be repeated."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from activities.run_node import NodeActivities
from blocks.base import Block
from engine.model import Graph, Status
from tests.support.blocks import Film, FilmAnew, Sink
from tests.support.graphs import graph, node
from tests.workflows.conftest import Outcome, Stack
from tests.workflows.test_resuming import resume


def filming(file: Path, block: type[Block[Any]] = Film, seconds: float = 0.01) -> Graph:
    return graph(
        [
            node("film", block, value="tea", file=str(file), seconds=seconds),
            node("out", Sink, name="y"),
            node("bad", Sink, name="bad"),
        ],
        "film.value -> out.value",
        "film.error -> bad.value",
    )


def steps(file: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in file.read_text().splitlines()) if file.exists() else Counter()


def let(file: Path, *names: str) -> None:
    for name in names:
        file.with_name(f"{file.name}.{name}").touch()


async def reached(file: Path, step: str, times: int = 1) -> None:
    async with asyncio.timeout(30):
        while steps(file)[step] < times:
            await asyncio.sleep(0.02)


def is_whole(outcome: Outcome) -> bool:
    """Whether there is one film, of one node execution."""
    [film] = outcome.of("film")
    return (
        outcome.execution.status is Status.COMPLETED
        and film.status is Status.COMPLETED
        and outcome.outputs == {"y": ["begun", "tea"]}
    )


async def test_a_job_is_begun_once_and_looked_at_until_it_is_done(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    let(log, "begin", "look")
    outcome = await stack.run(filming(log))
    assert is_whole(outcome), outcome.execution.error
    assert steps(log) == {"begin": 1, "look": 2}


async def test_a_block_must_say_that_its_looks_may_be_repeated(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    let(log, "begin", "look")
    outcome = await stack.run(filming(log, FilmAnew))
    assert steps(log) == {"begin": 1}
    assert "outcome is unknown" in str(outcome.of("film")[0].error)


@pytest.mark.parametrize("number", [0, 1])
async def test_a_round_whose_end_was_written_and_not_told_is_told(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Its worker is lost between the two: the row knows what the node waits for."""
    log, lost = tmp_path / "log", list[int]()
    end = NodeActivities._end

    async def dying(self: NodeActivities, run: Any, *args: Any, **kwargs: Any) -> Any:
        result = await end(self, run, *args, **kwargs)
        if run.request.node_id == "film" and run.round == number and not lost:
            lost.append(run.attempt)
            raise RuntimeError("the worker is gone")
        return result

    monkeypatch.setattr(NodeActivities, "_end", dying)
    let(log, "begin", "look")
    outcome = await stack.run(filming(log))
    assert len(lost) == 1
    assert is_whole(outcome), outcome.of("film")
    assert steps(log) == {"begin": 1, "look": 2}


@pytest.mark.parametrize("step", ["sleep", "look"])
async def test_a_run_that_was_stopped_meanwhile_goes_on_with_the_job(stack: Stack, tmp_path: Path, step: str) -> None:
    log = tmp_path / "log"
    let(log, "begin")
    handle = await stack.start(filming(log, seconds=3 if step == "sleep" else 0.01))
    if step == "look":
        await reached(log, "look")
    else:
        async with asyncio.timeout(30):
            async for _ in stack.watch(handle.id):
                nodes = await stack.store.executions.nodes(handle.id)
                if any(n.node_id == "film" and n.stats.get("waits") for n in nodes):
                    break
    await handle.cancel()
    assert (await stack.outcome(handle)).execution.status is Status.TERMINATED
    let(log, "look")
    outcome = await stack.outcome(await resume(stack, handle.id))
    assert is_whole(outcome), outcome.of("film")
    assert steps(log) == {"begin": 1, "look": 3 if step == "look" else 2}


async def test_a_job_that_was_being_begun_is_not_begun_again(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    handle = await stack.start(filming(log))
    await reached(log, "begin")
    await handle.cancel()
    await stack.outcome(handle)
    let(log, "begin", "look")
    outcome = await stack.outcome(await resume(stack, handle.id))
    assert "outcome is unknown" in outcome.outputs["bad"][0]
    assert steps(log) == {"begin": 1}
