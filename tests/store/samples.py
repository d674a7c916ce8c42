"""Records to write, with ids of their own."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model import Status
from store.records import Finish, NewExecution, NodeRecord, OutputRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RUN = "run-1"


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def new_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4()}"


def execution(**changes: Any) -> NewExecution:
    given: dict[str, Any] = {
        "id": new_id("run"),
        "user_id": "ada",
        "graph_id": "graph",
        "graph_version": 1,
        "inputs": {"name": {"value": "Ada"}},
        "masks": {"node-1": {"pin": {"value": [1, None]}}},
    }
    return NewExecution(**given | changes)


def node(
    id: str = "x-1", status: Status = Status.COMPLETED, *values: str, first: int = 0, **changes: Any
) -> NodeRecord:
    """A node execution with one output per JSON text, from index `first`."""
    given: dict[str, Any] = {
        "id": id,
        "node_id": f"node of {id}",
        "block_id": "block",
        "ordinal": 0,
        "status": status,
        "seq": None if status is Status.INCOMPLETE else 1,
        "inputs": {"a": "1"},
        "queued_at": NOW,
        "ended_at": later(1) if status.is_final else None,
        "outputs": tuple(OutputRecord(index, "out", text) for index, text in enumerate(values, start=first)),
    }
    return NodeRecord(**given | changes)


def end(status: Status = Status.COMPLETED, **changes: Any) -> Finish:
    given: dict[str, Any] = {"status": status, "stats": {"nodes": 1}, "ended_at": later(9)}
    return Finish(**given | changes)
