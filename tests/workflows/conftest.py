"""A worker in this process, sandbox on, against the real server and the real database."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.blocks_loop import BlocksLoop
from blocks.base import Block
from blocks.catalogue import Catalogue
from blocks.http.client import Http
from contracts.execution import GRAPH_EXECUTION
from engine.model import Graph
from settings import Settings
from store.changes import Changes
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from store.records import Execution, StoredNode
from telemetry.metrics import WorkerMetrics
from tests.support.blocks import TEST_BLOCKS
from worker import activities_of, http_of, llm_of, worker_of

USER = "11111111-1111-4111-8111-111111111111"


@dataclass
class Stack:
    """What a test needs to run graphs and to look at what became of them."""

    client: Client
    store: PostgresStore
    settings: Settings
    catalogue: Catalogue
    changes: Changes

    async def save(self, graph: Graph) -> tuple[str, int]:
        """Store a graph as the test user's."""
        graph = graph.model_copy(update={"id": graph.id or str(uuid.uuid4())})
        return graph.id, await self.store.graphs.save(USER, graph, [])

    async def start(
        self,
        graph: Graph,
        inputs: Mapping[str, Any] | None = None,
        *,
        start_delay: timedelta | None = None,
        **fields: Any,
    ) -> WorkflowHandle[Any, Any]:
        """Store a graph and start a run of it, as `temporal workflow start` would."""
        graph_id, version = await self.save(graph)
        asked = {
            "graph_id": graph_id,
            "user_id": USER,
            "graph_version": version,
            "inputs": dict(inputs or {}),
            **fields,
        }
        return await self.client.start_workflow(
            GRAPH_EXECUTION,
            asked,
            id=str(uuid.uuid4()),
            task_queue=self.settings.task_queue,
            start_delay=start_delay,
        )

    def watch(self, execution_id: str) -> AsyncIterator[None]:
        """Once now, then after each commit that touched the run."""
        return self.changes.watch(execution_id)

    async def run(self, graph: Graph, inputs: Mapping[str, Any] | None = None, **fields: Any) -> "Outcome":
        """Start a run and wait for its end."""
        return await self.outcome(await self.start(graph, inputs, **fields))

    async def outcome(self, handle: WorkflowHandle[Any, Any]) -> "Outcome":
        """A run's end as the workflow and the rows tell it."""
        failure: BaseException | None = None
        try:
            await asyncio.wait_for(handle.result(), 60)
        except WorkflowFailureError as error:
            failure = error.cause
        execution = await self.store.executions.get(USER, handle.id)
        assert execution is not None, "the run left no row"
        outputs: dict[str, list[Any]] = {}
        for name, value in await self.store.executions.agent_outputs(handle.id):
            outputs.setdefault(name, []).append(value.get("value", value))
        nodes = await self.store.executions.nodes(handle.id)
        return Outcome(handle, execution, outputs, nodes, failure)


@dataclass
class Outcome:
    """A run that has ended."""

    handle: WorkflowHandle[Any, Any]
    execution: Execution
    outputs: dict[str, list[Any]]
    nodes: list[StoredNode]
    failure: BaseException | None

    def of(self, node_id: str) -> list[StoredNode]:
        """The executions of one node, in queue order."""
        return [node for node in self.nodes if node.node_id == node_id]


@pytest.fixture(scope="session")
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    async with await open_pool(database_url, min_size=2, max_size=10, idle_seconds=60) as pool:
        await migrate(pool)
        opened = PostgresStore(pool)
        await opened.users.ensure_user(USER, email="test@example.com", name="Test")
        yield opened


@asynccontextmanager
async def opened_stack(
    client: Client,
    store: PostgresStore,
    database_url: str,
    *,
    further_blocks: Iterable[type[Block[Any]]] = (),
    http: Http | None = None,
    **changed: Any,
) -> AsyncIterator[Stack]:
    """A worker with some settings and perhaps blocks of its own, on a task queue of its own."""
    settings = Settings(
        task_queue=f"test-{uuid.uuid4()}", workflow_sandbox=True, graceful_shutdown_timeout_seconds=1, **changed
    )
    catalogue = Catalogue(dict.fromkeys((*TEST_BLOCKS, *further_blocks)))
    with BlocksLoop() as blocks_loop:
        http, llm = http or http_of(settings), llm_of(settings)
        activities = activities_of(settings, client, store, catalogue, blocks_loop, WorkerMetrics(), http, llm)
        async with worker_of(settings, client, activities), Changes(database_url) as changes:
            yield Stack(client, store, settings, catalogue, changes)
        for clients in (http, llm):
            await asyncio.wrap_future(blocks_loop.submit(clients.aclose()))


@pytest.fixture(scope="session")
async def stack(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    async with opened_stack(temporal_client, store, database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
async def short_histories(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker whose runs continue as new after a few events."""
    async with opened_stack(
        temporal_client, store, database_url, continue_after_events=8, batch_max_nodes=50, local_batches_ms=10
    ) as opened:
        yield opened
