"""Runs, their node executions, outputs and events, in Postgres: the reading half, on top of the writing one.

Used by activities (`node`) and the API. It knows rows and records, nothing of who asks or why.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import asyncpg

from engine.model import Status
from engine.values import Value
from store.calls import fetch, fetchrow, fetchval
from store.cursor import NEWEST, Cursor, page_of
from store.execution_writes import ExecutionWrites
from store.pages import Page
from store.records import Event, Execution, StoredNode, StoredOutput
from store.sql import statement

_EXECUTION = statement("execution")
_OF_USER = statement("executions_of_user")
_OF_USER_COUNT = statement("executions_of_user_count")
_OF_GRAPH = statement("executions_of_graph")
_OF_GRAPH_COUNT = statement("executions_of_graph_count")
_NODE = statement("node")
_NODE_OUTPUTS = statement("node_outputs")
_NODES = statement("nodes")
_NODES_OUTPUTS = statement("nodes_outputs")
_AGENT_OUTPUTS = statement("agent_outputs")
_STATS_SO_FAR = statement("stats_so_far")
_GIVEN_OUTPUTS = statement("given_outputs")
_EVENTS = statement("events")
_EVENTS_OUTPUTS = statement("events_outputs")


class Executions(ExecutionWrites):
    """`records.Executions` in Postgres."""

    async def node(self, execution_id: str, node_execution_id: str) -> StoredNode | None:
        """One node execution with its outputs."""
        row = await fetchrow(self._pool, _NODE, execution_id, node_execution_id)
        if row is None:
            return None
        # After the row: an ended node execution has all its outputs then.
        outputs = await fetch(self._pool, _NODE_OUTPUTS, execution_id, node_execution_id)
        return _node(row, [_output(output) for output in outputs])

    async def get(self, user_id: str, execution_id: str) -> Execution | None:
        """The user's run, or None (S-114)."""
        row = await fetchrow(self._pool, _EXECUTION, user_id, execution_id)
        return None if row is None else _execution(row)

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
        wanted = [status.value for status in statuses or Status]
        of_graph = () if graph_id is None else (graph_id,)
        rows = await fetch(
            self._pool,
            _OF_GRAPH if of_graph else _OF_USER,
            user_id,
            wanted,
            cursor.created_at,
            cursor.id,
            limit + 1,
            *of_graph,
        )
        count = await fetchval(self._pool, _OF_GRAPH_COUNT if of_graph else _OF_USER_COUNT, user_id, wanted, *of_graph)
        return page_of([_execution(row) for row in rows], limit=limit, total_count=count, key=_key)

    async def nodes(self, execution_id: str) -> list[StoredNode]:
        """All node executions, in queue order; INCOMPLETE ones last, in the order they were opened."""
        rows = await fetch(self._pool, _NODES, execution_id)
        outputs: dict[str, list[StoredOutput]] = defaultdict(list)
        for output in await fetch(self._pool, _NODES_OUTPUTS, execution_id):
            outputs[output["node_execution_id"]].append(_output(output))
        return [_node(row, outputs[row["id"]]) for row in rows]

    async def agent_outputs(self, execution_id: str) -> list[tuple[str, Value]]:
        """(name, value) of each OUTPUT node execution that is not INCOMPLETE, in queue order (agent-graphs §10.1)."""
        return [(row["name"], row["value"]) for row in await fetch(self._pool, _AGENT_OUTPUTS, execution_id)]

    async def stats_so_far(self, execution_id: str) -> dict[str, Any]:
        """What the node executions that have ended add up to."""
        row = await fetchrow(self._pool, _STATS_SO_FAR, execution_id)
        assert row is not None
        counts = {name: int(row[name]) for name in ("node_count", "node_error_count", "incomplete_count", "cost")}
        return counts | {name: round(row[name], 6) for name in ("nodes_walltime", "nodes_cputime")}

    async def given_outputs(self, execution_id: str, *, after: int, limit: int) -> list[tuple[int, str, Value]]:
        """(event number, name, formatted value) of agent outputs that were COMPLETED after an event."""
        rows = await fetch(self._pool, _GIVEN_OUTPUTS, execution_id, after, limit)
        return [(row["seq"], row["name"], _value(row)) for row in rows]

    async def events(self, execution_id: str, *, after: int, limit: int) -> list[Event]:
        """At most `limit` events with a number greater than `after`, in order, with their outputs."""
        rows = await fetch(self._pool, _EVENTS, execution_id, after, limit)
        with_outputs = [row for row in rows if row["output_count"]]
        outputs: dict[int, tuple[StoredOutput, ...]] = {}
        if with_outputs:
            found = await fetch(
                self._pool,
                _EVENTS_OUTPUTS,
                execution_id,
                [row["node_execution_id"] for row in with_outputs],
                [row["first_output"] for row in with_outputs],
                [row["output_count"] for row in with_outputs],
            )
            for place, group in groupby(found, key=lambda output: int(output["place"])):
                outputs[with_outputs[place - 1]["seq"]] = tuple(map(_output, group))
        return [_event(row, outputs.get(row["seq"], ())) for row in rows]


def _key(execution: Execution) -> tuple[datetime, str]:
    return execution.created_at, execution.id


def _execution(row: asyncpg.Record) -> Execution:
    return Execution(
        id=row["id"],
        user_id=row["user_id"],
        graph_id=row["graph_id"],
        graph_version=row["graph_version"],
        graph_name=row["graph_name"],
        status=Status(row["status"]),
        inputs=row["inputs"],
        masks=row["masks"],
        trigger=row["trigger"],
        root_id=row["root_id"],
        parent_id=row["parent_id"],
        run_id=row["run_id"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        error=row["error"],
        error_code=row["error_code"],
        stats=row["stats"],
        last_event=row["last_event"],
        rerun_of=row["rerun_of"],
        rerun_from_node=row["rerun_from_node"],
    )


def _node(row: asyncpg.Record, outputs: list[StoredOutput]) -> StoredNode:
    return StoredNode(
        id=row["id"],
        node_id=row["node_id"],
        block_id=row["block_id"],
        ordinal=row["ordinal"],
        seq=row["seq"],
        attempt=row["attempt"],
        status=Status(row["status"]),
        inputs=row["inputs"],
        agent_output=row["agent_output"],
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        entered_attempt=row["entered_attempt"],
        error=row["error"],
        stats=row["stats"],
        outputs=outputs,
    )


def _output(row: asyncpg.Record) -> StoredOutput:
    return StoredOutput(row["index"], row["name"], _value(row))


def _value(row: asyncpg.Record) -> Value:
    if row["ref"] is None:
        return {"value": row["value"]}
    return {"ref": row["ref"], "kind": row["kind"], "size": row["size"]}


def _event(row: asyncpg.Record, outputs: tuple[StoredOutput, ...]) -> Event:
    return Event(
        seq=row["seq"],
        type=row["type"],
        status=Status(row["status"]),
        at=row["at"],
        node_execution_id=row["node_execution_id"],
        node_id=row["node_id"],
        block_id=row["block_id"],
        first_output=row["first_output"],
        output_count=row["output_count"],
        outputs=outputs,
    )
