"""Deleting and pruning: what goes, what stays, and that nothing is left behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import ExecutionRunning, ValueMissing
from engine.model import Graph, Status
from engine.values import Reference
from store import postgres_removal
from store.calls import Pool
from store.postgres import PostgresStore
from store.records import Store
from tests.store.samples import NOW, RUN, end, execution, new_id, node

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


async def run(
    store: Store,
    user_id: str,
    *,
    status: Status = Status.COMPLETED,
    ended_at: datetime = NOW,
    graph_id: str = "graph",
    root_id: str | None = None,
    parent_id: str | None = None,
) -> tuple[str, Reference]:
    """A run with a node, outputs, events and a stored value: its id and the value."""
    new = execution(user_id=user_id, graph_id=graph_id, root_id=root_id, parent_id=parent_id)
    await store.executions.begin(new, run_id=RUN, at=min(NOW, ended_at))
    value = await store.values.put(new.id, b'"large"')
    finish = replace(end(status), ended_at=ended_at) if status.is_final else None
    await store.executions.record(new.id, run_id=RUN, nodes=[node("x-1", Status.COMPLETED, "1", "2")], finish=finish)
    return new.id, value


async def is_gone(store: Store, user_id: str, execution_id: str, value: Reference) -> bool:
    """Whether nothing of the run can be read; fails when only a part of it is gone."""
    try:
        await store.values.get([value])
        has_value = True
    except ValueMissing:
        has_value = False
    parts = {
        await store.executions.get(user_id, execution_id) is not None,
        bool(await store.executions.nodes(execution_id)),
        bool(await store.executions.events(execution_id, after=0, limit=9)),
        has_value,
    }
    assert len(parts) == 1, "a part of the run is left"
    return not parts.pop()


async def gone(store: Store, user_id: str, runs: Sequence[tuple[str, Reference]]) -> list[bool]:
    return [await is_gone(store, user_id, id, value) for id, value in runs]


async def user(store: Store) -> str:
    id = new_id("user")
    await store.users.ensure_user(id, email="a@example.org", name="A")
    return id


# --- one run ----------------------------------------------------------------------------------


async def test_a_deleted_run_leaves_nothing(store: Store) -> None:
    ada = new_id("ada")
    first, second = await run(store, ada), await run(store, ada)
    assert await store.removal.delete_execution(ada, first[0])
    assert await gone(store, ada, [first, second]) == [True, False]
    assert not await store.removal.delete_execution(ada, first[0]), "a second time there is nothing"


async def test_nobody_elses_run_is_deleted(store: Store) -> None:
    ada = new_id("ada")
    mine = await run(store, ada)
    assert not await store.removal.delete_execution("eve", mine[0])
    assert await gone(store, ada, [mine]) == [False]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
async def test_a_run_that_is_not_over_is_not_deleted(store: Store, status: Status) -> None:
    new = execution(user_id=new_id("ada"))
    await store.executions.create(new)
    if status is Status.RUNNING:
        await store.executions.begin(new, run_id=RUN, at=NOW)
    with pytest.raises(ExecutionRunning):
        await store.removal.delete_execution(new.user_id, new.id)
    assert await store.executions.get(new.user_id, new.id) is not None


async def test_runs_of_sub_graphs_go_with_the_run_above(store: Store) -> None:
    ada = new_id("ada")
    top = await run(store, ada)
    child = await run(store, ada, root_id=top[0], parent_id=top[0])
    sibling = await run(store, ada, root_id=top[0], parent_id=top[0])
    below = await run(store, ada, root_id=top[0], parent_id=child[0])
    everything = [top, child, sibling, below]
    assert await store.removal.delete_execution(ada, child[0])
    assert await gone(store, ada, everything) == [False, True, False, True]
    assert await store.removal.delete_execution(ada, top[0])
    assert await gone(store, ada, everything) == [True, True, True, True]


@pytest.mark.parametrize("deleted", ["top", "child"])
async def test_a_tree_of_which_a_run_is_not_over_stays(store: Store, deleted: str) -> None:
    ada = new_id("ada")
    open_above = deleted == "child"
    top = await run(store, ada, status=Status.RUNNING if open_above else Status.COMPLETED)
    child = await run(
        store, ada, status=Status.COMPLETED if open_above else Status.RUNNING, root_id=top[0], parent_id=top[0]
    )
    with pytest.raises(ExecutionRunning):
        await store.removal.delete_execution(ada, {"top": top, "child": child}[deleted][0])
    assert await gone(store, ada, [top, child]) == [False, False]


async def test_deletions_are_remembered_for_a_while(store: Store) -> None:
    ada = new_id("ada")
    top, kept = await run(store, ada), await run(store, ada)
    child = await run(store, ada, root_id=top[0], parent_id=top[0])
    everything = [top[0], child[0], kept[0]]
    assert await store.removal.deleted(everything) == {}
    asked = datetime.now(UTC)
    await store.removal.delete_execution(ada, top[0])
    deleted = await store.removal.deleted(everything)
    assert deleted.keys() == {top[0], child[0]}
    assert all(abs(at - asked) < timedelta(minutes=1) for at in deleted.values())
    assert await store.removal.prune_deleted(before=LONG_AGO, limit=10) == 0
    while await store.removal.prune_deleted(before=datetime.now(UTC) + timedelta(minutes=1), limit=1):
        pass
    assert await store.removal.deleted(everything) == {}


async def test_whoever_deletes_is_remembered(store: Store) -> None:
    ada = await user(store)
    pruned = await run(store, ada, ended_at=LONG_AGO)
    others = await run(store, ada)
    await prune(store, LONG_AGO + timedelta(days=1))
    assert (await store.removal.deleted([pruned[0], others[0]])).keys() == {pruned[0]}
    await store.removal.delete_user(ada)
    assert (await store.removal.deleted([pruned[0], others[0]])).keys() == {pruned[0], others[0]}


async def test_a_late_write_does_not_bring_a_deleted_run_back(store: Store) -> None:
    ada = new_id("ada")
    mine = await run(store, ada)
    await store.removal.delete_execution(ada, mine[0])
    late = node("x-2", Status.COMPLETED, "1")
    assert await store.executions.record(mine[0], run_id=RUN, nodes=[late]) == ["x-2"]
    assert not await store.executions.enter(mine[0], run_id=RUN, node=late)
    assert await gone(store, ada, [mine]) == [True]


# --- graphs and users -------------------------------------------------------------------------


async def test_a_deleted_graph_is_gone_in_all_versions_and_its_runs_stay(store: Store) -> None:
    ada = await user(store)
    graph = Graph(id=new_id("graph"), name="Sum")
    await store.graphs.save(ada, graph, [])
    await store.graphs.save(ada, graph, [])
    mine = await run(store, ada, graph_id=graph.id)
    assert await store.removal.delete_graph("eve", graph.id) == 0
    assert await store.removal.delete_graph(ada, graph.id) == 2
    assert await store.graphs.get(ada, graph.id) is None
    assert await store.graphs.get(ada, graph.id, 1) is None
    assert await store.graphs.versions(ada, graph.id) == []
    assert (await store.graphs.page(ada, limit=9, before=None)).total_count == 0
    assert await gone(store, ada, [mine]) == [False]
    row = await store.executions.get(ada, mine[0])
    assert row is not None
    assert row.graph_name == ""
    assert await store.removal.delete_graph(ada, graph.id) == 0


async def test_a_graph_with_a_run_that_is_not_over_stays(store: Store) -> None:
    ada = await user(store)
    graph = Graph(id=new_id("graph"))
    await store.graphs.save(ada, graph, [])
    await run(store, ada, graph_id=graph.id, status=Status.RUNNING)
    with pytest.raises(ExecutionRunning):
        await store.removal.delete_graph(ada, graph.id)
    assert len(await store.graphs.versions(ada, graph.id)) == 1


async def test_a_graph_is_read_without_a_sub_graph_that_was_deleted(store: Store) -> None:
    ada = await user(store)
    leaf = Graph(id=new_id("leaf"))
    kept = Graph(id=new_id("kept"), sub_graphs=[leaf])
    top = Graph(id=new_id("top"), sub_graphs=[kept, leaf])
    await store.graphs.save(ada, top, [])
    assert await store.removal.delete_graph(ada, leaf.id) == 1
    row = await store.graphs.get(ada, top.id)
    assert row is not None
    assert [sub.id for sub in row.graph.sub_graphs] == [kept.id]
    assert row.graph.sub_graphs[0].sub_graphs == []


async def test_a_deleted_user_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_removal, "USER_RUNS_AT_ONCE", 2)
    ada, eve = await user(store), await user(store)
    key = new_id("key")
    await store.users.add_api_key(ada, name="laptop", key=key)
    leaf = Graph(id=new_id("leaf"))
    await store.graphs.save(ada, Graph(id=new_id("top"), sub_graphs=[leaf]), [])
    mine = [await run(store, ada) for _ in range(5)]
    others = await run(store, eve)
    assert await store.removal.delete_user(ada)
    assert await gone(store, ada, mine) == [True] * 5
    assert await gone(store, eve, [others]) == [False]
    assert await store.users.by_api_key(key) is None
    assert (await store.graphs.page(ada, limit=9, before=None)).items == []
    assert not await store.removal.delete_user(ada)


async def test_a_user_with_a_run_that_is_not_over_stays(store: Store) -> None:
    ada = await user(store)
    key = new_id("key")
    await store.users.add_api_key(ada, name="laptop", key=key)
    over = await run(store, ada)
    await run(store, ada, status=Status.RUNNING)
    with pytest.raises(ExecutionRunning):
        await store.removal.delete_user(ada)
    assert await gone(store, ada, [over]) == [False]
    assert await store.users.by_api_key(key) is not None


# --- by age -----------------------------------------------------------------------------------


async def prune(store: Store, before: datetime, limit: int = 100) -> int:
    total = 0
    while gone := await store.removal.prune_executions(ended_before=before, limit=limit):
        total += gone
    return total


@pytest.mark.parametrize("limit", [1, 100])
async def test_only_runs_that_ended_before_are_pruned(store: Store, limit: int) -> None:
    ada = new_id("ada")
    old = [await run(store, ada, ended_at=LONG_AGO + timedelta(hours=n)) for n in range(3)]
    fresh = await run(store, ada, ended_at=LONG_AGO + timedelta(days=2))
    still_open = await run(store, ada, status=Status.RUNNING)
    assert await prune(store, LONG_AGO + timedelta(days=1), limit) == 3
    assert await gone(store, ada, [*old, fresh, still_open]) == [True, True, True, False, False]
    assert await prune(store, LONG_AGO + timedelta(days=3)) == 1


async def test_a_chunk_of_large_runs_is_small(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_removal, "EVENTS_AT_ONCE", 4)
    ada = new_id("ada")
    old = [await run(store, ada, ended_at=LONG_AGO) for _ in range(5)]  # of three events each
    before = LONG_AGO + timedelta(seconds=1)
    if isinstance(store, PostgresStore):
        assert await store.removal.prune_executions(ended_before=before, limit=100) == 2
    await prune(store, before)
    assert await gone(store, ada, old) == [True] * 5


async def test_a_tree_is_pruned_as_a_whole(store: Store) -> None:
    ada = new_id("ada")
    before = LONG_AGO + timedelta(days=1)
    top = await run(store, ada, ended_at=LONG_AGO)
    late_child = await run(store, ada, root_id=top[0], parent_id=top[0])
    waiting = await run(store, ada, ended_at=LONG_AGO)
    open_child = await run(store, ada, root_id=waiting[0], parent_id=waiting[0], status=Status.RUNNING)
    live = await run(store, ada, status=Status.RUNNING)
    old_child = await run(store, ada, root_id=live[0], parent_id=live[0], ended_at=LONG_AGO)
    assert await prune(store, before) == 2
    runs = [top, late_child, waiting, open_child, live, old_child]
    assert await gone(store, ada, runs) == [True, True, False, False, False, False]
    await store.executions.record(open_child[0], run_id=RUN, nodes=(), finish=end())
    assert await prune(store, before) == 2
    assert await gone(store, ada, [waiting, open_child]) == [True, True]


async def test_a_run_that_was_opened_again_is_not_old(store: Store) -> None:
    ada = new_id("ada")
    mine = await run(store, ada, ended_at=LONG_AGO)
    assert await store.ownership.take_over(mine[0], run_id="run-2", owner=RUN, standing=None, at=NOW)
    assert await prune(store, LONG_AGO + timedelta(days=1)) == 0
    assert await gone(store, ada, [mine]) == [False]


async def test_values_of_runs_that_are_over_or_never_were_are_pruned(store: Store) -> None:
    ada = new_id("ada")
    over = await run(store, ada, ended_at=LONG_AGO)
    just_over = await run(store, ada, ended_at=datetime.now(UTC) + timedelta(days=1))
    still_open = await run(store, ada, status=Status.RUNNING)
    stray = await store.values.put(new_id("stray"), b"[1]")
    assert await store.removal.prune_values(before=LONG_AGO + timedelta(days=1), limit=10) == 0, "none is so old"
    now = datetime.now(UTC) + timedelta(seconds=5)
    while await store.removal.prune_values(before=now, limit=1):
        pass
    for value, is_kept in ((over[1], False), (stray, False), (just_over[1], True), (still_open[1], True)):
        if is_kept:
            assert await store.values.get([value])
        else:
            with pytest.raises(ValueMissing):
                await store.values.get([value])
    assert await store.executions.get(ada, over[0]) is not None, "the rest of the run stays"
    assert await store.removal.delete_execution(ada, over[0])


# --- what only Postgres can show --------------------------------------------------------------


async def test_no_table_of_runs_is_forgotten(pool: Pool) -> None:
    named = {
        row["table_name"]
        for row in await pool.fetch(
            "SELECT table_name FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = current_schema() AND column_name = 'execution_id' AND table_type = 'BASE TABLE'"
        )
    }
    emptied = {query.removeprefix("DELETE FROM ").split()[0] for query in map(_last_line, postgres_removal.CONTENTS)}
    assert named == emptied, "a table that belongs to runs has to be emptied when a run is deleted"


def _last_line(query: str) -> str:
    return query.splitlines()[-1]


async def test_a_run_opened_again_while_it_is_deleted_stays(postgres_store: PostgresStore, pool: Pool) -> None:
    ada = new_id("ada")
    mine = await run(postgres_store, ada)
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("UPDATE graph_executions SET status = 'RUNNING', ended_at = NULL WHERE id = $1", mine[0])
        deleting = asyncio.create_task(postgres_store.removal.delete_execution(ada, mine[0]))
        await asyncio.sleep(0.2)
        assert not deleting.done(), "it waits for the row"
        await transaction.commit()
    with pytest.raises(ExecutionRunning):
        await deleting
    assert await gone(postgres_store, ada, [mine]) == [False]


@pytest.fixture
def postgres_store(pool: Pool) -> PostgresStore:
    return PostgresStore(pool)
