"""Whose word counts when a row belongs to another run of its workflow: the server is asked which run is current.

Used by the activities that write a run's rows. After a reset the workflow says what stands (`take_over`), and whatever
comes before that waits for it; a run that has not begun takes the row with nothing (`start_over`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.records import now
from contracts.activities import RunRef
from contracts.errors import Unavailable
from contracts.latest_run import current_run_id
from store.ownership import NOTHING, OwnedByAnother, Ownership, Standing

WAIT_SECONDS = 5.0
"""How long an activity waits for the workflow to take the row over. After that Temporal tries the activity again."""

_PAUSE_SECONDS = 0.05
_ROUNDS = 5


class Claims:
    """Settles to which run a row belongs."""

    def __init__(self, client: Client, ownership: Ownership) -> None:
        self._client = client
        self._ownership = ownership

    async def started_over[T](self, execution_id: str, run_id: str, work: Callable[[], Awaitable[T]]) -> T:
        """What the work answers. If the row is another run's, this one takes it first, with nothing that stands."""
        try:
            return await work()
        except OwnedByAnother:
            await self.take_over(execution_id, run_id, NOTHING)
            return await work()

    async def reopened(self, execution_id: str, run_id: str) -> None:
        """Make the row of a run that is resumed this one's, if it is not yet: QUEUED, with all that it holds."""
        for _ in range(_ROUNDS):
            owner = (await self._ownership.owners([execution_id])).get(execution_id)
            if owner is None or owner.run_id == run_id:
                return
            await self._require_current(execution_id, run_id)
            if await self._ownership.reopen(execution_id, run_id=run_id, owner=owner.run_id, at=now()):
                return
        raise Unavailable("Too many runs of one workflow at once.")

    async def take_over(self, execution_id: str, run_id: str, standing: Standing | None) -> None:
        """Make the row this run's; superseded when another run is the current one by now."""
        for _ in range(_ROUNDS):
            owner = (await self._ownership.owners([execution_id])).get(execution_id)
            if owner is None or owner.run_id == run_id:
                return
            await self._require_current(execution_id, run_id)
            if await self._ownership.take_over(
                execution_id, run_id=run_id, owner=owner.run_id, standing=standing, at=now()
            ):
                return
        raise Unavailable("Too many runs of one workflow at once.")

    async def join(self, run: RunRef) -> None:
        """Make it the reference to the activity's own run: what was scheduled before a reset names the run before."""
        own = activity.info().workflow_run_id
        if own is not None and own != run.run_id:
            run.run_id = own
            await self.waited(run)

    async def waited(self, run: RunRef) -> bool:
        """Whether the row was another run's and is this one's now, so that what was refused may be written.

        Unavailable when it takes too long, superseded when this run is not the current one.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        has_waited = False
        while True:
            owner = (await self._ownership.owners([run.execution_id])).get(run.execution_id)
            if owner is not None and owner.run_id == run.run_id:
                return has_waited
            if not has_waited:
                await self._require_current(run.execution_id, run.run_id)
                has_waited = True
            if owner is not None and owner.run_id is None:
                await self.take_over(run.execution_id, run.run_id, None)
            elif time.monotonic() > deadline:
                raise Unavailable("The run's row is not taken over yet.")
            else:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _require_current(self, execution_id: str, run_id: str) -> None:
        if await current_run_id(self._client, execution_id) != run_id:
            raise ApplicationError(
                "Another run of the workflow has taken this one's place", type="superseded", non_retryable=True
            )
