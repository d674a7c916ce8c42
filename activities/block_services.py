"""What blocks may ask of their host, for one run: files and kept values in the store.

Made by `worker.py`, used by `run_node.py`. Blocks run on an event loop of their own; each call is carried over to the
loop of the activity, where the store's connections are.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from activities.patience import patiently
from activities.values import plain_json
from blocks.files.fetched import FetchedFiles
from blocks.files.references import SCHEME, is_plain_name, plain_name, refuse_large_file
from blocks.http.client import Http
from blocks.language_models import LanguageModels
from blocks.limits import LARGEST_FILE
from blocks.services import File, Services
from contracts.activities import RunRef
from store.keeping import OF_ALL_GRAPHS, Collected, Keeping, StoredFile

LONGEST_KEY = 1_000


@dataclass(frozen=True, slots=True)
class KeepingLimits:
    """Bytes of all files of a run; bytes of JSON of a kept value; kept values of one user."""

    run_files_bytes: int
    kept_value_bytes: int
    kept_values: int


class BlockServices:
    """Makes the services of node executions."""

    def __init__(self, store: Keeping, limits: KeepingLimits, http: Http, llm: LanguageModels) -> None:
        self._store = store
        self._limits = limits
        self._http = http
        self._llm = llm
        self._fetch = FetchedFiles(http, LARGEST_FILE)

    def of(self, run: RunRef, node_id: str, node_execution_id: str) -> Services:
        """The services for a node execution of this run; call it on the loop where the store lives."""
        loop = asyncio.get_running_loop()
        services = Services(
            files=_Files(self._store, self._limits, run.context.root_execution_id or run.execution_id, loop),
            key_values=_KeyValues(self._store, self._limits, run.user_id, run.graph_id, loop),
            fetch=self._fetch,
            http=self._http,
            llm=self._llm,
        )
        if not node_id:
            # A block by itself has nothing to collect with.
            return services
        collecting = _Collecting(self._store, self._limits, run.execution_id, node_id, node_execution_id, loop)
        return replace(services, collecting=collecting)


@dataclass(frozen=True, slots=True)
class _Files:
    """`blocks.services.Files` of one run: those of the run at the root of its tree."""

    store_: Keeping
    limits: KeepingLimits
    execution_id: str
    loop: asyncio.AbstractEventLoop

    async def store(self, file: File) -> str:
        refuse_large_file(len(file.content))
        name = plain_name(file.name)
        kept = StoredFile(name, file.content_type, file.content)
        most = self.limits.run_files_bytes
        digest = await _on(
            self.loop, lambda: patiently(lambda: self.store_.files.put(self.execution_id, kept, most_bytes=most))
        )
        if digest is None:
            raise ValueError(f"The files of the run would have more than {most:,} bytes together.")
        return f"{SCHEME}{digest}/{name}"

    async def read(self, reference: str) -> File:
        digest, name = _parts(reference)
        found = await _on(self.loop, lambda: patiently(lambda: self.store_.files.get(self.execution_id, name, digest)))
        if found is None:
            raise ValueError(f"The run has no file {name!r:.200}.")
        return File(found.name, found.content_type, found.content)


def _parts(reference: str) -> tuple[str | None, str]:
    """The SHA-256 and name of a URI, or the plain name alone. ValueError when it is neither."""
    if not reference.startswith(SCHEME):
        digest, name = None, reference
    else:
        digest, _, name = reference.removeprefix(SCHEME).partition("/")
    is_digest = digest is None or (len(digest) == 64 and not set(digest) - set("0123456789abcdef"))
    if not is_digest or not is_plain_name(name):
        raise ValueError(f"{reference!r:.200} is not the URI or name of a file of this run.")
    return digest, name


@dataclass(frozen=True, slots=True)
class _KeyValues:
    """`blocks.services.KeyValues` of one user and graph."""

    store_: Keeping
    limits: KeepingLimits
    user_id: str
    graph_id: str
    loop: asyncio.AbstractEventLoop

    async def get(self, key: str, *, of_graph: bool) -> tuple[Any] | None:
        graph_id = self._graph(key, of_graph=of_graph)
        return await _on(self.loop, lambda: patiently(lambda: self.store_.key_values.get(self.user_id, graph_id, key)))

    async def put(self, key: str, value: Any, *, of_graph: bool) -> None:
        graph_id = self._graph(key, of_graph=of_graph)
        _, text = plain_json(value)
        if len(text) > self.limits.kept_value_bytes:
            raise ValueError(f"The value has {len(text):,} bytes; {self.limits.kept_value_bytes:,} can be kept.")
        most = self.limits.kept_values
        kept = await _on(
            self.loop,
            lambda: patiently(lambda: self.store_.key_values.put(self.user_id, graph_id, key, text, most=most)),
        )
        if not kept:
            raise ValueError(f"{most:,} values are kept already; no more are possible.")

    def _graph(self, key: str, *, of_graph: bool) -> str:
        if not key or len(key) > LONGEST_KEY or "\x00" in key:
            raise ValueError(f"A key has 1 to {LONGEST_KEY:,} characters.")
        if of_graph and not self.graph_id:
            raise ValueError("There is no agent here whose values these could be; use those of all agents.")
        return self.graph_id if of_graph else OF_ALL_GRAPHS


@dataclass(frozen=True, slots=True)
class _Collecting:
    """`blocks.services.Collecting` of one node execution."""

    store_: Keeping
    limits: KeepingLimits
    execution_id: str
    node_id: str
    node_execution_id: str
    loop: asyncio.AbstractEventLoop

    async def collect(self, items: list[Any], *, enough: int) -> list[Any]:
        _, text = plain_json(items)
        added = Collected(self.execution_id, self.node_id, self.node_execution_id, len(items), text)
        most = self.limits.kept_value_bytes
        taken = await _on(
            self.loop,
            lambda: patiently(lambda: self.store_.collections.collect(added, enough=enough, most_bytes=most)),
        )
        if taken is None:
            raise ValueError(f"The node would have collected more than {most:,} bytes.")
        return taken


async def _on[T](loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the work answers on that loop; cancelling this cancels it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))
