"""Is the API alive, is it ready, and its metrics. No key is asked for: these tell nothing of any user."""

from fastapi import APIRouter, Response

from api.dependencies import AppServices
from api.schemas.health import Live, Ready
from telemetry.exposition import CONTENT_TYPE, exposition

router = APIRouter(tags=["health"])


@router.get("/health", summary="Is the process alive")
@router.get("/health/live", summary="Is the process alive")
async def live() -> Live:
    """Always 200 while the process answers."""
    return Live()


@router.get("/health/ready", summary="Can a run be started", responses={503: {"model": Ready}})
async def ready(app: AppServices, response: Response) -> Ready:
    """200 when Postgres, Temporal and a worker are there; 503 with what is missing."""
    missing = await app.readiness.missing()
    if missing:
        response.status_code = 503
    return Ready(ready=not missing, missing=missing)


@router.get("/metrics", summary="Metrics in Prometheus' text format", response_class=Response)
async def metrics(app: AppServices) -> Response:
    """Our own metrics and those of Temporal's SDK."""
    return Response(await exposition(app.metrics.registry, app.sdk_metrics), media_type=CONTENT_TYPE)
