"""The text of `/metrics`: our registry and, where there is one, the SDK's.

Used by the API's route and by the worker's own little server.
"""

from prometheus_client import CollectorRegistry, generate_latest

from telemetry.sdk_metrics import SdkMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def exposition(registry: CollectorRegistry, sdk: SdkMetrics | None = None) -> str:
    """All metrics of the process in Prometheus' text format."""
    ours = generate_latest(registry).decode()
    return ours + await sdk.text() if sdk else ours
