"""Runs that are large or long, in a worker process of their own: how much of the server and the machine they take.

The figures are printed: `scripts/test --long -s tests/long`.
"""

import time
from typing import Any

import pytest
from temporalio.client import Client

from blocks.iteration import StepThroughItems
from engine.model import Graph, GraphPolicy
from store.postgres import PostgresStore
from tests.long.figures import HistorySize, Memory, history_sizes, memory_mb, watched
from tests.support.blocks import Big, Countdown, Pass, PassOn, Sink, Source
from tests.support.graphs import graph, node
from tests.support.system import USER, System


class Measured:
    """A run that has ended, and what it took."""

    def __init__(self, seconds: float, memory: Memory, peak_mb: float, histories: list[HistorySize], id: str) -> None:
        self.seconds, self.memory, self.peak_mb, self.histories, self.id = seconds, memory, peak_mb, histories, id


async def measured(
    system: System, client: Client, name: str, drawn: Graph, inputs: dict[str, Any] | None = None
) -> Measured:
    """Run a graph to its end, which must be COMPLETED, and print what it took."""
    [worker] = system.workers
    graph_id = await system.save(drawn)
    started = time.monotonic()
    async with watched(worker.pid) as memory:
        execution_id = await system.execute(graph_id, inputs)
        await client.get_workflow_handle(execution_id).result()
    seconds = time.monotonic() - started
    run = Measured(
        seconds, memory, memory_mb(worker.pid, "VmHWM"), await history_sizes(client, execution_id), execution_id
    )
    print(
        f"\n{name}: {seconds:.1f} s, {len(run.histories)} histories of at most "
        f"{max(h.events for h in run.histories):,} events and {max(h.bytes for h in run.histories):,} bytes; "
        f"worker: {memory}; peak {run.peak_mb:.0f} MB"
    )
    return run


async def statuses(rows: PostgresStore, execution_id: str, node_id: str) -> dict[str, int]:
    """How many executions of a node stand where."""
    counted: dict[str, int] = {}
    for each in await rows.executions.nodes(execution_id):
        if each.block_id == node_id:
            counted[each.status] = counted.get(each.status, 0) + 1
    return counted


LOOP = graph(
    [node("in", Source, name="n"), node("count", Countdown), node("out", Sink, name="y")],
    "in.result -> count.value",
    "count.again -> count.value",
    "count.done -> out.value",
)


def fan_out(each: type[Any], policy: GraphPolicy) -> Graph:
    """A node for each item of a list."""
    return graph(
        [node("in", Source, name="list"), node("all", StepThroughItems), node("each", each)],
        "in.result -> all.items",
        "all.item -> each.value",
        policy=policy,
    )


async def test_fifty_megabytes_flow_through_three_nodes(
    deployed: System, temporal_client: Client, rows: PostgresStore
) -> None:
    through = graph(
        [
            node("big", Big, value=50_000_000),
            *(node(f"n{i}", PassOn) for i in range(3)),
            node("out", Sink, name="y"),
        ],
        "big.value -> n0.value",
        "n0.value -> n1.value",
        "n1.value -> n2.value",
        "n2.value -> out.value",
    )
    runs = [await measured(deployed, temporal_client, "50 MB", through) for _ in range(3)]
    for run in runs:
        row = await rows.executions.get(USER, run.id)
        print(row and row.stats)
        outputs = await rows.executions.agent_outputs(run.id)
        print(outputs)


async def test_fan_out_pure(deployed: System, temporal_client: Client, rows: PostgresStore) -> None:
    run = await measured(
        deployed, temporal_client, "fan-out pure", fan_out(Pass, GraphPolicy()), {"list": list(range(5000))}
    )
    assert await statuses(rows, run.id, Pass.id) == {"COMPLETED": 5000}


@pytest.mark.long
async def test_fan_out_act(deployed: System, temporal_client: Client, rows: PostgresStore) -> None:
    run = await measured(
        deployed,
        temporal_client,
        "fan-out activities",
        fan_out(PassOn, GraphPolicy(max_concurrent_nodes=10)),
        {"list": list(range(5000))},
    )
    assert await statuses(rows, run.id, PassOn.id) == {"COMPLETED": 5000}


def chain(block: type[Any], count: int) -> Graph:
    return graph(
        [node("n0", block, value=1), *(node(f"n{i}", block) for i in range(1, count))],
        *(f"n{i}.value -> n{i + 1}.value" for i in range(count - 1)),
    )


def wide(block: type[Any], count: int) -> Graph:
    return graph(
        [node("n0", block, value=1), *(node(f"n{i}", block) for i in range(1, count))],
        *(f"n0.value -> n{i + 1}.value" for i in range(count - 1)),
    )


@pytest.mark.parametrize("shape", [chain, wide])
async def test_thousand_pure(deployed: System, temporal_client: Client, rows: PostgresStore, shape: Any) -> None:
    await measured(deployed, temporal_client, f"1000 pure {shape.__name__}", shape(Pass, 1000))


@pytest.mark.long
@pytest.mark.parametrize("shape", [chain, wide])
async def test_thousand_act(deployed: System, temporal_client: Client, rows: PostgresStore, shape: Any) -> None:
    await measured(deployed, temporal_client, f"1000 act {shape.__name__}", shape(PassOn, 1000))


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_loop(deployed: System, temporal_client: Client, rows: PostgresStore) -> None:
    import os

    await measured(deployed, temporal_client, "loop", LOOP, {"n": int(os.environ.get("N", "10000"))})
