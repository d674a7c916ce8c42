"""Rows of node executions as activities write them (S-174, S-177, S-178).

Used by the activities of this folder; it turns what the engine and the blocks know into `store.records`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from activities.graphs import PlacedBlock
from activities.values import Encoded, plain_json
from blocks.base import NodeStats
from contracts.activities import BehindRow
from contracts.execution import RunStats
from contracts.node_stats import CALLED_BY
from engine.events import Unrecorded
from engine.model import BlockKind, Status
from engine.state import Totals
from engine.values import Reference, Value
from store.records import NodeRecord, OutputRecord


def now() -> datetime:
    """The activity's clock, in UTC."""
    return datetime.now(UTC)


def output_record(index: int, name: str, encoded: Encoded) -> OutputRecord:
    """An output's row."""
    return OutputRecord(index, name, encoded.json_text, encoded.reference)


def called_by(call: str) -> dict[str, str]:
    """What the stats of an execution that was called as a tool say of that."""
    return {CALLED_BY: call} if call else {}


def stats_json(stats: NodeStats) -> dict[str, Any]:
    """A node's stats for its row (S-041, S-176)."""
    return {
        "walltime": round(stats.walltime, 6),
        "cputime": round(stats.cputime, 6),
        "input_size": stats.input_size,
        "output_size": stats.output_size,
        "extra_cost": stats.extra_cost,
        "extra_steps": stats.extra_steps,
        "error": stats.error,
        **(_model_use(stats) if stats.model_calls else {}),
        **({"items": stats.items} if stats.items else {}),
        **({"provider_cost": round(stats.provider_cost, 6)} if stats.provider_cost else {}),
    }


def _model_use(stats: NodeStats) -> dict[str, int]:
    return {
        "model_calls": stats.model_calls,
        "input_tokens": stats.input_tokens,
        "output_tokens": stats.output_tokens,
    }


def agent_output_name(placed: PlacedBlock, data: Mapping[str, Any]) -> str | None:
    """The name under which an agent output's value appears among the run's outputs; None for other blocks."""
    if placed.block.kind is not BlockKind.OUTPUT:
        return None
    name = data.get("name")
    return str(name) if name is not None else ""


def travelling_inputs(inputs: Mapping[str, Value]) -> dict[str, str | Reference]:
    """Inputs that were not resolved yet, for a row."""
    return {pin: value if "ref" in value else plain_json(value["value"])[1].decode() for pin, value in inputs.items()}


def waiting_records(rows: Iterable[BehindRow | Unrecorded], at: datetime) -> list[NodeRecord]:
    """Rows of executions that wait for pins or for their turn."""
    return [
        NodeRecord(
            id=row.id,
            node_id=row.node_id if isinstance(row, BehindRow) else row.node.id,
            block_id=row.block_id if isinstance(row, BehindRow) else row.node.block_id,
            ordinal=row.ordinal,
            status=row.status,
            seq=row.seq,
            inputs=travelling_inputs(row.inputs),
            queued_at=at if row.status is Status.QUEUED else None,
        )
        for row in rows
    ]


def run_stats(totals: Totals, walltime: float, incomplete_count: int, error: str | None) -> RunStats:
    """A run's stats from what its nodes added up to. A workflow has no CPU time of its own (T-55)."""
    return RunStats(
        cost=totals.cost,
        walltime=round(walltime + totals.earlier_walltime, 6),
        cputime=round(totals.nodes_cputime, 6),
        node_count=totals.node_count,
        nodes_walltime=round(totals.nodes_walltime, 6),
        nodes_cputime=round(totals.nodes_cputime, 6),
        node_error_count=totals.node_error_count,
        incomplete_count=incomplete_count,
        error=error,
    )
