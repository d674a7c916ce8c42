"""An earlier run as its rows hold it, in the words of `engine/rebuilding.py`.

Used by `rebuild.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.node_attempt import ATTEMPTS_PER_ROUND
from activities.records import now
from contracts.activities import Suspension
from contracts.errors import OutcomeUnknown
from contracts.node_stats import CALLED_BY, WAITS
from engine.model import Status
from engine.rebuilding import CalledBy, Nap, Rebuilding, Record, Told
from engine.reviews import OpenReview
from engine.state import Phase
from engine.values import Value, inline
from store.records import Execution, StoredNode, StoredOutput
from store.reviews import Review, ReviewStatus

WRITTEN_FROM_OUTSIDE = 1_000_000
"""Attempts from here on are those of `fail_node`: the node's own activity could not say what became of the block."""


@dataclass(slots=True)
class Earlier:
    """A run's rows that another one, or the same once more, goes on with."""

    execution: Execution
    nodes: dict[str, StoredNode]
    told: list[Told]
    reviews: dict[str, Review]


def record_of(
    node: StoredNode, reviews: Mapping[str, Review], stats: Mapping[str, Any], alike: str, *, is_kept: bool
) -> Record:
    """`stats` are what the node used of the run's account: nothing, if it is another run's."""
    called = _called_by(node)
    return Record(
        id=node.id,
        node_id=node.node_id,
        ordinal=node.ordinal,
        status=node.status,
        likeness=alike,
        is_kept=is_kept,
        nap=None if is_kept else _nap(node.stats.get(WAITS), reviews),
        round=_round(node),
        error=node.error,
        walltime=used(stats, "walltime"),
        cputime=used(stats, "cputime"),
        cost=cost(stats),
        extra_steps=int(stats.get("extra_steps") or 0),
        called_by=called,
        inputs=dict(node.inputs) if called else {},
    )


def _nap(waits: Mapping[str, Any] | None, reviews: Mapping[str, Review]) -> Nap | None:
    """What an execution waited for when it last ended a round; a decision that was made meanwhile is its answer."""
    if not waits:
        return None
    wait = Suspension.model_validate({name: waits[name] for name in Suspension.model_fields if name in waits})
    seconds = wait.seconds
    if seconds is not None:
        seconds = max(0.0, seconds - (now() - datetime.fromisoformat(waits["since"])).total_seconds())
    review = reviews.get(wait.review.id) if wait.review else None
    return Nap(
        seconds=seconds,
        emitted=wait.emitted,
        state=wait.state,
        phase=_phase(wait),
        event=wait.event or "",
        round=int(waits["round"]),
        calls=wait.calls or [],
        answer=_answer(review) if review and review.status is not ReviewStatus.WAITING else None,
    )


def _phase(wait: Suspension) -> Phase:
    if wait.calls:
        return Phase.CALLING
    return Phase.REVIEW if wait.review else Phase.LISTENING if wait.event is not None else Phase.SLEEPING


def _called_by(node: StoredNode) -> CalledBy | None:
    """Whose tool the execution was (`engine.tool_calls.call_of`)."""
    caller, _, place = str(node.stats.get(CALLED_BY) or "").rpartition(":")
    round, _, index = place.partition(".")
    return CalledBy(caller, int(round), int(index)) if caller else None


def _answer(review: Review) -> dict[str, Value]:
    """What the workflow told the execution of the decision."""
    answer: dict[str, Value] = {
        "approved": inline(review.status is ReviewStatus.APPROVED),
        "message": inline(review.message or ""),
        "reviewer": inline(review.reviewer or ""),
    }
    if review.data is not None:
        answer["data"] = review.data
    return answer


def reviews_that_wait(rebuilding: Rebuilding, earlier: Earlier) -> dict[str, OpenReview]:
    """Reviews whose executions wait for them still."""
    found = {}
    for match in rebuilding.open:
        if match.record is not None and match.execution.phase is Phase.REVIEW:
            node = earlier.nodes[match.record.id]
            review = node.stats[WAITS]["review"]
            found[str(review["id"])] = OpenReview(match.execution.id, node.node_id, bool(review["editable"]))
    return found


def approved_nodes(earlier: Earlier) -> list[str]:
    """Nodes whose executions people approved for good."""
    return sorted({review.node_id for review in earlier.reviews.values() if review.lasts})


def _round(node: StoredNode) -> int:
    """The next round of the node execution; its attempts are counted over all of them."""
    waits = node.stats.get(WAITS)
    known = int(waits["round"]) if waits else 1
    return known if node.attempt >= WRITTEN_FROM_OUTSIDE else max(known, node.attempt // ATTEMPTS_PER_ROUND + 1)


def outputs_that_stand(node: StoredNode, record: Record) -> list[StoredOutput]:
    """All, but for the message of a failure that is not kept: the node is run again."""
    outputs = node.outputs
    if not record.is_kept and node.status is Status.FAILED and outputs and outputs[-1].name == "error":
        return outputs[:-1]
    return outputs


def is_unknown(node: StoredNode) -> bool:
    """Whether the block was entered and nobody knows what became of it: then it is not entered again.

    Only effectful ones say that they are entered; whether one is may depend on what its inputs were.
    """
    if node.entered_attempt is None:
        return False
    if node.status is Status.FAILED:
        return node.attempt >= WRITTEN_FROM_OUTSIDE or node.error == OutcomeUnknown().message
    return not node.stats.get(WAITS)


def used(stats: Mapping[str, Any], name: str) -> float:
    return float(stats.get(name) or 0.0)


def cost(stats: Mapping[str, Any]) -> int:
    return int(stats.get("extra_cost") or stats.get("cost") or 0)
