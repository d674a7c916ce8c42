"""Metrics, the worker's little server, the SDK's metrics, and the lag of the blocks' loop."""

import asyncio
import socket
import threading
import time
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.exposition import exposition
from telemetry.loop_lag import LoopLag
from telemetry.metrics import ApiMetrics, WorkerMetrics
from telemetry.metrics_server import serve_metrics
from telemetry.sdk_metrics import SdkMetrics


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_worker_metrics() -> None:
    metrics = WorkerMetrics()
    metrics.run_ended("COMPLETED", 1.5)
    metrics.run_ended("TERMINATED", None)
    metrics.node_ended("Add", "FAILED", 0.01)
    found = samples(generate_latest(metrics.registry).decode())
    assert found["heddle_runs_total", ("COMPLETED",)] == 1
    assert found["heddle_runs_total", ("TERMINATED",)] == 1
    assert found["heddle_run_duration_seconds_sum", ("COMPLETED",)] == 1.5
    assert ("heddle_run_duration_seconds_sum", ("TERMINATED",)) not in found, "it never began"
    assert found["heddle_nodes_total", ("Add", "FAILED")] == 1
    assert found["heddle_node_duration_seconds_count", ("Add",)] == 1


@pytest.mark.parametrize("kind", [ApiMetrics, WorkerMetrics])
def test_each_has_a_registry_of_its_own(kind: type[ApiMetrics] | type[WorkerMetrics]) -> None:
    assert kind().registry is not kind().registry


@pytest.mark.parametrize("kind", [ApiMetrics, WorkerMetrics])
def test_names_help_and_labels(kind: type[ApiMetrics] | type[WorkerMetrics]) -> None:
    forbidden = {"user_id", "graph_id", "execution_id", "graph_execution_id", "node_id"}
    for family in kind().registry.collect():
        assert family.name.startswith("heddle_")
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        for sample in family.samples:
            assert not forbidden & set(sample.labels)


@pytest.fixture
def sdk() -> SdkMetrics:
    return SdkMetrics()


async def test_one_page_for_ours_and_the_sdks(sdk: SdkMetrics) -> None:
    meter = sdk.runtime.metric_meter
    meter.create_counter("some_calls", "Calls").add(3)
    metrics = ApiMetrics()
    metrics.requests.labels("GET", "/x", "200").inc()
    text = await exposition(metrics.registry, sdk)
    found = samples(text)
    assert found["heddle_api_requests_total", ("/x", "GET", "200")] == 1
    assert [value for (name, _), value in found.items() if "some_calls" in name] == [3.0]
    assert "# EOF" not in text


async def test_an_sdk_that_does_not_answer_hides_nothing(sdk: SdkMetrics) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        sdk.port = nobody.getsockname()[1]
        text = await exposition(WorkerMetrics().registry, sdk)
    assert "# TYPE heddle_runs_total counter" in text
    assert "# Temporal's SDK did not tell its metrics: ConnectError" in text


async def test_the_workers_server() -> None:
    missing: list[str] = []

    async def health() -> list[str]:
        return missing

    async with serve_metrics("127.0.0.1", 0, WorkerMetrics().registry, None, health) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert "# TYPE heddle_runs_total counter" in (await client.get("/metrics")).text
            assert (await client.get("/health/live")).json() == {"status": "ok"}
            assert (await client.get("/health/ready")).json() == {"ready": True, "missing": []}
            missing.append("temporal: gone")
            answer = await client.get("/health/ready")
            assert (answer.status_code, answer.json()["missing"]) == (503, ["temporal: gone"])
            assert (await client.get("/other")).status_code == 404
        with pytest.raises(OSError, match="in use"):
            async with serve_metrics("127.0.0.1", port, WorkerMetrics().registry, None, health):
                pass
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_health_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.metrics_server.HEALTH_SECONDS", 0.01)

    async def hang() -> list[str]:
        await asyncio.Event().wait()
        return []

    async with (
        serve_metrics("127.0.0.1", 0, WorkerMetrics().registry, None, hang) as port,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{port}/health/ready")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["health: no answer in time"])


@pytest.fixture
def other_loop() -> Any:
    """A loop that runs in a thread of its own, as the blocks' does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_the_block_that_holds_the_loop_is_named(other_loop: asyncio.AbstractEventLoop) -> None:
    metrics = WorkerMetrics()
    named = threading.Event()

    def name_of(task: asyncio.Task[Any]) -> str | None:
        named.set()
        return task.get_name()

    async def hold() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("Busy block")
        assert named.wait(10), "nobody looked"  # blocks the loop until the watcher has seen us

    with LoopLag(other_loop, metrics.loop_lag_seconds, name_of=name_of, interval_seconds=0.001, late_seconds=0.001):
        asyncio.run_coroutine_threadsafe(hold(), other_loop).result(20)
        deadline = time.monotonic() + 10
        while ("heddle_blocks_loop_lag_seconds_count", ("Busy block",)) not in samples(
            generate_latest(metrics.registry).decode()
        ):
            assert time.monotonic() < deadline
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), other_loop).result(10)


def test_numbered_tasks_are_no_label(other_loop: asyncio.AbstractEventLoop) -> None:
    metrics = WorkerMetrics()
    seen: list[str] = []
    named = threading.Event()

    def name_of(task: asyncio.Task[Any]) -> str | None:
        seen.append(task.get_name())
        named.set()
        return task.get_name()

    async def hold() -> None:
        assert named.wait(10), "nobody looked"

    with LoopLag(other_loop, metrics.loop_lag_seconds, name_of=name_of, interval_seconds=0.001, late_seconds=0.001):
        asyncio.run_coroutine_threadsafe(hold(), other_loop).result(20)
    assert seen[0].startswith("Task-")
    assert "Task-" not in generate_latest(metrics.registry).decode()


def test_watching_ends_with_the_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with LoopLag(loop, WorkerMetrics().loop_lag_seconds, name_of=lambda task: None, interval_seconds=0.001) as lag:
        lag._thread.join(10)
        assert not lag._thread.is_alive()
