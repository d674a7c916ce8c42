"""Resumes all failed runs of a graph at a bounded rate, as a Temporal workflow: it outlives workers.

Started by the API. It knows no rows: activities find the runs and start them.
"""

from datetime import timedelta

from temporalio import workflow

from contracts.bulk import (
    BULK_PROGRESS,
    BULK_RESUME,
    BulkProgress,
    BulkResumeInput,
    FailedPage,
    ListFailedRequest,
    ResumedRuns,
    ResumeRunsRequest,
)
from workflows.activity_calls import start_list_failed, start_resume_runs


@workflow.defn(name=BULK_RESUME)
class BulkResume:
    """One round through the failed runs of a graph; each is resumed once, or refused."""

    @workflow.init
    def __init__(self, request: BulkResumeInput) -> None:
        self._done = request.done or BulkProgress(user_id=request.user_id, graph_id=request.graph_id)

    @workflow.run
    async def run(self, request: BulkResumeInput) -> BulkProgress:
        """Page by page, so many a second."""
        at_once = max(1, int(request.per_second))
        before = request.before
        while True:
            page: FailedPage = await start_list_failed(
                ListFailedRequest(
                    user_id=request.user_id, graph_id=request.graph_id, since=request.since, before=before
                )
            )
            if before is None:
                self._done.total = page.total_count
            await self._resume(request, page.ids, at_once)
            before = page.next_cursor
            if before is None:
                self._done.is_over = True
                return self._done
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(request.model_copy(update={"before": before, "done": self._done}))

    @workflow.query(name=BULK_PROGRESS)
    def progress(self) -> BulkProgress:
        """How far it is."""
        return self._done

    async def _resume(self, request: BulkResumeInput, ids: list[str], at_once: int) -> None:
        for first in range(0, len(ids), at_once):
            some = ids[first : first + at_once]
            resumed: ResumedRuns = await start_resume_runs(ResumeRunsRequest(user_id=request.user_id, ids=some))
            self._done.started += resumed.started
            for code, count in resumed.reasons.items():
                self._done.refused += count
                self._done.reasons[code] = self._done.reasons.get(code, 0) + count
            await workflow.sleep(timedelta(seconds=at_once / request.per_second), summary="rate")
