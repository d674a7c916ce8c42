"""Who waits for news of which run, within one process.

Used by both forms of `Changes`. It knows ids, not where the news comes from.
"""

import asyncio
from collections.abc import AsyncGenerator


class Watchers:
    """Wakes those who watch a run. News that comes while a watcher is busy is told once, when it asks again."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    async def watch(self, execution_id: str) -> AsyncGenerator[None]:
        """Yields once at first, then after each wake; ends when closed."""
        news = asyncio.Event()
        self._waiting.setdefault(execution_id, set()).add(news)
        try:
            while not self._closed:
                # Cleared before the reader reads: what comes while it does wakes it again.
                news.clear()
                yield
                await news.wait()
        finally:
            watching = self._waiting[execution_id]
            watching.discard(news)
            if not watching:
                del self._waiting[execution_id]

    @property
    def watched(self) -> frozenset[str]:
        """The runs that somebody watches."""
        return frozenset(self._waiting)

    def wake(self, execution_id: str) -> None:
        """Tell the watchers of one run."""
        for news in self._waiting.get(execution_id, ()):
            news.set()

    def wake_all(self) -> None:
        """Tell everyone: something may have been missed."""
        for watching in self._waiting.values():
            for news in watching:
                news.set()

    def close(self) -> None:
        """End all watching."""
        self._closed = True
        self.wake_all()
