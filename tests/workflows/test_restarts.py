"""Postgres or Temporal is away for a while: runs wait, and nothing is run twice (S-138, S-139)."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from contracts.errors import Unavailable
from contracts.search_attributes import SEARCH_ATTRIBUTES
from contracts.temporal_client import connect
from dev import temporal_cli
from dev.health import temporal, until
from engine.model import Status
from store.execution_writes import ExecutionWrites
from store.postgres import PostgresStore
from telemetry.free_port import free_port
from tests.support.blocks import PassOnce, Sink, TraceOnce
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack, opened_stack


async def test_what_a_block_gave_is_written_once_the_database_answers(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []
    record = ExecutionWrites.record

    async def away(self: ExecutionWrites, *args: Any, **kwargs: Any) -> list[str]:
        if len(refused) < 4:
            refused.append(1)
            raise Unavailable
        return await record(self, *args, **kwargs)

    once = graph([node("p", PassOnce, value=7), node("o", Sink, name="y")], "p.value -> o.value")
    monkeypatch.setattr(ExecutionWrites, "record", away)
    outcome = await stack.run(once)
    assert len(refused) == 4
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [7]}
    assert outcome.of("p")[0].attempt == 1, "the block was not entered again"


async def test_a_worker_outlives_a_restart_of_temporal(
    temporal_executable: Path, store: PostgresStore, database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    arguments = temporal_cli.server_arguments(
        port=port,
        ui_port=None,
        namespace="default",
        search_attributes=SEARCH_ATTRIBUTES,
        database=tmp_path / "temporal.db",
    )
    address = f"127.0.0.1:{port}"

    async def server() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [temporal_executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert await until(temporal(address, "default", SEARCH_ATTRIBUTES, None), 60)
        return process

    process = await server()
    try:
        client: Client = await connect(address, "default")
        async with opened_stack(client, store, database_url) as stack:
            marks, go = tmp_path / "marks", tmp_path / "go"
            trace = node("t", TraceOnce, value=1, file=str(marks), wait_for=str(go))
            handle = await stack.start(graph([trace, node("o", Sink, name="y")], "t.value -> o.value"))
            async with asyncio.timeout(20):
                while not marks.exists():
                    await asyncio.sleep(0.02)
            process.kill()
            process.wait()
            go.touch()
            process = await server()
            outcome = await stack.outcome(handle)
            assert outcome.execution.status is Status.COMPLETED
            assert outcome.outputs == {"y": [1]}
            assert len(marks.read_text().splitlines()) == 1
    finally:
        process.kill()
        process.wait()
