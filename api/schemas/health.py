"""Bodies about the process itself."""

from pydantic import BaseModel


class Live(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Whether runs can be started and will be worked on."""

    ready: bool
    missing: list[str]
