"""Bodies that are too large are refused before anyone parses them.

Installed by `app.py` around the whole application. It counts bytes as they arrive, so a body without a
Content-Length is bounded too; it knows nothing of JSON.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_handlers import error_response
from contracts.errors import BodyTooLarge


class BodyLimit:
    """413 `body_too_large` for a body above the limit of its path."""

    def __init__(self, app: ASGIApp, *, graph_bytes: int, execute_bytes: int) -> None:
        self._app = app
        self._graph_bytes = graph_bytes
        self._execute_bytes = execute_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse by the announced length at once, by the counted one as soon as it is exceeded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._execute_bytes if _has_values(scope["path"]) else self._graph_bytes
        if _announced(scope) > limit:
            await error_response(_too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


def _has_values(path: str) -> bool:
    return any(part in path for part in ("/execute", "/events/", "/review/")) or path.endswith("/rerun")


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", details={"limit_bytes": limit})
