"""Files of runs and kept values in memory: what `keeping.py` does in Postgres.

Used by `memory.MemoryStore`.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from store.keeping import Collected, StoredFile


class MemoryRunFiles:
    """`keeping.RunFiles` in memory."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str, str], tuple[datetime, StoredFile]] = {}

    async def put(self, execution_id: str, file: StoredFile, *, most_bytes: int) -> str | None:
        """Store the file; None when the run's files would be too large."""
        digest = hashlib.sha256(file.content).hexdigest()
        key = (execution_id, digest, file.name)
        others = [
            len(other.content) for held, (_, other) in self._files.items() if held[0] == execution_id and held != key
        ]
        if len(file.content) + sum(others) > most_bytes:
            return None
        self._files.pop(key, None)
        self._files[key] = (datetime.now(UTC), file)
        return digest

    async def get(self, execution_id: str, name: str, sha256: str | None = None) -> StoredFile | None:
        """The newest file of that name, or the one with that content."""
        for held, (_, file) in reversed(self._files.items()):
            if held == (execution_id, sha256 or held[1], name):
                return file
        return None

    def drop(self, is_doomed: Callable[[str, datetime], bool], limit: int | None = None) -> int:
        """Forget those whose run's id and time of creation are doomed; how many it were."""
        doomed = [key for key, (created_at, _) in self._files.items() if is_doomed(key[0], created_at)][:limit]
        for key in doomed:
            del self._files[key]
        return len(doomed)


class MemoryKeyValues:
    """`keeping.KeyValues` in memory."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str, str], bytes] = {}

    async def put(self, user_id: str, graph_id: str, key: str, json_text: bytes, *, most: int) -> bool:
        """Keep JSON text; False when the user has too many values."""
        place = (user_id, graph_id, key)
        if place not in self._bodies and sum(owner == user_id for owner, _, _ in self._bodies) >= most:
            return False
        self._bodies[place] = json_text
        return True

    async def get(self, user_id: str, graph_id: str, key: str) -> tuple[Any] | None:
        """The parsed value, or None."""
        body = self._bodies.get((user_id, graph_id, key))
        return None if body is None else (from_json(body),)

    def drop(self, user_id: str, graph_id: str | None = None) -> int:
        """Forget the user's values, or those of one graph; how many it were."""
        doomed = [place for place in self._bodies if place[:2] == (user_id, place[1] if graph_id is None else graph_id)]
        for place in doomed:
            del self._bodies[place]
        return len(doomed)


class MemoryCollections:
    """`keeping.Collections` in memory."""

    def __init__(self) -> None:
        self._added: dict[tuple[str, str], Collected] = {}
        self._taken_by: dict[tuple[str, str], str] = {}

    async def collect(self, added: Collected, *, enough: int, most_bytes: int) -> list[Any] | None:
        """Add the items and take all when they are enough; None when the collection would be too large."""
        key, taker = (added.execution_id, added.node_execution_id), added.node_execution_id
        free = self._free(added)
        if key not in self._added:
            if len(added.json_text) + sum(len(each.json_text) for each in free.values()) > most_bytes:
                return None
            self._added[key] = added
            free[key] = added
        mine = {place: self._added[place] for place, by in self._taken_by.items() if by == taker}
        if not mine and sum(each.items for each in free.values()) >= enough:
            mine = free
            self._taken_by |= dict.fromkeys(free, taker)
        return [item for each in mine.values() for item in from_json(each.json_text)]

    def _free(self, added: Collected) -> dict[tuple[str, str], Collected]:
        return {
            place: each
            for place, each in self._added.items()
            if (each.execution_id, each.node_id) == (added.execution_id, added.node_id) and place not in self._taken_by
        }

    def drop(self, is_doomed: Callable[[str, datetime], bool], limit: int | None = None) -> int:
        """Forget those of doomed runs. They have no time of their own: age alone dooms none."""
        doomed = [key for key in self._added if is_doomed(key[0], datetime.max.replace(tzinfo=UTC))][:limit]
        for key in doomed:
            del self._added[key]
            self._taken_by.pop(key, None)
        return len(doomed)
