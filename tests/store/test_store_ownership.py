"""How a row goes from one run of a workflow to the next, and which rows have been silent: both forms alike."""

from datetime import timedelta

import pytest

from engine.model import Status
from engine.values import inline
from store.calls import Pool
from store.ownership import ALL_OUTPUTS, NOTHING, OwnedByAnother, Owner, Standing, StandingNode
from store.postgres import PostgresStore
from store.records import Begun, Finish, NodeRecord, Store
from tests.store.samples import NOW, RUN, end, execution, later, new_id, node

NEXT = "run-2"


def of(node_id: str, ordinal: int = 0, status: Status = Status.COMPLETED, *values: str, seq: int = 1) -> NodeRecord:
    """The execution of a node whose id says which."""
    return node(f"{node_id}-{ordinal}", status, *values, node_id=node_id, ordinal=ordinal, seq=seq)


def standing_node(node_id: str, status: Status, *, emitted: int = 0, ordinal: int = 0) -> StandingNode:
    return StandingNode(
        id=f"{node_id}-{ordinal}",
        node_id=node_id,
        block_id="block",
        ordinal=ordinal,
        status=status,
        seq=None if status is Status.INCOMPLETE else 2,
        inputs={"left": inline("soon")},
        emitted=emitted,
    )


async def ended(store: Store, *nodes: NodeRecord, finish: Finish | None = None) -> str:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await store.executions.record(new.id, run_id=RUN, nodes=nodes, finish=finish or end(error="why"))
    return new.id


async def take(store: Store, id: str, standing: Standing | None, owner: str | None = RUN) -> bool:
    return await store.ownership.take_over(id, run_id=NEXT, owner=owner, standing=standing, at=later(20))


async def told(store: Store, id: str) -> list[tuple[int, str | None, Status, int]]:
    events = await store.executions.events(id, after=0, limit=99)
    return [(event.seq, event.node_execution_id, event.status, len(event.outputs)) for event in events]


async def test_what_had_ended_stays_and_the_rest_is_set_aside(store: Store) -> None:
    id = await ended(store, of("a", 0, Status.COMPLETED, "1"), of("a", 1, Status.COMPLETED, "2", seq=2), of("b", seq=3))
    assert await take(store, id, Standing({"a": 1}))
    assert [n.id for n in await store.executions.nodes(id)] == ["a-0"]
    assert await told(store, id) == [
        (1, None, Status.RUNNING, 0),
        (2, "a-0", Status.COMPLETED, 1),
        (6, None, Status.RUNNING, 0),
    ]
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.run_id, row.ended_at, row.error, row.stats) == (Status.RUNNING, NEXT, None, None, {})
    assert row.started_at == NOW


async def test_what_was_open_is_as_it_was_and_may_be_entered_again(store: Store) -> None:
    id = await ended(
        store,
        of("slow", 0, Status.COMPLETED, "1", "2", "3"),
        of("pair", 0, Status.COMPLETED, "4", seq=2),
    )
    waits, runs = standing_node("pair", Status.INCOMPLETE), standing_node("slow", Status.RUNNING, emitted=2)
    assert await take(store, id, Standing({"slow": 1, "pair": 1}, [runs, waits]))
    slow, pair = await store.executions.nodes(id)
    assert (slow.status, slow.ended_at, [o.index for o in slow.outputs]) == (Status.RUNNING, None, [0, 1])
    assert (pair.status, pair.seq, pair.inputs, pair.outputs) == (Status.INCOMPLETE, None, {"left": inline("soon")}, [])
    assert (await told(store, id))[1:] == [
        (5, None, Status.RUNNING, 0),
        (6, "slow-0", Status.RUNNING, 2),
        (7, "pair-0", Status.INCOMPLETE, 0),
    ]
    assert await store.executions.enter(id, run_id=NEXT, node=of("slow", 0, Status.RUNNING, seq=2))
    assert await store.executions.record(id, run_id=NEXT, nodes=[of("slow", 0, Status.COMPLETED, seq=2)]) == []


async def test_all_outputs_may_stand(store: Store) -> None:
    id = await ended(store, of("child", 0, Status.COMPLETED, "1", "2"))
    assert await take(store, id, Standing({"child": 1}, [standing_node("child", Status.RUNNING, emitted=ALL_OUTPUTS)]))
    (child,) = await store.executions.nodes(id)
    assert (child.status, len(child.outputs)) == (Status.RUNNING, 2)


