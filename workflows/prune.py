"""Prunes what is too old, as a Temporal workflow: its one activity does the work, its history says when and how much.

Started by a schedule that `worker.py` makes.
"""

from temporalio import workflow

from contracts.activities import PRUNE_EXECUTIONS
from contracts.upkeep import Pruned, PruneRequest
from workflows.activity_calls import start_prune


@workflow.defn(name=PRUNE_EXECUTIONS)
class PruneExecutions:
    """One round of pruning."""

    @workflow.run
    async def run(self) -> Pruned:
        """Ages are counted from the start of the round, so that a repeated activity deletes the same."""
        return await start_prune(PruneRequest(at=workflow.now()))
