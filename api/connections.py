"""The connections of a running API: Postgres, the feed of changes, Temporal. Opened at start, closed in reverse.

Used by the lifespan in `app.py`. Nothing here keeps the API from starting: what is down is tried again in the
background, and until it is there the parts that need it answer 503.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from api.late import LateChanges, LateStore
from contracts.errors import HeddleError
from settings import Settings
from store.changes import Changes
from store.migrate import MigrationRefused, migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from telemetry.logging import Logger

log = Logger(__name__)

FIRST_WAIT_SECONDS = 5.0
"""How long the start waits for Postgres before it goes on without."""

_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 5.0
_CLOSE_SECONDS = 5.0


@asynccontextmanager
async def postgres(settings: Settings, store: LateStore, changes: LateChanges) -> AsyncIterator[None]:
    """Fill in the store once Postgres answers and its schema is up to date, and the feed of changes."""
    url = settings.database_url.get_secret_value()
    ready = asyncio.Event()
    keeping = asyncio.create_task(_keep_pool(settings, url, store, ready), name="postgres")
    try:
        async with Changes(url) as feed:
            changes.real = feed
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WAIT_SECONDS):
                    await ready.wait()
            yield
            changes.real = None
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _keep_pool(settings: Settings, url: str, store: LateStore, ready: asyncio.Event) -> None:
    """Open a pool, however long it takes, and hold it until cancelled."""
    delay = _FIRST_DELAY_SECONDS
    while True:
        try:
            pool = await open_pool(
                url,
                min_size=settings.db_pool_min_size,
                max_size=settings.db_pool_max_size,
                idle_seconds=settings.db_pool_idle_seconds,
            )
        except HeddleError as error:
            log.warning("postgres is not there yet", error=error.message)
        else:
            try:
                await migrate(pool)
                store.real = PostgresStore(pool)
                ready.set()
                await asyncio.Event().wait()  # until cancelled
            except (HeddleError, MigrationRefused) as error:
                log.error("the schema is not up to date", error=str(error))
            finally:
                store.real = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await pool.close()
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
