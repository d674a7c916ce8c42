"""What the stack tells while it works, and how a terminal, a log file or a waiting parent process gets to hear it.

`processes`, `stack` and `up` hand out `Event`s; they must not know who listens.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

State = Literal["starting", "healthy", "died", "stopping", "stopped", "note", "ready", "failed"]


@dataclass(frozen=True)
class Event:
    """Something that became of a process, or of the whole stack when `name` is empty."""

    name: str
    state: State
    text: str = ""

    def line(self) -> str:
        """The event as a person reads it."""
        subject = f"{self.name:<10} " if self.name else ""
        word = "" if self.state in ("note", "ready", "failed") else self.state
        return f"{subject}{word}{': ' if word and self.text else ''}{self.text}".rstrip()


Report = Callable[[Event], None]

_MARKS = {"healthy": ("✓ ", "green"), "stopped": ("✓ ", "green"), "died": ("✗ ", "red"), "failed": ("✗ ", "red")}


def on_terminal(stream: TextIO) -> bool:
    """Whether a person watches `stream` as it is written."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def lines(stream: TextIO, *, stamped: bool = False) -> Report:
    """Writes a line for each event; with the time in front when `stamped`, as a log wants it."""

    def report(event: Event) -> None:
        stamp = f"{datetime.now().astimezone().isoformat(timespec='milliseconds')} " if stamped else ""
        print(f"{stamp}{event.line()}", file=stream, flush=True)

    return report


class Terminal:
    """Shows what is under way with a spinner, and keeps a line for what is done."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._status = self._console.status("")

    def __call__(self, event: Event) -> None:
        if event.state in ("starting", "stopping"):
            self._status.update(event.line())
            self._status.start()
            return
        # The spinner goes before anything is written that is to stay: else it would wipe part of it.
        self.close()
        mark, colour = _MARKS.get(event.state, ("", ""))
        self._console.print(Text.assemble((mark, colour), event.line()), soft_wrap=True)

    def close(self) -> None:
        """Takes the spinner away and shows the cursor again."""
        self._status.stop()


def for_person(stream: TextIO | None = None) -> Report:
    """The form that suits where `stream` (default: standard error) goes."""
    stream = sys.stderr if stream is None else stream
    return Terminal(stream) if on_terminal(stream) else lines(stream)


def to_pipe(descriptor: int) -> Report:
    """Sends events to a parent process as JSON lines; it reads them with `from_pipe`."""

    def report(event: Event) -> None:
        # The parent may be gone (Ctrl-C); that must not hurt the stack.
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, f"{json.dumps(asdict(event))}\n".encode())

    return report


def from_pipe(line: str) -> Event:
    """The event that `to_pipe` wrote as this line."""
    return Event(**json.loads(line))


def both(first: Report, second: Report) -> Report:
    """Tells two listeners."""

    def report(event: Event) -> None:
        first(event)
        second(event)

    return report
