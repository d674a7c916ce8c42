"""One user's backlog against another user's single run, on a server with fairness on."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.blocks_loop import BlocksLoop
from api.runs import TemporalRuns
from blocks.catalogue import Catalogue
from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput
from contracts.fairness import fair_to
from engine.model import Graph
from settings import Settings
from store.postgres import PostgresStore
from telemetry.metrics import WorkerMetrics
from tests.support.blocks import TEST_BLOCKS, PassOn, Sink
from tests.support.graphs import graph, node
from worker import activities_of, worker_of

HOG, OTHER = "a user with a backlog", "a user with a single run"


@dataclass
class Figures:
    """Seconds from the worker's start."""

    backlog: list[float]
    other: float

    @property
    def place(self) -> int:
        """How many of the backlog ended before the other's run."""
        return sum(end < self.other for end in self.backlog)

    def __str__(self) -> str:
        return (
            f"{len(self.backlog)} runs of one user took {max(self.backlog):.2f} s; another's single run, started last, "
            f"ended after {self.other:.2f} s, behind {self.place} of them"
        )


def chain() -> Graph:
    nodes = [node("a", PassOn, value=1), node("b", PassOn), node("out", Sink, name="y")]
    return graph(nodes, "a.value -> b.value", "b.value -> out.value", id=str(uuid.uuid4()))


async def race(client: Client, store: PostgresStore, count: int, *, fair: bool) -> Figures:
    """Queue `count` runs of one user, then one of another, then start a worker that does few things at once."""
    # Admission is to be no help here.
    settings = Settings(
        task_queue=f"test-{uuid.uuid4()}",
        graceful_shutdown_timeout_seconds=1,
        max_concurrent_graph_executions_per_user=100_000,
        num_graph_workers=4,
        max_concurrent_activities=4,
    )
    runs = TemporalRuns(client, task_queue=settings.task_queue)
    ids: dict[str, list[str]] = {HOG: [], OTHER: []}
    graphs: dict[str, tuple[str, int]] = {}
    for user in ids:
        await store.users.ensure_user(user, email=f"{uuid.uuid4()}@example.org", name=user)
        saved = chain()
        graphs[user] = saved.id, await store.graphs.save(user, saved, [])

    async def start(user: str) -> None:
        graph_id, version = graphs[user]
        ids[user].append(execution_id := str(uuid.uuid4()))
        asked = GraphExecutionInput(graph_id=graph_id, user_id=user, graph_version=version)
        if fair:
            await runs.start(execution_id, asked, graph_version=version, graph_name="chain")
        else:
            await client.start_workflow(GRAPH_EXECUTION, asked, id=execution_id, task_queue=settings.task_queue)

    for first in range(0, count, 50):
        await asyncio.gather(*(start(HOG) for _ in range(first, min(count, first + 50))))
    await start(OTHER)

    began = time.monotonic()

    async def ended(execution_id: str) -> float:
        handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(execution_id)
        await handle.result()
        return time.monotonic() - began

    with BlocksLoop() as blocks_loop:
        activities = activities_of(settings, client, store, Catalogue(TEST_BLOCKS), blocks_loop, WorkerMetrics())
        worker: Worker = worker_of(settings, client, activities)
        async with worker:
            *backlog, other = await asyncio.gather(*map(ended, [*ids[HOG], *ids[OTHER]]))
    return Figures(backlog, other)


async def test_a_backlog_does_not_hold_another_user_up(temporal_client: Client, store: PostgresStore) -> None:
    figures = await race(temporal_client, store, 60, fair=True)
    assert figures.place < 30, str(figures)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_backlog_of_500_does_not_hold_another_user_up(temporal_client: Client, store: PostgresStore) -> None:
    unfair = await race(temporal_client, store, 500, fair=False)
    fair = await race(temporal_client, store, 500, fair=True)
    print(f"\nwithout keys: {unfair}\nwith keys:    {fair}")
    assert fair.place < 50
    assert fair.other < max(fair.backlog) / 5


def test_a_key_is_never_longer_than_the_server_takes() -> None:
    assert fair_to("ada").fairness_key == "ada"
    for user in ("ü" * 33, "x" * 65):
        key = fair_to(user).fairness_key
        assert key is not None
        assert len(key.encode()) == 64
    assert fair_to("ü" * 32).fairness_key == "ü" * 32
