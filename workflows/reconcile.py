"""Reconciles rows with workflows, as a Temporal workflow: one activity does the work, the history says what was done.

Started by a schedule that `worker.py` makes. Each round goes on where the one before ended.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from contracts.activities import RECONCILE_RUNS
from contracts.upkeep import Reconciled, ReconcileRequest
from workflows.activity_calls import start_reconcile


@workflow.defn(name=RECONCILE_RUNS)
class ReconcileRuns:
    """One round of reconciling."""

    @workflow.run
    async def run(self) -> Reconciled:
        """What cannot be done now is left to the next round, a few seconds later."""
        last = workflow.get_last_completion_result(Reconciled) if workflow.has_last_completion_result() else None
        listed_until = last.listed_until if last else None
        try:
            return await start_reconcile(ReconcileRequest(at=workflow.now(), listed_until=listed_until))
        except ActivityError as error:
            workflow.logger.warning("Not reconciled: %s", error.cause)
            return Reconciled(listed_until=listed_until)
