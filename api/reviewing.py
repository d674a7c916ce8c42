"""Decisions of people on reviews, and events for runs: checked against the rows, then told to the runs that wait.

Called by `routes/reviews.py`. Which decision stands is the run's to say; rows only refuse early what it would refuse.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from api.reconciling import up_to_date
from api.run_values import Opened
from api.schemas.reviews import Decision, ReviewBody, ReviewResult
from api.services import Services
from contracts.activities import EventSent
from contracts.errors import (
    ExecutionOver,
    InvalidRequest,
    ReviewDecided,
    ReviewNotEditable,
    ReviewNotFound,
    ReviewsOfSeveralRuns,
)
from contracts.hand_input import wrong_fields
from contracts.reviews import ReviewDecision
from engine.values import Reference, same_json
from store.records import Execution, User
from store.reviews import Review, ReviewStatus


async def shown(app: Services, reviews: Sequence[Review]) -> list[ReviewBody]:
    """Rows as bodies, with the values they refer to."""
    values = [value for review in reviews for value in (review.payload, review.data) if value is not None]
    opened = await Opened.of(app.store.values, values)
    return [
        ReviewBody(
            id=review.id,
            execution_id=review.execution_id,
            graph_id=review.graph_id,
            graph_version=review.graph_version,
            node_id=review.node_id,
            node_exec_id=review.node_execution_id,
            status=review.status,
            payload=opened[review.payload],
            instructions=review.instructions,
            editable=review.editable,
            created_at=review.asked_at,
            expires_at=review.expires_at,
            reviewed_by=review.reviewer or None,
            review_message=review.message or None,
            reviewed_data=None if review.data is None else opened[review.data],
            reviewed_at=review.decided_at,
        )
        for review in reviews
    ]


async def decide(app: Services, user: User, decisions: Sequence[Decision]) -> ReviewResult:
    """Make the decisions known, one after the other. What rows already refuse is refused before any is made."""
    twice = [id for id, count in Counter(decision.review_id for decision in decisions).items() if count > 1]
    if twice:
        raise InvalidRequest(f"Decide on each review once: {', '.join(sorted(twice))} occurs more often.")
    reviews = {review.id: review for review in await app.store.reviews.find(user.id, [d.review_id for d in decisions])}
    for decision in decisions:
        if decision.review_id not in reviews:
            raise ReviewNotFound(f"There is no review {decision.review_id}, or it is not yours.")
    execution_ids = {review.execution_id for review in reviews.values()}
    if len(execution_ids) > 1:
        raise ReviewsOfSeveralRuns
    (execution_id,) = execution_ids
    row = await app.store.executions.get(user.id, execution_id)
    is_over = row is None or (await up_to_date(app, row)).status.is_final
    ready = [(d, reviews[d.review_id], _checked(d, reviews[d.review_id], user, is_over=is_over)) for d in decisions]
    counts: Counter[bool] = Counter()
    for decision, review, told in ready:
        if review.is_decided:
            await _require_same(app, review, told)
        else:
            told.reviewed_data_ref = await _stored(app, review.execution_id, told.reviewed_data)
            if told.reviewed_data_ref:
                told.reviewed_data = None
            await app.runs.decide(review.execution_id, told)
        counts[decision.approved] += 1
    return ReviewResult(approved_count=counts[True], rejected_count=counts[False])


async def send_event(app: Services, row: Execution, name: str, payload: Any) -> None:
    """Send an event to a run that goes on. ExecutionOver when it does not."""
    if row.status.is_final:
        raise ExecutionOver
    reference = await _stored(app, row.id, payload)
    await app.runs.send_event(
        row.id, EventSent(name=name, payload=None if reference else payload, payload_ref=reference)
    )


def _checked(decision: Decision, review: Review, user: User, *, is_over: bool) -> ReviewDecision:
    try:
        told = ReviewDecision(
            review_id=decision.review_id,
            approved=decision.approved,
            reviewed_data=decision.reviewed_data,
            message=decision.message or "",
            reviewer=user.id,
            approve_future=decision.auto_approve_future,
        )
    except ValidationError as error:
        wrong = wrong_fields(error, "decision")
        raise InvalidRequest(f"The decision on {decision.review_id} cannot be taken: {wrong}.") from None
    if told.edits and not review.editable:
        raise ReviewNotEditable(f"The data of review {review.id} may not be changed: decide on it as it is.")
    if review.is_decided and (review.status is ReviewStatus.APPROVED) != decision.approved:
        raise ReviewDecided(f"Review {review.id} was {review.status.lower()} before, and a decision stands.")
    if is_over and not review.is_decided:
        raise ExecutionOver
    return told


async def _require_same(app: Services, review: Review, told: ReviewDecision) -> None:
    """ReviewDecided unless this is the decision that stands."""
    stands = None if review.data is None else (await Opened.of(app.store.values, [review.data]))[review.data]
    wanted = told.reviewed_data if told.edits else None
    if (review.message or "") != told.message or not same_json([stands], [wanted]):
        raise ReviewDecided(f"Review {review.id} was {review.status.lower()} in another way before.")


async def _stored(app: Services, execution_id: str, value: Any) -> Reference | None:
    text = to_json(value)
    return await app.store.values.put(execution_id, text) if len(text) > app.inline_value_limit_bytes else None
