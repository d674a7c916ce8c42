"""Heddle as its users meet it: HTTP in front, worker processes behind that may be killed, the `temporal` CLI beside.

The fixture `system` serves `tests/e2e` and `tests/agents`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev import health
from engine.model import Graph
from store.migrate import migrate
from store.pool import open_pool
from store.users import Users
from telemetry.free_port import free_port
from tests.support.places import ROOT

USER = "22222222-2222-4222-8222-222222222222"
KEY = f"agpt_{uuid.uuid4().hex}"


@dataclass
class System:
    """A running Heddle: its API, and worker processes that a test may kill and start."""

    http: httpx.AsyncClient
    environment: Mapping[str, str]
    logs: Path
    temporal_executable: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker, ready to work."""
        port = free_port()
        process = spawn("worker", {**self.environment, "HEDDLE_WORKER_METRICS_PORT": str(port)}, self.logs)
        self.workers.append(process)
        assert await health.until(health.http(f"http://127.0.0.1:{port}/health/ready"), 180), "the worker did not start"
        return process

    def kill_workers(self) -> None:
        """As a power cut would."""
        for process in self.workers:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.workers.clear()

    async def import_agent(self, agent: Mapping[str, Any]) -> dict[str, Any]:
        """Import an exported agent."""
        answer = await self.http.post("/api/graphs/import", json=agent)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def save(self, graph: Graph) -> str:
        """Import a graph written in a test."""
        imported = await self.import_agent(graph.model_dump(mode="json"))
        assert imported["problems"] == []
        return str(imported["id"])

    async def execute(self, graph_id: str, inputs: Mapping[str, Any] | None = None, **body: Any) -> str:
        """Start a run; its id."""
        answer = await self.http.post(f"/api/graphs/{graph_id}/execute", json={"inputs": dict(inputs or {}), **body})
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    async def events(self, execution_id: str, after: int = 0) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """(number, event) until the run is over."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        async with self.http.stream("GET", f"/api/executions/{execution_id}/events", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, text = line.partition(":")
                    fields[name] = text
                else:
                    if "data" in fields:
                        yield int(fields["id"]), json.loads(fields["data"])
                    fields = {}

    async def ended(self, execution_id: str, seconds: float = 60) -> dict[str, Any]:
        """The results of a run, once it is over."""
        async with asyncio.timeout(seconds):
            async for _ in self.events(execution_id):
                pass
        answer = await self.http.get(f"/api/executions/{execution_id}/results")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def run(self, graph_id: str, inputs: Mapping[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        """Start a run and wait for its end."""
        return await self.ended(await self.execute(graph_id, inputs, **body))

    def temporal(self, *arguments: str) -> str:
        """What the CLI prints."""
        address = self.environment["TEMPORAL_ADDRESS"]
        done = subprocess.run(
            [self.temporal_executable, *arguments, "--address", address],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout


def spawn(role: str, environment: Mapping[str, str], logs: Path) -> subprocess.Popen[bytes]:
    """A process of Heddle's; its log is kept."""
    with (logs / f"{role}-{uuid.uuid4().hex[:6]}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.process_main", role],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="session")
async def system(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    logs = tmp_path_factory.mktemp("logs")
    async with running_system(temporal_address, temporal_executable, database_url, logs) as running:
        yield running


@asynccontextmanager
async def running_system(
    temporal_address: str, temporal_executable: Path, database_url: str, logs: Path, **settings: str
) -> AsyncIterator[System]:
    """A Heddle with a task queue of its own; `settings` are added to its environment."""
    async with await open_pool(database_url, min_size=1, max_size=2, idle_seconds=60) as pool:
        await migrate(pool)
        users = Users(pool)
        await users.ensure_user(USER, email="e2e@example.com", name="End to end")
        await users.add_api_key(USER, name="e2e", key=KEY)
    port = free_port()
    environment = {
        "TEMPORAL_ADDRESS": temporal_address,
        "DATABASE_URL": database_url,
        "HEDDLE_API_PORT": str(port),
        "HEDDLE_TASK_QUEUE": f"e2e-{uuid.uuid4().hex[:8]}",
        "HEDDLE_WORKFLOW_SANDBOX": "true",
        "HEDDLE_NODE_HEARTBEAT_TIMEOUT_SECONDS": "2",
        "HEDDLE_GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS": "2",
        **settings,
    }
    url = f"http://127.0.0.1:{port}"
    api = spawn("api", environment, logs)
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": KEY}, timeout=30, trust_env=False) as http:
        running = System(http, environment, logs, temporal_executable)
        try:
            await running.start_worker()
            assert await health.until(health.http(f"{url}/health/ready"), 180), "the API did not become ready"
            yield running
        finally:
            running.kill_workers()
            api.terminate()
            api.wait(timeout=20)
