"""A host in memory: what blocks under test may ask for."""

import hashlib
from typing import Any

from blocks.files.references import SCHEME
from blocks.services import File


class MemoryFiles:
    """`services.Files` of one run."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}

    async def store(self, file: File) -> str:
        uri = f"{SCHEME}{hashlib.sha256(file.content).hexdigest()}/{file.name}"
        self.files[uri] = file
        return uri

    async def read(self, reference: str) -> File:
        for uri, file in reversed(self.files.items()):
            if reference in (uri, file.name):
                return file
        raise ValueError(f"The run has no file {reference!r}.")


class LargeFiles(MemoryFiles):
    """A run in which every name is a file of so many bytes; counts how often one is read."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._file = File("large.bin", "application/octet-stream", bytes(size))
        self.reads = 0

    async def read(self, reference: str) -> File:
        self.reads += 1
        return self._file


class MemoryCollecting:
    """`services.Collecting` of one node."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    async def collect(self, items: list[Any], *, enough: int) -> list[Any]:
        self.items += items
        if len(self.items) < enough:
            return []
        taken, self.items = self.items, []
        return taken


class MemoryKeyValues:
    """`services.KeyValues` of one user and graph."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, bool], Any] = {}

    async def get(self, key: str, *, of_graph: bool) -> tuple[Any] | None:
        return (self.kept[key, of_graph],) if (key, of_graph) in self.kept else None

    async def put(self, key: str, value: Any, *, of_graph: bool) -> None:
        self.kept[key, of_graph] = value
