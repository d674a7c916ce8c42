"""How `demo` shows a run: a live table where a person watches, lines elsewhere, nothing when a program reads.

Fed with the API's events; it must not know where they come from.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

_WIDTH = 60
# The longest of a run's or node's states.
_STATUS_WIDTH = len("INCOMPLETE")
_COLOURS = {
    "QUEUED": "bright_black",
    "INCOMPLETE": "bright_black",
    "RUNNING": "cyan",
    "REVIEW": "yellow",
    "COMPLETED": "green",
    "FAILED": "red",
    "TERMINATED": "red",
}

Event = dict[str, Any]


class View(Protocol):
    """Something that shows events while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def show(self, event: Event) -> None:
        """Shows what became of the run or one of its nodes."""

    def note(self, text: str) -> None:
        """Says what holds the events up, until the next one comes."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, event: Event) -> None:
        """Takes no notice."""

    def note(self, text: str) -> None:
        """Takes no notice."""


class Lines(Silent):
    """A line for each event."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._noted = ""

    def show(self, event: Event) -> None:
        """Writes the line at once."""
        if event.get("type") == "node_execution_update":
            text = f"  {event.get('status', ''):<11} {_title(event)}  {_outputs(event)}".rstrip()
        else:
            text = f"run {event.get('status', '')}"
        self._noted = ""
        print(text, file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Writes it once."""
        if text != self._noted:
            self._noted = text
            print(text, file=self._stream, flush=True)


@dataclass
class _Row:
    title: str
    status: str
    outputs: str = ""


@dataclass
class LiveTable:
    """A table that changes as the run goes on, and stays in full: a row for each node execution."""

    console: Console
    status: str = "QUEUED"
    rows: dict[str, _Row] = field(default_factory=dict)
    noted: str = ""

    def __post_init__(self) -> None:
        self._live = Live(get_renderable=self._newest, console=self.console, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()
        self.console.print(self._table(list(self.rows.values())))

    def note(self, text: str) -> None:
        """Shows it beside the run's status."""
        self.noted = text

    def show(self, event: Event) -> None:
        """Changes or adds the node's row."""
        self.noted = ""
        if event.get("type") != "node_execution_update":
            self.status = str(event.get("status", ""))
            return
        row = self.rows.setdefault(str(event.get("node_execution_id")), _Row(_title(event), ""))
        row.status = str(event.get("status", ""))
        row.outputs = _outputs(event) or row.outputs

    def _newest(self) -> Table:
        """What is shown while the run goes on: the terminal has only so many lines, and cannot scroll meanwhile."""
        return self._table(list(self.rows.values())[-max(5, self.console.height - 4) :])

    def _table(self, rows: Sequence[_Row]) -> Table:
        title = f"run {self.status}   {self.noted}".rstrip()
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        # Only what may wrap gives way where the terminal is narrow: names and outputs, never the status.
        table.add_column("node", max_width=40)
        table.add_column("status", no_wrap=True, min_width=_STATUS_WIDTH)
        table.add_column("outputs")
        for row in rows:
            table.add_row(_cut(row.title), Text(row.status, style=_COLOURS.get(row.status, "")), _cut(row.outputs))
        return table


def _cut(text: str) -> Text:
    """One line, cut where it does not fit."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _title(event: Event) -> str:
    block, title = event.get("block_name") or "", event.get("title") or ""
    return f"{block} · {title}" if block and title and title != block else str(title or block or event.get("node_id"))


def _outputs(event: Event) -> str:
    outputs = event.get("outputs")
    if not isinstance(outputs, dict):
        return ""
    return "  ".join(f"{name}={_values(values)}" for name, values in outputs.items())


def _values(values: Any) -> str:
    """What one pin has put out: its values, with commas between."""
    return ", ".join(short(value) for value in values) if isinstance(values, list) else short(values)


def short(value: Any, width: int = _WIDTH) -> str:
    """A value as JSON on one line, cut to `width` characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else f"{text[: width - 1]}…"
