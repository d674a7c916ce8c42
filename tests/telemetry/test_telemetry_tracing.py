"""Traces: nothing without an endpoint, and one trace from the request to the block with one."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin

from telemetry.tracing import Tracing, block_span, configure_tracing


def test_off_without_an_endpoint() -> None:
    tracing = configure_tracing("", service="heddle-test")
    assert tracing.client_plugins() == []
    app = FastAPI()
    tracing.trace_app(app)
    assert not app.user_middleware
    tracing.shutdown()
    with block_span("Add", {"node_id": "n"}):
        assert not trace.get_current_span().is_recording()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Tracing, InMemorySpanExporter]]:
    """Tracing into memory, installed for one test: OpenTelemetry itself allows it once per process only."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr("telemetry.tracing.BatchSpanProcessor", SimpleSpanProcessor)
    tracing = Tracing.to(exporter, service="heddle-test")
    assert tracing._provider is not None
    monkeypatch.setattr(trace, "get_tracer", tracing._provider.get_tracer)
    yield tracing, exporter
    tracing.shutdown()


async def test_a_block_belongs_to_the_request(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = spans
    app = FastAPI()

    @app.get("/things/{thing_id}")
    async def show(thing_id: str) -> str:
        with block_span("Add", {"node_id": "n1"}):
            return thing_id

    @app.get("/health")
    async def health() -> str:
        return "ok"

    tracing.trace_app(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://heddle.test") as client:
        await client.get("/things/7", headers={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
        await client.get("/health")
    found = exporter.get_finished_spans()
    block = next(span for span in found if span.name == "block Add")
    server = next(span for span in found if span.kind is trace.SpanKind.SERVER)
    assert server.name == "GET /things/{thing_id}"
    assert block.attributes == {"heddle.node_id": "n1"}
    assert {span.context.trace_id for span in found if span.context} == {int("1" * 32, 16)}
    assert block.resource.attributes["service.name"] == "heddle-test"


def test_a_failure_is_recorded_and_goes_on(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    _, exporter = spans
    with pytest.raises(ValueError, match="no"), block_span("Add", {}):
        raise ValueError("no")
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


def test_the_client_carries_the_context(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    (plugin,) = spans[0].client_plugins()
    assert isinstance(plugin, OpenTelemetryPlugin)


def test_a_failure_is_recorded_without_secrets(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    _, exporter = spans

    def redact(text: str) -> str:
        return text.replace("canary", "[redacted]")

    def fail() -> None:
        try:
            raise KeyError("canary in the cause")
        except KeyError as error:
            raise ValueError("no canary") from error

    with pytest.raises(ValueError, match="canary"), block_span("Add", {}, redact):
        fail()
    (span,) = exporter.get_finished_spans()
    assert "canary" not in span.to_json()
    assert span.status.description == "ValueError: no [redacted]"
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.message"] == "no [redacted]"
    assert "KeyError" in str(event.attributes["exception.stacktrace"])
