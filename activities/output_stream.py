"""A running node's outputs on their way out: to rows, and by signal to the workflow while the node still runs.

Used by `run_node.py`. Streaming is adaptive (architecture §1.5): what comes within the first window waits for the
window's end or the node's; after that an output leaves at once, unless a flush is in flight, and then with the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from activities.graphs import PlacedBlock
from activities.records import output_record
from activities.routing import routes_of
from activities.values import ValueCodec
from engine.state import Output
from store.records import OutputRecord, StoredOutput

type Flush = Callable[[Sequence[OutputRecord], Sequence[Output]], Awaitable[None]]
"""Writes rows, then tells the workflow of the outputs that go somewhere."""

_SIGNAL_OUTPUTS = 100


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
        self._stored = {output.index: output for output in stored}
        self._next_index = first_index
        self._rows: list[OutputRecord] = []
        self._outputs: list[Output] = []
        self._arrived = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._in_flight = False
        self._closing = False
        self.sent = first_index
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
        """One more output."""
        if self._flusher and self._flusher.done():
            self._flusher.result()
        index = self._next_index
        self._next_index += 1
        encoded = await self._codec.encode(self._execution_id, value)
        self.size += encoded.size
        plain, whole = encoded.plain, encoded.value
        if stored := self._stored.get(index):
            if (stored.name, stored.value) != (name, whole):
                self.diverged = True
                name, whole = stored.name, stored.value
                plain = (await self._codec.decode({name: whole}))[name]
        else:
            self._rows.append(output_record(index, name, encoded))
        routes = await routes_of(self._codec, self._execution_id, self._placed, name, plain, whole)
        if routes:
            self._outputs.append(Output(index, routes))
        self._arrived.set()

    async def close(self) -> tuple[tuple[OutputRecord, ...], list[Output]]:
        """End streaming: what is left to be written, and to be told with the node's result."""
        await self._stop()
        return tuple(self._rows), self._outputs

    async def abandon(self) -> None:
        """End streaming without caring for what is left."""
        with suppress(Exception):
            await self._stop()

    async def _stop(self) -> None:
        """Let a flush in flight end: cutting it off would leave unknown what was written and told."""
        flusher, self._flusher = self._flusher, None
        if flusher is None:
            return
        self._closing = True
        if not self._in_flight:
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
        rows, self._rows = self._rows, []
        outputs, self._outputs = self._outputs[:_SIGNAL_OUTPUTS], self._outputs[_SIGNAL_OUTPUTS:]
        self._in_flight = True
        try:
            await self._flush(rows, outputs)
        finally:
            self._in_flight = False
        if outputs:
            self.sent = outputs[-1].index + 1
