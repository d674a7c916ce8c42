"""Several writers of one run, in Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from contracts.errors import Unavailable
from engine.model import Graph, Status
from store import execution_writes
from store.calls import Pool
from store.postgres import PostgresStore
from store.records import Begun
from tests.store.samples import NOW, RUN, end, execution, new_id, node

type Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]


@pytest.fixture
def store(pool: Pool) -> PostgresStore:
    return PostgresStore(pool)


async def begun(store: PostgresStore) -> str:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    return new.id


@asynccontextmanager
async def held_row(pool: Pool, execution_id: str) -> AsyncIterator[Connection]:
    """A transaction that has the run's row; others wait. Commits at the end."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM graph_executions WHERE id = $1 FOR UPDATE", execution_id)
        yield connection


async def waiting(connection: Connection, count: int) -> None:
    """Until so many other sessions wait in statements on runs of this schema."""
    query = """
        SELECT count(DISTINCT session.pid) FROM pg_stat_activity AS session JOIN pg_locks AS lock USING (pid)
        WHERE session.wait_event_type = 'Lock' AND lock.relation = 'graph_executions'::regclass
        """
    while await connection.fetchval(query) < count:
        await asyncio.sleep(0)


async def test_numbers_have_no_gaps_and_appear_in_order(store: PostgresStore) -> None:
    id = await begun(store)

    async def write(writer: int) -> None:
        for number in range(20):
            records = [node(f"{writer}-{number}-{place}", Status.COMPLETED, "1") for place in range(writer + 1)]
            assert await store.executions.record(id, run_id=RUN, nodes=records) == []

    async def read() -> list[int]:
        seen: list[int] = []
        while len(seen) < 201:
            seen += [event.seq for event in await store.executions.events(id, after=len(seen), limit=50)]
            # A number once seen: all before it must have been seen.
            assert seen == list(range(1, len(seen) + 1))
        return seen

    *_, seen = await asyncio.gather(*(write(writer) for writer in range(4)), read())
    assert seen == list(range(1, 202))
    row = await store.executions.get("ada", id)
    assert row is not None
    assert row.last_event == 201


async def test_two_calls_with_the_same_record_tell_it_once(store: PostgresStore, pool: Pool) -> None:
    id = await begun(store)
    async with asyncio.TaskGroup() as group, held_row(pool, id) as connection:
        calls = [
            group.create_task(store.executions.record(id, run_id=RUN, nodes=[node("x-1", Status.COMPLETED, "1", "2")]))
            for _ in range(2)
        ]
        await waiting(connection, 2)
    assert [call.result() for call in calls] == [[], []]
    assert [event.seq for event in await store.executions.events(id, after=0, limit=9)] == [1, 2]


async def test_outputs_of_one_attempt_that_arrive_at_once_are_all_kept(store: PostgresStore, pool: Pool) -> None:
    id = await begun(store)
    async with asyncio.TaskGroup() as group, held_row(pool, id) as connection:
        final = node("x-1", Status.COMPLETED, "1", first=0)
        late = node("x-1", Status.RUNNING, "2", first=1)
        calls = [group.create_task(store.executions.record(id, run_id=RUN, nodes=[final]))]
        await waiting(connection, 1)
        calls.append(group.create_task(store.executions.record(id, run_id=RUN, nodes=[late, node("y-1")])))
        await waiting(connection, 2)
    assert [call.result() for call in calls] == [[], []]
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, [output.index for output in stored.outputs]) == (Status.COMPLETED, [0, 1])
    events = await store.executions.events(id, after=1, limit=9)
    assert sorted((event.node_execution_id, event.first_output, event.output_count) for event in events) == [
        ("x-1", 0, 1),
        ("x-1", 1, 1),
        ("y-1", 0, 0),
    ]
    assert [event.seq for event in events] == [2, 3, 4]


