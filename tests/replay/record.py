"""Records the histories that `test_replay.py` replays: `python -m tests.replay.record [KIND…]`.

Run it when a change of workflow code is behind `workflow.patched`, or for a new kind of run. Old histories are kept:
rename the new one, so that both are replayed.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from activities.blocks_loop import BlocksLoop
from blocks.catalogue import Catalogue
from contracts.activities import EVENT, PRUNE_EXECUTIONS, RECONCILE_RUNS
from contracts.block_execution import BLOCK_EXECUTION
from contracts.bulk import BULK_RESUME
from contracts.execution import GRAPH_EXECUTION
from contracts.reviews import REVIEW_NODE
from contracts.search_attributes import SEARCH_ATTRIBUTES, STATUS
from contracts.temporal_client import connect
from dev import health, postgres, temporal_cli
from engine.model import Status
from settings import Settings
from store.changes import Changes
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from store.records import StoredNode
from telemetry.free_port import free_port
from telemetry.metrics import WorkerMetrics
from tests.blocks.block_runs import Scripted
from tests.replay.kinds import (
    CANCELLED,
    FAILED_BY_HAND,
    LOST,
    QUEUED,
    REPLIES,
    RERUN,
    RESET,
    RESUMED,
    REVIEWED,
    SETTINGS,
    UPKEEP,
    kinds,
)
from tests.support.blocks import TEST_BLOCKS, Nap, Pass
from tests.support.system import spawn
from worker import activities_of, worker_of

HISTORIES = Path(__file__).parent / "histories"
USER = "33333333-3333-4333-8333-333333333333"


async def reset_to_the_middle(client: Client, workflow_id: str) -> WorkflowHandle[Any, Any]:
    """Reset a run to the workflow task that heard of the first activity's end; the run that goes on there."""
    events = (await client.get_workflow_handle(workflow_id).fetch_history()).events
    first = next(e for e in events if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
    heard = next(
        e
        for e in events
        if e.event_id > first.event_id and e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    return await reset_to(client, workflow_id, heard.event_id)


async def reset_to(client: Client, workflow_id: str, task_event_id: int) -> WorkflowHandle[Any, Any]:
    """Reset a run to the workflow task with this final event; the run that goes on there."""
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            reason="recorded",
            workflow_task_finish_event_id=task_event_id,
            request_id=str(uuid.uuid4()),
        )
    )
    return client.get_workflow_handle(workflow_id, run_id=answer.run_id)


@dataclass
class Recorder:
    """What making a run needs."""

    client: Client
    store: PostgresStore
    changes: Changes
    task_queue: str
    processes: "Processes"

    async def run(self, name: str) -> WorkflowHandle[Any, Any]:
        """A run of a kind, made to its end."""
        graph, inputs = kinds()[name]
        graph = graph.model_copy(update={"id": str(uuid.uuid4())})
        version = await self.store.graphs.save(USER, graph, [])
        asked = {"graph_id": graph.id, "user_id": USER, "graph_version": version, "inputs": inputs}
        other = await self._start(f"before-{name}", asked) if name in QUEUED else None
        handle = await self._start(f"recorded-{name}", asked)
        if other:
            while (await handle.describe()).typed_search_attributes.get(STATUS) != Status.QUEUED.value or (
                not await self._running(other.id)
            ):
                await asyncio.sleep(0.05)
            await other.cancel()
        if name in CANCELLED | RESUMED:
            await self._one_running(handle.id)
            await handle.cancel()
        if name in FAILED_BY_HAND:
            under_way = await self._one_running(handle.id)
            activity = self.client.get_async_activity_handle(
                workflow_id=handle.id, run_id=None, activity_id=under_way[0].id
            )
            await activity.fail(ApplicationError("Failed by hand", type="by_hand", non_retryable=True))
        if name in LOST:
            await self._one_running(handle.id)
            self.processes.replace()
        if name in REVIEWED:
            async for _ in self.changes.watch(handle.id):
                if reviews := (await self.store.reviews.waiting(USER, limit=1, before=None)).items:
                    break
            await handle.execute_update(REVIEW_NODE, {"review_id": reviews[0].id, "approved": True})
            await handle.signal(EVENT, {"name": "go"})
        try:
            await handle.result()
        except WorkflowFailureError as failure:
            print(f"{name}: {failure.cause}")
        if name in RESUMED:
            handle = await self._start(handle.id, {"graph_id": graph.id, "user_id": USER, "resume": True})
            await handle.result()
        if name in RERUN:
            handle = await self._start(f"{handle.id}-again", {"rerun_of": handle.id, "rerun_from_node": "b", **asked})
            await handle.result()
        if name in RESET:
            handle = await reset_to_the_middle(self.client, handle.id)
            await handle.result()
        if name == "continuing":
            handle = self.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        return handle

    async def upkeep(self, name: str) -> WorkflowHandle[Any, Any]:
        """A workflow of another type, run to its end."""
        asked: tuple[str, Any]
        match name:
            case "block":
                asked = BLOCK_EXECUTION, {"block_id": Pass.id, "user_id": USER, "inputs": {"value": 1}}
            case "block_that_sleeps":
                asked = BLOCK_EXECUTION, {"block_id": Nap.id, "user_id": USER, "inputs": {"value": 2}}
            case "bulk_resume":
                failed = await self.run("failing_run")
                row = await self.store.executions.get(USER, failed.id)
                assert row
                asked = (
                    BULK_RESUME,
                    {
                        "user_id": USER,
                        "graph_id": row.graph_id,
                        "since": datetime.min.replace(tzinfo=UTC),
                        "per_second": 5,
                    },
                )
            case "prune":
                asked = PRUNE_EXECUTIONS, None
            case _:
                asked = RECONCILE_RUNS, None
        type_, given = asked
        handle = await self.client.start_workflow(
            type_, *(() if given is None else (given,)), id=f"recorded-{name}", task_queue=self.task_queue
        )
        print(await handle.result())
        return handle

    async def _start(self, id: str, asked: dict[str, Any]) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(GRAPH_EXECUTION, asked, id=id, task_queue=self.task_queue)

    async def _running(self, execution_id: str) -> list[StoredNode]:
        return [n for n in await self.store.executions.nodes(execution_id) if n.status is Status.RUNNING]

    async def _one_running(self, execution_id: str) -> list[StoredNode]:
        async for _ in self.changes.watch(execution_id):
            if found := await self._running(execution_id):
                return found
        raise AssertionError("unreachable")


