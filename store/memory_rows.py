"""One run's rows in memory, and how a record changes them: the rules of `queries/record.sql` for a single row.

Used by `memory_executions` and `memory_ownership`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from engine.values import Reference, Value
from store.execution_writes import inputs_text
from store.merging import OPEN
from store.records import Event, Execution, NewExecution, NodeRecord, OutputRecord, StoredNode, StoredOutput


@dataclass(slots=True)
class MemoryRun:
    """A run with all that belongs to it."""

    row: Execution
    unfinished_batches: int = 0
    nodes: dict[str, StoredNode] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    superseded: set[int] = field(default_factory=set)
    asked_at: datetime | None = None


def asked_columns(new: NewExecution) -> dict[str, Any]:
    """The columns that say what was asked for."""
    columns = (
        "user_id",
        "graph_id",
        "graph_version",
        "trigger",
        "root_id",
        "parent_id",
        "rerun_of",
        "rerun_from_node",
    )
    values = {"inputs": json_copy(new.inputs), "masks": json_copy(new.masks)}
    return values | {name: getattr(new, name) for name in columns}


def verdict_on(held: StoredNode | None, given: NodeRecord, is_over: bool) -> str:
    """Whether a record is written, refused, or only adds its outputs to the row that is kept."""
    if is_over and given.status in OPEN:
        return "refuse"
    if held is None:
        return "write"
    if held.attempt > given.attempt:
        return "refuse"
    if held.ended_at is None:
        return "write"
    if held.attempt < given.attempt or (given.status.is_final and given.status != held.status):
        return "refuse"
    return "keep"


def write_row(run: MemoryRun, given: NodeRecord, *, keep: bool) -> list[Event]:
    """Put one record into its row, unless that is kept as it is, and add its outputs; the event, if anything is new."""
    held = run.nodes.get(given.id)
    row = held if keep and held is not None else _row(held, given)
    present = {output.index for output in row.outputs}
    added: dict[int, StoredOutput] = {}
    for output in given.outputs:
        if output.index not in present:
            added.setdefault(output.index, StoredOutput(output.index, output.name, _value(output)))
    outputs = sorted((*row.outputs, *added.values()), key=lambda output: output.index)
    run.nodes[given.id] = replace(row, outputs=outputs)
    inputs = from_json(inputs_text(given.inputs))
    is_known = (
        held is not None
        and (held.status, held.attempt) == (given.status, given.attempt)
        and inputs.items() <= held.inputs.items()
    )
    if not added and (keep or is_known):
        return []
    at = given.ended_at or given.started_at or given.queued_at or datetime.now(UTC)
    first = min(added, default=0)
    return [node_event(row, at, first, max(added) - first + 1 if added else 0)]


def _row(held: StoredNode | None, given: NodeRecord) -> StoredNode:
    inputs = from_json(inputs_text(given.inputs))
    return StoredNode(
        id=given.id,
        node_id=held.node_id if held else given.node_id,
        block_id=held.block_id if held else given.block_id,
        ordinal=held.ordinal if held else given.ordinal,
        seq=held.seq if held and given.seq is None else given.seq,
        attempt=given.attempt,
        status=given.status,
        inputs={**held.inputs, **inputs} if held else inputs,
        agent_output=given.agent_output or (held.agent_output if held else None),
        queued_at=(held.queued_at if held else None) or given.queued_at,
        started_at=(held.started_at if held else None) or given.started_at,
        ended_at=given.ended_at,
        entered_attempt=held.entered_attempt if held else None,
        error=given.error or (held.error if held else None),
        stats={**(held.stats if held else {}), **json_copy(given.stats)},
        outputs=held.outputs if held else [],
    )


def _value(output: OutputRecord) -> Value:
    if output.reference is not None:
        return Reference(**output.reference)
    return {"value": from_json(output.json_text or "null")}


def node_event(node: StoredNode, at: datetime, first_output: int = 0, output_count: int = 0) -> Event:
    """What is told of a node execution, not numbered yet."""
    return Event(
        seq=0,
        type="node_execution_update",
        status=node.status,
        at=at,
        node_execution_id=node.id,
        node_id=node.node_id,
        block_id=node.block_id,
        first_output=first_output,
        output_count=output_count,
    )


def with_outputs(run: MemoryRun, event: Event) -> Event:
    """The event with the outputs that it tells of."""
    if not event.output_count or event.node_execution_id is None:
        return event
    indices = range(event.first_output, event.first_output + event.output_count)
    outputs = row_copy(run.nodes[event.node_execution_id]).outputs
    return replace(event, outputs=tuple(output for output in outputs if output.index in indices))


def row_copy(node: StoredNode) -> StoredNode:
    """A row that its reader may change, as one from a database."""
    return replace(
        node,
        inputs=json_copy(node.inputs),
        stats=json_copy(node.stats),
        outputs=[replace(output, value=json_copy(output.value)) for output in node.outputs],
    )


def json_copy(value: Mapping[str, Any] | Value) -> Any:
    """The value after its way through JSON, as a database gives it back."""
    return from_json(to_json(value, inf_nan_mode="null"))
