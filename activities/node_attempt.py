"""One attempt at a node execution: what is known of it, and the row it writes.

Used by `run_node.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from activities.block_run import Failure
from activities.credentials import Lent
from activities.graphs import PlacedBlock
from activities.heartbeats import Progress
from activities.records import called_by, now, stats_json
from blocks.base import NodeStats
from contracts.activities import NodeRequest, Suspension
from contracts.node_stats import INTERRUPTIONS, WAITS
from engine.model import Effects, Status
from engine.values import Reference
from store.records import NodeRecord, OutputRecord, StoredNode

ATTEMPTS_PER_ROUND = 1000
"""Attempts are counted over all rounds of a node that waits, so that an older round's attempt counts as older."""

TRANSIENTS = "transients"
"""In a row's stats: attempts that ended by an error of the block that passes."""

LAST_TRANSIENT = "last_transient"
"""In a row's stats: what the last of these errors said, for who wonders why the node takes so long."""


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """The wall-clock limit of a block that sets none and the flush window of its outputs, in seconds; how often an
    execution whose worker is lost is begun, and begun anew after errors of its block that pass."""

    timeout: float
    flush_window: float
    max_attempts: int
    transient_attempts: int


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
    lent: Lent = field(default_factory=Lent)
    counted: NodeStats | None = None
    """The stats that the row has of this round already, when an earlier attempt wrote its end and could not say so."""
    transients: int = 0
    last_transient: str = ""
    progress: Progress = field(default_factory=Progress)

    def add_to(self, earlier: StoredNode | None) -> None:
        """Go on with what the rounds before this one used; a node that waited is one node (S-041)."""
        waited = earlier.stats.get(WAITS) if earlier else None
        if not earlier or not waited:
            return
        known = {each.name for each in fields(NodeStats)}
        self.stats = NodeStats(**{name: value for name, value in earlier.stats.items() if name in known})
        if waited["round"] > self.round:
            self.counted = replace(self.stats)

    def used(self, seconds: float, output_size: int, error: str | None) -> None:
        """This round is over."""
        if self.counted:
            self.stats = self.counted
        else:
            self.stats.walltime += seconds
            self.stats.output_size += output_size
        self.stats.error = error

    @property
    def has_slept(self) -> bool:
        """Whether the block goes on with what it kept when it slept. An answer may let it act; time alone does not."""
        resume = self.request.resume
        return resume is not None and resume.state is not None and resume.answer is None

    def wait_told_by(self, earlier: StoredNode) -> Suspension | None:
        """What this round ended with, where the attempt that ended it could not say so and no other may begin it anew.

        So it is with a block that was entered: it is not entered again, and its row knows what it waits for.
        """
        waits = None if earlier.entered_attempt is None or earlier.status.is_final else earlier.stats.get(WAITS)
        return Suspension.model_validate(waits) if waits and waits["round"] == self.round + 1 else None

    @property
    def round(self) -> int:
        """How often the node has waited before."""
        return self.request.resume.round if self.request.resume else 0

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
                **(stats_json(self.stats) if ended or self.waits else {}),
                **({INTERRUPTIONS: self.interruptions} if self.interruptions else {}),
                **self._waits(status),
                **({TRANSIENTS: self.transients, LAST_TRANSIENT: self.last_transient} if self.transients else {}),
                **called_by(self.request.called_by),
            },
            outputs=tuple(outputs),
            diverged=self.diverged,
        )

    def _waits(self, status: Status) -> dict[str, Any]:
        if self.waits is None:
            # One that is stopped keeps what it went on with: it may be resumed. So does one that failed after calling
            # tools, which are not to be called again.
            is_over = status is Status.COMPLETED or (status is Status.FAILED and not self.placed.block.calls_tools)
            return {WAITS: None} if is_over and self.request.resume else {}
        return {WAITS: {"since": now().isoformat(), "round": self.round + 1, **self.waits.model_dump(mode="json")}}
