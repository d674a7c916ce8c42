"""Reviews of a run: takes decisions in, lets their node executions go on, has them written down.

Used by `graph_execution.py`, which owns the update, and `node_runs.py`, which learns of reviews that are asked for. The
rules are in `engine/reviews.py`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from contracts.activities import RECORD_REVIEW, ReviewAsked
from contracts.hand_input import wrong_fields
from contracts.reviews import RecordReviewRequest, ReviewDecision, ReviewOutcome
from engine.events import Event, Woke
from engine.reviews import Decided, NotEditable, OpenReview, ReviewBook, ReviewDecided, ReviewUnknown
from engine.values import Value, inline
from workflows.activity_calls import start_local

EXPIRED = "Review expired"

_UNTOLD = timedelta(seconds=10)
"""How long a decision waits for its review: the row is there a moment before the workflow knows."""


class Reviews:
    """The reviews of one run."""

    def __init__(self, book: ReviewBook, tell: Callable[[Event], None]) -> None:
        self.book = book
        self._tell = tell
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def is_quiet(self) -> bool:
        """Whether everything is written down and answered."""
        return not self._writing and workflow.all_handlers_finished()

    async def settled(self) -> None:
        """Wait until it is; the run has ended, so that a cancellation changes nothing any more."""
        while not self.is_quiet:
            try:
                await workflow.wait_condition(lambda: self.is_quiet)
            except asyncio.CancelledError:
                continue

    def asked(self, node_execution_id: str, node_id: str, review: ReviewAsked) -> None:
        """A node execution waits for a decision."""
        self.book.opened(review.id, OpenReview(node_execution_id, node_id, review.editable))

    def expired(self, node_execution_id: str) -> bool:
        """The time of a node execution is up; False when it does not wait for a review."""
        review_id = self.book.review_of(node_execution_id)
        if review_id is None:
            return False
        decision = ReviewDecision(review_id=review_id, approved=False, message=EXPIRED)
        self._write(decision, self._decide(decision))
        return True

    async def take(self, decision: ReviewDecision, is_over: Callable[[], bool]) -> ReviewOutcome:
        """A person's decision: it is heeded, written down and answered. Refusals are errors with a code."""
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: is_over() or decision.review_id in self.book.open or decision.review_id in self.book.decided,
                timeout=_UNTOLD,
            )
        if is_over():
            _refuse("execution_over", "The run has ended, and its reviews with it.")
        try:
            outcome = self._decide(decision)
        except ReviewUnknown:
            _refuse("review_not_found", f"No review {decision.review_id} waits in this run.")
        except NotEditable:
            _refuse("review_not_editable", "The data of this review may not be changed: decide on it as it is.")
        except ReviewDecided as error:
            stands = "approved" if error.decided.approved else "rejected"
            by = f" by {error.decided.reviewer}" if error.decided.reviewer else ""
            _refuse("review_decided", f"The review was {stands}{by} before; a decision stands.")
        if not outcome.is_repeat:
            await self._write(decision, outcome)
        return outcome

    def _decide(self, decision: ReviewDecision) -> ReviewOutcome:
        decided, is_new = self.book.decide(
            decision.review_id,
            approved=decision.approved,
            edited=decision.edits,
            reviewer=decision.reviewer,
            message=decision.message,
            digest=decision.digest,
            at=workflow.now().timestamp(),
            approve_future=decision.approve_future,
        )
        if is_new:
            self._tell(Woke(decided.node_execution_id, _answer(decided, decision)))
        return ReviewOutcome(
            review_id=decision.review_id,
            approved=decided.approved,
            reviewer=decided.reviewer,
            message=decided.message,
            edited=decided.edited,
            at=decided.at,
            lasts=decided.lasts,
            is_repeat=not is_new,
        )

    def _write(self, decision: ReviewDecision, outcome: ReviewOutcome) -> asyncio.Task[None]:
        request = RecordReviewRequest(
            execution_id=workflow.info().workflow_id,
            run_id=workflow.info().run_id,
            outcome=outcome,
            data=decision.reviewed_data if outcome.edited else None,
            data_ref=decision.reviewed_data_ref if outcome.edited else None,
        )
        task: asyncio.Task[None] = start_local(RECORD_REVIEW, request)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task


def read_decision(raw: Any) -> ReviewDecision:
    """The decision, or an error that says what is wrong with it, field by field."""
    try:
        return ReviewDecision.model_validate(raw)
    except ValidationError as error:
        wrong = wrong_fields(error, "decision")
        _refuse("invalid_request", f'Bad decision: {wrong}. Expected {{"review_id": …, "approved": true or false}}')


def _answer(decided: Decided, decision: ReviewDecision) -> dict[str, Value]:
    """What the node execution goes on with."""
    answer: dict[str, Value] = {
        "approved": inline(decided.approved),
        "message": inline(decided.message),
        "reviewer": inline(decided.reviewer),
    }
    if decided.edited:
        answer["data"] = decision.reviewed_data_ref or inline(decision.reviewed_data)
    return answer


def _refuse(code: str, message: str) -> NoReturn:
    raise ApplicationError(message, type=code, non_retryable=True)