class Processes:
    """A worker as a process of its own, which can be killed; the next one takes its place."""

    def __init__(self, address: str, database: str, task_queue: str, logs: Path) -> None:
        self._environment = {
            "TEMPORAL_ADDRESS": address,
            "DATABASE_URL": database,
            "HEDDLE_TASK_QUEUE": task_queue,
            "HEDDLE_WORKER_METRICS_PORT": str(free_port()),
            "HEDDLE_NODE_HEARTBEAT_TIMEOUT_SECONDS": "2",
        }
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None

    def replace(self) -> None:
        """Kill the one there is, if any, and start another."""
        self.kill()
        self._process = spawn("worker", self._environment, self._logs)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()


@contextlib.asynccontextmanager
async def lost(processes: Processes) -> AsyncIterator[None]:
    """A worker that is killed in the end, if not before."""
    processes.replace()
    try:
        yield
    finally:
        processes.kill()


async def record(names: list[str], directory: Path) -> None:
    """One history a kind, from real runs."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    arguments = temporal_cli.server_arguments(
        port=port, ui_port=None, namespace="default", search_attributes=SEARCH_ATTRIBUTES, database=None
    )
    temporal = subprocess.Popen([temporal_cli.obtain(print), *arguments])
    database = postgres.start(directory)
    try:
        assert await health.until(health.temporal(address, "default", SEARCH_ATTRIBUTES, None), 60)
        client = await connect(address, "default", identity="recorder")
        async with await open_pool(database.url, min_size=1, max_size=5, idle_seconds=60) as pool:
            await migrate(pool)
            store = PostgresStore(pool)
            await store.users.ensure_user(USER, email="recorder@example.com", name="Recorder")
            with BlocksLoop() as loop:
                for name in names:
                    settings = Settings(task_queue=f"recorder-{name}", **SETTINGS.get(name, {}))
                    processes = Processes(address, database.url, settings.task_queue, directory)
                    llm = Scripted(*REPLIES.get(name, ()))
                    activities = activities_of(
                        settings, client, store, Catalogue(TEST_BLOCKS), loop, WorkerMetrics(), llm=llm
                    )
                    serving = lost(processes) if name in LOST else worker_of(settings, client, activities)
                    async with serving, Changes(database.url) as changes:
                        recorder = Recorder(client, store, changes, settings.task_queue, processes)
                        handle = await (recorder.upkeep if name in UPKEEP else recorder.run)(name)
                        (HISTORIES / f"{name}.json").write_text((await handle.fetch_history()).to_json())
                        print(f"recorded {name}")
    finally:
        temporal.terminate()
        temporal.wait(20)
        database.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(record(sys.argv[1:] or [*kinds(), *UPKEEP], Path(folder)))
