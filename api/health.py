"""Is the process alive, and could a run be started and worked on now?

Asked by `routes/health.py`. Every question is bounded, and the answers name the service, never an address or a secret.
"""

import asyncio
from collections.abc import Awaitable

from api.late import LateStore
from api.runs import Runs
from contracts.errors import HeddleError

CHECK_SECONDS = 3.0


class Readiness:
    """What a run needs: the database, Temporal, and a worker."""

    def __init__(self, store: LateStore, runs: Runs, *, task_queue: str) -> None:
        self._store = store
        self._runs = runs
        self._task_queue = task_queue

    async def missing(self) -> list[str]:
        """What is missing, in words; empty when all is there."""
        postgres, temporal = await asyncio.gather(
            _problem("postgres", self._store.ping()), _problem("temporal", self._runs.check())
        )
        found = [problem for problem in (postgres, temporal) if problem]
        if temporal is None:
            found += await self._workers()
        return found

    async def _workers(self) -> list[str]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                present = await self._runs.has_workers()
        except (HeddleError, TimeoutError):
            present = False
        return [] if present else [f"workers: no poller on task queue {self._task_queue}"]


async def _problem(name: str, check: Awaitable[None]) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except TimeoutError:
        return f"{name}: no answer within {CHECK_SECONDS:g} s"
    except HeddleError as error:
        return f"{name}: {error.message}"
    return None