async def test_an_older_attempt_that_waited_is_refused(store: PostgresStore, pool: Pool) -> None:
    id = await begun(store)
    await store.executions.record(id, run_id=RUN, nodes=[node("x-1", Status.RUNNING)])
    async with asyncio.TaskGroup() as group, held_row(pool, id) as connection:
        newer = node("x-1", Status.RUNNING, attempt=2)
        group.create_task(store.executions.record(id, run_id=RUN, nodes=[newer]))
        await waiting(connection, 1)
        older = node("x-1", Status.COMPLETED, "1", attempt=1)
        call = group.create_task(store.executions.record(id, run_id=RUN, nodes=[older]))
        await waiting(connection, 2)
    assert call.result() == ["x-1"]
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.attempt, stored.outputs) == (Status.RUNNING, 2, [])


async def test_the_end_closes_what_was_opened_while_it_waited(store: PostgresStore, pool: Pool) -> None:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await store.executions.record(new.id, run_id=RUN, nodes=[node("a", Status.RUNNING)])
    async with asyncio.TaskGroup() as group, held_row(pool, new.id) as connection:
        group.create_task(store.executions.record(new.id, run_id=RUN, nodes=[node("b", Status.RUNNING)]))
        await waiting(connection, 1)
        group.create_task(store.executions.finish(new, run_id=RUN, finish=end(Status.TERMINATED)))
        await waiting(connection, 2)
        late = group.create_task(store.executions.record(new.id, run_id=RUN, nodes=[node("c", Status.RUNNING)]))
        await waiting(connection, 3)
    rows = await store.executions.nodes(new.id)
    assert {row.status for row in rows} == {Status.TERMINATED}
    assert {"a", "b"} <= {row.id for row in rows}
    assert late.result() in ([], ["c"])
    events = await store.executions.events(new.id, after=0, limit=99)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_run_id_that_lost_the_run_while_it_waited_writes_nothing(store: PostgresStore, pool: Pool) -> None:
    id = await begun(store)
    async with asyncio.TaskGroup() as group, held_row(pool, id) as connection:
        call = group.create_task(store.executions.record(id, run_id=RUN, nodes=[node("x-1")]))
        await waiting(connection, 1)
        await connection.execute("UPDATE graph_executions SET run_id = 'run-2' WHERE id = $1", id)
    assert call.result() == ["x-1"]
    assert await store.executions.nodes(id) == []


async def test_begin_beside_create(store: PostgresStore) -> None:
    for _ in range(20):
        new = execution()
        _, begun_ = await asyncio.gather(store.executions.create(new), store.executions.begin(new, run_id=RUN, at=NOW))
        assert begun_ == Begun(Status.QUEUED, 1)
        row = await store.executions.get("ada", new.id)
        assert row is not None
        assert (row.status, row.last_event) == (Status.RUNNING, 1)


async def test_two_beginnings_at_once_tell_it_once(store: PostgresStore) -> None:
    for _ in range(20):
        new = execution()
        both = await asyncio.gather(*(store.executions.begin(new, run_id=RUN, at=NOW) for _ in range(2)))
        assert sorted(found.unfinished_batches for found in both) == [1, 2]
        assert len(await store.executions.events(new.id, after=0, limit=9)) == 1


async def test_one_attempt_enters(store: PostgresStore) -> None:
    id = await begun(store)
    attempts = [node("x-1", Status.RUNNING, attempt=n) for n in range(1, 9)]
    entered = await asyncio.gather(*(store.executions.enter(id, run_id=RUN, node=each) for each in attempts))
    assert sum(entered) == 1


async def test_two_who_save_one_graph_get_two_versions(store: PostgresStore) -> None:
    user = new_id("user")
    await store.users.ensure_user(user, email="a@example.org", name="A")
    common = [Graph(id=new_id("sub")) for _ in range(2)]
    graph_id = new_id("graph")
    versions = await asyncio.gather(
        *(store.graphs.save(user, Graph(id=graph_id, sub_graphs=common[::step]), []) for step in (1, -1, 1, -1, 1, -1))
    )
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


async def test_a_writer_gives_up_after_too_many_rounds(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_writes, "MAX_ROUNDS", 0)
    with pytest.raises(Unavailable):
        await store.executions.record("x", run_id=RUN, nodes=[node()])
