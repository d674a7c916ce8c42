"""Runs, node executions, outputs and events in memory: the same rules as `queries/record.sql`, in Python.

Used by `memory.MemoryStore`. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from engine.model import Status
from engine.values import Reference, Value
from store.cursor import NEWEST, Cursor, page_of
from store.execution_writes import inputs_text
from store.merging import FINAL, OPEN, merge
from store.records import (
    Begun,
    Event,
    Execution,
    Finish,
    NewExecution,
    NodeRecord,
    OutputRecord,
    Page,
    StoredNode,
    StoredOutput,
)
from store.watchers import Watchers


@dataclass(slots=True)
class _Run:
    row: Execution
    unfinished_batches: int = 0
    nodes: dict[str, StoredNode] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class MemoryExecutions:
    """`records.Executions` in memory. `graph_name` looks a graph version's name up."""

    def __init__(self, watchers: Watchers, graph_name: Callable[[str, int], str]) -> None:
        self._watchers = watchers
        self._graph_name = graph_name
        self._runs: dict[str, _Run] = {}

    async def create(self, new: NewExecution) -> None:
        """Insert as QUEUED; nothing when the id exists."""
        self._ensure(new, datetime.now(UTC))

    async def begin(self, new: NewExecution, *, run_id: str, at: datetime) -> Begun:
        """RUNNING under `run_id`, one more batch begun, one event unless this run id had begun before."""
        run = self._ensure(new, min(at, datetime.now(UTC)))
        previous = run.row.status
        same = run.row.run_id == run_id
        run.unfinished_batches = 1 + (run.unfinished_batches if same else 0)
        if not same or previous is Status.QUEUED:
            row = run.row if same else replace(run.row, ended_at=None, error=None, error_code=None)
            run.row = replace(row, run_id=run_id, status=Status.RUNNING, started_at=row.started_at or at)
            self._tell(run, [Event(0, "graph_execution_update", Status.RUNNING, at)])
        return Begun(previous, run.unfinished_batches)

    async def begin_batch(self, execution_id: str, *, run_id: str) -> int:
        """One more batch begun; 0 when the run is not this run id's."""
        run = self._owned(execution_id, run_id)
        if run is None:
            return 0
        run.unfinished_batches += 1
        return run.unfinished_batches

    async def record(
        self,
        execution_id: str,
        *,
        run_id: str,
        nodes: Sequence[NodeRecord],
        ends_batch: bool = False,
        finish: Finish | None = None,
    ) -> list[str]:
        """Rows, outputs, events and the end; the ids of refused node executions, in order."""
        run = self._owned(execution_id, run_id)
        ids = list(dict.fromkeys(node.id for node in nodes))
        if run is None:
            return ids
        given, refused = merge(nodes, finish)
        events: list[Event] = []
        is_over = run.row.status.is_final
        for node in given:
            verdict = _verdict(run.nodes.get(node.id), node, is_over)
            if verdict == "refuse":
                refused.append(node.id)
            else:
                events += _write(run, node, keep=verdict == "keep")
        if ends_batch:
            run.unfinished_batches = 0
        if finish is not None:
            events += self._close(run, finish)
        self._tell(run, events)
        return [id for id in ids if id in refused]

    async def finish(self, new: NewExecution, *, run_id: str, finish: Finish) -> None:
        """The end, of a run that has a row or not."""
        run = self._ensure(new, min(finish.ended_at, datetime.now(UTC)))
        if run.row.run_id is None:
            run.row = replace(run.row, run_id=run_id)
        await self.record(new.id, run_id=run_id, nodes=(), finish=finish)

    async def enter(self, execution_id: str, *, run_id: str, node: NodeRecord) -> bool:
        """Whether this attempt may run the block; its row then says RUNNING."""
        run = self._runs.get(execution_id)
        if run is None or run.row.run_id != run_id or run.row.status in FINAL:
            return False
        held = run.nodes.get(node.id)
        if held and (held.ended_at is not None or held.entered_attempt not in (None, node.attempt)):
            return False
        if await self.record(execution_id, run_id=run_id, nodes=[replace(node, status=Status.RUNNING)]):
            return False
        run.nodes[node.id] = replace(run.nodes[node.id], entered_attempt=node.attempt)
        return True

    async def node(self, execution_id: str, node_execution_id: str) -> StoredNode | None:
        """One node execution with its outputs."""
        run = self._runs.get(execution_id)
        node = run.nodes.get(node_execution_id) if run else None
        return None if node is None else _copy(node)

    async def get(self, user_id: str, execution_id: str) -> Execution | None:
        """The user's run, or None (S-114)."""
        run = self._runs.get(execution_id)
        return None if run is None or run.row.user_id != user_id else self._named(run.row)

    async def page(
        self,
        user_id: str,
        *,
        graph_id: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int,
        before: str | None,
    ) -> Page[Execution]:
        """Newest first; no statuses means all. Raises InvalidRequest for a cursor that is not ours."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = [
            run.row
            for run in self._runs.values()
            if run.row.user_id == user_id
            and graph_id in (None, run.row.graph_id)
            and run.row.status in (statuses or tuple(Status))
        ]
        rows.sort(key=_key, reverse=True)
        following = [self._named(row) for row in rows if Cursor(*_key(row)) < cursor]
        return page_of(following, limit=limit, total_count=len(rows), key=_key)

    async def nodes(self, execution_id: str) -> list[StoredNode]:
        """All node executions, in queue order; INCOMPLETE ones last, in the order they were opened."""
        run = self._runs.get(execution_id)
        return [] if run is None else [_copy(node) for node in sorted(run.nodes.values(), key=_queue_order)]

    async def agent_outputs(self, execution_id: str) -> list[tuple[str, Value]]:
        """(name, value) of each OUTPUT node execution that is not INCOMPLETE, in queue order (agent-graphs §10.1)."""
        return [
            (node.agent_output, node.inputs.get("value", {"value": None}))
            for node in await self.nodes(execution_id)
            if node.agent_output is not None and node.status is not Status.INCOMPLETE
        ]

    async def given_outputs(self, execution_id: str, *, after: int) -> list[tuple[int, str, Value]]:
        """(event number, name, formatted value) of agent outputs that were COMPLETED after an event."""
        run = self._runs.get(execution_id)
        given = []
        for event in run.events[max(after, 0) :] if run else ():
            node = run.nodes.get(event.node_execution_id or "") if run else None
            if node is None or node.agent_output is None or event.status is not Status.COMPLETED:
                continue
            given += [(event.seq, node.agent_output, o.value) for o in node.outputs if o.name == "output"]
        return given

    async def events(self, execution_id: str, *, after: int, limit: int) -> list[Event]:
        """At most `limit` events with a number greater than `after`, in order, with their outputs."""
        run = self._runs.get(execution_id)
        if run is None:
            return []
        return [_with_outputs(run, event) for event in run.events[max(after, 0) :][:limit]]

    def _ensure(self, new: NewExecution, created_at: datetime) -> _Run:
        if new.id not in self._runs:
            self._runs[new.id] = _Run(
                Execution(
                    id=new.id,
                    user_id=new.user_id,
                    graph_id=new.graph_id,
                    graph_version=new.graph_version,
                    graph_name="",
                    status=Status.QUEUED,
                    inputs=_json(new.inputs),
                    masks=_json(new.masks),
                    trigger=new.trigger,
                    root_id=new.root_id,
                    parent_id=new.parent_id,
                    run_id=None,
                    created_at=created_at,
                    started_at=None,
                    ended_at=None,
                    error=None,
                    error_code=None,
                    stats={},
                    last_event=0,
                )
            )
        return self._runs[new.id]

    def _owned(self, execution_id: str, run_id: str) -> _Run | None:
        run = self._runs.get(execution_id)
        return run if run is not None and run.row.run_id == run_id else None

    def _named(self, row: Execution) -> Execution:
        name = self._graph_name(row.graph_id, row.graph_version)
        return replace(row, graph_name=name, inputs=_json(row.inputs), masks=_json(row.masks), stats=_json(row.stats))

    def _close(self, run: _Run, finish: Finish) -> list[Event]:
        events = []
        for node in sorted(run.nodes.values(), key=_queue_order):
            if node.status in OPEN:
                run.nodes[node.id] = replace(node, status=finish.close_open, ended_at=finish.ended_at)
                events.append(_node_event(run.nodes[node.id], finish.ended_at))
        if not run.row.status.is_final:
            run.row = replace(
                run.row,
                status=finish.status,
                ended_at=finish.ended_at,
                stats={**run.row.stats, **_json(finish.stats)},
                error=finish.error,
                error_code=finish.error_code,
            )
            events.append(Event(0, "graph_execution_update", finish.status, finish.ended_at))
        return events

    def _tell(self, run: _Run, events: Sequence[Event]) -> None:
        for number, event in enumerate(events, start=run.row.last_event + 1):
            run.events.append(replace(event, seq=number))
        if events:
            run.row = replace(run.row, last_event=len(run.events))
            self._watchers.wake(run.row.id)


def _verdict(held: StoredNode | None, given: NodeRecord, is_over: bool) -> str:
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


def _write(run: _Run, given: NodeRecord, *, keep: bool) -> list[Event]:
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
    return [_node_event(row, at, first, max(added) - first + 1 if added else 0)]


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
        queued_at=given.queued_at or (held.queued_at if held else None),
        started_at=given.started_at or (held.started_at if held else None),
        ended_at=given.ended_at,
        entered_attempt=held.entered_attempt if held else None,
        error=given.error or (held.error if held else None),
        stats={**(held.stats if held else {}), **_json(given.stats)},
        outputs=held.outputs if held else [],
    )


def _value(output: OutputRecord) -> Value:
    if output.reference is not None:
        return Reference(**output.reference)
    return {"value": from_json(output.json_text or "null")}


def _node_event(node: StoredNode, at: datetime, first_output: int = 0, output_count: int = 0) -> Event:
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


def _with_outputs(run: _Run, event: Event) -> Event:
    if not event.output_count or event.node_execution_id is None:
        return event
    indices = range(event.first_output, event.first_output + event.output_count)
    outputs = _copy(run.nodes[event.node_execution_id]).outputs
    return replace(event, outputs=tuple(output for output in outputs if output.index in indices))


def _copy(node: StoredNode) -> StoredNode:
    """A row that its reader may change, as one from a database."""
    return replace(
        node,
        inputs=_json(node.inputs),
        stats=_json(node.stats),
        outputs=[replace(output, value=_json(output.value)) for output in node.outputs],
    )


def _queue_order(node: StoredNode) -> tuple[bool, int]:
    return node.seq is None, node.seq or 0


def _key(row: Execution) -> tuple[datetime, str]:
    return row.created_at, row.id


def _json(value: Mapping[str, Any] | Value) -> Any:
    """The value after its way through JSON, as a database gives it back."""
    return from_json(to_json(value, inf_nan_mode="null"))