async def test_a_run_that_starts_over_is_queued_and_then_begins_as_it_is_asked_for(store: Store) -> None:
    id = await ended(store, of("a", 0, Status.COMPLETED, "1"))
    assert await take(store, id, NOTHING)
    assert await store.executions.nodes(id) == []
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.started_at) == (Status.QUEUED, None)
    new = execution(id=id, graph_id="other", inputs={"x": inline(1)})
    assert await store.executions.begin(new, run_id=NEXT, at=later(30)) == Begun(Status.QUEUED, 1)
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.graph_id, row.inputs, row.started_at) == (
        Status.RUNNING,
        "other",
        {"x": inline(1)},
        later(30),
    )
    assert [status for _, _, status, _ in await told(store, id)] == [Status.RUNNING, Status.QUEUED, Status.RUNNING]


async def test_everything_may_stay(store: Store) -> None:
    id = await ended(store, of("a", 0, Status.COMPLETED, "1"))
    assert await take(store, id, None)
    assert len(await store.executions.nodes(id)) == 1
    assert await store.executions.end(id, run_id=NEXT, nodes=(), finish=end(Status.TERMINATED)) == []
    row = await store.executions.get("ada", id)
    assert row is not None
    assert row.status is Status.TERMINATED
    assert [e[2] for e in await told(store, id)] == [Status.RUNNING, Status.COMPLETED, Status.TERMINATED]


async def test_only_the_owner_that_was_seen_gives_the_row_away(store: Store) -> None:
    id = await ended(store, of("a"))
    assert not await take(store, id, NOTHING, owner="another")
    assert not await take(store, new_id("none"), NOTHING)
    assert await store.ownership.owners([id, "nobody"]) == {id: Owner(RUN, Status.COMPLETED)}
    assert await take(store, id, NOTHING)
    with pytest.raises(OwnedByAnother):
        await store.executions.begin(execution(id=id), run_id=RUN, at=NOW)


async def test_silent_runs_are_asked_about_in_turn(store: Store) -> None:
    new, over = execution(), execution()
    await store.executions.begin(new, run_id=RUN, at=NOW - timedelta(days=1))
    await store.executions.begin(over, run_id=RUN, at=NOW - timedelta(days=1))
    await store.executions.finish(over, run_id=RUN, finish=end())
    hour, never = timedelta(hours=1), timedelta(days=36500)
    found = await store.ownership.silent(timedelta(0), limit=10_000)
    assert new.id in found
    assert over.id not in found
    assert await store.ownership.is_silent(new.id, timedelta(0))
    assert not await store.ownership.is_silent(new.id, never)
    await store.ownership.heard([new.id])
    assert not await store.ownership.is_silent(new.id, hour)
    assert new.id not in await store.ownership.silent(hour, limit=10_000)


async def test_what_was_set_aside_is_kept_for_looking_back(pool: Pool) -> None:
    store = PostgresStore(pool)
    id = await ended(store, of("a", 0, Status.COMPLETED, "1"))
    await take(store, id, NOTHING)
    rows = await pool.fetch("SELECT * FROM superseded_node_executions WHERE execution_id = $1", id)
    assert [(row["id"], row["run_id"], row["body"]["status"]) for row in rows] == [("a-0", RUN, "COMPLETED")]
    assert rows[0]["outputs"][0]["value"] == 1


# --- resuming ---------------------------------------------------------------------------------


async def test_a_run_that_is_resumed_waits_as_it_was(store: Store) -> None:
    id = await ended(
        store, of("a", 0, Status.COMPLETED, "1"), finish=end(Status.FAILED, error="why", stats={"cost": 3})
    )
    assert not await store.ownership.reopen(id, run_id=NEXT, owner="another", at=later(20))
    assert await store.ownership.reopen(id, run_id=NEXT, owner=RUN, at=later(20))
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.run_id, row.ended_at, row.error, row.started_at) == (Status.QUEUED, NEXT, None, None, NOW)
    assert row.stats == {"cost": 3, "walltime": 9}
    assert [(seq, status) for seq, _, status, _ in await told(store, id)] == [
        (1, Status.RUNNING),
        (2, Status.COMPLETED),
        (4, Status.QUEUED),
    ]
    new = execution(id=id)
    assert await store.executions.begin(new, run_id=NEXT, at=later(30)) == Begun(Status.QUEUED, 1)


