"""Tells readers that a run has new events: LISTEN on one connection outside the pool, shared by the process.

Started and closed by the API's composition root. Notifications carry ids only; readers fetch what is new
by number, so one that is missed costs nothing but time.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Any, Self

import asyncpg

from contracts.errors import Unavailable
from store.pool import open_connection
from store.watchers import Watchers

CHANNEL = "heddle_events"
FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 5.0
PROBE_SECONDS = 30.0
"""How often a silent connection is asked whether it lives; a broken line may say nothing for hours."""
PROBE_TIMEOUT_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class Changes:
    """`records.Changes` in Postgres; an async context manager that listens while it is open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._watchers = Watchers()
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Listen from now on. Does not wait for the database: until it answers, watchers see no changes."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="changes")

    async def close(self) -> None:
        """Stop listening; every `watch` ends."""
        self._watchers.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def listening(self) -> None:
        """Wait until changes are heard."""
        await self._listening.wait()

    def watch(self, execution_id: str) -> AsyncGenerator[None]:
        """Yields once at first, then after each commit that touched the run and after each reconnect."""
        return self._watchers.watch(execution_id)

    async def _listen(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                connection = await open_connection(self._url, application_name="heddle changes")
                try:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda _, lost=lost: lost.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    self._listening.set()
                    # What was committed since the last connection ended was not heard.
                    self._watchers.wake_all()
                    delay = FIRST_DELAY_SECONDS
                    await _until_lost(connection, lost)
                finally:
                    self._listening.clear()
                    # Not `close`: that waits for an answer, and the line may be dead.
                    connection.terminate()
            except (Unavailable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _logger.warning("not listening for changes: %s", type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    def _heard(self, _connection: Any, _process: int, _channel: str, execution_id: Any) -> None:
        self._watchers.wake(str(execution_id))


async def _until_lost(connection: "asyncpg.Connection[asyncpg.Record]", lost: asyncio.Event) -> None:
    while True:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await lost.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=PROBE_TIMEOUT_SECONDS)
        else:
            return
