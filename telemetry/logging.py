"""Logs as lines of JSON on standard error, each with the run and the node it belongs to.

`configure_logging` is called once per process by a composition root; everything else asks for a `Logger` and binds
what it works on with `log_context`. Keys: S-295 and C-44. Lines of other libraries (uvicorn, the SDK) look alike.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

LONGEST_MESSAGE = 1000
LONGEST_VALUE = 200
LONGEST_EXCEPTION = 10_000

# What lines are made of; a field of one of these names would overwrite the line's own part.
_RESERVED = frozenset(
    {"event", "message", "level", "timestamp", "logger", "exception", "exc_info", "stack", "stack_info"}
)
_KEPT_WHOLE = frozenset({"timestamp", "level", "logger"})


class Logger:
    """A named logger. Fields may have any name, `message`, `name` and `args` included (T-45): those taken get a `_`."""

    def __init__(self, name: str, /) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, /, **fields: Any) -> None:
        """A detail that helps to follow one run."""
        self._emit(logging.DEBUG, message, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        """Something that is meant to happen."""
        self._emit(logging.INFO, message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        """Something that may need attention if it goes on."""
        self._emit(logging.WARNING, message, fields)

    def error(self, message: str, /, **fields: Any) -> None:
        """Something that went wrong; `exc_info` (an exception or True) adds its stack."""
        self._emit(logging.ERROR, message, fields)

    def _emit(self, level: int, message: str, fields: dict[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        exception = fields.pop("exc_info", None)
        safe = {f"{name}_" if name in _RESERVED else name: value for name, value in fields.items()}
        # One key of ours in `extra`, so that no field can clash with an attribute of LogRecord.
        self._logger.log(level, message, exc_info=exception, extra={_FIELDS: safe}, stacklevel=3)


_FIELDS = "heddle_fields"


def add_context(**ids: str) -> None:
    """Add ids to all further lines of the current task, such as a request."""
    bind_contextvars(**ids)


def fresh_context(**ids: str) -> None:
    """Forget the ids of before and start with these; for whoever begins to serve a request."""
    clear_contextvars()
    bind_contextvars(**ids)


@contextmanager
def log_context(
    *,
    user_id: str,
    graph_execution_id: str,
    graph_id: str,
    node_execution_id: str = "*",
    node_id: str = "*",
    block_name: str = "-",
) -> Iterator[None]:
    """Put the ids of a run, and of a node if it is about one, on every line within (S-295, S-296)."""
    with bound_contextvars(
        user_id=user_id,
        graph_execution_id=graph_execution_id,
        graph_id=graph_id,
        node_execution_id=node_execution_id,
        node_id=node_id,
        block_name=block_name,
    ):
        yield


_redaction: ContextVar[Callable[[str], str] | None] = ContextVar("redaction", default=None)


def redact_lines(redact: Callable[[str], str]) -> None:
    """Pass every text of all further lines of the current task, and of tasks that it starts, through this."""
    _redaction.set(redact)


def configure_logging(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send every log line of the process, whoever writes it, to the stream (standard error) as JSON.

    ValueError for a level that does not exist.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redacted,
                truncate,
                structlog.processors.JSONRenderer(default=repr),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "fastapi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Each request is counted and timed by our own metrics; a line for each would drown the rest.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Its details hold headers of answers, cookies among them.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    # At debug the SDK writes out whole activations and completions, with every value of a run (T-57).
    logging.getLogger("temporalio.worker").setLevel(logging.INFO)


def own_fields(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """Move the fields of our `Logger` from its record into the line."""
    record = event_dict.get("_record")
    fields: Mapping[str, Any] = getattr(record, _FIELDS, {})
    return {**event_dict, **fields}


def redacted(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """Take secrets out, before the line is cut: half a secret would not be found."""
    redact = _redaction.get()
    if redact is None:
        return event_dict
    return {key: _redacted(value, redact) for key, value in event_dict.items()}


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(value if isinstance(value, str) else repr(value))


def truncate(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """Cut what is long (S-297): a line must never carry a whole output."""
    return {key: value if key in _KEPT_WHOLE else _cut(value, _limit(key)) for key, value in event_dict.items()}


def _limit(key: str) -> int:
    return {"event": LONGEST_MESSAGE, "exception": LONGEST_EXCEPTION}.get(key, LONGEST_VALUE)


def _cut(value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= limit:
        return value if isinstance(value, str | dict | list) else text
    # The end of a stack says what went wrong; of everything else the beginning says more.
    return f"… {text[-limit:]}" if limit == LONGEST_EXCEPTION else f"{text[:limit]}… ({len(text)} characters)"


_PROCESSORS: list[Processor] = [
    merge_contextvars,
    own_fields,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
