"""Every error leaves through here, in one envelope.

`app.py` installs it. Handlers know no route: they turn an exception into status, code and text, and never show the
text of an exception that nobody foresaw.

    {"error": {"code", "message", "severity", "category", "details", "timestamp"}, "detail": text or validation body}
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import MethodNotAllowed, RouteNotFound, Unforeseen
from api.graph_problems import node_errors
from contracts.errors import (
    CallerError,
    CredentialKeysMissing,
    HeddleError,
    InvalidRequest,
    NotAuthenticated,
    Unavailable,
    ValidationFailed,
)
from telemetry.logging import Logger

log = Logger(__name__)

_BY_STATUS: Mapping[int, type[CallerError]] = {404: RouteNotFound, 405: MethodNotAllowed}
_WITHOUT_BODY = frozenset({204, 304})


def install(app: FastAPI) -> None:
    """Register the handlers on the application."""
    app.add_exception_handler(HeddleError, _heddle_error)
    app.add_exception_handler(RequestValidationError, _unreadable_request)
    app.add_exception_handler(HTTPException, _http_exception)


def error_response(
    error: HeddleError, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that tells of an error."""
    detail: Any = error.message
    if isinstance(error, ValidationFailed):
        # The shape of S-083, for clients that were written against upstream.
        detail = {"type": error.code, "message": error.message, "node_errors": node_errors(error.problems)}
    headers = dict(headers or {})
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="heddle"'
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "2"
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "severity": error.severity.value,
            "category": error.category.value,
            "details": error.details,
            "timestamp": datetime.now(UTC).isoformat(),
        },
        "detail": detail,
    }
    return JSONResponse(body, status_code=status or error.http_status, headers=headers)


async def _heddle_error(request: Request, exception: Exception) -> Response:
    error = cast("HeddleError", exception)
    if isinstance(error, Unavailable):
        log.warning("a service does not answer", error=error.message, cause=str(error.__cause__ or ""))
    elif isinstance(error, CredentialKeysMissing):
        log.error("a setting is missing", error=error.message)
    elif error.http_status >= 500:
        log.error("request failed", code=error.code, error=error.message, exc_info=error)
        error = Unforeseen()
    return error_response(error)


async def _unreadable_request(request: Request, exception: Exception) -> Response:
    errors = cast("RequestValidationError", exception).errors()
    return error_response(unreadable(errors))


def unreadable(errors: Any) -> InvalidRequest:
    """pydantic's list of errors as ours: every location, without the offending values, which may be secret."""
    found = [
        {
            "location": ".".join(str(part) for part in error["loc"]),
            "message": error["msg"].removeprefix("Value error, "),
            "type": error["type"],
        }
        for error in errors
    ]
    # What is wrong with the body as a whole has no location.
    first = ": ".join(filter(None, (found[0]["location"], found[0]["message"]))) if found else "unknown"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidRequest(f"The request cannot be read: {first}{more}", details={"errors": found})


async def _http_exception(request: Request, exception: Exception) -> Response:
    error = cast("HTTPException", exception)
    if error.status_code in _WITHOUT_BODY:
        return Response(status_code=error.status_code, headers=error.headers)
    ours = _BY_STATUS.get(error.status_code)
    heddle_error = ours() if ours else InvalidRequest(str(error.detail))
    return error_response(heddle_error, status=error.status_code, headers=error.headers)


class CatchAll:
    """Outermost but for measuring: an exception that nobody foresaw becomes a 500, logged once with its stack.

    Starlette's own handler for `Exception` answers and raises again, so that the server logs it a second time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; answer for it when it fails before it has begun to answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            log.error("unexpected error", path=scope["path"], exc_info=error)
            if started:
                raise  # too late for an answer: the server must cut the connection
            await error_response(Unforeseen())(scope, receive, send)
