"""Bodies about graphs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from engine.model import GraphPolicy, Link, Node


class GraphSaved(BaseModel):
    """A graph as it was stored."""

    id: str
    version: int
    name: str
    problems: list[dict[str, Any]] = Field(description="What keeps it from running; empty when it can run.")
    node_ids: dict[str, str] = Field(description="Node ids of the body → those they were given.")
    graph_ids: dict[str, str] = Field(description="Graph ids of the body, sub-graphs included → those they were given.")
    credentials_input_schema: dict[str, Any] = Field(
        description="What a run is to be given as `credentials_inputs`: what its nodes do not name themselves."
    )


class GraphDeleted(BaseModel):
    """A graph that has been deleted."""

    version_counts: int = Field(description="How many versions it had.")


class GraphMeta(BaseModel):
    """A version of a graph, without its nodes."""

    id: str
    version: int
    is_active: bool
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


class GraphDetail(GraphMeta):
    """A version of a graph."""

    user_id: str
    instructions: str | None
    recommended_schedule_cron: str | None
    forked_from_id: str | None
    forked_from_version: int | None
    policy: GraphPolicy = Field(description="What the graph says of its own runs.")
    nodes: list[Node]
    links: list[Link]
    sub_graphs: list[dict[str, Any]] = Field(description="In the export format.")
    problems: list[dict[str, Any]] = Field(description="What keeps it from running; empty when it can run.")
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    credentials_input_schema: dict[str, Any] = Field(
        description="What a run is to be given as `credentials_inputs`: what its nodes do not name themselves."
    )


class GraphList(BaseModel):
    """A page of graphs, newest first."""

    items: list[GraphMeta]
    next_cursor: str | None
    total_count: int


class GraphVersionList(BaseModel):
    """All versions of a graph, newest first."""

    items: list[GraphMeta]
    next_cursor: str | None = None
    total_count: int


class GraphBody(BaseModel):
    """What OpenAPI says of a graph's body; it is read by `graph_reading.py`, which keeps what it can."""

    name: str = ""
    description: str = ""
    policy: GraphPolicy = Field(default_factory=GraphPolicy, description="What the graph says of its own runs.")
    nodes: list[Node]
    links: list[Link] = Field(default_factory=list)
    sub_graphs: list[dict[str, Any]] = Field(default_factory=list)
