"""Runs, node executions, outputs and events in memory: the same rules as `queries/record.sql`, in Python.

Used by `memory.MemoryStore`. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from engine.model import Status
from engine.values import Value
from store.cursor import NEWEST, Cursor, page_of
from store.memory_admission import MemoryAdmission
from store.memory_rows import (
    MemoryRun,
    asked_columns,
    json_copy,
    node_event,
    row_copy,
    verdict_on,
    with_outputs,
    write_row,
)
from store.merging import FINAL, OPEN, merge
from store.ownership import OwnedByAnother
from store.pages import Page
from store.records import Begun, Event, Execution, Finish, NewExecution, NodeRecord, StoredNode
from store.slots import SlotLimits
from store.watchers import Watchers


class MemoryExecutions:
    """`records.Executions` in memory. `graph_name` looks a graph version's name up."""

    def __init__(self, watchers: Watchers, graph_name: Callable[[str, int], str]) -> None:
        self._watchers = watchers
        self._graph_name = graph_name
        self._runs: dict[str, MemoryRun] = {}
        self.admission = MemoryAdmission(lambda: [id for id, run in self._runs.items() if run.row.status.is_final])

    async def create(self, new: NewExecution) -> bool:
        """Insert as QUEUED; False when the id exists."""
        is_new = new.id not in self._runs
        self._ensure(new, datetime.now(UTC))
        return is_new

    async def begin(self, new: NewExecution, *, run_id: str, at: datetime, limits: SlotLimits | None = None) -> Begun:
        """RUNNING under `run_id`, one more batch begun, one event unless this run id had begun before."""
        run = self._ensure(new, min(at, datetime.now(UTC)))
        if run.row.run_id not in (None, run_id):
            raise OwnedByAnother
        previous = run.row.status
        same = run.row.run_id == run_id
        if previous is Status.QUEUED:
            run.row = replace(run.row, **asked_columns(new))
        has_begun = same and previous is not Status.QUEUED
        is_free = (
            limits is None
            or has_begun
            or self.admission.enter(new.id, user_id=new.user_id, graph_id=new.graph_id, limits=limits)
        )
        run.unfinished_batches = int(is_free) + (run.unfinished_batches if same else 0)
        if has_begun:
            run.row = replace(run.row, started_at=run.row.started_at or at)
        else:
            row = run.row if same else replace(run.row, ended_at=None, error=None, error_code=None)
            status = Status.RUNNING if is_free else Status.QUEUED
            started_at = row.started_at or (at if is_free else None)
            run.row = replace(row, run_id=run_id, status=status, started_at=started_at)
            if is_free or previous is not Status.QUEUED:
                self.tell(run, [Event(0, "graph_execution_update", status, at)])
        return Begun(previous, run.unfinished_batches, is_free)

    async def continue_run(self, execution_id: str, *, from_run_id: str, to_run_id: str) -> None:
        """The row belongs to another run id from now on, if it belonged to the one before."""
        run = self._runs.get(execution_id)
        if run and run.row.run_id == from_run_id:
            run.row = replace(run.row, run_id=to_run_id)
            run.unfinished_batches = 0

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
            verdict = verdict_on(run.nodes.get(node.id), node, is_over)
            if verdict == "refuse":
                refused.append(node.id)
            else:
                events += write_row(run, node, keep=verdict == "keep")
        if ends_batch:
            run.unfinished_batches = 0
        if finish is not None:
            events += self._close(run, finish)
            self.admission.left(execution_id)
        self.tell(run, events)
        return [id for id in ids if id in refused]

    async def end(self, execution_id: str, *, run_id: str, nodes: Sequence[NodeRecord], finish: Finish) -> list[str]:
        """The last write of a run; the ids of those that got its slot."""
        await self.record(execution_id, run_id=run_id, nodes=nodes, ends_batch=True, finish=finish)
        return self.admission.left(execution_id) if self._owned(execution_id, run_id) else []

    async def finish(self, new: NewExecution, *, run_id: str, finish: Finish) -> list[str]:
        """The end, of a run that has a row or not; the ids of those that got its slot."""
        run = self._ensure(new, min(finish.ended_at, datetime.now(UTC)))
        if run.row.run_id is None:
            run.row = replace(run.row, run_id=run_id)
        if run.row.run_id != run_id:
            raise OwnedByAnother
        await self.record(new.id, run_id=run_id, nodes=(), finish=finish)
        return self.admission.left(new.id)

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
        return None if node is None else row_copy(node)

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
        return [] if run is None else [row_copy(node) for node in sorted(run.nodes.values(), key=_queue_order)]

    def run(self, execution_id: str) -> MemoryRun | None:
        """The run as it is held, not a copy."""
        return self._runs.get(execution_id)

    def rows(self) -> list[Execution]:
        """All runs, whoever they belong to."""
        return [run.row for run in self._runs.values()]

    def drop(self, execution_ids: Collection[str]) -> None:
        """Forget these runs."""
        for execution_id in execution_ids:
            del self._runs[execution_id]
            self.admission.left(execution_id)

    async def agent_outputs(self, execution_id: str) -> list[tuple[str, Value]]:
        """(name, value) of each OUTPUT node execution that is not INCOMPLETE, in queue order (agent-graphs §10.1)."""
        return [
            (node.agent_output, node.inputs.get("value", {"value": None}))
            for node in await self.nodes(execution_id)
            if node.agent_output is not None and node.status is not Status.INCOMPLETE
        ]

    async def stats_so_far(self, execution_id: str) -> dict[str, Any]:
        """What the node executions that have ended add up to."""
        nodes = await self.nodes(execution_id)
        ended = [node.stats for node in nodes if node.ended_at is not None]

        def total(name: str) -> Any:
            return sum(stats.get(name) or 0 for stats in ended)

        return {
            "node_count": len(ended) + total("extra_steps"),
            "node_error_count": sum(node.status is Status.FAILED for node in nodes),
            "incomplete_count": sum(node.status is Status.INCOMPLETE for node in nodes),
            "cost": total("extra_cost"),
            "nodes_walltime": round(float(total("walltime")), 6),
            "nodes_cputime": round(float(total("cputime")), 6),
        }

    async def given_outputs(self, execution_id: str, *, after: int, limit: int) -> list[tuple[int, str, Value]]:
        """(event number, name, formatted value) of agent outputs that were COMPLETED after an event."""
        run = self._runs.get(execution_id)
        given: list[tuple[int, str, Value]] = []
        executions = 0
        for event in run.events[max(after, 0) :] if run else ():
            node = run.nodes.get(event.node_execution_id or "") if run else None
            if node is None or node.agent_output is None or event.status is not Status.COMPLETED:
                continue
            if run and event.seq in run.superseded:
                continue
            new = [(event.seq, node.agent_output, o.value) for o in node.outputs if o.name == "output"]
            executions += bool(new)
            if executions > limit:
                break
            given += new
        return given

    async def events(self, execution_id: str, *, after: int, limit: int) -> list[Event]:
        """At most `limit` events with a number greater than `after`, in order, with their outputs."""
        run = self._runs.get(execution_id)
        if run is None:
            return []
        told = [event for event in run.events[max(after, 0) :] if event.seq not in run.superseded]
        return [with_outputs(run, event) for event in told[:limit]]

    def _ensure(self, new: NewExecution, created_at: datetime) -> MemoryRun:
        if new.id not in self._runs:
            self._runs[new.id] = MemoryRun(
                Execution(
                    id=new.id,
                    **asked_columns(new),
                    graph_name="",
                    status=Status.QUEUED,
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

    def _owned(self, execution_id: str, run_id: str) -> MemoryRun | None:
        run = self._runs.get(execution_id)
        return run if run is not None and run.row.run_id == run_id else None

    def _named(self, row: Execution) -> Execution:
        name = self._graph_name(row.graph_id, row.graph_version)
        return replace(
            row, graph_name=name, inputs=json_copy(row.inputs), masks=json_copy(row.masks), stats=json_copy(row.stats)
        )

    def _close(self, run: MemoryRun, finish: Finish) -> list[Event]:
        events = []
        for node in sorted(run.nodes.values(), key=_queue_order):
            if node.status in OPEN:
                run.nodes[node.id] = replace(node, status=finish.close_open, ended_at=finish.ended_at)
                events.append(node_event(run.nodes[node.id], finish.ended_at))
        if not run.row.status.is_final:
            run.row = replace(
                run.row,
                status=finish.status,
                ended_at=finish.ended_at,
                stats={**run.row.stats, **json_copy(finish.stats)},
                error=finish.error,
                error_code=finish.error_code,
            )
            events.append(Event(0, "graph_execution_update", finish.status, finish.ended_at))
        return events

    def tell(self, run: MemoryRun, events: Sequence[Event]) -> None:
        """Number the events, and wake who watches the run."""
        for number, event in enumerate(events, start=run.row.last_event + 1):
            run.events.append(replace(event, seq=number))
        if events:
            run.row = replace(run.row, last_event=len(run.events))
            self._watchers.wake(run.row.id)


def _queue_order(node: StoredNode) -> tuple[bool, int]:
    return node.seq is None, node.seq or 0


def _key(row: Execution) -> tuple[datetime, str]:
    return row.created_at, row.id
