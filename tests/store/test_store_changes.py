"""Watching runs: both forms, and what becomes of a connection that is lost."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from engine.model import Status
from store import changes as changes_module
from store.calls import Pool
from store.changes import Changes
from store.watchers import Watchers
from tests.store.conftest import Stores
from tests.store.samples import NOW, RUN, end, execution, new_id, node


async def next_of(news: AsyncGenerator[None]) -> None:
    async with asyncio.timeout(20):
        await anext(news)


async def is_silent(news: AsyncGenerator[None], other: AsyncGenerator[None]) -> bool:
    """Whether `other` is woken by what happens now, and `news` is not."""
    silent = asyncio.ensure_future(anext(news))
    await next_of(other)
    silent_still = not silent.done()
    silent.cancel()
    await asyncio.gather(silent, return_exceptions=True)
    return silent_still


async def test_every_write_of_the_run_wakes_its_watchers(stores: Stores) -> None:
    new = execution()
    first, second = stores.changes.watch(new.id), stores.changes.watch(new.id)
    for news in (first, second):
        await next_of(news)
    executions = stores.store.executions
    await executions.begin(new, run_id=RUN, at=NOW)
    for news in (first, second):
        await next_of(news)
    await executions.record(new.id, run_id=RUN, nodes=[node("x-1", Status.RUNNING, "1")])
    for news in (first, second):
        await next_of(news)
    await executions.finish(new, run_id=RUN, finish=end())
    for news in (first, second):
        await next_of(news)
        await news.aclose()


async def test_other_runs_and_repeated_writes_wake_nobody(stores: Stores) -> None:
    new, other = execution(), execution()
    executions = stores.store.executions
    await executions.begin(new, run_id=RUN, at=NOW)
    await executions.begin(other, run_id=RUN, at=NOW)
    await executions.record(new.id, run_id=RUN, nodes=[node("x-1")])
    mine, others = stores.changes.watch(new.id), stores.changes.watch(other.id)
    await next_of(mine)
    await next_of(others)
    # What was notified before is behind us once a later notification has come.
    await executions.record(other.id, run_id=RUN, nodes=[node("y-1")])
    await next_of(others)
    mine = stores.changes.watch(new.id)
    await next_of(mine)
    await executions.record(new.id, run_id=RUN, nodes=[node("x-1")], ends_batch=True)
    await executions.record(other.id, run_id=RUN, nodes=[node("y-2")])
    assert await is_silent(mine, others)


async def test_closing_ends_all_watching(stores: Stores) -> None:
    news = stores.changes.watch("run")
    await next_of(news)
    waiting = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await stores.changes.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert [None async for _ in stores.changes.watch("run")] == []


async def terminate(pool: Pool, application_name: str = "heddle changes") -> None:
    async with asyncio.timeout(20):
        while not await pool.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1",
            application_name,
        ):
            await asyncio.sleep(0)


async def test_after_a_lost_connection_everyone_is_woken(pool: Pool, database_url: str) -> None:
    async with Changes(database_url) as changes:
        await changes.listening()
        news = changes.watch(new_id("run"))
        await next_of(news)
        await terminate(pool)
        await next_of(news)
        await changes.listening()
        await news.aclose()


async def test_a_connection_that_does_not_answer_is_replaced(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(changes_module, "PROBE_TIMEOUT_SECONDS", 0.000001)
    monkeypatch.setattr(changes_module, "FIRST_DELAY_SECONDS", 0.001)
    async with Changes(database_url) as changes:
        news = changes.watch("run")
        for _ in range(3):
            await next_of(news)


async def test_it_waits_for_a_database_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes_module, "FIRST_DELAY_SECONDS", 0.001)
    asked = asyncio.Semaphore(0)
    real = changes_module.open_connection

    async def connect(url: str, *, application_name: str) -> object:
        asked.release()
        return await real(url, application_name=application_name)

    monkeypatch.setattr(changes_module, "open_connection", connect)
    async with Changes("postgresql://nobody:secret@127.0.0.1:1/none") as changes:
        changes.start()
        for _ in range(3):
            async with asyncio.timeout(20):
                await asked.acquire()


async def test_closing_what_was_never_started() -> None:
    await Changes("postgresql://localhost/none").close()


async def test_who_stops_watching_is_forgotten() -> None:
    watchers = Watchers()
    first, second = watchers.watch("run"), watchers.watch("run")
    await next_of(first)
    await next_of(second)
    await first.aclose()
    assert watchers.watched == {"run"}
    await second.aclose()
    assert watchers.watched == frozenset()
