"""Records the histories that `test_replay.py` replays: `python -m tests.replay.record [KIND…]`.

Run it when a change of workflow code is behind `workflow.patched`, or for a new kind of run. Old histories are kept:
rename the new one, so that both are replayed.
"""

import asyncio
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.blocks_loop import BlocksLoop
from blocks.catalogue import Catalogue
from contracts.activities import EVENT
from contracts.execution import GRAPH_EXECUTION
from contracts.reviews import REVIEW_NODE
from contracts.search_attributes import SEARCH_ATTRIBUTES
from contracts.temporal_client import connect
from dev import health, postgres, temporal_cli
from engine.model import Status
from settings import Settings
from store.changes import Changes
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from telemetry.free_port import free_port
from telemetry.metrics import WorkerMetrics
from tests.replay.kinds import CANCELLED, RERUN, RESET, RESUMED, REVIEWED, kinds
from tests.support.blocks import TEST_BLOCKS
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
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            reason="recorded",
            workflow_task_finish_event_id=heard.event_id,
            request_id=str(uuid.uuid4()),
        )
    )
    return client.get_workflow_handle(workflow_id, run_id=answer.run_id)


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
            settings = Settings(task_queue="recorder")
            with BlocksLoop() as loop:
                activities = activities_of(settings, client, store, Catalogue(TEST_BLOCKS), loop, WorkerMetrics())
                async with worker_of(settings, client, activities), Changes(database.url) as changes:
                    for name in names:
                        graph, inputs = kinds()[name]
                        graph = graph.model_copy(update={"id": str(uuid.uuid4())})
                        version = await store.graphs.save(USER, graph, [])
                        asked = {"graph_id": graph.id, "user_id": USER, "graph_version": version, "inputs": inputs}
                        handle = await client.start_workflow(
                            GRAPH_EXECUTION, asked, id=f"recorded-{name}", task_queue=settings.task_queue
                        )
                        if name in CANCELLED | RESUMED:
                            async for _ in changes.watch(handle.id):
                                if any(n.status is Status.RUNNING for n in await store.executions.nodes(handle.id)):
                                    break
                            await handle.cancel()
                        if name in REVIEWED:
                            async for _ in changes.watch(handle.id):
                                if reviews := (await store.reviews.waiting(USER, limit=1, before=None)).items:
                                    break
                            await handle.execute_update(REVIEW_NODE, {"review_id": reviews[0].id, "approved": True})
                            await handle.signal(EVENT, {"name": "go"})
                        try:
                            await handle.result()
                        except WorkflowFailureError as failure:
                            print(f"{name}: {failure.cause}")
                        if name in RESUMED:
                            handle = await client.start_workflow(
                                GRAPH_EXECUTION,
                                {"graph_id": graph.id, "user_id": USER, "resume": True},
                                id=handle.id,
                                task_queue=settings.task_queue,
                            )
                            await handle.result()
                        if name in RERUN:
                            again = {"rerun_of": handle.id, "rerun_from_node": "b", **asked}
                            handle = await client.start_workflow(
                                GRAPH_EXECUTION, again, id=f"{handle.id}-again", task_queue=settings.task_queue
                            )
                            await handle.result()
                        if name in RESET:
                            handle = await reset_to_the_middle(client, handle.id)
                            await handle.result()
                        (HISTORIES / f"{name}.json").write_text((await handle.fetch_history()).to_json())
                        print(f"recorded {name}")
    finally:
        temporal.terminate()
        temporal.wait(20)
        database.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(record(sys.argv[1:] or list(kinds()), Path(folder)))
