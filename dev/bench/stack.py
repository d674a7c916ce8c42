"""The stack that is measured: Temporal with its file, Postgres, a worker, the API and DBOS, each a process of its own.

Opened by `dev.bench.__main__`; rows see only `Bench`.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from temporalio.client import Client

from blocks.base import Block
from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput
from contracts.search_attributes import SEARCH_ATTRIBUTES
from contracts.temporal_client import connect
from dev import health, postgres, temporal_cli
from dev.bench.blocks import EffectfulNoOp, PureNoOp
from dev.bench.processes import RAW_QUEUE
from engine.model import BlockId, Graph, Link, Node, NodeId
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from telemetry.free_port import free_port

USER = "be9c0000-0000-4000-8000-00000000000a"
KEY = "bench-key"
_START_SECONDS = 60.0
_TAIL_LINES = 20


@dataclass(slots=True)
class Bench:
    """What rows use."""

    client: Client
    http: httpx.AsyncClient
    graphs: dict[str, tuple[str, int]]
    dbos_process: asyncio.subprocess.Process

    async def run(self, graph: str) -> None:
        """One run, started by the SDK, to its end."""
        graph_id, version = self.graphs[graph]
        asked = GraphExecutionInput(graph_id=graph_id, user_id=USER, graph_version=version)
        await self.client.execute_workflow(GRAPH_EXECUTION, asked, id=str(uuid.uuid4()), task_queue="heddle")

    async def run_over_http(self, graph: str) -> None:
        """One run, started through the API, to its end."""
        graph_id, version = self.graphs[graph]
        answer = await self.http.post(f"/api/graphs/{graph_id}/execute/{version}", json={"inputs": {}})
        answer.raise_for_status()
        await self.client.get_workflow_handle(answer.json()["id"]).result()

    async def run_raw(self, workflow: str, count: int) -> None:
        """One raw run to its end."""
        await self.client.execute_workflow(workflow, count, id=str(uuid.uuid4()), task_queue=RAW_QUEUE)

    async def dbos(self, line: str) -> float:
        """Seconds, as the DBOS process measured them."""
        process = self.dbos_process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{line}\n".encode())
        return float(await process.stdout.readline())


async def open_bench(opened: AsyncExitStack, directory: Path) -> Bench:
    """Start everything; `opened` stops it."""
    temporal_port, api_port = free_port(), free_port()
    address = f"127.0.0.1:{temporal_port}"
    cli = temporal_cli.obtain(lambda text: print(text, file=sys.stderr))
    arguments = temporal_cli.server_arguments(
        port=temporal_port,
        ui_port=None,
        namespace="default",
        search_attributes=SEARCH_ATTRIBUTES,
        database=directory / "temporal.db",
    )
    log = directory / "temporal.log"
    opened.push(_tail_on_failure(log))
    await _start(opened, [str(cli), *arguments], {}, log)
    server = postgres.start(directory / "postgres", durable=True)
    opened.callback(server.stop)
    if not await health.until(health.temporal(address, "default", SEARCH_ATTRIBUTES, None), _START_SECONDS):
        raise RuntimeError("Temporal did not start")
    environment = {
        "TEMPORAL_ADDRESS": address,
        "DATABASE_URL": server.url,
        "HEDDLE_API_PORT": str(api_port),
        "HEDDLE_LOG_LEVEL": "WARNING",
        # One user runs everything here; admission is not what is measured.
        "HEDDLE_MAX_CONCURRENT_GRAPH_EXECUTIONS_PER_USER": "10000",
    }
    worker = await _start(opened, [sys.executable, "-m", "dev.bench.processes", "worker"], environment)
    await _ready(worker)
    graphs = await _save_graphs(server.url)
    await _start(opened, [sys.executable, "-m", "dev.bench.processes", "api"], environment)
    url = f"http://127.0.0.1:{api_port}"
    if not await health.until(health.http(f"{url}/health/ready"), _START_SECONDS):
        raise RuntimeError("The API did not start")
    dbos = await _start(opened, [sys.executable, "-m", "dev.bench.dbos_process", _dbos_url(server.url)], environment)
    await _ready(dbos)
    http = await opened.enter_async_context(
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": KEY}, timeout=60, trust_env=False)
    )
    return Bench(await connect(address, "default"), http, graphs, dbos)


async def _start(
    opened: AsyncExitStack, command: list[str], environment: dict[str, str], log: Path | None = None
) -> asyncio.subprocess.Process:
    """With `log` all that the process writes goes there; else it answers over its standard output."""
    with ExitStack() as held:
        output = held.enter_context(log.open("ab")) if log else None
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=output or asyncio.subprocess.PIPE,
            stderr=output,
        )

    async def stop() -> None:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()

    opened.push_async_callback(stop)
    return process


def _tail_on_failure(log: Path) -> Callable[[type[BaseException] | None, object, object], None]:
    """Prints the log's last lines when what is leaving is a failure."""

    def tell(kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is not None and issubclass(kind, Exception) and log.exists():
            lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
            print("\n".join(("The end of Temporal's log:", *(f"  {line}" for line in lines))), file=sys.stderr)

    return tell


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while (line := await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)) != b"ready\n":
        if not line:
            raise RuntimeError("A measured process ended before it was ready")


async def _save_graphs(url: str) -> dict[str, tuple[str, int]]:
    shapes: dict[str, tuple[type[Block[Any]], int]] = {
        "pure-40": (PureNoOp, 40),
        "pure-10": (PureNoOp, 10),
        "pure-3": (PureNoOp, 3),
        "effectful-40": (EffectfulNoOp, 40),
        "effectful-3": (EffectfulNoOp, 3),
    }
    async with await open_pool(url, min_size=1, max_size=1, idle_seconds=60) as pool:
        await migrate(pool)
        store = PostgresStore(pool)
        await store.users.ensure_user(USER, email="bench@localhost", name="Bench")
        await store.users.add_api_key(USER, name="bench", key=KEY)
        saved = {}
        for name, (block, count) in shapes.items():
            graph = chain(name, block.id, count)
            saved[name] = (graph.id, await store.graphs.save(USER, graph, []))
        return saved


def chain(name: str, block_id: str, count: int) -> Graph:
    """So many nodes of one block, one after the other."""
    return Graph(
        id=str(uuid.uuid4()),
        name=name,
        nodes=[
            Node(id=NodeId(f"n{i}"), block_id=BlockId(block_id), input_default={} if i else {"value": 1})
            for i in range(count)
        ],
        links=[
            Link(
                id=f"l{i}",
                source_id=NodeId(f"n{i}"),
                sink_id=NodeId(f"n{i + 1}"),
                source_name="value",
                sink_name="value",
            )
            for i in range(count - 1)
        ],
    )


def _dbos_url(url: str) -> str:
    """The same server with a database of DBOS's own, as SQLAlchemy spells it."""
    host = url.split("host=", 1)[1]
    return f"postgresql+psycopg://postgres@/dbos?host={quote(host, safe='%/')}"
