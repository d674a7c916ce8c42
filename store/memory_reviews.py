"""Reviews in memory: the same rules as `queries/reviews.sql`, in Python.

Used by `memory.MemoryStore`. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import datetime

from engine.model import Status
from engine.values import Value
from store.cursor import NEWEST, Cursor, page_of
from store.memory_executions import MemoryExecutions
from store.memory_rows import json_copy
from store.pages import Page
from store.records import Event
from store.reviews import STOPPED, GraphSettings, NewReview, Review, ReviewStatus, SettingsChange
from store.slots import SlotLimits


class MemoryReviews:
    """`reviews.Reviews` in memory."""

    def __init__(self, executions: MemoryExecutions) -> None:
        self._executions = executions
        self._asked: dict[tuple[str, str], tuple[int, Review]] = {}
        self._settings: dict[tuple[str, str], GraphSettings] = {}

    async def ask(self, review: NewReview) -> None:
        """Write the review, or write it anew for a later attempt."""
        key = (review.execution_id, review.id)
        if key in self._asked and self._asked[key][0] >= review.attempt:
            return
        columns = {field.name: getattr(review, field.name) for field in fields(review) if field.name != "attempt"}
        columns["payload"] = json_copy(columns["payload"])
        waiting = Review(**columns, graph_id="", graph_version=0, status=ReviewStatus.WAITING)
        self._asked[key] = (review.attempt, waiting)

    async def decide(
        self,
        execution_id: str,
        review_id: str,
        *,
        run_id: str,
        approved: bool,
        reviewer: str,
        message: str,
        data: Value | None,
        at: datetime,
        lasts: bool = False,
    ) -> bool:
        """Write a decision that stands; False when the run is another run id's."""
        run, key = self._executions.run(execution_id), (execution_id, review_id)
        if run is None or run.row.run_id != run_id or key not in self._asked:
            return False
        attempt, review = self._asked[key]
        status = ReviewStatus.APPROVED if approved else ReviewStatus.REJECTED
        given = json_copy(data) if data else None
        decided = replace(
            review, status=status, reviewer=reviewer, message=message, data=given, decided_at=at, lasts=lasts
        )
        self._asked[key] = (attempt, decided)
        return True

    def forget(self, execution_id: str, node_execution_ids: Collection[str]) -> None:
        """Forget what these asked."""
        self._asked = {
            key: held
            for key, held in self._asked.items()
            if key[0] != execution_id or held[1].node_execution_id not in node_execution_ids
        }

    def take_back(self, execution_id: str, node_execution_ids: Collection[str]) -> None:
        """Forget what was decided on these."""
        for key, (attempt, review) in self._asked.items():
            if review.execution_id == execution_id and review.node_execution_id in node_execution_ids:
                again = replace(
                    review,
                    status=ReviewStatus.WAITING,
                    reviewer=None,
                    message=None,
                    data=None,
                    decided_at=None,
                    lasts=False,
                )
                self._asked[key] = (attempt, again)

    async def of_execution(self, user_id: str, execution_id: str) -> list[Review]:
        """Those of a run of the user, in the order in which they were asked."""
        mine = [review for review in self._shown(user_id) if review.execution_id == execution_id]
        return sorted(mine, key=_key)

    async def find(self, user_id: str, review_ids: Collection[str]) -> list[Review]:
        """The user's reviews with these ids."""
        return [review for review in self._shown(user_id) if review.id in review_ids]

    async def waiting(self, user_id: str, *, limit: int, before: str | None) -> Page[Review]:
        """Those that wait for the user, newest first."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        mine = [review for review in self._shown(user_id) if self._waits(review)]
        mine.sort(key=_key, reverse=True)
        following = [review for review in mine if Cursor(*_key(review)) < cursor]
        return page_of(following, limit=limit, total_count=len(mine), key=_key)

    async def show(
        self, execution_id: str, *, run_id: str, status: Status, at: datetime, limits: SlotLimits | None
    ) -> tuple[Status, list[str]]:
        """What the row says now, and who got its slot."""
        run = self._executions.run(execution_id)
        if run is None or run.row.run_id != run_id or run.row.status.is_final:
            return status, []
        row, admission = run.row, self._executions.admission
        admitted: list[str] = []
        if limits and status is Status.REVIEW:
            admitted = await admission.leave(execution_id)
        elif limits and not admission.enter(execution_id, user_id=row.user_id, graph_id=row.graph_id, limits=limits):
            status = Status.QUEUED
        if status is not row.status:
            run.row = replace(row, status=status)
            self._executions.tell(run, [Event(0, "graph_execution_update", status, at)])
        return status, admitted

    async def settings(self, user_id: str, graph_id: str) -> GraphSettings:
        """What the user wants of runs of the graph."""
        return self._settings.get((user_id, graph_id), GraphSettings())

    async def change_settings(self, user_id: str, graph_id: str, change: SettingsChange) -> None:
        """From now on the user wants this."""
        names = ("human_in_the_loop_safe_mode", "sensitive_action_safe_mode")
        given = {name: value for name in names if (value := getattr(change, name)) is not None}
        self._settings[user_id, graph_id] = replace(await self.settings(user_id, graph_id), **given)

    def drop(self, execution_ids: Collection[str]) -> None:
        """Forget the reviews of these runs."""
        self._asked = {key: held for key, held in self._asked.items() if key[0] not in execution_ids}

    def drop_settings(self, user_id: str, graph_id: str | None = None) -> None:
        """Forget what the user wants of runs of the graph, or of any."""
        self._settings = {
            key: held
            for key, held in self._settings.items()
            if key[0] != user_id or (graph_id is not None and key[1] != graph_id)
        }

    def _shown(self, user_id: str) -> list[Review]:
        shown = []
        for _, review in self._asked.values():
            run = self._executions.run(review.execution_id)
            if run is None or run.row.user_id != user_id or review.node_execution_id not in run.nodes:
                continue
            of_run = replace(review, graph_id=run.row.graph_id, graph_version=run.row.graph_version)
            if of_run.status is ReviewStatus.WAITING and run.row.status.is_final:
                of_run = replace(of_run, status=ReviewStatus.REJECTED, message=STOPPED, decided_at=run.row.ended_at)
            shown.append(of_run)
        return shown

    def _waits(self, review: Review) -> bool:
        run = self._executions.run(review.execution_id)
        is_asking = run is not None and run.nodes[review.node_execution_id].status is Status.REVIEW
        return is_asking and review.status is ReviewStatus.WAITING


def _key(review: Review) -> tuple[datetime, str]:
    return review.asked_at, review.id
