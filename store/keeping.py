"""Files of runs, what nodes collect, and JSON values that outlive runs: the interfaces, and their form in Postgres.

Used by `activities/` for blocks. Who may read what is settled by the arguments: the ids of run, user and graph.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic_core import from_json

from store.calls import Pool, fetch
from store.pool import COMMAND_SECONDS
from store.sql import statement
from store.values import SLOWEST_BYTES_PER_SECOND

_PUT_FILE = statement("put_file")
_GET_FILE = statement("get_file")
_PUT_VALUE = statement("put_kept_value")
_GET_VALUE = statement("get_kept_value")
_COLLECT = statement("collect_items")

OF_ALL_GRAPHS = ""
"""The graph id of values that all graphs of a user share."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file with its plain name, its media type and its bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


class RunFiles(Protocol):
    """Files by run: once per content and name. They are deleted and pruned with the values of the run."""

    async def put(self, execution_id: str, file: StoredFile, *, most_bytes: int) -> str | None:
        """Store the file and answer the SHA-256 of its content in hexadecimal digits; again makes it the newest.

        None, and nothing is stored, when the run's files would have more bytes than that together.
        """
        ...

    async def get(self, execution_id: str, name: str, sha256: str | None = None) -> StoredFile | None:
        """The newest file of that name, or the one with that content; None when the run has none."""
        ...


class KeyValues(Protocol):
    """Values by user, graph (or `OF_ALL_GRAPHS`) and key. They are deleted with the graph and with the user."""

    async def put(self, user_id: str, graph_id: str, key: str, json_text: bytes, *, most: int) -> bool:
        """Keep JSON text in place of what was there. False, and nothing is kept, when the user has `most` already."""
        ...

    async def get(self, user_id: str, graph_id: str, key: str) -> tuple[Any] | None:
        """The parsed value, alone in a tuple; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """What a node execution adds to the collection of its node: JSON text of a list of so many items."""

    execution_id: str
    node_id: str
    node_execution_id: str
    items: int
    json_text: bytes = field(repr=False)


class Collections(Protocol):
    """Items that the executions of one node of a run collect, until one of them takes all. They go with the run."""

    async def collect(self, added: Collected, *, enough: int, most_bytes: int) -> list[Any] | None:
        """Add the items, once, and take all that no other took when they are enough; else an empty list.

        Asked again, the same execution gets the same. None when the collection would be too large.
        """
        ...


class Keeping(Protocol):
    """The part of `records.Store` that is described here."""

    @property
    def files(self) -> RunFiles: ...
    @property
    def key_values(self) -> KeyValues: ...
    @property
    def collections(self) -> Collections: ...


class PostgresRunFiles:
    """`RunFiles` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, execution_id: str, file: StoredFile, *, most_bytes: int) -> str | None:
        """Store the file; None when the run's files would be too large."""
        digest = await asyncio.to_thread(hashlib.sha256, file.content)
        size = len(file.content)
        arguments = (execution_id, digest.digest(), file.name, file.content_type, size, file.content, most_bytes)
        stored = await fetch(self._pool, _PUT_FILE, *arguments, seconds=_seconds(size))
        return digest.hexdigest() if stored else None

    async def get(self, execution_id: str, name: str, sha256: str | None = None) -> StoredFile | None:
        """The newest file of that name, or the one with that content."""
        digest = None if sha256 is None else bytes.fromhex(sha256)
        rows = await fetch(self._pool, _GET_FILE, execution_id, name, digest, seconds=_seconds(_LARGE))
        return StoredFile(rows[0]["name"], rows[0]["content_type"], rows[0]["body"]) if rows else None


class PostgresKeyValues:
    """`KeyValues` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, user_id: str, graph_id: str, key: str, json_text: bytes, *, most: int) -> bool:
        """Keep JSON text; False when the user has too many values."""
        arguments = (user_id, graph_id, key, json_text, most)
        return bool(await fetch(self._pool, _PUT_VALUE, *arguments, seconds=_seconds(len(json_text))))

    async def get(self, user_id: str, graph_id: str, key: str) -> tuple[Any] | None:
        """The parsed value, or None."""
        rows = await fetch(self._pool, _GET_VALUE, user_id, graph_id, key, seconds=_seconds(_LARGE))
        return (from_json(rows[0]["body"]),) if rows else None


class PostgresCollections:
    """`Collections` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def collect(self, added: Collected, *, enough: int, most_bytes: int) -> list[Any] | None:
        """Add the items and take all when they are enough; None when the collection would be too large."""
        place = (added.execution_id, added.node_id, added.node_execution_id)
        arguments = (*place, added.items, added.json_text, enough, most_bytes)
        rows = await fetch(self._pool, _COLLECT, *arguments, seconds=_seconds(_LARGE))
        bodies = [row["body"] for row in rows]
        return None if bodies == [None] else [item for body in bodies for item in from_json(body)]


_LARGE = 100_000_000


def _seconds(size: int) -> float:
    return COMMAND_SECONDS + size / SLOWEST_BYTES_PER_SECOND
