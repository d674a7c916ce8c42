"""The store in memory, for tests: what `postgres` does, without a database.

It passes the same tests (`tests/store/`). Nothing of it outlives the process.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from contracts.errors import GraphNotFound, SystemFault, ValueMissing
from engine.model import Graph
from engine.values import Reference
from store.cursor import NEWEST, Cursor, page_of
from store.graph_records import GraphRow
from store.graphs import parts_of
from store.memory_credentials import MemoryCredentials
from store.memory_executions import MemoryExecutions
from store.memory_failed_runs import MemoryFailedRuns
from store.memory_keeping import MemoryCollections, MemoryKeyValues, MemoryRunFiles
from store.memory_ownership import MemoryOwnership
from store.memory_removal import MemoryRemoval
from store.memory_reviews import MemoryReviews
from store.pages import Page
from store.records import User
from store.users import key_hash
from store.values import read_key, reference_to
from store.watchers import Watchers


class MemoryUsers:
    """`records.Users` in memory."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._owners: dict[bytes, str] = {}

    async def ensure_user(self, user_id: str, *, email: str, name: str) -> None:
        """Insert the user, or bring address and name up to date."""
        user = self._users.get(user_id, User(user_id, email, name))
        self._users[user_id] = replace(user, email=email, name=name)

    async def new_user(self, user_id: str, *, email: str, name: str, key: str) -> bool:
        """Insert a user with a first key; False, and nothing done, when somebody has the address already."""
        if any(user.email.lower() == email.lower() for user in self._users.values()):
            return False
        await self.ensure_user(user_id, email=email, name=name)
        await self.add_api_key(user_id, name="first", key=key)
        return True

    async def add_api_key(self, user_id: str, *, name: str, key: str) -> None:
        """Give the user a key; a key that exists already stays its owner's."""
        if user_id not in self._users:
            raise SystemFault("There is no such user.")
        self._owners.setdefault(key_hash(key), user_id)

    async def by_api_key(self, key: str) -> User | None:
        """The owner of an active key."""
        user_id = self._owners.get(key_hash(key))
        return None if user_id is None else self._users[user_id]

    def drop_user(self, user_id: str) -> int:
        """Forget the user and the keys; how many users it were."""
        self._owners = {key: owner for key, owner in self._owners.items() if owner != user_id}
        return int(self._users.pop(user_id, None) is not None)


class MemoryGraphs:
    """`records.Graphs` in memory."""

    def __init__(self) -> None:
        self._rows: dict[str, list[GraphRow]] = {}

    async def save(self, user_id: str, graph: Graph, problems: Sequence[Mapping[str, Any]]) -> int:
        """The graph and its sub-graphs, each as the next version of its id; the graph's version."""
        if any(row.user_id != user_id for part in parts_of(graph) for row in self._rows.get(part.id, ())[:1]):
            raise GraphNotFound
        saved: dict[str, Graph] = {}
        for part in parts_of(graph):
            if part.id in saved and part is not graph:
                continue
            now = datetime.now(UTC)
            rows = self._rows.setdefault(part.id, [])
            if rows:
                rows[-1] = replace(rows[-1], is_active=False, updated_at=now)
            stored = Graph.model_validate_json(part.model_dump_json(exclude={"sub_graphs"}))
            stored.version = len(rows) + 1
            stored.sub_graphs = [saved[sub.id] for sub in part.sub_graphs]
            rows.append(
                GraphRow(
                    id=part.id,
                    version=stored.version,
                    user_id=user_id,
                    is_active=True,
                    name=part.name,
                    description=part.description,
                    graph=stored,
                    problems=from_json(to_json(list(problems))) if part is graph else [],
                    created_at=now,
                    updated_at=now,
                )
            )
            saved[part.id] = stored
        return saved[graph.id].version

    async def get(self, user_id: str, graph_id: str, version: int | None = None) -> GraphRow | None:
        """One version, the active one by default; None when absent or another user's (S-114)."""
        for row in await self.versions(user_id, graph_id):
            if row.version == version or (version is None and row.is_active):
                return row
        return None

    async def page(self, user_id: str, *, limit: int, before: str | None) -> Page[GraphRow]:
        """Active versions, newest first. Raises InvalidRequest for a cursor that is not ours."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = sorted((row for rows in self._rows.values() for row in rows[-1:]), key=_key, reverse=True)
        mine = [row for row in rows if row.user_id == user_id]
        following = [self._shown(row) for row in mine if Cursor(*_key(row)) < cursor]
        return page_of(following, limit=limit, total_count=len(mine), key=_key)

    async def versions(self, user_id: str, graph_id: str) -> list[GraphRow]:
        """All versions, newest first; none when the graph is another user's."""
        return [self._shown(row) for row in reversed(self._rows.get(graph_id, [])) if row.user_id == user_id]

    def drop(self, user_id: str, graph_id: str) -> int:
        """Forget all versions of the user's graph and answer how many."""
        if not any(row.user_id == user_id for row in self._rows.get(graph_id, ())):
            return 0
        return len(self._rows.pop(graph_id))

    def drop_user(self, user_id: str) -> int:
        """Forget all graphs of the user; how many versions it were."""
        return sum(self.drop(user_id, graph_id) for graph_id in list(self._rows))

    def name_of(self, graph_id: str, version: int) -> str:
        """The name of a version, or an empty text."""
        rows = self._rows.get(graph_id, [])
        return rows[version - 1].name if 0 < version <= len(rows) else ""

    def _shown(self, row: GraphRow) -> GraphRow:
        graph = row.graph.model_copy(deep=True)
        self._mark(graph)
        return replace(row, graph=graph)

    def _mark(self, graph: Graph) -> None:
        graph.is_active = self._rows[graph.id][-1].version == graph.version
        graph.sub_graphs = [sub for sub in graph.sub_graphs if sub.id in self._rows]
        for sub_graph in graph.sub_graphs:
            self._mark(sub_graph)


