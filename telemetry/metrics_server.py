"""A small HTTP server for processes that have none: `/metrics`, `/health/live`, `/health/ready`.

Run by `worker.py` around its workers. It asks a callable what is missing and knows nothing else of the process.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from telemetry.exposition import CONTENT_TYPE, exposition
from telemetry.sdk_metrics import SdkMetrics

type Health = Callable[[], Awaitable[list[str]]]
"""What is missing for the process to do its work; an empty list when nothing is."""

HEALTH_SECONDS = 5.0


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the worker's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


@asynccontextmanager
async def serve_metrics(
    host: str, port: int, registry: CollectorRegistry, sdk: SdkMetrics | None, health: Health
) -> AsyncIterator[int]:
    """Serve while the context is open; gives the port, which the system chooses when it was 0.

    OSError when the port is taken.
    """
    config = uvicorn.Config(
        metrics_app(registry, sdk, health),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    # Bound here and not by uvicorn, which ends the process when a port is taken.
    listener = socket.create_server((host, port))
    # asyncio only does this for sockets that it made itself; without it each answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="metrics-server")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()


def metrics_app(registry: CollectorRegistry, sdk: SdkMetrics | None, health: Health) -> Starlette:
    """The application of that server."""

    async def metrics(request: Request) -> Response:
        return Response(await exposition(registry, sdk), media_type=CONTENT_TYPE)

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                missing = await health()
        except TimeoutError:
            missing = ["health: no answer in time"]
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/health", live),
            Route("/health/live", live),
            Route("/health/ready", ready),
        ]
    )
