"""Notices that the workflow was reset, and says what of the run stands where it goes on.

Used by `graph_execution.py` alone. The server changes a workflow's random seed at a reset, at a fixed place of the
history, so every replay notices it there too.
"""

import asyncio
from collections.abc import Iterable

from temporalio import workflow

from contracts.activities import RunRef, StandingRow, TakeOverRequest
from engine.events import Event
from engine.scheduler import Scheduler
from engine.standing import opened, unended


class Resets:
    """Whether the rows are still to be told of a reset."""

    def __init__(self) -> None:
        self.is_due = False
        self._loop = asyncio.get_running_loop()
        workflow.register_random_seed_callback(self._noticed)

    def _noticed(self, _seed: int) -> None:
        self.is_due = True
        # Conditions are looked at only when something is ready to run: a run that waits would not notice.
        self._loop.call_soon(_nothing)

    def request(self, run: RunRef, scheduler: Scheduler, inbox: Iterable[Event]) -> TakeOverRequest:
        """What stands now; with this the rows have been told."""
        self.is_due = False
        state = scheduler.state
        rows = [
            StandingRow(
                id=each.id,
                node_id=each.node.id,
                block_id=each.node.block_id,
                ordinal=each.ordinal,
                status=each.status,
                seq=each.seq,
                inputs=each.inputs,
                emitted=each.emitted,
            )
            for each in unended(scheduler.plan, state, inbox)
        ]
        return TakeOverRequest(run=run, opened=opened(scheduler.plan, state), open=rows)


def _nothing() -> None:
    """Wakes the loop."""
