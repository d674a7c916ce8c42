"""The metrics of Temporal's SDK, fetched to be shown beside ours on one `/metrics`.

Made by the composition roots before they connect a client. The SDK can only serve its metrics on a port of its own, so
it gets a free one on the loopback address, and whoever shows metrics reads it from there.
"""

import httpx
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from telemetry.free_port import free_port

FETCH_SECONDS = 2.0
_TRIES = 5


class SdkMetrics:
    """A runtime for clients and workers, and the text of its metrics."""

    def __init__(self) -> None:
        self.runtime, self.port = _runtime()

    async def text(self) -> str:
        """The SDK's metrics in Prometheus' text format; a comment when they cannot be read."""
        try:
            async with httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/metrics")
                answer.raise_for_status()
        except httpx.HTTPError as error:
            return f"# Temporal's SDK did not tell its metrics: {type(error).__name__}\n"
        return "".join(f"{line}\n" for line in answer.text.splitlines() if line != "# EOF")


def _runtime() -> tuple[Runtime, int]:
    """A runtime on a free port. Another process may take the port between choosing and binding: then once more."""
    for last in range(_TRIES, 0, -1):
        port = free_port()
        metrics = PrometheusConfig(
            bind_address=f"127.0.0.1:{port}", counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
        )
        try:
            return Runtime(telemetry=TelemetryConfig(metrics=metrics)), port
        except (RuntimeError, ValueError, OSError):
            if last == 1:
                raise
    raise AssertionError("unreachable")
