"""Slots: never more runs than allowed, in the order of arrival, whatever ends when; on both forms of the store."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from engine.model import Status
from store.calls import Pool
from store.memory import MemoryStore
from store.migrate import migrate
from store.ownership import NOTHING, OwnedByAnother
from store.pool import open_pool
from store.postgres import PostgresStore
from store.records import Begun, NewExecution, Store
from store.slots import SlotLimits
from tests.store.samples import NOW, RUN, end, execution, new_id

ONE = SlotLimits(1)


def runs(count: int, **changes: str) -> list[NewExecution]:
    """Runs of a graph of their own."""
    graph_id = changes.pop("graph_id", None) or new_id("graph")
    return [execution(graph_id=graph_id, **changes) for _ in range(count)]


async def begin(store: Store, new: NewExecution, limits: SlotLimits = ONE, run_id: str = RUN) -> Begun:
    return await store.executions.begin(new, run_id=run_id, at=NOW, limits=limits)


async def wait(store: Store, new: NewExecution, limits: SlotLimits = ONE) -> list[str]:
    return await store.admission.wait(new.id, user_id=new.user_id, graph_id=new.graph_id, limits=limits)


async def arrive(store: Store, new: NewExecution, limits: SlotLimits = ONE) -> bool:
    """Begin or stand in the queue, as the activity does."""
    return (await begin(store, new, limits)).is_admitted or new.id in await wait(store, new, limits)


async def finish(store: Store, new: NewExecution, status: Status = Status.COMPLETED) -> list[str]:
    return await store.executions.finish(new, run_id=RUN, finish=end(status))


async def start_over(store: Store, new: NewExecution) -> bool:
    """The row goes to run-2, with nothing that stands."""
    return await store.ownership.take_over(new.id, run_id="run-2", owner=RUN, standing=NOTHING, at=NOW)


async def status(store: Store, new: NewExecution) -> Status:
    row = await store.executions.get(new.user_id, new.id)
    assert row is not None
    return row.status


async def test_the_second_waits_and_gets_the_slot_of_the_first(store: Store) -> None:
    first, second = runs(2)
    assert await begin(store, first) == Begun(Status.QUEUED, 1, True)
    assert await begin(store, second) == Begun(Status.QUEUED, 0, False)
    row = await store.executions.get("ada", second.id)
    assert row is not None
    assert (row.status, row.run_id, row.started_at, row.last_event) == (Status.QUEUED, RUN, None, 0)
    assert await wait(store, second) == []
    assert not (await begin(store, second)).is_admitted
    assert await finish(store, first) == [second.id]
    assert await begin(store, second) == Begun(Status.QUEUED, 1, True)
    assert await status(store, second) is Status.RUNNING
    events = await store.executions.events(second.id, after=0, limit=9)
    assert [(event.seq, event.status) for event in events] == [(1, Status.RUNNING)]


async def test_entering_again_takes_no_second_slot(store: Store) -> None:
    first, second, third = runs(3)
    two = SlotLimits(2)
    for _ in range(3):
        assert (await begin(store, first, two)).is_admitted
    assert await start_over(store, first)
    assert (await begin(store, first, two, run_id="run-2")).is_admitted, "a reset keeps the slot"
    assert (await begin(store, second, two)).is_admitted
    assert not (await begin(store, third, two)).is_admitted


async def test_the_oldest_is_next_and_nobody_passes_the_queue(store: Store) -> None:
    first, *others = runs(5)
    await begin(store, first)
    for new in others:
        assert not await arrive(store, new)
    holder = first
    for new in others:
        assert await finish(store, holder) == [new.id]
        (late,) = runs(1, graph_id=first.graph_id)
        assert not (await begin(store, late)).is_admitted
        assert (await begin(store, new)).is_admitted
        holder = new
    assert await finish(store, holder) == []


async def test_who_ends_tells_until_the_other_has_begun(store: Store) -> None:
    first, second = runs(2)
    await begin(store, first)
    await arrive(store, second)
    assert await store.executions.end(first.id, run_id=RUN, nodes=(), finish=end()) == [second.id]
    assert await store.executions.end(first.id, run_id=RUN, nodes=(), finish=end()) == [second.id]
    await begin(store, second)
    assert await store.executions.end(first.id, run_id=RUN, nodes=(), finish=end()) == []


async def test_another_run_id_frees_nothing(store: Store) -> None:
    first, second = runs(2)
    await begin(store, first)
    await arrive(store, second)
    with pytest.raises(OwnedByAnother):
        await store.executions.finish(first, run_id="run-2", finish=end())
    assert await store.executions.end(first.id, run_id="run-2", nodes=(), finish=end()) == []
    assert not (await begin(store, second)).is_admitted


async def test_who_waits_can_leave(store: Store) -> None:
    first, second, third = runs(3)
    await begin(store, first)
    await arrive(store, second)
    await arrive(store, third)
    assert await finish(store, second, Status.TERMINATED) == []
    assert await finish(store, first) == [third.id]
    assert await finish(store, third, Status.TERMINATED) == [], "a slot that was given and never taken is free again"
    (fourth,) = runs(1, graph_id=first.graph_id)
    assert await arrive(store, fourth)


async def test_other_users_and_graphs_do_not_wait(store: Store) -> None:
    (first,) = runs(1)
    await begin(store, first)
    for other in (*runs(1), *runs(1, graph_id=first.graph_id, user_id="bob")):
        assert (await begin(store, other)).is_admitted


async def test_a_repeated_beginning_of_a_run_that_ended_takes_no_slot(store: Store) -> None:
    first, second = runs(2)
    await begin(store, first)
    await finish(store, first)
    assert (await begin(store, first)).is_admitted
    assert (await begin(store, second)).is_admitted
    assert await start_over(store, first)
    again = await begin(store, first, run_id="run-2")
    assert again == Begun(Status.QUEUED, 0, False)
    assert await status(store, first) is Status.QUEUED
    assert [e.status for e in await store.executions.events(first.id, after=2, limit=9)] == [Status.QUEUED]


async def test_a_higher_limit_is_given_out_when_somebody_asks(store: Store) -> None:
    news = runs(4)
    for new in news:
        await arrive(store, new)
    assert await wait(store, news[3], SlotLimits(3)) == []
    for new in news[1:3]:
        await wait(store, new, SlotLimits(3))
    assert [(await begin(store, new, SlotLimits(3))).is_admitted for new in news] == [True, True, True, False]


async def test_a_run_that_is_over_or_gone_is_swept(store: Store) -> None:
    first, second, third = runs(3)
    await begin(store, first)
    await arrive(store, second)
    await arrive(store, third)
    assert await store.admission.leave(second.id) == []
    # A straggler: it stands in the queue after its run has ended.
    await finish(store, second, Status.TERMINATED)
    await wait(store, second)
    assert await store.admission.leave_ended() == []
    assert await store.admission.leave(first.id) == [third.id]
    assert await store.admission.leave("nobody") == []


@pytest.fixture(params=["memory", "postgres"])
async def alone(request: pytest.FixtureRequest, empty_schema: str) -> AsyncIterator[Store]:
    """A store whose capacity no other test takes from."""
    if request.param == "memory":
        yield MemoryStore()
        return
    async with await open_pool(empty_schema, min_size=1, max_size=10, idle_seconds=60) as pool:
        await migrate(pool)
        yield PostgresStore(pool)


async def test_the_capacity_of_the_deployment_goes_to_who_has_least(alone: Store) -> None:
    limits = SlotLimits(per_graph=3, capacity=3)
    ada, bob = runs(5), runs(2, user_id="bob")
    assert [await arrive(alone, new, limits) for new in ada] == [True, True, True, False, False]
    assert [await arrive(alone, new, limits) for new in bob] == [False, False]
    assert await finish(alone, ada[0]) == [bob[0].id], "Bob has none, Ada two"
    assert await finish(alone, ada[1]) == [ada[3].id], "one each: who came first"
    assert await finish(alone, bob[0]) == [bob[1].id]


@pytest.mark.parametrize("limits", [SlotLimits(5), SlotLimits(50, capacity=5)], ids=["per graph", "capacity"])
async def test_fifty_at_once_never_exceed_the_limit(alone: Store, limits: SlotLimits) -> None:
    news = runs(50)
    turns = {new.id: asyncio.Event() for new in news}
    reached = asyncio.Event()
    going = most = 0

    async def live(new: NewExecution) -> None:
        nonlocal going, most
        while not await arrive(alone, new, limits):
            # No timer: a turn that is lost hangs the test.
            await turns[new.id].wait()
            turns[new.id].clear()
        going += 1
        most = max(most, going)
        if going == 5:
            reached.set()
        await reached.wait()  # the first ones wait for each other, so that the limit is reached
        await asyncio.sleep(random.random() / 200)
        going -= 1
        for id in await finish(alone, new):
            turns[id].set()

    async with asyncio.timeout(30):
        await asyncio.gather(*map(live, news))
    assert most == 5
    assert {await status(alone, new) for new in news} == {Status.COMPLETED}


async def test_runs_go_on_when_slots_cannot_be_asked(empty_schema: str, caplog: pytest.LogCaptureFixture) -> None:
    async with await open_pool(empty_schema, min_size=1, max_size=2, idle_seconds=60) as pool:
        await migrate(pool)
        store = PostgresStore(pool)
        await pool.execute("DROP TABLE run_slots")
        first, second = runs(2)
        for new in (first, second):
            assert (await begin(store, new)).is_admitted
            assert await finish(store, new) == []
            assert await status(store, new) is Status.COMPLETED
    assert "admission failed, the run goes on without it" in caplog.text


async def test_a_slot_that_becomes_free_while_one_is_about_to_wait_is_not_lost(pool: Pool) -> None:
    store = PostgresStore(pool)
    for _ in range(30):
        first, second = runs(2)
        await begin(store, first)
        assert not (await begin(store, second)).is_admitted
        given, admitted = await asyncio.gather(finish(store, first), wait(store, second))
        assert [*given, *admitted] == [second.id]
