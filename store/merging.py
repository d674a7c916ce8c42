"""Makes what one call of `record` brings ready to be written: one row per node execution, none open at a run's end.

Used by both forms of the store, so that they write the same rows and events. It knows records, not where they go.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from engine.model import Status
from store.records import Finish, NodeRecord

OPEN = frozenset({Status.QUEUED, Status.RUNNING, Status.REVIEW})
"""What the end of a run closes. INCOMPLETE stays: such a node execution was never begun."""

FINAL = frozenset(status for status in Status if status.is_final)


def merge(nodes: Sequence[NodeRecord], finish: Finish | None) -> tuple[list[NodeRecord], list[str]]:
    """The records with one per node execution id, in the order they first came, and the ids of refused ones.

    Of two with one id the result is what writing them one after the other would leave in the row. With a `finish`,
    open ones are closed by it. A final status without `ended_at` ends now.
    """
    merged: dict[str, NodeRecord] = {}
    refused: list[str] = []
    for node in nodes:
        earlier = merged.get(node.id)
        if earlier is None:
            merged[node.id] = node
            continue
        both = _one_after_the_other(earlier, node)
        if both is None:
            refused.append(node.id)
        else:
            merged[node.id] = both
    now = datetime.now(UTC)
    return [_ended(node, finish, now) for node in merged.values()], refused


def _one_after_the_other(earlier: NodeRecord, later: NodeRecord) -> NodeRecord | None:
    """What the row holds after both, or None when the later one is refused."""
    if later.attempt < earlier.attempt:
        return None
    outputs = (*earlier.outputs, *later.outputs)
    if earlier.status.is_final:
        if later.attempt > earlier.attempt or (later.status.is_final and later.status != earlier.status):
            return None
        return replace(earlier, outputs=outputs)
    return replace(
        later,
        seq=earlier.seq if later.seq is None else later.seq,
        inputs={**earlier.inputs, **later.inputs},
        agent_output=later.agent_output or earlier.agent_output,
        queued_at=earlier.queued_at or later.queued_at,
        started_at=earlier.started_at or later.started_at,
        error=later.error or earlier.error,
        stats={**earlier.stats, **later.stats},
        outputs=outputs,
        diverged=earlier.diverged or later.diverged,
    )


def _ended(node: NodeRecord, finish: Finish | None, now: datetime) -> NodeRecord:
    if finish is not None and node.status in OPEN:
        return replace(node, status=finish.close_open, ended_at=finish.ended_at)
    if node.status.is_final and node.ended_at is None:
        return replace(node, ended_at=now)
    return node
