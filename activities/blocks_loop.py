"""An event loop in a thread of its own for blocks, so that one which blocks it stalls no workflow and no heartbeat.

Made by `worker.py`, used by `run_node.py`. Each task bears its block's name,
so that `telemetry.loop_lag` can tell which block held the loop.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import aclosing, suppress
from typing import Any, Self

_END = object()
_AHEAD = 1000
"""A block may be so many outputs ahead of what was taken; then it waits."""


class BlocksLoop:
    """A running event loop in a daemon thread. Use as a context manager."""

    def __init__(self, *, stop_seconds: float = 10.0) -> None:
        """`stop_seconds`: how long a block that is cancelled may take to end."""
        self._stop_seconds = stop_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="blocks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, to be watched."""
        return self._loop

    def submit[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on this loop from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def iterate[T](self, name: str, items: Callable[[], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """Iterate on this loop, in a task of that name; yield on the caller's. Closing this ends the iteration."""
        caller = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        room = asyncio.Semaphore(_AHEAD)
        ended = asyncio.Event()

        async def pump() -> None:
            if task := asyncio.current_task():
                task.set_name(name)
            try:
                async with aclosing(items()) as running:
                    async for item in running:
                        await room.acquire()
                        caller.call_soon_threadsafe(arrived.put_nowait, item)
            finally:
                caller.call_soon_threadsafe(ended.set)

        future = asyncio.wrap_future(self.submit(pump()))
        future.add_done_callback(lambda _: arrived.put_nowait(_END))
        try:
            while (item := await arrived.get()) is not _END:
                self._loop.call_soon_threadsafe(room.release)
                yield item
            future.result()
        finally:
            if not future.done():
                future.cancel()
                # Nobody may say that the block has stopped while it has not; one that never does is left behind.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._stop_seconds):
                        await ended.wait()
