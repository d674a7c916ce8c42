"""Finds failed runs of a graph and starts them once more: the activities of the workflow `BulkResume`.

Registered by `worker.py`. Each run that is resumed takes a slot like any other.
"""

from collections import Counter

from temporalio import activity
from temporalio.client import Client

from activities.graphs import GraphCache
from activities.heartbeats import heartbeats
from activities.records import now
from contracts.activities import LIST_FAILED, RESUME_RUNS
from contracts.bulk import FailedPage, ListFailedRequest, ResumedRuns, ResumeRunsRequest
from contracts.errors import CallerError, ExecutionCompleted, ExecutionNotFound, SystemFault, Unavailable
from contracts.execution import GraphExecutionInput
from contracts.resuming import start_resumed
from engine.model import Status
from store.records import Store

_PAGE = 100


class BulkActivities:
    """Activities on many runs of a graph."""

    def __init__(self, client: Client, store: Store, graphs: GraphCache, task_queue: str) -> None:
        self._client = client
        self._store = store
        self._graphs = graphs
        self._task_queue = task_queue

    @activity.defn(name=LIST_FAILED.name)
    async def list_failed(self, request: ListFailedRequest) -> FailedPage:
        """A page of runs that are FAILED."""
        async with heartbeats():
            page = await self._store.failed_runs.page(
                request.user_id, request.graph_id, since=request.since, limit=_PAGE, before=request.before
            )
        return FailedPage(ids=page.items, next_cursor=page.next_cursor, total_count=page.total_count)

    @activity.defn(name=RESUME_RUNS.name)
    async def resume_runs(self, request: ResumeRunsRequest) -> ResumedRuns:
        """Start each once more. Repeatable: one that goes on already counts as started."""
        reasons: Counter[str] = Counter()
        async with heartbeats():
            for execution_id in request.ids:
                try:
                    await self._resume(request.user_id, execution_id)
                except Unavailable:
                    raise  # all of them are tried again
                except (CallerError, SystemFault) as error:
                    reasons[error.code] += 1
        return ResumedRuns(started=len(request.ids) - reasons.total(), reasons=dict(reasons))

    async def _resume(self, user_id: str, execution_id: str) -> None:
        row = await self._store.executions.get(user_id, execution_id)
        if row is None:
            raise ExecutionNotFound
        if not row.status.is_final:
            return
        if row.status is not Status.FAILED:
            raise ExecutionCompleted("The run has not failed.")
        compiled = await self._graphs.load_to_begin(user_id, row.graph_id, row.graph_version)
        run = GraphExecutionInput(
            graph_id=row.graph_id, user_id=user_id, graph_version=row.graph_version, trigger=row.trigger, resume=True
        )
        run_id = await start_resumed(
            self._client,
            execution_id,
            run,
            task_queue=self._task_queue,
            earlier_run_id=row.run_id,
            graph_name=compiled.name[:200] or "Untitled agent",
        )
        if run_id is not None:
            await self._store.ownership.reopen(execution_id, run_id=run_id, owner=row.run_id, at=now())