class MemoryValues:
    """`records.Values` in memory."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}
        self._created: dict[str, datetime] = {}

    async def put(self, execution_id: str, json_text: bytes) -> Reference:
        """Store JSON text; the same text in the same run gives the same reference."""
        reference = reference_to(execution_id, json_text)
        self._bodies[reference["ref"]] = json_text
        self._created.setdefault(reference["ref"], datetime.now(UTC))
        return reference

    async def get(self, references: Sequence[Reference]) -> dict[str, Any]:
        """The parsed values by their `ref`. Raises ValueMissing when one is gone."""
        for reference in references:
            read_key(reference["ref"])
            if reference["ref"] not in self._bodies:
                raise ValueMissing(f"The stored value {reference['ref']} is gone.")
        return {reference["ref"]: from_json(self._bodies[reference["ref"]]) for reference in references}

    def drop(self, is_doomed: Callable[[str, datetime], bool], limit: int | None = None) -> int:
        """Forget those whose run's id and time of creation are doomed; how many it were."""
        doomed = [ref for ref, created_at in self._created.items() if is_doomed(read_key(ref)[0], created_at)][:limit]
        for ref in doomed:
            del self._bodies[ref], self._created[ref]
        return len(doomed)


class MemoryChanges:
    """`records.Changes` in memory."""

    def __init__(self, watchers: Watchers) -> None:
        self._watchers = watchers

    def watch(self, execution_id: str) -> AsyncGenerator[None]:
        """Yields once at first, then after each write that touched the run."""
        return self._watchers.watch(execution_id)

    async def listening(self) -> None:
        """Changes are heard from the start."""

    async def close(self) -> None:
        """Every `watch` ends."""
        self._watchers.close()


class MemoryStore:
    """`records.Store` in memory, with the `changes` that belong to it."""

    def __init__(self) -> None:
        watchers = Watchers()
        self.users = MemoryUsers()
        self.graphs = MemoryGraphs()
        self.executions = MemoryExecutions(watchers, self.graphs.name_of)
        self.admission = self.executions.admission
        self.values = MemoryValues()
        self.reviews = MemoryReviews(self.executions)
        self.ownership = MemoryOwnership(self.executions, self.reviews)
        self.files = MemoryRunFiles()
        self.key_values = MemoryKeyValues()
        self.collections = MemoryCollections()
        self.credentials = MemoryCredentials()
        self.removal = MemoryRemoval(
            self.executions,
            self.graphs,
            (self.values, self.files, self.collections),
            self.users,
            self.reviews,
            self.key_values,
            self.credentials,
        )
        self.failed_runs = MemoryFailedRuns(self.executions)
        self.changes = MemoryChanges(watchers)

    async def ping(self) -> None:
        """Always answers."""


def _key(row: GraphRow) -> tuple[datetime, str]:
    return row.created_at, row.id
