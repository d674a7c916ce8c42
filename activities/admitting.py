"""The one point of admission: whether a run may begin, and telling those that wait that they may (S-127, S-130).

Used by `runs.py`. The slots are the store's; here is what happens around them: a run that finds none stands in the
queue, a run that ends tells the workflow of the one that got its slot.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.activities import ADMITTED, Admitted, RunRef
from contracts.errors import SystemFault, Unavailable
from engine.model import Status
from store.records import Begun, NewExecution, Store
from store.slots import SlotLimits
from telemetry.logging import Logger

_RPC_TIMEOUT = timedelta(seconds=2)

log = Logger(__name__)


class Admitting:
    """Lets runs begin within the limits of the deployment."""

    def __init__(self, client: Client, store: Store, limits: SlotLimits) -> None:
        self._client = client
        self._store = store
        self._limits = limits

    async def begin(self, new: NewExecution, *, run_id: str, at: datetime) -> Begun:
        """Take the run, or leave it QUEUED and in the queue.

        A sub-graph goes on in the slot of the run at its root: with one of its own it could wait for its parent, which
        waits for it.
        """
        begin = self._store.executions.begin
        if new.parent_id is not None:
            return await begin(new, run_id=run_id, at=at)
        begun = await begin(new, run_id=run_id, at=at, limits=self._limits)
        if begun.is_admitted:
            return begun
        is_admitted = await self._queue(new.id, new.user_id, new.graph_id)
        if is_admitted is None:
            return await begin(new, run_id=run_id, at=at)
        if is_admitted:
            return await begin(new, run_id=run_id, at=at, limits=self._limits)
        log.warning(
            f"Rate limit exceeded for user {new.user_id} on graph {new.graph_id}: "
            f"{await self._running(new)}/{self._limits.per_graph} running executions",
            graph_execution_id=new.id,
            limit=self._limits.per_graph,
            capacity=self._limits.capacity,
        )
        return begun

    async def _running(self, new: NewExecution) -> int | str:
        """How many runs of this user and graph are RUNNING, for the log only."""
        try:
            page = await self._store.executions.page(
                new.user_id, graph_id=new.graph_id, statuses=[Status.RUNNING], limit=1, before=None
            )
        except SystemFault:
            return "?"
        return page.total_count

    async def show(self, run: RunRef, status: Status) -> Status:
        """The run waits for reviews alone (REVIEW), in no slot, or wants to go on (RUNNING); what its row says then.

        QUEUED when no slot is free for it: it stands in the queue again. A sub-graph has none of its own.
        """
        limits = self._limits if run.context.parent_execution_id is None else None
        show = partial(self._store.reviews.show, run.execution_id, run_id=run.run_id, limits=limits)
        shown, admitted = await show(status=status, at=datetime.now(UTC))
        await self.tell(admitted, by=run.execution_id)
        if shown is Status.QUEUED:
            is_admitted = await self._queue(run.execution_id, run.user_id, run.graph_id)
            if is_admitted is None:
                shown, _ = await show(status=status, at=datetime.now(UTC), limits=None)
            elif is_admitted:
                shown, _ = await show(status=status, at=datetime.now(UTC))
        return shown

    async def stand_in(self, run: RunRef) -> None:
        """Count a run that goes on without having asked: after a reset its workflow is past the beginning.

        It does not wait; it takes a slot if one is free, else the first that becomes free when its turn comes.
        """
        if run.context.parent_execution_id is None:
            await self._queue(run.execution_id, run.user_id, run.graph_id)

    async def _queue(self, execution_id: str, user_id: str, graph_id: str) -> bool | None:
        """Stand in the queue and wake whoever may go on; whether this run may. None: nobody can tell, so it does."""
        try:
            admitted = await self._store.admission.wait(
                execution_id, user_id=user_id, graph_id=graph_id, limits=self._limits
            )
        except Unavailable:
            raise
        except SystemFault as error:
            log.warning("admission failed, the run goes on without it", error=error.message)
            return None
        await self.tell([id for id in admitted if id != execution_id], by=execution_id)
        return execution_id in admitted

    async def tell(self, execution_ids: Sequence[str], *, by: str) -> None:
        """Wake the workflows of runs that may go on now. Told twice, the second time means nothing.

        One that is gone frees its slot for the next. One that cannot be reached asks by itself after a while.
        """
        telling = list(execution_ids)
        while telling:
            execution_id = telling.pop()
            try:
                handle = self._client.get_workflow_handle(execution_id)
                await handle.signal(ADMITTED, Admitted(by=by), rpc_timeout=_RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    telling += await self._store.admission.leave(execution_id)
                else:
                    log.warning("run not told that it may go on", graph_execution_id=execution_id, error=str(error))
