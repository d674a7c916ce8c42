"""The body of every error (see `api/error_handlers.py`)."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class ErrorBody(BaseModel):
    """What went wrong, for programs (`code`) and for people (`message`)."""

    code: str = Field(description="Stable; listed in docs/errors.md.")
    message: str
    severity: str
    category: str
    details: dict[str, Any] = Field(description="`problems` of a graph or `errors` of a request, where there are any.")
    timestamp: datetime


class ErrorEnvelope(BaseModel):
    """The body of every answer from 400 on."""

    error: ErrorBody
    detail: Any = Field(
        description="The message; for `validation_error` an object with `type`, `message`, `node_errors`."
    )


NOT_OVER: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorEnvelope, "description": "It, or what belongs to it, is not over."}
}
"""What routes that delete may answer besides the usual."""
