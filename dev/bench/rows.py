"""What is measured: each row is a shape, run by us and by another, with the ratio to reach."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dev.bench.stack import Bench

type Measure = Callable[[Bench], Awaitable[float]]
"""Seconds for one go."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. The ratio is ours / theirs in time, or in throughput when more is better."""

    name: str
    shape: str
    against: str
    target: str
    ours: Measure
    theirs: Measure
    more_is_better: bool = False


def timed(work: Callable[[Bench], Awaitable[object]], repeat: int = 1) -> Measure:
    """Seconds that the work takes, as the mean of some repetitions."""

    async def measure(bench: Bench) -> float:
        started = time.perf_counter()
        for _ in range(repeat):
            await work(bench)
        return (time.perf_counter() - started) / repeat

    return measure


def ours(graph: str, runs: int = 1) -> Callable[[Bench], Awaitable[object]]:
    """Runs of a graph, started by the SDK."""
    return lambda bench: asyncio.gather(*(bench.run(graph) for _ in range(runs)))


def over_http(graph: str) -> Callable[[Bench], Awaitable[object]]:
    """A run of a graph, started through the API."""
    return lambda bench: bench.run_over_http(graph)


def raw(workflow: str, count: int, runs: int = 1) -> Callable[[Bench], Awaitable[object]]:
    """Runs of a raw workflow of so many activities."""
    return lambda bench: asyncio.gather(*(bench.run_raw(workflow, count) for _ in range(runs)))


def dbos(line: str) -> Measure:
    """What the DBOS process measures itself."""
    return lambda bench: bench.dbos(line)


ROWS = (
    Row(
        "chain-pure-raw",
        "chain of 40 pure nodes",
        "40 local activities",
        "≤ 0.35",
        timed(ours("pure-40"), 3),
        timed(raw("BenchLocalActivities", 40), 3),
    ),
    Row(
        "chain-pure-dbos",
        "chain of 40 pure nodes",
        "DBOS, 40 steps",
        "≤ 0.25",
        timed(ours("pure-40"), 3),
        dbos("chain 40"),
    ),
    Row(
        "chain-effectful-raw",
        "chain of 40 effectful nodes",
        "40 activities",
        "≤ 1.2",
        timed(ours("effectful-40")),
        timed(raw("BenchActivities", 40)),
    ),
    Row(
        "three-effectful-http",
        "3 effectful nodes, through HTTP",
        "3 activities",
        "≤ 1.5",
        timed(over_http("effectful-3"), 3),
        timed(raw("BenchActivities", 3), 3),
    ),
    Row(
        "three-pure-http",
        "3 pure nodes, through HTTP",
        "3 activities",
        "≤ 0.6",
        timed(over_http("pure-3"), 3),
        timed(raw("BenchActivities", 3), 3),
    ),
    Row(
        "hundred-raw",
        "100 runs × 10 pure nodes",
        "activities",
        "≥ 4",
        timed(ours("pure-10", 100)),
        timed(raw("BenchActivities", 10, 100)),
        more_is_better=True,
    ),
    Row(
        "hundred-dbos",
        "100 runs × 10 pure nodes",
        "DBOS",
        "≥ 3",
        timed(ours("pure-10", 100)),
        dbos("runs 100 10"),
        more_is_better=True,
    ),
)
