"""One world for all agents that need one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.sealing import new_key
from telemetry.free_port import free_port
from tests.agents.world import World
from tests.support.model_server import model_server
from tests.support.process_main import INTERNET
from tests.support.system import running_system
from tests.support.web import internet

PROVIDERS = {"openai": "/v1", "groq": "/v1", "open_router": "/v1", "anthropic": ""}
"""Providers of language models, and what follows the address of their endpoint."""


@pytest.fixture(scope="package")
async def world(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A Heddle that keeps credentials, in an internet of its own."""
    with model_server() as models:
        async with internet() as net:
            net.addresses["intranet.example"] = ["10.0.0.7"]
            net.ports["other"] = free_port()
            settings = {
                "HEDDLE_CREDENTIAL_KEYS": f"k1:{new_key()}",
                "HEDDLE_LLM_BASE_URLS": json.dumps({name: models.url + path for name, path in PROVIDERS.items()}),
                # No worker is killed here: one that is slow must not count as lost, for its nodes would ask again.
                "HEDDLE_NODE_HEARTBEAT_TIMEOUT_SECONDS": "60",
                INTERNET: net.told(),
            }
            logs = tmp_path_factory.mktemp("logs")
            async with running_system(temporal_address, temporal_executable, database_url, logs, **settings) as system:
                yield World(system, net, models)
