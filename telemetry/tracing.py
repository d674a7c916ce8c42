"""Traces from the HTTP request through the workflow to the block, sent out when an OTLP endpoint is configured.

Called once by each composition root. Without an endpoint nothing is installed and spans cost nothing. The SDK's plugin
carries the trace's context in headers from the client into the workflow and on into activities; it wants a provider
whose ids are safe under replay, and finds it as OpenTelemetry's global one.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, ReplaySafeTracerProvider, create_tracer_provider
from temporalio.plugin import SimplePlugin

_TRACER = "heddle"
_NOT_TRACED = "/health,/metrics"


class Tracing:
    """Tracing of one process; `off()` is one that does nothing."""

    def __init__(self, provider: ReplaySafeTracerProvider | None) -> None:
        self._provider = provider

    @classmethod
    def off(cls) -> "Tracing":
        """Tracing that does nothing."""
        return cls(None)

    @classmethod
    def to(cls, exporter: SpanExporter, *, service: str) -> "Tracing":
        """Tracing into an exporter."""
        provider = create_tracer_provider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider)

    def install(self) -> None:
        """Make the provider the process's own, and trace its queries."""
        if self._provider is not None:
            trace.set_tracer_provider(self._provider)
            AsyncPGInstrumentor().instrument(tracer_provider=self._provider)  # type: ignore[no-untyped-call]

    def client_plugins(self) -> list[SimplePlugin]:
        """Plugins for `Client.connect`; a worker takes them over from its client and must not get them twice."""
        return [] if self._provider is None else [OpenTelemetryPlugin(add_temporal_spans=False)]

    def trace_app(self, app: FastAPI) -> None:
        """One span for each request."""
        if self._provider is not None:
            FastAPIInstrumentor.instrument_app(
                app,
                tracer_provider=self._provider,
                excluded_urls=_NOT_TRACED,
                exclude_spans=["send", "receive"],  # one for each chunk of an event stream
            )

    def shutdown(self) -> None:
        """Send what is left; bounded by the exporter's own timeout."""
        if self._provider is not None:
            self._provider.shutdown()


def configure_tracing(endpoint: str, *, service: str) -> Tracing:
    """Tracing to the OTLP endpoint (HTTP; the base URL, without `/v1/traces`), installed; off when it is empty."""
    if not endpoint:
        return Tracing.off()
    tracing = Tracing.to(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"), service=service)
    tracing.install()
    return tracing


@contextmanager
def block_span(block_name: str, attributes: Mapping[str, str], redact: Callable[[str], str] = str) -> Iterator[None]:
    """A span around the run of a block, with ids as attributes (S-299); an exception is recorded on it and goes on.

    `redact` takes secrets out of the exception's texts.
    """
    tracer = trace.get_tracer(_TRACER)
    with tracer.start_as_current_span(
        f"block {block_name}",
        attributes={f"heddle.{k}": v for k, v in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            message = redact(str(error))
            stack = redact("".join(traceback.format_exception(error)))
            span.record_exception(error, {"exception.message": message, "exception.stacktrace": stack})
            span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {message}")
            raise
