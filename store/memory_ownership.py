"""Ownership of rows in memory: the same rules as `postgres_ownership`, in Python.

Used by `memory.MemoryStore`. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.model import Status
from store.memory_executions import MemoryExecutions
from store.memory_reviews import MemoryReviews
from store.memory_rows import MemoryRun, json_copy, node_event
from store.ownership import Owner, Standing, StandingNode
from store.records import Event, StoredNode


class MemoryOwnership:
    """`ownership.Ownership` in memory."""

    def __init__(self, executions: MemoryExecutions, reviews: MemoryReviews) -> None:
        self._executions = executions
        self._reviews = reviews

    async def owners(self, execution_ids: Collection[str]) -> dict[str, Owner]:
        """The owners of those that have a row."""
        return {
            row.id: Owner(row.run_id, row.status) for row in self._executions.rows() if row.id in set(execution_ids)
        }

    async def orphans(self, silence: timedelta, *, limit: int) -> dict[str, str]:
        """Runs of sub-graphs that go on though their parents ended so long ago, with the parents' ids."""
        rows, before = self._executions.rows(), datetime.now(UTC) - silence
        ended = {row.id: row.ended_at for row in rows if row.status.is_final and row.ended_at and row.ended_at < before}
        found = [row for row in rows if not row.status.is_final and row.parent_id in ended]
        found.sort(key=lambda row: (ended[row.parent_id or ""], row.id))
        return {row.id: row.parent_id or "" for row in found[:limit]}

    async def take_over(
        self, execution_id: str, *, run_id: str, owner: str | None, standing: Standing | None, at: datetime
    ) -> bool:
        """Give the row to `run_id` and set aside what does not stand; False when it is no longer `owner`'s."""
        run = self._executions.run(execution_id)
        if run is None or run.row.run_id != owner:
            return False
        run.unfinished_batches = 0
        run.superseded |= {e.seq for e in run.events if e.node_execution_id is None and e.status.is_final}
        if standing is None:
            status = Status.RUNNING if run.row.status.is_final else None
        else:
            asking = [node.id for node in standing.open if node.status is Status.REVIEW]
            gone = _set_aside(run, standing, at)
            self._reviews.forget(execution_id, gone - set(asking))
            self._reviews.take_back(execution_id, asking)
            status = Status.RUNNING if standing.opened else Status.QUEUED
        run.row = replace(run.row, run_id=run_id)
        if status is not None:
            run.row = replace(run.row, status=status, ended_at=None, error=None, error_code=None, stats={})
        if status is Status.QUEUED:
            run.row = replace(run.row, started_at=None)
        if standing is not None:
            told = [node_event(run.nodes[node.id], at, 0, len(run.nodes[node.id].outputs)) for node in standing.open]
            self._executions.tell(run, [Event(0, "graph_execution_update", run.row.status, at), *told])
        return True

    async def reopen(self, execution_id: str, *, run_id: str, owner: str | None, at: datetime) -> bool:
        """Give a run that is to be resumed to `run_id`; False when it is no longer `owner`'s."""
        run = self._executions.run(execution_id)
        if run is None or run.row.run_id != owner:
            return False
        run.unfinished_batches = 0
        run.superseded |= {e.seq for e in run.events if e.node_execution_id is None and e.status.is_final}
        stats, began, ended = dict(run.row.stats), run.row.started_at, run.row.ended_at
        if began and ended:
            stats.setdefault("walltime", (ended - began).total_seconds())
        run.row = replace(
            run.row, run_id=run_id, status=Status.QUEUED, ended_at=None, error=None, error_code=None, stats=stats
        )
        self._executions.tell(run, [Event(0, "graph_execution_update", Status.QUEUED, at)])
        return True

    async def resume(
        self, execution_id: str, *, run_id: str, kept: Collection[str], open_nodes: Sequence[StandingNode], at: datetime
    ) -> bool:
        """Set aside what the resumed run goes on without, and open what it goes on with."""
        run = self._executions.run(execution_id)
        if run is None or run.row.run_id != run_id:
            return False
        gone = run.nodes.keys() - {*kept, *(node.id for node in open_nodes)}
        run.superseded |= {event.seq for event in run.events if event.node_execution_id in gone}
        for id in gone:
            del run.nodes[id]
        self._reviews.forget(execution_id, gone)
        for node in open_nodes:
            run.nodes[node.id] = _as_it_stood(run.nodes.get(node.id), node, at)
        run.unfinished_batches = 0
        told = [node_event(run.nodes[node.id], at) for node in open_nodes]
        self._executions.tell(run, [Event(0, "graph_execution_update", run.row.status, at), *told])
        return True

    async def silent(self, silence: timedelta, *, limit: int) -> list[str]:
        """Runs that look alive, but of which nothing was heard for so long; the longest unasked first."""
        before = datetime.now(UTC) - silence
        found = []
        for row in self._executions.rows():
            run = self._executions.run(row.id)
            asked_at = (run.asked_at if run else None) or row.created_at
            told_at = run.events[-1].at if run and run.events else row.created_at
            if row.status in (Status.QUEUED, Status.RUNNING, Status.REVIEW) and max(asked_at, told_at) < before:
                found.append((asked_at, row.id))
        return [id for _, id in sorted(found)[:limit]]

    async def is_silent(self, execution_id: str, silence: timedelta) -> bool:
        """Whether this is such a run."""
        return execution_id in await self.silent(silence, limit=len(self._executions.rows()))

    async def heard(self, execution_ids: Collection[str]) -> None:
        """The server says that these go on."""
        for execution_id in execution_ids:
            if run := self._executions.run(execution_id):
                run.asked_at = datetime.now(UTC)


def _set_aside(run: MemoryRun, standing: Standing, at: datetime) -> set[str]:
    open_nodes = {node.id: node for node in standing.open}
    gone = {
        node.id
        for node in run.nodes.values()
        if node.ordinal >= standing.opened.get(node.node_id, 0) or node.id in open_nodes
    }
    run.superseded |= {event.seq for event in run.events if event.node_execution_id in gone}
    for id in gone - open_nodes.keys():
        del run.nodes[id]
    for node in standing.open:
        run.nodes[node.id] = _as_it_stood(run.nodes.get(node.id), node, at)
    return gone


def _as_it_stood(held: StoredNode | None, node: StandingNode, at: datetime) -> StoredNode:
    is_running, is_queued = node.status is Status.RUNNING, node.status is not Status.INCOMPLETE
    inputs = json_copy(node.inputs)
    return StoredNode(
        id=node.id,
        node_id=held.node_id if held else node.node_id,
        block_id=held.block_id if held else node.block_id,
        ordinal=held.ordinal if held else node.ordinal,
        seq=node.seq,
        attempt=node.attempt,
        status=node.status,
        inputs={**held.inputs, **inputs} if held and is_running else inputs,
        agent_output=held.agent_output if held and is_running else None,
        queued_at=((held.queued_at if held else None) or at) if is_queued else None,
        started_at=((held.started_at if held else None) or at) if is_running else None,
        ended_at=None,
        entered_attempt=node.entered_attempt,
        error=None,
        stats=json_copy(node.stats),
        outputs=[output for output in held.outputs if output.index < node.emitted] if held else [],
    )
