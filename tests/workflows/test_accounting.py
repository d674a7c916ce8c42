"""What node executions use, and how it adds up to what the run used (S-040, S-041, S-174 to S-176, S-188, S-189)."""

import asyncio
import time
from typing import Any

import pytest

from blocks.base import Block
from contracts.execution import RunStats
from engine.model import Status
from telemetry.metrics import WorkerMetrics
from tests.support.blocks import Hang, Pass, PassOn, Sink, Spend, SpendInBatch, Sub
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack

NODE_STATS = {"walltime", "cputime", "input_size", "output_size", "extra_cost", "extra_steps", "error"}


@pytest.mark.parametrize("block", [Spend, SpendInBatch])
@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_block_reports_is_in_its_row_and_in_the_run(
    stack: Stack, block: type[Block[Any]], fails: bool
) -> None:
    outcome = await stack.run(graph([node("s", block, value=3, fails=fails), node("p", Pass, value="é")]))
    [spent] = outcome.of("s")
    assert set(spent.stats) == NODE_STATS
    assert (spent.stats["extra_cost"], spent.stats["extra_steps"]) == (3, 3)
    assert spent.stats["error"] == ("spent" if fails else None)
    assert spent.stats["cputime"] >= 0.02
    assert spent.stats["walltime"] >= 0.02
    stats = outcome.execution.stats
    assert set(stats) == set(RunStats.model_fields)
    assert stats["node_count"] == 2 + 3
    assert stats["cost"] == 3
    assert stats["node_error_count"] == int(fails)
    [passed] = outcome.of("p")
    assert stats["nodes_walltime"] == pytest.approx(spent.stats["walltime"] + passed.stats["walltime"], abs=1e-5)
    assert stats["nodes_cputime"] == pytest.approx(spent.stats["cputime"] + passed.stats["cputime"], abs=1e-5)


@pytest.mark.parametrize("block", [Spend, SpendInBatch])
async def test_executions_at_the_same_time_keep_their_own_accounts(stack: Stack, block: type[Block[Any]]) -> None:
    """One block instance serves all runs: what it reports belongs to the execution that it reported it for (T-59)."""
    nodes = [node(f"s{cents}", block, value=cents) for cents in range(1, 6)]
    first, second = await asyncio.gather(stack.run(graph(nodes)), stack.run(graph(nodes)))
    for outcome in (first, second):
        assert {n.node_id: n.stats["extra_cost"] for n in outcome.nodes} == {
            f"s{cents}": cents for cents in range(1, 6)
        }
        assert outcome.execution.stats["cost"] == 15


@pytest.mark.parametrize("fails", [False, True])
async def test_rounds_of_a_node_that_waits_add_up(stack: Stack, fails: bool) -> None:
    outcome = await stack.run(graph([node("s", Spend, value=2, rounds=3, fails=fails)]))
    [spent] = outcome.of("s")
    assert spent.status is (Status.FAILED if fails else Status.COMPLETED)
    assert (spent.stats["extra_cost"], spent.stats["extra_steps"]) == (8, 8)
    assert spent.stats["cputime"] >= 0.08
    assert spent.stats["walltime"] >= 0.08
    assert spent.stats["output_size"] == 4 + (len('"spent"') if fails else 0)
    stats = outcome.execution.stats
    assert (stats["cost"], stats["node_count"]) == (8, 1 + 8)
    assert stats["nodes_walltime"] == pytest.approx(spent.stats["walltime"], abs=1e-5)
    assert stats["nodes_cputime"] == pytest.approx(spent.stats["cputime"], abs=1e-5)


@pytest.mark.parametrize("block", [Pass, PassOn])
async def test_sizes_are_those_of_the_json(stack: Stack, block: type[Block[Any]]) -> None:
    outcome = await stack.run(graph([node("p", block, value="é")]))
    [passed] = outcome.of("p")
    assert passed.stats["input_size"] == len('{"value":"é"}'.encode())
    assert passed.stats["output_size"] == len('"é"'.encode())


async def test_a_node_that_was_stopped_says_how_long_it_ran(stack: Stack) -> None:
    handle = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(handle.id):
        if nodes := await stack.store.executions.nodes(handle.id):
            assert nodes[0].status is Status.RUNNING
            break
    began = time.monotonic()
    await asyncio.sleep(0.2)
    await handle.cancel()
    outcome = await stack.outcome(handle)
    [hung] = outcome.of("hang")
    assert hung.status is Status.TERMINATED
    assert 0.2 <= hung.stats["walltime"] < 1 + time.monotonic() - began


async def test_a_sub_graph_counts_under_the_names_of_any_node(stack: Stack) -> None:
    child_id, version = await stack.save(
        graph([node("s", Spend, value=5), node("o", Sink, name="out")], "s.value -> o.value")
    )
    sub = node(
        "sub", Sub, graph_id=child_id, graph_version=version, inputs={}, output_schema={"properties": {"out": {}}}
    )
    outcome = await stack.run(graph([sub]))
    [stats] = [n.stats for n in outcome.of("sub")]
    assert set(stats) == NODE_STATS - {"input_size", "output_size"}
    assert (stats["extra_cost"], stats["extra_steps"]) == (5, 2 + 5)
    assert stats["cputime"] >= 0.02
    page = await stack.store.executions.page(USER, limit=100, before=None)
    [child] = [run for run in page.items if run.parent_id == outcome.handle.id]
    assert outcome.execution.stats["cost"] == child.stats["cost"] == 5
    assert outcome.execution.stats["node_count"] == 1 + child.stats["node_count"]


async def test_every_end_of_a_node_is_counted(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batched, in an activity of its own, failed, a sub-graph: each once, by its block (S-192)."""
    counted: list[tuple[str, str]] = []

    def count(self: WorkerMetrics, block: str, status: str, seconds: float) -> None:
        assert seconds >= 0
        counted.append((block, status))

    monkeypatch.setattr(WorkerMetrics, "node_ended", count)
    child_id, version = await stack.save(graph([node("c", Pass, value=1)]))
    nodes = [
        node("batched", Pass, value=1),
        node("own", PassOn, value=1),
        node("failed", Spend, value=1, fails=True, rounds=1),
        node("sub", Sub, graph_id=child_id, graph_version=version, inputs={}),
    ]
    await stack.run(graph(nodes))
    assert sorted(counted) == [
        ("AgentExecutor", "COMPLETED"),
        ("TestPass", "COMPLETED"),
        ("TestPass", "COMPLETED"),
        ("TestPassOn", "COMPLETED"),
        ("TestSpend", "FAILED"),
    ]
