"""The application: `uvicorn api.app:create_app --factory`. As the API's composition root it alone reads the settings.

Tests call `create_app` with parts of their own; what is not given is made from the settings when it starts.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from temporalio.client import Client

from api import connections, error_handlers
from api.authentication import Authenticator
from api.block_catalogue import Catalogue
from api.body_limit import BodyLimit
from api.docs_page import serve_docs
from api.error_handlers import CatchAll
from api.graph_versions import GraphVersions
from api.health import Readiness
from api.late import LateChanges, LateRuns, LateStore
from api.observing import Observing
from api.openapi import describe_api
from api.routes import (
    blocks,
    continuing,
    credentials,
    events,
    executions,
    files,
    graphs,
    health,
    reviews,
    signals,
    starts,
)
from api.runs import Runs, TemporalRuns
from api.schemas.errors import ErrorEnvelope
from api.services import Services
from blocks.catalogue import default_catalogue
from blocks.system_credentials import SystemCredentials
from contracts.temporal_client import connect
from engine.validate import GraphLimits
from settings import Settings
from store.records import Changes, Store
from store.sealing import Keys
from telemetry.logging import configure_logging
from telemetry.metrics import ApiMetrics
from telemetry.sdk_metrics import SdkMetrics
from telemetry.tracing import Tracing, configure_tracing

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {
        "model": ErrorEnvelope,
        "description": "The request, the graph or its inputs are wrong; all problems are listed.",
    },
    401: {"model": ErrorEnvelope, "description": "No valid API key."},
    404: {"model": ErrorEnvelope, "description": "It does not exist, or it is not yours."},
    413: {"model": ErrorEnvelope, "description": "The body is too large."},
    503: {"model": ErrorEnvelope, "description": "Postgres or Temporal does not answer; try again."},
}


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    changes: Changes | None = None,
    temporal: Client | Runs | None = None,
    catalogue: Catalogue | None = None,
) -> FastAPI:
    """The API. Parts that are given are used as they are and never closed."""
    given = settings is not None
    settings = settings or Settings()
    tracing = Tracing.off()
    if not given:  # a server's own process, not a test's
        configure_logging(settings.log_level)
        tracing = configure_tracing(settings.otlp_endpoint, service="heddle-api")
    services = _services(settings, store, changes, temporal, default_catalogue() if catalogue is None else catalogue)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(tracing.shutdown)
            if temporal is None:
                await _connect_temporal(settings, services, tracing)
            if store is None:
                await stack.enter_async_context(connections.postgres(settings, services.store, services.changes))
            yield

    app = FastAPI(title="Heddle", lifespan=lifespan, redirect_slashes=False, docs_url=None, redoc_url=None)
    app.state.services = services
    _mount(app)
    error_handlers.install(app)
    describe_api(app)
    serve_docs(app)
    app.add_middleware(
        BodyLimit, graph_bytes=settings.graph_body_limit_bytes, execute_bytes=settings.execute_body_limit_bytes
    )
    app.add_middleware(CatchAll)
    app.add_middleware(Observing, metrics=services.metrics)
    tracing.trace_app(app)
    return app


def _services(
    settings: Settings,
    store: Store | None,
    changes: Changes | None,
    temporal: Client | Runs | None,
    catalogue: Catalogue,
) -> Services:
    late_store = LateStore(store)
    limits = GraphLimits(settings.max_nodes_per_graph, settings.max_links_per_graph)
    runs = LateRuns(_runs(temporal, settings) if temporal is not None else None)
    return Services(
        store=late_store,
        changes=LateChanges(changes if changes is not None else getattr(store, "changes", None)),
        runs=runs,
        catalogue=catalogue,
        authenticator=Authenticator(late_store),
        versions=GraphVersions(late_store, catalogue.shape, limits),
        readiness=Readiness(late_store, runs, task_queue=settings.task_queue),
        metrics=ApiMetrics(),
        inline_value_limit_bytes=settings.inline_value_limit_bytes,
        graph_limits=limits,
        block_seconds=settings.block_execution_timeout_seconds,
        temporal_ui_url=settings.temporal_ui_url,
        temporal_namespace=settings.temporal_namespace,
        credential_keys=Keys.parse(settings.credential_keys.get_secret_value()),
        system_credentials=SystemCredentials.of(settings.system_keys, settings.llm_base_urls),
        silence=timedelta(seconds=settings.reconcile_silence_seconds),
        bulk_resume_per_second=settings.bulk_resume_per_second,
    )


def _runs(temporal: Client | Runs, settings: Settings) -> Runs:
    return TemporalRuns(temporal, task_queue=settings.task_queue) if isinstance(temporal, Client) else temporal


async def _connect_temporal(settings: Settings, services: Services, tracing: Tracing) -> None:
    """A client that connects at its first call, so that the API starts without Temporal."""
    services.sdk_metrics = SdkMetrics()
    client = await connect(
        settings.temporal_address,
        settings.temporal_namespace,
        plugins=tracing.client_plugins(),
        runtime=services.sdk_metrics.runtime,
        lazy=True,
    )
    services.runs.real = TemporalRuns(client, task_queue=settings.task_queue)


def _mount(app: FastAPI) -> None:
    app.include_router(health.router)
    nouns = APIRouter()
    for module in (graphs, starts, executions, continuing, events, files, signals, reviews, credentials, blocks):
        nouns.include_router(module.router)
    app.include_router(nouns, prefix="/api", responses=_REFUSALS)
    # The specification's other spelling of the same paths (C-1).
    app.include_router(nouns, prefix="/v1", include_in_schema=False)
