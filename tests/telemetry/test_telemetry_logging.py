"""Log lines: JSON, with ids, cut where they are long, whatever their fields are called."""

import contextvars
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry.logging import (
    LONGEST_EXCEPTION,
    LONGEST_MESSAGE,
    LONGEST_VALUE,
    Logger,
    configure_logging,
    fresh_context,
    log_context,
    redact_lines,
)


class Lines:
    """What was logged, parsed."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in self.stream.getvalue().splitlines())

    def last(self) -> dict[str, Any]:
        return list(self)[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = Lines()
    configure_logging("DEBUG", stream=lines.stream)
    fresh_context()
    yield lines
    fresh_context()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line(lines: Lines) -> None:
    Logger("heddle.test").info("it runs", count=3, nothing=None, ok=True)
    line = lines.last()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "it runs",
        "level": "info",
        "logger": "heddle.test",
        "count": 3,
        "nothing": None,
        "ok": True,
    }


def test_ids_of_runs_and_nodes(lines: Lines) -> None:
    log = Logger("heddle.test")
    run = {"user_id": "u", "graph_execution_id": "e", "graph_id": "g"}
    with log_context(**run):
        log.info("run")
        with log_context(**run, node_execution_id="ne", node_id="n", block_name="Add"):
            logging.getLogger("other.library").warning("by %s", "someone else")
        log.info("run again")
    log.info("outside")
    first, inner, again, outside = lines
    assert {k: first[k] for k in run} == run
    assert (first["node_execution_id"], first["node_id"], first["block_name"]) == ("*", "*", "-")
    assert (inner["node_execution_id"], inner["node_id"], inner["block_name"]) == ("ne", "n", "Add")
    assert inner["event"] == "by someone else"
    assert again["node_id"] == "*"
    assert not set(outside) & set(run)


RESERVED = sorted(
    set(vars(logging.makeLogRecord({})))
    | {"message", "asctime", "event", "level", "logger", "timestamp", "self", "extra", "stacklevel", "exception"}
    - {"exc_info"}
)


@pytest.mark.parametrize("name", [name for name in RESERVED if name != "exc_info"])
def test_fields_may_have_any_name(lines: Lines, name: str) -> None:
    Logger("heddle.test").info("the message", **{name: "the field"})
    line = lines.last()
    assert line["event"] == "the message"
    assert line["level"] == "info"
    assert "the field" in (line.get(name), line.get(f"{name}_"))


def test_long_things_are_cut(lines: Lines) -> None:
    log = Logger("heddle.test")
    log.info("m" * 5000, text="t" * 5000, rows=[{"a": "x" * 5000}], few=[1, 2])
    line = lines.last()
    assert line["event"].startswith("m" * LONGEST_MESSAGE + "… (5000")
    assert line["text"].startswith("t" * LONGEST_VALUE + "… (5000")
    assert len(line["rows"]) < LONGEST_VALUE + 30
    assert line["few"] == [1, 2]


def test_exceptions_keep_their_end(lines: Lines) -> None:
    def deep(n: int) -> None:
        if n == 0:
            raise ValueError("the reason" + "." * LONGEST_EXCEPTION + " at last")
        deep(n - 1)

    try:
        deep(3)
    except ValueError as error:
        Logger("heddle.test").error("it broke", exc_info=error)
    line = lines.last()
    assert line["event"] == "it broke"
    assert line["exception"].endswith("at last")
    assert len(line["exception"]) <= LONGEST_EXCEPTION + 2


def test_what_is_no_json_is_shown_as_text(lines: Lines) -> None:
    Logger("heddle.test").info("odd", thing=object, raw=b"\xff", lone="\ud800", number=float("inf"))
    assert lines.last()["thing"] == "<class 'object'>"
    assert lines.last()["raw"] == "b'\\xff'"


def test_levels(lines: Lines) -> None:
    configure_logging("warning", stream=lines.stream)
    log = Logger("heddle.test")
    log.debug("1")
    log.info("2")
    log.warning("3")
    log.error("4")
    assert [line["event"] for line in lines] == ["3", "4"]
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("loud")


def test_uvicorn_speaks_the_same(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    assert lines.last()["event"] == "Started server process [7]"
    logging.getLogger("uvicorn.access").info("GET / 200")
    assert len(list(lines)) == 1, "our metrics count requests"


def test_secrets_are_taken_out_of_every_part_of_a_line(lines: Lines) -> None:
    def log_it() -> None:
        redact_lines(lambda text: text.replace("canary", "[redacted]"))
        try:
            try:
                raise KeyError("canary in the cause")
            except KeyError as error:
                raise ValueError("canary") from error
        except ValueError as error:
            Logger("heddle.test").error("with canary", key="canary", parts={"a": ["canary"]}, n=1, exc_info=error)
        logging.getLogger("library").warning("%s", {"canary": "x" * 990 + "canary"})

    contextvars.copy_context().run(log_it)
    ours, library = list(lines)
    assert "canary" not in lines.stream.getvalue()
    assert ours["event"] == "with [redacted]"
    assert (ours["key"], ours["parts"], ours["n"]) == ("[redacted]", "{'a': ['[redacted]']}", 1)
    assert "ValueError: [redacted]" in ours["exception"]
    assert library["event"].startswith("{'[redacted]': ")


def test_other_tasks_lines_stay_as_they_are(lines: Lines) -> None:
    contextvars.copy_context().run(redact_lines, lambda _: "nothing")
    Logger("heddle.test").info("as it is")
    assert lines.last()["event"] == "as it is"
