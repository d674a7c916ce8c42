"""Deletes what is too old: runs with all that belongs to them, and values by themselves.

Registered by `worker.py`, started by a schedule through `workflows/prune.py`. Each chunk is a transaction of its own:
what has been deleted stays deleted when the worker is lost.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.heartbeats import heartbeats
from contracts.activities import PRUNE
from contracts.upkeep import Pruned, PruneRequest
from store.removal import Removal
from telemetry.logging import Logger

log = Logger("heddle.prune")

RUNS_AT_ONCE = 100
VALUES_AT_ONCE = 200
DELETIONS_AT_ONCE = 10_000

DELETIONS_KEPT = timedelta(days=7)
"""So long a deleted run's workflow gets no row again. Much longer than reconciling looks back, or lags behind."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days runs that are over are kept, and their large values; 0: runs for ever, values as long as runs."""

    executions: float
    values: float


class PruneActivities:
    """The activity that prunes."""

    def __init__(self, removal: Removal, retention: Retention) -> None:
        self._removal = removal
        self._retention = retention

    @activity.defn(name=PRUNE.name)
    async def prune(self, request: PruneRequest) -> Pruned:
        """Delete chunk by chunk until nothing old is left. Runs that are not over stay, however old."""
        pruned = Pruned()
        async with heartbeats():
            if days := self._retention.executions:
                before = request.at - timedelta(days=days)
                while gone := await self._removal.prune_executions(ended_before=before, limit=RUNS_AT_ONCE):
                    pruned.executions += gone
            # Values may also be left by runs that never came to be.
            if days := self._retention.values or self._retention.executions:
                before = request.at - timedelta(days=days)
                while gone := await self._removal.prune_values(before=before, limit=VALUES_AT_ONCE):
                    pruned.values += gone
            while await self._removal.prune_deleted(before=request.at - DELETIONS_KEPT, limit=DELETIONS_AT_ONCE):
                pass
        log.info("Pruned", executions=pruned.executions, values=pruned.values)
        return pruned
