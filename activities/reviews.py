"""What activities do about people: ask one for a decision, write the decision down, show a run that waits for it.

`run_node.py` uses `Asking` when a block wants to wait or may not run unseen; the activities are registered by
`worker.py`. Which decision stands is the workflow's to say (agent-graphs §12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from temporalio import activity

from activities.admitting import Admitting
from activities.ownership import Claims
from activities.records import now
from activities.tools import encoded_calls, kept_state
from activities.values import ValueCodec
from blocks.base import AskReview, AwaitEvent, Block, BlockError, BlockSchema, CallTools, Sleep, Wait
from contracts.activities import (
    RECORD_REVIEW,
    SHOW_STATUS,
    NodeRequest,
    ReviewAsked,
    RunRef,
    ShownStatus,
    ShowStatusRequest,
    Suspension,
)
from contracts.execution import ExecutionContext
from contracts.reviews import RecordReviewRequest
from store.records import Store
from store.reviews import NewReview


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks people, on behalf of one kind of activity."""

    store: Store
    codec: ValueCodec

    async def suspension(self, request: NodeRequest, wait: Wait, *, attempt: int, emitted: int) -> Suspension:
        """What the workflow is told of a wait. The review a person sees is written before that."""
        execution_id = request.run.execution_id
        state = await kept_state(self.codec, execution_id, wait.state)
        match wait:
            case Sleep():
                return Suspension(seconds=wait.duration.total_seconds(), emitted=emitted, state=state)
            case AwaitEvent():
                seconds = wait.patience.total_seconds() if wait.patience else None
                return Suspension(seconds=seconds, emitted=emitted, state=state, event=wait.name)
            case CallTools():
                calls = await encoded_calls(self.codec, execution_id, wait.calls)
                return Suspension(emitted=emitted, state=state, calls=calls)
        round = request.resume.round if request.resume else 0
        review_id = f"{request.id}:{round}" if round else request.id
        encoded = await self.codec.encode(request.run.execution_id, wait.data)
        await self.store.reviews.ask(
            NewReview(
                execution_id=request.run.execution_id,
                id=review_id,
                node_execution_id=request.id,
                node_id=request.node_id,
                user_id=request.run.user_id,
                attempt=attempt,
                payload=encoded.value,
                instructions=wait.instructions,
                editable=wait.editable,
                asked_at=now(),
                expires_at=now() + wait.patience if wait.patience else None,
            )
        )
        return Suspension(
            seconds=wait.patience.total_seconds() if wait.patience else None,
            emitted=emitted,
            state=state,
            review=ReviewAsked(id=review_id, editable=wait.editable),
        )


def before_running(
    block: Block[BlockSchema], request: NodeRequest, data: dict[str, Any], answer: Mapping[str, Any] | None
) -> AskReview | dict[str, Any]:
    """The inputs a block runs with, or the question whether it may, where it acts and somebody wants to see that first.

    A rejected one is a BlockError (agent-graphs §12.3).
    """
    context = request.run.context
    if not block.sensitive or not context.sensitive_action_safe_mode or request.is_approved:
        return data
    if answer is None:
        return AskReview(data, instructions=f"{block.name} is about to run with these inputs.")
    if not answer.get("approved"):
        raise BlockError(f"Block execution rejected by reviewer: {answer.get('message') or 'no reason was given'}")
    edited = answer.get("data", data)
    if not isinstance(edited, dict):
        raise BlockError("Block execution rejected: the reviewer left something that is no set of inputs.")
    return edited


def asks_people(context: ExecutionContext) -> bool:
    """Whether review blocks ask anybody."""
    return context.human_in_the_loop_safe_mode is not False


class ReviewActivities:
    """Activities on reviews."""

    def __init__(self, store: Store, codec: ValueCodec, claims: Claims, admitting: Admitting) -> None:
        self._store = store
        self._codec = codec
        self._claims = claims
        self._admitting = admitting

    @activity.defn(name=RECORD_REVIEW.name)
    async def record_review(self, request: RecordReviewRequest) -> None:
        """Write a decision down."""
        outcome = request.outcome
        data = request.data_ref or (
            (await self._codec.encode(request.execution_id, request.data)).value if outcome.edited else None
        )
        write = partial(
            self._store.reviews.decide,
            request.execution_id,
            outcome.review_id,
            run_id=request.run_id,
            approved=outcome.approved,
            reviewer=outcome.reviewer,
            message=outcome.message,
            data=data,
            at=datetime.fromtimestamp(outcome.at, UTC),
            lasts=outcome.lasts,
        )
        run = RunRef(execution_id=request.execution_id, run_id=request.run_id, user_id="", graph_id="", graph_version=0)
        if not await write() and await self._claims.waited(run):
            await write()

    @activity.defn(name=SHOW_STATUS.name)
    async def show_status(self, request: ShowStatusRequest) -> ShownStatus:
        """The run's row says that it waits for reviews alone, or that it goes on.

        While it waits others may have its slot; then it stands in the queue again.
        """
        await self._claims.join(request.run)
        return ShownStatus(status=await self._admitting.show(request.run, request.status))
