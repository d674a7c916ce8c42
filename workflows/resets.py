"""Notices that the workflow was reset, and says what of the run stands where it goes on.

Used by `graph_execution.py` alone. The server changes a workflow's random seed at a reset, at a fixed place of the
history, so every replay notices it there too.
"""

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
        workflow.register_random_seed_callback(self._noticed)

    def _noticed(self, _seed: int) -> None:
        self.is_due = True

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
