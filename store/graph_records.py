"""Graph versions as they go into the store and come out of it, and the interface that both of its forms fulfil.

A part of `records`, by which everybody imports it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.model import Graph
from store.pages import Page


@dataclass(frozen=True, slots=True)
class GraphRow:
    """A stored version of a graph. `problems` are those it was imported with, as JSON objects."""

    id: str
    version: int
    user_id: str
    is_active: bool
    name: str
    description: str
    graph: Graph
    problems: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


class Graphs(Protocol):
    """Graph versions never change once stored (S-047 to S-049)."""

    async def save(self, user_id: str, graph: Graph, problems: Sequence[Mapping[str, Any]]) -> int:
        """Store as the next version of `graph.id` (1 when new), make it the active one, return the version.

        `graph.sub_graphs` are stored as graphs of their own in the same transaction, before it; a graph id that another
        user owns raises GraphNotFound. Read back, it has the row's `version` and `is_active`; the rest is as given.
        """
        ...

    async def get(self, user_id: str, graph_id: str, version: int | None = None) -> GraphRow | None:
        """One version, the active one by default; None when absent or another user's (S-114)."""
        ...

    async def page(self, user_id: str, *, limit: int, before: str | None) -> Page[GraphRow]:
        """Active versions, newest first."""
        ...

    async def versions(self, user_id: str, graph_id: str) -> list[GraphRow]: ...
