"""What `/openapi.json` says beyond what the routes say themselves.

Called once by `app.py`. It changes the description only, never behaviour.
"""

from typing import Any

from fastapi import FastAPI

_ABOUT = (
    "Durable execution of AI-agent graphs. Send your API key as `X-API-Key` or as a bearer token. Every error has the "
    "same envelope with a stable `code`; see docs/errors.md."
)
_TAGS = [
    {"name": "graphs", "description": "Graphs, their versions, and starting a run of one."},
    {"name": "executions", "description": "Runs: follow, read, stop, send events to."},
    {"name": "reviews", "description": "What waits for a person's decision, and deciding."},
    {"name": "credentials", "description": "What lets your runs in elsewhere; no secret ever comes out again."},
    {"name": "blocks", "description": "What a graph can be made of."},
    {"name": "health", "description": "The process itself."},
]


def describe_api(app: FastAPI) -> None:
    """Set texts, and leave out FastAPI's 422, which no route ever answers."""
    app.description = _ABOUT
    app.openapi_tags = _TAGS
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            schema.get("components", {}).get("schemas", {}).pop(unused, None)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
