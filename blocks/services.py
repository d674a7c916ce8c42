"""What a block may ask of its host: files of the run, values kept between runs, what lies at an address.

Blocks find them in their context and know no store; `activities/` brings what does the work, on the event loop of the
store. Every method may raise a `HeddleError` of the host, which the block lets pass.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from blocks.http.client import Http, no_http
from blocks.language_models import LanguageModels, NoModels


@dataclass(frozen=True, slots=True)
class File:
    """A file in memory: its plain name without folders, its media type (`text/csv`), its bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


class Files(Protocol):
    """The files of one run, shared with the runs of its sub-graphs; they go when the run goes (agent-graphs §19)."""

    async def store(self, file: File) -> str:
        """Keep a file and answer its URI, `heddle://files/<SHA-256>/<name>`; the same file gives the same URI.

        ValueError when the file, or all files of the run together, are too large.
        """
        ...

    async def read(self, reference: str) -> File:
        """The file with this URI, or the newest of this plain name. ValueError when the run has no such file."""
        ...


class KeyValues(Protocol):
    """JSON values that outlive runs, by key: the user's own, for one graph or for all (agent-graphs §17.13)."""

    async def get(self, key: str, *, of_graph: bool) -> tuple[Any] | None:
        """The value alone in a tuple, or None when there is none: null is a value too."""
        ...

    async def put(self, key: str, value: Any, *, of_graph: bool) -> None:
        """Keep the value in place of an earlier one. ValueError when it, the key or their number is too large."""
        ...


class Collecting(Protocol):
    """What the executions of this node collect in a run, until one of them takes all of it (agent-graphs §17.14)."""

    async def collect(self, items: list[Any], *, enough: int) -> list[Any]:
        """Add items of this execution, and take everything when that is enough; else an empty list.

        An execution that is begun again adds nothing twice and gets the same. ValueError when it is too much.
        """
        ...


type Fetch = Callable[[str], Awaitable[File]]
"""Reads what lies at an http or https address; ValueError, in words for people, when that is refused or fails."""


class _Nothing:
    """Stands for files and values where a host has none."""

    async def store(self, file: File) -> str:
        raise ValueError("Files cannot be kept here.")

    async def read(self, reference: str) -> File:
        raise ValueError("There are no files here.")

    async def collect(self, items: list[Any], *, enough: int) -> list[Any]:
        raise ValueError("Nothing can be collected here.")

    async def get(self, key: str, *, of_graph: bool) -> tuple[Any] | None:
        raise ValueError("Values cannot be kept here.")

    async def put(self, key: str, value: Any, *, of_graph: bool) -> None:
        raise ValueError("Values cannot be kept here.")


async def no_fetch(address: str) -> File:
    """Refuses: for hosts that read nothing from addresses."""
    raise ValueError("Files cannot be read from addresses here; give the content as a data URI.")


@dataclass(frozen=True, slots=True)
class Services:
    """All of them, for one node execution. What a host does not bring refuses, in words for people."""

    files: Files = field(default_factory=_Nothing)
    key_values: KeyValues = field(default_factory=_Nothing)
    collecting: Collecting = field(default_factory=_Nothing)
    fetch: Fetch = no_fetch
    http: Http = field(default_factory=no_http)
    llm: LanguageModels = field(default_factory=NoModels)
