"""Runs that are large or long, in a worker process of their own: how much of the server and the machine they take.

The figures are printed: `scripts/test --long -s tests/long`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client

from blocks.base import Block
from blocks.data.iteration import StepThroughItems
from engine.model import Graph, GraphPolicy
from store.postgres import PostgresStore
from tests.long.figures import HistorySize, Memory, history_sizes, memory_mb, watched
from tests.support.blocks import Big, Countdown, CountdownOn, Pass, PassOn, Sink, Source
from tests.support.graphs import graph, node
from tests.support.system import USER, System

HARD_EVENTS, HARD_BYTES = 25_000, 25 * 1024 * 1024
"""Past these a run starts nothing new until its workflow has continued as new; what is under way then still ends."""


@dataclass
class Measured:
    """A run that has ended well, and what it took."""

    id: str
    seconds: float
    memory: Memory
    peak_mb: float
    histories: list[HistorySize]

    @property
    def events(self) -> int:
        """Those of the longest history."""
        return max(history.events for history in self.histories)

    @property
    def bytes(self) -> int:
        """Those of the largest history."""
        return max(history.bytes for history in self.histories)


async def measured(system: System, client: Client, graph: Graph, inputs: Mapping[str, Any] | None = None) -> Measured:
    """Run a graph to its end, which must be COMPLETED, and print what it took."""
    [worker] = system.workers
    graph_id = await system.save(graph)
    started = time.monotonic()
    async with watched(worker.pid) as memory:
        execution_id = await system.execute(graph_id, inputs)
        await client.get_workflow_handle(execution_id).result()
    run = Measured(
        execution_id,
        time.monotonic() - started,
        memory,
        memory_mb(worker.pid, "VmHWM"),
        await history_sizes(client, execution_id),
    )
    print(
        f"\n{run.seconds:.1f} s, {len(run.histories)} histories of at most {run.events:,} events and {run.bytes:,} "
        f"bytes; worker {memory}; peak {run.peak_mb:.0f} MB"
    )
    return run


async def statuses(rows: PostgresStore, execution_id: str, block: type[Block[Any]]) -> dict[str, int]:
    """How many executions of a block stand where."""
    counted: dict[str, int] = {}
    for each in await rows.executions.nodes(execution_id):
        if each.block_id == block.id:
            counted[each.status.value] = counted.get(each.status.value, 0) + 1
    return counted


# --- a large value ----------------------------------------------------------------------------


async def test_fifty_megabytes_flow_through_three_nodes(
    deployed: System, temporal_client: Client, rows: PostgresStore
) -> None:
    size = 50_000_000
    through = graph(
        [node("big", Big, value=size), *(node(f"n{i}", PassOn) for i in range(3)), node("out", Sink, name="y")],
        "big.value -> n0.value",
        "n0.value -> n1.value",
        "n1.value -> n2.value",
        "n2.value -> out.value",
    )
    [worker] = deployed.workers
    before = memory_mb(worker.pid)
    runs = [await measured(deployed, temporal_client, through) for _ in range(2)]
    for run in runs:
        assert run.bytes < 30_000, "nothing of the value is in the history"
        [(_, reference)] = await rows.executions.agent_outputs(run.id)
        assert "ref" in reference
        assert reference["size"] == size + 2
        kept = [output.value for row in await rows.executions.nodes(run.id) for output in row.outputs]
        assert kept == [reference] * 5, "it is stored once"
    assert (await rows.values.get([reference]))[reference["ref"]] == "x" * size
    # As text of JSON, as the database's message and as the block's own value, and each once more for a moment.
    assert runs[-1].peak_mb < before + 8 * size / 1e6
    assert memory_mb(worker.pid) < before + 2 * size / 1e6, "nothing of it stays"


# --- many items -------------------------------------------------------------------------------

ITEMS = 5_000


def fan_out(each: type[Block[Any]], **policy: Any) -> Graph:
    """A node for each item of a list."""
    return graph(
        [node("in", Source, name="list"), node("all", StepThroughItems), node("each", each)],
        "in.result -> all.items",
        "all.item -> each.value",
        policy=GraphPolicy(**policy),
    )


async def test_a_fan_out_of_5000_items_in_batches(
    deployed: System, temporal_client: Client, rows: PostgresStore
) -> None:
    run = await measured(deployed, temporal_client, fan_out(Pass), {"list": list(range(ITEMS))})
    assert await statuses(rows, run.id, Pass) == {"COMPLETED": ITEMS}
    assert run.bytes < 5_000_000


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_fan_out_of_5000_items_in_activities(
    deployed: System, temporal_client: Client, rows: PostgresStore
) -> None:
    graph = fan_out(PassOn, max_concurrent_nodes=10)
    run = await measured(deployed, temporal_client, graph, {"list": list(range(ITEMS))})
    assert await statuses(rows, run.id, PassOn) == {"COMPLETED": ITEMS}
    assert run.events < HARD_EVENTS + 1_000
    assert run.bytes < HARD_BYTES


# --- many nodes -------------------------------------------------------------------------------

NODES = 1_000


def chain(block: type[Block[Any]]) -> Graph:
    """One node after the other."""
    return graph(
        [node("n0", block, value=1), *(node(f"n{i}", block) for i in range(1, NODES))],
        *(f"n{i}.value -> n{i + 1}.value" for i in range(NODES - 1)),
    )


def wide(block: type[Block[Any]]) -> Graph:
    """All nodes behind the first."""
    return graph(
        [node("n0", block, value=1), *(node(f"n{i}", block) for i in range(1, NODES))],
        *(f"n0.value -> n{i}.value" for i in range(1, NODES)),
    )


@pytest.mark.parametrize("shape", [chain, wide])
@pytest.mark.parametrize("block", [Pass, pytest.param(PassOn, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_a_graph_of_1000_nodes(
    deployed: System, temporal_client: Client, rows: PostgresStore, shape: Any, block: type[Block[Any]]
) -> None:
    run = await measured(deployed, temporal_client, shape(block))
    assert await statuses(rows, run.id, block) == {"COMPLETED": NODES}
    assert run.events < HARD_EVENTS


# --- many passes ------------------------------------------------------------------------------


def loop(block: type[Block[Any]]) -> Graph:
    """Counts down from a number."""
    return graph(
        [node("in", Source, name="n"), node("count", block), node("out", Sink, name="y")],
        "in.result -> count.value",
        "count.again -> count.value",
        "count.done -> out.value",
    )


async def looped(system: System, client: Client, rows: PostgresStore, block: type[Block[Any]], passes: int) -> Measured:
    """A loop to its end: every pass is counted, and the worker takes no more memory late than early."""
    run = await measured(system, client, loop(block), {"n": passes})
    row = await rows.executions.get(USER, run.id)
    assert row is not None
    assert row.stats["node_count"] == passes + 3
    assert await rows.executions.agent_outputs(run.id) == [("y", {"value": "done"})]
    early, late = run.memory.between(0.2, 0.4), run.memory.between(0.8, 1.0)
    assert max(late) < max(early) + 15, "megabytes"
    return run


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_loop_of_100000_passes(continuing: System, temporal_client: Client, rows: PostgresStore) -> None:
    run = await looped(continuing, temporal_client, rows, Countdown, 100_000)
    assert len(run.histories) >= 3
    assert run.events < 150


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_loop_of_10000_activities(deployed: System, temporal_client: Client, rows: PostgresStore) -> None:
    run = await looped(deployed, temporal_client, rows, CountdownOn, 10_000)
    assert len(run.histories) >= 10
    assert run.events < 4_300, "the server suggests to continue from 4,096 on"
