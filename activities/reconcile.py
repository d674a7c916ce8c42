"""Looks for rows and workflows that disagree, and makes the rows say what the server says (architecture §4).

Registered by `worker.py`, started by a schedule through `workflows/reconcile.py`. Rows are looked at when nothing was
heard of them for long; workflows when they were started a while ago. Each round is bounded; the next one goes on.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from re import fullmatch

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.admitting import Admitting
from activities.heartbeats import heartbeats
from contracts.activities import RECONCILE
from contracts.execution import EXECUTION_ID
from contracts.latest_run import latest_run, missing
from contracts.listed_runs import ListedRun, asked_for, runs_started
from contracts.upkeep import Reconciled, ReconcileRequest
from engine.model import Status
from store.ownership import Owner
from store.records import NewExecution, Store
from store.repair import repair
from telemetry.logging import Logger

log = Logger("heddle.reconcile")

_AT_ONCE = 10
_RPC = timedelta(seconds=5)
_SLICE = timedelta(minutes=1)
_LISTED_LATE = timedelta(seconds=30)
"""A run that has just begun may be missing from the server's list for a while: each round looks so far back again."""

_CLOCKS_DIFFER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ReconcileLimits:
    """How long a run may be silent, how far a first round looks back, how many rows and workflows a round looks at."""

    silence: timedelta
    look_back: timedelta
    rows: int
    workflows: int


class ReconcileActivities:
    """The activity that reconciles."""

    def __init__(
        self, client: Client, store: Store, admitting: Admitting, task_queue: str, limits: ReconcileLimits
    ) -> None:
        self._client = client
        self._store = store
        self._admitting = admitting
        self._task_queue = task_queue
        self._limits = limits

    @activity.defn(name=RECONCILE.name)
    async def reconcile(self, request: ReconcileRequest) -> Reconciled:
        """One round."""
        done = Reconciled(listed_until=request.listed_until)
        async with heartbeats():
            await self._look_at_silent_rows(done)
            await self._stop_orphans()
            await self._look_at_new_workflows(request, done)
            await self._admitting.tell(await self._store.admission.leave_ended(), by="reconciler")
        if done.repaired or done.written:
            log.warning("Rows brought into agreement with Temporal", repaired=done.repaired, written=done.written)
        return done

    async def _look_at_silent_rows(self, done: Reconciled) -> None:
        ownership = self._store.ownership
        silent = await ownership.silent(self._limits.silence, limit=self._limits.rows)
        owners = await ownership.owners(silent)
        going_on = [id for id, is_closed in await self._look_at(owners.items()) if not is_closed]
        await ownership.heard(going_on)
        done.asked += len(owners)
        done.repaired += len(owners) - len(going_on)

    async def _stop_orphans(self) -> None:
        """A sub-graph that has outputs learns by itself that its parent is gone; one that only waits is told here.

        Not of silent rows alone: one that somebody reads again and again is looked at by the API, and so never silent.
        """
        orphans = await self._store.ownership.orphans(self._limits.silence, limit=self._limits.rows)
        for execution_id, parent_id in orphans.items():
            parent = await latest_run(self._client, parent_id)
            if parent is not None and parent.ending is None:
                continue  # it goes on again
            try:
                await self._client.get_workflow_handle(execution_id).cancel(rpc_timeout=_RPC)
            except RPCError as error:
                log.warning("Sub-graph not stopped", graph_execution_id=execution_id, error=error.message)
            else:
                log.warning("Sub-graph stopped, its parent has ended", graph_execution_id=execution_id)

    async def _look_at(self, rows: Iterable[tuple[str, Owner]]) -> list[tuple[str, bool]]:
        """(id, whether its workflow is over, which its row then says) of each, several at a time."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def look(execution_id: str, owner: Owner) -> tuple[str, bool]:
            async with free:
                return execution_id, await self._is_closed(execution_id, owner)

        return await asyncio.gather(*(look(execution_id, owner) for execution_id, owner in rows))

    async def _is_closed(self, execution_id: str, owner: Owner) -> bool:
        latest = await latest_run(self._client, execution_id)
        ending = latest.ending if latest else missing(datetime.now(UTC))
        if ending is None or (owner.status.is_final and (latest is None or latest.run_id == owner.run_id)):
            return False
        admitted = await repair(self._store, execution_id, owner, latest.run_id if latest else None, ending)
        await self._admitting.tell(admitted, by=execution_id)
        return True

    async def _look_at_new_workflows(self, request: ReconcileRequest, done: Reconciled) -> None:
        """Workflows without a row, and rows that do not know of a newer run which has ended; minute by minute."""
        since = request.listed_until - _LISTED_LATE if request.listed_until else request.at - self._limits.look_back
        until = request.at - self._limits.silence
        seen = 0
        while since < until and seen < self._limits.workflows:
            end = min(until, since + _SLICE)
            async for page in runs_started(self._client, self._task_queue, since, end):
                seen += len(page)
                await self._look_at_workflows(page, done)
            done.listed_until = since = end

    async def _look_at_workflows(self, page: list[ListedRun], done: Reconciled) -> None:
        known = await self._store.ownership.owners({run.execution_id for run in page})
        # Asked after the rows: who finds no row because it was deleted just now finds that here.
        deleted = await self._store.removal.deleted({run.execution_id for run in page})
        new = {
            run.execution_id: run
            for run in page
            if run.execution_id not in known and not _was_deleted(run, deleted.get(run.execution_id))
        }
        for run in new.values():
            done.written += await self._write(run)
        changed = {
            run.execution_id: known[run.execution_id]
            for run in page
            if run.execution_id in known and known[run.execution_id].run_id not in (None, run.run_id)
        }
        found = await self._look_at(changed.items())
        done.repaired += sum(is_closed for _, is_closed in found)

    async def _write(self, run: ListedRun) -> bool:
        """A row for a workflow that has none. One that goes on writes what follows by itself."""
        if not fullmatch(EXECUTION_ID, run.execution_id):
            return False
        asked = await asked_for(self._client, run)
        if asked is None:
            log.warning("Workflow without a row, and without a user it could belong to", workflow_id=run.execution_id)
            return False
        new = NewExecution(
            id=run.execution_id,
            user_id=asked.user_id,
            graph_id=asked.graph_id,
            graph_version=asked.graph_version or 0,
            inputs=asked.input_values(),
            masks=asked.mask_values(),
            trigger=asked.trigger,
            root_id=asked.context.root_execution_id,
            parent_id=asked.context.parent_execution_id,
        )
        if await self._store.executions.create(new):
            await self._is_closed(run.execution_id, Owner(None, Status.QUEUED))
        return True


def _was_deleted(run: ListedRun, at: datetime | None) -> bool:
    """Whether the run's row was deleted. One that was started under the same id after that has none yet."""
    return at is not None and run.started_at < at + _CLOCKS_DIFFER
