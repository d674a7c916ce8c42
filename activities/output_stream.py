"""A running node's outputs on their way out: to rows, and by signal to the workflow while the node still runs.

Used by `run_node.py`. Streaming is adaptive (architecture §1.5): what comes within the first window waits for the
window's end or the node's; after that an output leaves at once, unless a flush is in flight, and then with the next.
What is told at a time is bounded in bytes: the server takes no more than two megabytes in one message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from pydantic_core import to_json

from activities.graphs import PlacedBlock
from activities.records import output_record
from activities.routing import routes_of
from activities.values import ValueCodec
from engine.state import Output
from engine.values import Value, same_json
from store.records import OutputRecord, StoredOutput
from telemetry.logging import Logger

log = Logger("heddle.nodes")

type Flush = Callable[[Sequence[OutputRecord], Sequence[Output]], Awaitable[None]]
"""Writes rows, then tells the workflow of the outputs that go somewhere."""

_TOLD_AT_ONCE = 256 * 1024
"""Bytes of outputs in one signal, and in the result of the activity."""


class OutputStream:
    """Takes a node's outputs one by one. Indexes go on from `first_index`; what an earlier attempt stored stands."""

    def __init__(
        self,
        execution_id: str,
        placed: PlacedBlock,
        codec: ValueCodec,
        flush: Flush,
        *,
        window: float,
        first_index: int = 0,
        stored: Sequence[StoredOutput] = (),
    ) -> None:
        self._execution_id = execution_id
        self._placed = placed
        self._codec = codec
        self._flush = flush
        self._window = window
        self._stored = {output.index: output for output in stored if output.index >= first_index}
        self._next_index = first_index
        self._rows: list[OutputRecord] = []
        self._outputs: list[tuple[Output, int]] = []
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._closing = False
        self.sent = 0
        self.size = 0
        self.diverged = False

    @property
    def emitted(self) -> int:
        """How many outputs the node has emitted, over all its rounds."""
        return self._next_index

    def open(self) -> None:
        """Start the window's clock: after it the node counts as one that takes its time."""
        self._flusher = asyncio.create_task(self._flush_as_they_come())

    async def add(self, name: str, value: object) -> None:
        """One more output. A block that gives much at once is held up until what it gave has left."""
        if self._flusher and self._flusher.done():
            self._flusher.result()
        index = self._next_index
        encoded = await self._codec.encode_output(self._execution_id, index, name, value)
        self._next_index += 1
        self.size += encoded.size
        log.debug("Node produced output", output=name, size=encoded.size)
        plain, whole = encoded.plain, encoded.value
        if stored := self._stored.pop(index, None):
            if stored.name != name or not same_json(stored.value, whole):
                self.diverged = True
                name, whole = stored.name, stored.value
                plain = (await self._codec.decode({name: whole}))[name]
        else:
            self._rows.append(output_record(index, name, encoded))
        await self._route(index, name, plain, whole)

    async def add_error(self, message: str) -> None:
        """The node failed. Its message comes after everything that an earlier attempt stored, which is told first."""
        await self.take_over_stored()
        await self.add("error", message)

    async def take_over_stored(self) -> None:
        """Tell what an earlier attempt stored and this one did not give: it stands, and may not have been told."""
        for index in sorted(self._stored):
            stored = self._stored.pop(index)
            self.diverged = True
            plain = (await self._codec.decode({stored.name: stored.value}))[stored.name]
            self._next_index = index + 1
            await self._route(index, stored.name, plain, stored.value)

    async def close(self) -> tuple[tuple[OutputRecord, ...], list[Output]]:
        """End streaming: what is left to be written, and to be told with the node's result."""
        await self._stop()
        while self._waiting_bytes > _TOLD_AT_ONCE:
            await self._flush_now()
        return tuple(self._rows), [output for output, _ in self._outputs]

    async def abandon(self) -> None:
        """End streaming without caring for what is left."""
        with suppress(Exception):
            await self._stop()

    async def _route(self, index: int, name: str, plain: Any, whole: Value) -> None:
        routes = await routes_of(self._codec, self._execution_id, self._placed, name, plain, whole)
        if routes:
            weight = sum(len(to_json(route.value)) for route in routes)
            self._outputs.append((Output(index, routes), weight))
            self._waiting_bytes += weight
        self._arrived.set()
        if self._waiting_bytes > 2 * _TOLD_AT_ONCE:
            await self._flush_now()

    async def _stop(self) -> None:
        """Let a flush in flight end: cutting it off would leave unknown what was written and told."""
        flusher, self._flusher = self._flusher, None
        if flusher is None:
            return
        self._closing = True
        if not self._one_at_a_time.locked():
            flusher.cancel()
        with suppress(asyncio.CancelledError):
            await flusher

    async def _flush_as_they_come(self) -> None:
        await asyncio.sleep(self._window)
        await self._flush_now()
        while not self._closing:
            self._arrived.clear()
            if not self._rows and not self._outputs:
                await self._arrived.wait()
            await self._flush_now()

    async def _flush_now(self) -> None:
        async with self._one_at_a_time:
            rows, self._rows = self._rows, []
            outputs = self._take()
            await self._flush(rows, outputs)
            if outputs:
                self.sent = outputs[-1].index + 1

    def _take(self) -> list[Output]:
        """As many outputs as one signal carries, at least one if there is one."""
        taken: list[Output] = []
        total = 0
        for output, weight in self._outputs:
            if taken and total + weight > _TOLD_AT_ONCE:
                break
            taken.append(output)
            total += weight
        del self._outputs[: len(taken)]
        self._waiting_bytes -= total
        return taken
