"""What tests share: a real Temporal server and a real Postgres, started once for the session; nothing is mocked."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from contracts.search_attributes import SEARCH_ATTRIBUTES
from contracts.temporal_client import connect
from dev import postgres, temporal_cli
from dev.health import temporal, until
from telemetry.free_port import free_port

pytest_plugins = ["tests.support.system"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run what takes minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: scripts/test --long"))


@pytest.fixture(scope="session")
def temporal_executable() -> Path:
    """The real CLI, found or made as `scripts/up` does."""
    return temporal_cli.obtain(lambda text: print(text, file=sys.stderr))


@pytest.fixture(scope="session")
async def temporal_address(temporal_executable: Path) -> AsyncIterator[str]:
    """A dev server in memory."""
    port = free_port()
    arguments = temporal_cli.server_arguments(
        port=port, ui_port=None, namespace="default", search_attributes=SEARCH_ATTRIBUTES, database=None
    )
    process = subprocess.Popen([temporal_executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"127.0.0.1:{port}"
    try:
        assert await until(temporal(address, "default", SEARCH_ATTRIBUTES, None), 60), (
            "Temporal's dev server did not start"
        )
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
async def temporal_client(temporal_address: str) -> Client:
    return await connect(temporal_address, "default")


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of this session's own; with `DATABASE_URL` set, that server's."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    server = postgres.start(tmp_path_factory.mktemp("pg"))
    yield server.url
    server.stop()
