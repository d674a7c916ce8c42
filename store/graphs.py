"""Versions of graphs, in Postgres. A sub-graph is a graph of its own; the row above names it by id and version.

Used by the API and by the activity that begins a run. It knows the export format, not what a graph means.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from contracts.errors import GraphNotFound
from engine.model import Graph
from store.calls import Pool, connection, fetch, fetchrow, fetchval
from store.cursor import NEWEST, Cursor, page_of
from store.graph_records import GraphRow
from store.pages import Page
from store.sql import statement

_LOCK = statement("lock_graph")
_OWNER = statement("graph_owner_and_version")
_RETIRE = statement("retire_graph")
_INSERT = statement("insert_graph")
_ACTIVE = statement("active_graph")
_VERSION = statement("graph_version")
_VERSIONS = statement("graph_versions")
_PAGE = statement("graphs_page")
_COUNT = statement("graphs_count")
_SUB_GRAPHS = statement("sub_graphs")

type _Key = tuple[str, int]


def parts_of(graph: Graph) -> Iterator[Graph]:
    """The graph's sub-graphs at any depth and the graph itself, each after those it contains."""
    for sub_graph in graph.sub_graphs:
        yield from parts_of(sub_graph)
    yield graph


class Graphs:
    """`records.Graphs` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, user_id: str, graph: Graph, problems: Sequence[Mapping[str, Any]]) -> int:
        """The graph and its sub-graphs, each as the next version of its id, in one transaction; the graph's version.

        A sub-graph that occurs at two places is stored once. Raises GraphNotFound when an id is another user's.
        """
        versions: dict[str, int] = {}
        async with connection(self._pool) as held, held.transaction():
            # In order of ids, so that two who save graphs with common sub-graphs cannot wait for one another.
            for id in sorted({part.id for part in parts_of(graph)}):
                await held.execute(_LOCK, id)
            for part in parts_of(graph):
                if part.id in versions and part is not graph:
                    continue
                stored = await held.fetchrow(_OWNER, part.id)
                if stored is not None and stored["user_id"] != user_id:
                    raise GraphNotFound
                subs = [{"id": sub.id, "version": versions[sub.id]} for sub in part.sub_graphs]
                versions[part.id] = 1 if stored is None else stored["version"] + 1
                await held.execute(_RETIRE, part.id)
                await held.execute(
                    _INSERT,
                    part.id,
                    versions[part.id],
                    user_id,
                    part.name,
                    part.description,
                    part.model_dump(mode="json", exclude={"sub_graphs", "version", "is_active"}),
                    subs,
                    problems if part is graph else [],
                )
        return versions[graph.id]

    async def get(self, user_id: str, graph_id: str, version: int | None = None) -> GraphRow | None:
        """One version, the active one by default; None when absent or another user's (S-114)."""
        if version is None:
            row = await fetchrow(self._pool, _ACTIVE, graph_id, user_id)
        else:
            row = await fetchrow(self._pool, _VERSION, graph_id, user_id, version)
        return None if row is None else (await self._complete([row]))[0]

    async def page(self, user_id: str, *, limit: int, before: str | None) -> Page[GraphRow]:
        """Active versions, newest first. Raises InvalidRequest for a cursor that is not ours."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = await fetch(self._pool, _PAGE, user_id, cursor.created_at, cursor.id, limit + 1)
        count = await fetchval(self._pool, _COUNT, user_id)
        return page_of(await self._complete(rows), limit=limit, total_count=count, key=_key)

    async def versions(self, user_id: str, graph_id: str) -> list[GraphRow]:
        """All versions, newest first; none when the graph is another user's."""
        return await self._complete(await fetch(self._pool, _VERSIONS, graph_id, user_id))

    async def _complete(self, rows: Sequence[asyncpg.Record]) -> list[GraphRow]:
        """Rows with their sub-graphs, fetched level by level."""
        found: dict[_Key, Mapping[str, Any]] = {}
        wanted = _named_in(rows)
        while wanted := wanted - found.keys():
            keys = sorted(wanted)
            level = await fetch(self._pool, _SUB_GRAPHS, [id for id, _ in keys], [version for _, version in keys])
            found.update({(row["id"], row["version"]): dict(row) for row in level})
            wanted = _named_in(level)
        return [_graph_row(row, _assemble(dict(row), found)) for row in rows]


def _key(row: GraphRow) -> tuple[datetime, str]:
    return row.created_at, row.id


def _named_in(rows: Sequence[asyncpg.Record]) -> set[_Key]:
    return {(sub["id"], sub["version"]) for row in rows for sub in row["sub_graphs"]}


def _assemble(row: Mapping[str, Any], found: Mapping[_Key, Mapping[str, Any]]) -> Graph:
    """The graph of a row; version and activity are the row's, whatever the file it came from said.

    A sub-graph that has been deleted since is left out; a node that names it fails when it is run.
    """
    graph = Graph.model_validate({**row["body"], "version": row["version"], "is_active": row["is_active"]})
    graph.sub_graphs = [
        _assemble(found[sub["id"], sub["version"]], found)
        for sub in row["sub_graphs"]
        if (sub["id"], sub["version"]) in found
    ]
    return graph


def _graph_row(row: asyncpg.Record, graph: Graph) -> GraphRow:
    return GraphRow(
        id=row["id"],
        version=row["version"],
        user_id=row["user_id"],
        is_active=row["is_active"],
        name=row["name"],
        description=row["description"],
        graph=graph,
        problems=row["problems"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
