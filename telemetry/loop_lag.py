"""Measures how late the blocks' event loop answers, and names the block that held it.

Started by `worker.py` for the loop that blocks run on. A thread asks the loop for a sign of life; while it waits in
vain it looks which task is running there. It knows tasks, not blocks: `name_of` turns one into the other.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from prometheus_client import Histogram

type NameOf = Callable[[asyncio.Task[Any]], str | None]

UNKNOWN = "-"


class LoopLag:
    """Watches one loop from a thread of its own, between `__enter__` and `__exit__`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        histogram: Histogram,
        *,
        name_of: NameOf,
        interval_seconds: float = 0.1,
        late_seconds: float = 0.05,
    ) -> None:
        self._loop = loop
        self._histogram = histogram
        self._name_of = name_of
        self._interval = interval_seconds
        self._late = late_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-lag", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        """Stop watching; waits for the thread."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval):
            if not self._probe():
                return

    def _probe(self) -> bool:
        """One sign of life; False when the loop is closed."""
        answered = threading.Event()
        asked = time.perf_counter()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            return False
        block = UNKNOWN
        while not answered.wait(self._late):
            if self._stopped.is_set():
                return False
            block = self._running() or block
        self._histogram.labels(block).observe(time.perf_counter() - asked)
        return True

    def _running(self) -> str | None:
        task = asyncio.current_task(self._loop)
        name = self._name_of(task) if task else None
        # asyncio numbers the tasks that nobody named; as a label these would never end.
        return None if name is None or name.startswith("Task-") else name