async def test_a_run_that_is_resumed_goes_on_with_what_is_kept(store: Store) -> None:
    id = await ended(
        store,
        of("a", 0, Status.COMPLETED, "1"),
        of("slow", 0, Status.TERMINATED, "1", "2", "3", seq=2),
        of("gone", 0, Status.COMPLETED, "4", seq=3),
        finish=end(Status.TERMINATED),
    )
    await store.ownership.reopen(id, run_id=NEXT, owner=RUN, at=later(20))
    slow = StandingNode(
        "slow-0", "slow", "block", 0, Status.QUEUED, 2, {"a": inline(1)}, 0, 2, entered_attempt=7, stats={"asleep": 1}
    )
    waits = standing_node("pair", Status.INCOMPLETE)
    await store.executions.begin(execution(id=id), run_id=NEXT, at=later(30))
    for _ in range(2):
        assert await store.ownership.resume(id, run_id=NEXT, kept=["a-0"], open_nodes=[slow, waits], at=later(40))
    assert not await store.ownership.resume(id, run_id=RUN, kept=[], open_nodes=[], at=later(40))
    a, again, pair = await store.executions.nodes(id)
    assert (a.id, a.status, len(a.outputs)) == ("a-0", Status.COMPLETED, 1)
    assert (again.status, again.attempt, again.ended_at, again.entered_attempt) == (Status.QUEUED, 0, None, 7)
    assert (len(again.outputs), again.stats, again.inputs) == (2, {"asleep": 1}, {"a": inline(1)})
    assert pair.status is Status.INCOMPLETE
    events = await told(store, id)
    # What the open one had given was told in its time, and is not told again.
    assert [e for e in events if e[1] == "slow-0"] == [
        (3, "slow-0", Status.TERMINATED, 2),
        (9, "slow-0", Status.QUEUED, 0),
        (12, "slow-0", Status.QUEUED, 0),
    ]
    assert not [e for e in events if e[1] == "gone-0"]
    assert await store.executions.begin_batch(id, run_id=NEXT) == 1
    entering = of("slow", 0, Status.RUNNING, seq=2)
    assert not await store.executions.enter(id, run_id=NEXT, node=entering)


async def test_failed_runs_are_found_by_their_end(store: Store) -> None:
    graph_id = new_id("graph")

    async def failed(at: float, status: Status = Status.FAILED, **changes: object) -> str:
        new = execution(graph_id=graph_id, **changes)
        await store.executions.begin(new, run_id=RUN, at=NOW)
        await store.executions.finish(new, run_id=RUN, finish=end(status, ended_at=later(at)))
        return new.id

    await failed(10)
    await failed(30, Status.COMPLETED)
    await failed(30, parent_id="above")
    await failed(30, user_id="bob")
    wanted = {await failed(20), await failed(30), await failed(40)}
    first = await store.failed_runs.page("ada", graph_id, since=later(20), limit=2)
    assert (len(first.items), first.total_count) == (2, 3)
    rest = await store.failed_runs.page("ada", graph_id, since=later(20), limit=2, before=first.next_cursor)
    assert {*first.items, *rest.items} == wanted
    assert rest.next_cursor is None


async def test_what_a_run_runs_again_is_in_its_row(store: Store) -> None:
    created, begun, finished = (execution(rerun_of="older", rerun_from_node="n") for _ in range(3))
    await store.executions.create(created)
    await store.executions.begin(begun, run_id=RUN, at=NOW)
    await store.executions.finish(finished, run_id=RUN, finish=end())
    for new in (created, begun, finished):
        row = await store.executions.get("ada", new.id)
        assert row is not None
        assert (row.rerun_of, row.rerun_from_node) == ("older", "n")


async def test_sub_graphs_whose_parent_has_ended_are_found(store: Store) -> None:
    above, over = execution(), execution()
    below, left, grandchild = (execution(parent_id=id) for id in (above.id, over.id, "nobody"))
    for new in (above, over, below, left, grandchild):
        await store.executions.begin(new, run_id=RUN, at=NOW)
    await store.executions.finish(over, run_id=RUN, finish=end())
    long_ago = timedelta(0)
    found = await store.ownership.orphans(long_ago, limit=1000)
    assert found[left.id] == over.id
    assert not {above.id, over.id, below.id, grandchild.id} & set(found)
    assert left.id not in await store.ownership.orphans(timedelta(days=36_500), limit=1000)
    await store.executions.finish(left, run_id=RUN, finish=end())
    assert left.id not in await store.ownership.orphans(long_ago, limit=1000)
