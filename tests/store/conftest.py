"""A Postgres for the session, a schema of its own for each session, and both forms of the store.

`DATABASE_URL` names a server to use; without it an embedded one is started.
"""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest

from dev.postgres import start
from store.calls import Pool
from store.changes import Changes
from store.memory import MemoryChanges, MemoryStore
from store.migrate import migrate
from store.pool import open_connection, open_pool
from store.postgres import PostgresStore


def in_schema(url: str, schema: str) -> str:
    """The URL with its `schema` parameter set."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode({"schema": schema}))))))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    # Not pytest's own folder: a socket's path must be short, and the server may run as another user.
    with tempfile.TemporaryDirectory(prefix="hst") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = start(folder)
        yield server.url
        server.stop()


@pytest.fixture
async def empty_schema(server_url: str) -> AsyncIterator[str]:
    """A URL whose schema does not exist yet; it is dropped afterwards."""
    schema = f"test_{uuid.uuid4().hex}"
    yield in_schema(server_url, schema)
    await _drop(server_url, schema)


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A URL whose schema is up to date, shared by the session."""
    schema = f"test_{uuid.uuid4().hex}"
    yield in_schema(server_url, schema)
    await _drop(server_url, schema)


@pytest.fixture(scope="session")
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, min_size=2, max_size=10, idle_seconds=60)
    await migrate(pool)
    yield pool
    await pool.close()


@dataclass
class Stores:
    """One form of the store with the changes that belong to it."""

    store: PostgresStore | MemoryStore
    changes: Changes | MemoryChanges


@pytest.fixture
async def memory_stores() -> AsyncIterator[Stores]:
    store = MemoryStore()
    yield Stores(store, store.changes)
    await store.changes.close()


@pytest.fixture
async def postgres_stores(pool: Pool, database_url: str) -> AsyncIterator[Stores]:
    async with Changes(database_url) as changes:
        await changes.listening()
        yield Stores(PostgresStore(pool), changes)


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    found: Stores = request.getfixturevalue(f"{request.param}_stores")
    return found


@pytest.fixture
def store(stores: Stores) -> PostgresStore | MemoryStore:
    return stores.store


async def _drop(server_url: str, schema: str) -> None:
    connection = await open_connection(server_url, application_name="heddle tests")
    await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
    await connection.close()
