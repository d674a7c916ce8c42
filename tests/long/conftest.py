"""A Heddle with the settings that a deployment has, for what is large or takes long."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.pool import open_pool
from store.postgres import PostgresStore
from tests.support.system import System, running_system

AS_DEPLOYED = {"HEDDLE_WORKFLOW_SANDBOX": "false", "HEDDLE_NODE_HEARTBEAT_TIMEOUT_SECONDS": "10"}


@pytest.fixture(scope="module")
async def deployed(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    logs = tmp_path_factory.mktemp("deployed")
    async with running_system(temporal_address, temporal_executable, database_url, logs, **AS_DEPLOYED) as running:
        yield running


@pytest.fixture(scope="module")
async def continuing(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """The same, whose runs continue as new after a hundred events: a batch holds a thousand nodes, so that most runs
    never get so far as the server's own limit."""
    logs = tmp_path_factory.mktemp("continuing")
    changed = {**AS_DEPLOYED, "HEDDLE_CONTINUE_AFTER_EVENTS": "100"}
    async with running_system(temporal_address, temporal_executable, database_url, logs, **changed) as running:
        yield running


@pytest.fixture(scope="module")
async def rows(deployed: System, database_url: str) -> AsyncIterator[PostgresStore]:
    """The same database, read past the API."""
    async with await open_pool(database_url, min_size=1, max_size=2, idle_seconds=60) as pool:
        yield PostgresStore(pool)
