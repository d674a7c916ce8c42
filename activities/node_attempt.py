"""One attempt at a node execution: what is known of it, and the row it writes.

Used by `run_node.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.block_run import Failure
from activities.graphs import PlacedBlock
from activities.records import now, stats_json
from blocks.base import NodeStats
from contracts.activities import NodeRequest, Suspension
from contracts.node_stats import INTERRUPTIONS, WAITS
from engine.model import Effects, Status
from engine.values import Reference
from store.records import NodeRecord, OutputRecord

ATTEMPTS_PER_ROUND = 1000
"""Attempts are counted over all rounds of a node that waits, so that an older round's attempt counts as older."""


@dataclass(slots=True)
class Attempt:
    """One attempt at one node execution."""

    request: NodeRequest
    placed: PlacedBlock
    attempt: int
    started_at: datetime
    stats: NodeStats
    inputs: dict[str, str | Reference]
    agent_output: str | None = None
    diverged: bool = False
    interruptions: int = 0
    waits: Suspension | None = None
    effects: Effects = Effects.EFFECTFUL

    def record(
        self,
        status: Status,
        outputs: Sequence[OutputRecord] = (),
        failure: Failure | None = None,
        *,
        ended: bool = False,
    ) -> NodeRecord:
        """The row as it stands."""
        return NodeRecord(
            id=self.request.id,
            node_id=self.request.node_id,
            block_id=self.placed.node.block_id,
            ordinal=self.request.ordinal,
            seq=self.request.seq,
            status=status,
            attempt=self.attempt,
            inputs=self.inputs,
            agent_output=self.agent_output,
            queued_at=self.started_at,
            started_at=self.started_at,
            ended_at=now() if ended else None,
            error=failure.message if failure else None,
            stats={
                **(stats_json(self.stats) if ended else {}),
                **({INTERRUPTIONS: self.interruptions} if self.interruptions else {}),
                **self._waits(status),
            },
            outputs=tuple(outputs),
            diverged=self.diverged,
        )

    def _waits(self, status: Status) -> dict[str, Any]:
        if self.waits is None:
            # One that is stopped keeps what it went on with: it may be resumed.
            is_over = status in (Status.COMPLETED, Status.FAILED)
            return {WAITS: None} if is_over and self.request.resume else {}
        round = (self.request.resume.round if self.request.resume else 0) + 1
        return {WAITS: {"since": now().isoformat(), "round": round, **self.waits.model_dump(mode="json")}}
