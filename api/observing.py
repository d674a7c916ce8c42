"""Counts and times each request, and gives each a log context and an id of its own.

The outermost layer, installed by `app.py`. It knows routes by their template only: a label must never hold an id.
"""

import re
import time
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.logging import fresh_context
from telemetry.metrics import ApiMetrics

REQUEST_ID = "X-Request-ID"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}\Z")
_PREFIXES = ("/api", "/v1")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Observing:
    """Metrics and log context of requests (S-289, S-290)."""

    def __init__(self, app: ASGIApp, *, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        fresh_context(request_id=request_id)
        began = time.perf_counter()
        status = 500
        streams = False

        async def watched(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers[REQUEST_ID] = request_id
                streams = headers.get("content-type", "").startswith("text/event-stream")
                if streams:
                    self._metrics.event_streams.inc()
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            endpoint = _endpoint(scope)
            self._metrics.requests.labels(method, endpoint, str(status)).inc()
            if streams:
                self._metrics.event_streams.dec()
            else:
                self._metrics.request_seconds.labels(method, endpoint).observe(time.perf_counter() - began)


def _request_id(scope: Scope) -> str:
    """The caller's id for the request, when it can be trusted to be harmless; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.match(text := value.decode("latin-1")):
            return str(text)
    return uuid4().hex


def _endpoint(scope: Scope) -> str:
    """The route's template with its prefix, which the route itself does not know."""
    route = scope.get("route")
    template = getattr(route, "path", None)
    if template is None:
        return "unmatched"
    prefix = next((prefix for prefix in _PREFIXES if scope["path"].startswith(f"{prefix}/")), "")
    return template if template.startswith(prefix) else f"{prefix}{template}"
