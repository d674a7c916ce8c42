"""Reviews in Postgres.

Used by the activities of nodes that ask, by the one that writes decisions, and by the API.
"""

from collections.abc import Collection
from datetime import datetime

import asyncpg

from engine.model import Status
from engine.values import Value
from store.admission import fail_open
from store.calls import Pool, execute, fetch, fetchrow, fetchval
from store.cursor import NEWEST, Cursor, page_of
from store.pages import Page
from store.reviews import STOPPED, GraphSettings, NewReview, Review, ReviewStatus, SettingsChange
from store.slots import SlotLimits
from store.sql import statement

_ASK = statement("ask_review")
_DECIDE = statement("decide_review")
_OF_EXECUTION = statement("reviews_of_execution")
_BY_ID = statement("reviews_by_id")
_WAITING = statement("reviews_waiting")
_WAITING_COUNT = statement("reviews_waiting_count")
_SHOW = statement("show_status")
_SETTINGS = statement("graph_settings")
_CHANGE_SETTINGS = statement("change_graph_settings")


class PostgresReviews:
    """`reviews.Reviews` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, review: NewReview) -> None:
        """Write the review, or write it anew for a later attempt."""
        await execute(
            self._pool,
            _ASK,
            review.execution_id,
            review.id,
            review.node_execution_id,
            review.node_id,
            review.user_id,
            review.attempt,
            review.payload,
            review.instructions,
            review.editable,
            review.asked_at,
            review.expires_at,
        )

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
        status = ReviewStatus.APPROVED if approved else ReviewStatus.REJECTED
        written = await fetchval(
            self._pool, _DECIDE, execution_id, review_id, run_id, status.value, reviewer, message, data, at, lasts
        )
        return bool(written)

    async def of_execution(self, user_id: str, execution_id: str) -> list[Review]:
        """Those of a run of the user, in the order in which they were asked."""
        return [_review(row) for row in await fetch(self._pool, _OF_EXECUTION, user_id, execution_id)]

    async def find(self, user_id: str, review_ids: Collection[str]) -> list[Review]:
        """The user's reviews with these ids."""
        return [_review(row) for row in await fetch(self._pool, _BY_ID, user_id, list(review_ids))]

    async def waiting(self, user_id: str, *, limit: int, before: str | None) -> Page[Review]:
        """Those that wait for the user, newest first."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = await fetch(self._pool, _WAITING, user_id, cursor.created_at, cursor.id, limit + 1)
        count = await fetchval(self._pool, _WAITING_COUNT, user_id)
        return page_of([_review(row) for row in rows], limit=limit, total_count=count, key=_key)

    async def show(
        self, execution_id: str, *, run_id: str, status: Status, at: datetime, limits: SlotLimits | None
    ) -> tuple[Status, list[str]]:
        """What the row says now, and who got its slot."""

        async def show(slots: int | None, capacity: int) -> asyncpg.Record | None:
            return await fetchrow(self._pool, _SHOW, execution_id, run_id, status.value, at, slots, capacity)

        if limits is None:
            row = await show(None, 0)
        else:
            row = await fail_open(lambda: show(limits.per_graph, limits.capacity), lambda: show(None, 0))
        return (status, []) if row is None else (Status(row["status"]), list(row["admitted"] or ()))

    async def settings(self, user_id: str, graph_id: str) -> GraphSettings:
        """What the user wants of runs of the graph."""
        row = await fetchrow(self._pool, _SETTINGS, user_id, graph_id)
        return GraphSettings() if row is None else GraphSettings(*row)

    async def change_settings(self, user_id: str, graph_id: str, change: SettingsChange) -> None:
        """From now on the user wants this."""
        await execute(
            self._pool,
            _CHANGE_SETTINGS,
            user_id,
            graph_id,
            change.human_in_the_loop_safe_mode,
            change.sensitive_action_safe_mode,
        )


def _key(review: Review) -> tuple[datetime, str]:
    return review.asked_at, review.id


def _review(row: asyncpg.Record) -> Review:
    status, message, decided_at = ReviewStatus(row["status"]), row["message"], row["decided_at"]
    if status is ReviewStatus.WAITING and Status(row["run_status"]).is_final:
        status, message, decided_at = ReviewStatus.REJECTED, STOPPED, row["ended_at"]
    return Review(
        execution_id=row["execution_id"],
        id=row["id"],
        node_execution_id=row["node_execution_id"],
        node_id=row["node_id"],
        user_id=row["user_id"],
        graph_id=row["graph_id"],
        graph_version=row["graph_version"],
        status=status,
        payload=row["payload"],
        instructions=row["instructions"],
        editable=row["editable"],
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        reviewer=row["reviewer"],
        message=message,
        data=row["data"],
        decided_at=decided_at,
        lasts=row["lasts"],
    )
