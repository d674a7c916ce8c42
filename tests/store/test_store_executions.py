"""Runs and what they write: both forms of the store follow the same rules."""

import json
from dataclasses import replace

import pytest

from contracts.errors import InvalidRequest
from engine.model import Status
from engine.values import same_json
from store.ownership import OwnedByAnother
from store.records import Begun, Event, NodeRecord, OutputRecord, Store
from tests.store.samples import NOW, RUN, end, execution, later, new_id, node


async def begun(store: Store) -> str:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    return new.id


async def told(store: Store, execution_id: str, after: int = 1) -> list[tuple[str | None, Status, int, int]]:
    events = await store.executions.events(execution_id, after=after, limit=1000)
    assert [event.seq for event in events] == list(range(after + 1, after + 1 + len(events)))
    return [(event.node_execution_id, event.status, event.first_output, event.output_count) for event in events]


async def record(store: Store, id: str, *nodes: NodeRecord, run_id: str = RUN) -> list[str]:
    return await store.executions.record(id, run_id=run_id, nodes=nodes)


# --- the beginning ----------------------------------------------------------------------------


async def test_created_run_is_queued_and_creating_again_changes_nothing(store: Store) -> None:
    new = execution(trigger="schedule", root_id="root", parent_id="parent")
    await store.executions.create(new)
    await store.executions.create(execution(id=new.id, graph_id="other"))
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.graph_id, row.graph_version, row.trigger) == (Status.QUEUED, "graph", 1, "schedule")
    assert (row.root_id, row.parent_id, row.run_id) == ("root", "parent", None)
    assert (row.inputs, row.masks) == ({"name": {"value": "Ada"}}, {"node-1": {"pin": {"value": [1, None]}}})
    assert (row.stats, row.last_event, row.started_at, row.ended_at) == ({}, 0, None, None)
    assert row.created_at.tzinfo is not None


@pytest.mark.parametrize("is_created", [True, False])
async def test_begin_takes_the_run(store: Store, is_created: bool) -> None:
    new = execution()
    if is_created:
        await store.executions.create(new)
    assert await store.executions.begin(new, run_id=RUN, at=NOW) == Begun(Status.QUEUED, 1)
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.run_id, row.started_at, row.last_event) == (Status.RUNNING, RUN, NOW, 1)
    assert await store.executions.events(new.id, after=0, limit=9) == [
        Event(1, "graph_execution_update", Status.RUNNING, NOW)
    ]


async def test_begin_again_counts_a_batch_and_tells_nothing(store: Store) -> None:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    assert await store.executions.begin(new, run_id=RUN, at=later(5)) == Begun(Status.RUNNING, 2)
    assert await store.executions.begin_batch(new.id, run_id=RUN) == 3
    assert await store.executions.record(new.id, run_id=RUN, nodes=(), ends_batch=True) == []
    assert await store.executions.begin_batch(new.id, run_id=RUN) == 1
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.started_at, row.last_event) == (NOW, 1)


async def test_begin_after_the_end_does_not_open_the_run_again(store: Store) -> None:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await store.executions.finish(new, run_id=RUN, finish=end(Status.FAILED, error="why", error_code="code"))
    assert (await store.executions.begin(new, run_id=RUN, at=later(20))).previous is Status.FAILED
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.ended_at, row.error, row.error_code) == (Status.FAILED, later(9), "why", "code")
    assert row.last_event == 2


async def test_what_another_run_id_owns_is_left_alone(store: Store) -> None:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    for write in (
        store.executions.begin(new, run_id="run-2", at=later(20)),
        store.executions.finish(new, run_id="run-2", finish=end()),
    ):
        with pytest.raises(OwnedByAnother):
            await write
    assert await store.executions.begin_batch(new.id, run_id="run-2") == 0
    assert await record(store, new.id, node(), run_id="run-2") == ["x-1"]
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.run_id, row.last_event) == (Status.RUNNING, RUN, 1)


# --- node executions --------------------------------------------------------------------------


async def test_a_node_execution_comes_back_as_it_was_written(store: Store) -> None:
    id = await begun(store)
    reference = await store.values.put(id, b'"large"')
    given = node(
        "x-1",
        Status.COMPLETED,
        "null",
        '{"b": [1.5, "\\u00e9"]}',
        ordinal=3,
        seq=7,
        attempt=2,
        inputs={"a": '{"b": null}', "large": reference, 'odd "pin"': "0"},
        agent_output="answer",
        started_at=later(0.5),
        error="why",
        stats={"cost": 2},
    )
    given = node_with(given, OutputRecord(2, "big", reference=reference))
    assert await record(store, id, given) == []
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.id, stored.node_id, stored.block_id, stored.ordinal) == ("x-1", "node of x-1", "block", 3)
    assert (stored.seq, stored.attempt, stored.status, stored.agent_output) == (7, 2, Status.COMPLETED, "answer")
    assert (stored.queued_at, stored.started_at, stored.ended_at) == (NOW, later(0.5), later(1))
    assert (stored.error, stored.stats, stored.entered_attempt) == ("why", {"cost": 2}, None)
    assert stored.inputs == {"a": {"value": {"b": None}}, "large": reference, 'odd "pin"': {"value": 0}}
    assert [(output.index, output.name, output.value) for output in stored.outputs] == [
        (0, "out", {"value": None}),
        (1, "out", {"value": {"b": [1.5, "é"]}}),
        (2, "big", reference),
    ]
    assert await store.executions.nodes(id) == [stored]
    (event,) = await store.executions.events(id, after=1, limit=9)
    assert (event.type, event.at, event.node_id, event.block_id) == (
        "node_execution_update",
        later(1),
        "node of x-1",
        "block",
    )
    assert list(event.outputs) == stored.outputs
    assert await store.executions.node(id, "absent") is None


def node_with(given: NodeRecord, *outputs: OutputRecord) -> NodeRecord:
    return replace(given, outputs=(*given.outputs, *outputs))


async def test_a_row_follows_its_node_execution(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.INCOMPLETE, queued_at=None))
    await record(store, id, node("x-1", Status.QUEUED, seq=4, inputs={"b": "2"}))
    await record(store, id, node("x-1", Status.RUNNING, "1", seq=None, inputs={}, stats={"a": 1}))
    await record(store, id, node("x-1", Status.COMPLETED, "2", first=1, seq=None, queued_at=None, stats={"b": 2}))
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.seq, stored.queued_at, stored.stats) == (
        Status.COMPLETED,
        4,
        NOW,
        {"a": 1, "b": 2},
    )
    assert stored.inputs == {"a": {"value": 1}, "b": {"value": 2}}
    assert [output.value for output in stored.outputs] == [{"value": 1}, {"value": 2}]
    assert await told(store, id) == [
        ("x-1", Status.INCOMPLETE, 0, 0),
        ("x-1", Status.QUEUED, 0, 0),
        ("x-1", Status.RUNNING, 0, 1),
        ("x-1", Status.COMPLETED, 1, 1),
    ]


async def test_more_inputs_are_told_though_the_status_stays(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.INCOMPLETE))
    await record(store, id, node("x-1", Status.INCOMPLETE, inputs={"a": "1"}))
    await record(store, id, node("x-1", Status.INCOMPLETE, inputs={"a": "[1, 2]"}))
    await record(store, id, node("x-1", Status.INCOMPLETE, inputs={"a": "[1]"}))
    assert await told(store, id) == [("x-1", Status.INCOMPLETE, 0, 0)] * 3


async def test_the_same_final_write_again_is_accepted_silently(store: Store) -> None:
    id = await begun(store)
    assert await record(store, id, node("x-1", Status.COMPLETED, "1")) == []
    assert await record(store, id, node("x-1", Status.COMPLETED, "1")) == []
    assert await told(store, id) == [("x-1", Status.COMPLETED, 0, 1)]


async def test_outputs_that_are_there_stand(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.RUNNING, "1", "2"))
    assert await record(store, id, node("x-1", Status.COMPLETED, "9", "9", "3")) == []
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert [output.value for output in stored.outputs] == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert await told(store, id) == [("x-1", Status.RUNNING, 0, 2), ("x-1", Status.COMPLETED, 2, 1)]


async def test_numbers_come_back_as_the_same_numbers(store: Store) -> None:
    """Not always written alike: Postgres gives a float of 1e16 and more as a whole number with all its digits."""
    numbers = ["1e300", "-1e23", "1.5e-300", "0.1", "123456789012345678901234567890", "1.0"]
    id = await begun(store)
    await record(store, id, node("x-1", Status.COMPLETED, *numbers))
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    values = [output.value for output in stored.outputs]
    assert same_json(values, [{"value": json.loads(number)} for number in numbers])


async def test_an_older_attempt_writes_nothing(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.RUNNING, attempt=2))
    assert await record(store, id, node("x-1", Status.COMPLETED, "1", attempt=1), node("y-1")) == ["x-1"]
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.attempt, stored.outputs) == (Status.RUNNING, 2, [])
    assert await told(store, id) == [("x-1", Status.RUNNING, 0, 0), ("y-1", Status.COMPLETED, 0, 0)]


async def test_a_later_attempt_takes_an_open_row_and_not_an_ended_one(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.RUNNING, "1"))
    assert await record(store, id, node("x-1", Status.RUNNING, attempt=2)) == []
    assert await record(store, id, node("x-1", Status.FAILED, attempt=2)) == []
    assert await record(store, id, node("x-1", Status.COMPLETED, "1", "2", attempt=3)) == ["x-1"]
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.attempt, len(stored.outputs)) == (Status.FAILED, 2, 1)


async def test_what_comes_late_from_the_attempt_that_ended_the_row_adds_outputs_only(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.COMPLETED, "1", "2"))
    assert await record(store, id, node("x-1", Status.RUNNING, "1", "2", "3", inputs={"a": "5"})) == []
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.inputs, len(stored.outputs)) == (Status.COMPLETED, {"a": {"value": 1}}, 3)
    assert await told(store, id) == [("x-1", Status.COMPLETED, 0, 2), ("x-1", Status.COMPLETED, 2, 1)]


async def test_another_end_by_the_same_attempt_is_refused(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.TERMINATED))
    assert await record(store, id, node("x-1", Status.COMPLETED, "1")) == ["x-1"]
    assert await told(store, id) == [("x-1", Status.TERMINATED, 0, 0)]


@pytest.mark.parametrize("exists", [True, False])
async def test_another_run_id_writes_nothing(store: Store, exists: bool) -> None:
    id = await begun(store) if exists else new_id("absent")
    refused = await store.executions.record(
        id, run_id="another", nodes=[node("x-1"), node("y-1"), node("x-1")], ends_batch=True, finish=end()
    )
    assert refused == ["x-1", "y-1"]
    assert await store.executions.nodes(id) == []
    assert await told(store, id) == []


async def test_two_records_of_one_node_execution_in_one_call(store: Store) -> None:
    id = await begun(store)
    refused = await record(
        store,
        id,
        node("x-1", Status.RUNNING, "1", inputs={"b": "2"}, started_at=NOW),
        node("y-1", Status.COMPLETED, "1"),
        node("x-1", Status.COMPLETED, "2", first=1),
        node("y-1", Status.FAILED),
        node("y-1", Status.RUNNING, "2", first=1),
    )
    assert refused == ["y-1"]
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.started_at) == (Status.COMPLETED, NOW)
    assert stored.inputs == {"a": {"value": 1}, "b": {"value": 2}}
    assert await told(store, id) == [("x-1", Status.COMPLETED, 0, 2), ("y-1", Status.COMPLETED, 0, 2)]


async def test_an_older_attempt_in_the_same_call_is_refused(store: Store) -> None:
    id = await begun(store)
    assert await record(store, id, node("x-1", Status.RUNNING, attempt=2), node("x-1", attempt=1)) == ["x-1"]
    assert await told(store, id) == [("x-1", Status.RUNNING, 0, 0)]


async def test_a_final_status_has_a_time_of_its_end(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("x-1", Status.FAILED, ended_at=None))
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert stored.ended_at is not None


async def test_entering(store: Store) -> None:
    id = await begun(store)

    async def enter(node_id: str, attempt: int, run_id: str = RUN) -> bool:
        return await store.executions.enter(id, run_id=run_id, node=node(node_id, Status.RUNNING, attempt=attempt))

    assert not await enter("x-1", 1, run_id="another")
    assert await store.executions.node(id, "x-1") is None
    await record(store, id, node("y-1", Status.RUNNING, attempt=2), node("z-1"))
    assert await enter("x-1", 1)
    assert await enter("x-1", 1), "the same attempt may ask again"
    assert not await enter("x-1", 2)
    assert not await enter("y-1", 1)
    assert await enter("y-1", 3)
    assert await record(store, id, node("y-1", attempt=2)) == ["y-1"]
    assert not await enter("z-1", 1)
    stored = await store.executions.node(id, "x-1")
    assert stored is not None
    assert (stored.status, stored.entered_attempt) == (Status.RUNNING, 1)
    told = [event for event in await store.executions.events(id, after=0, limit=99) if event.node_execution_id == "x-1"]
    assert [event.status for event in told] == [Status.RUNNING]


# --- the end ----------------------------------------------------------------------------------


async def test_the_end_closes_what_is_open(store: Store) -> None:
    id = await begun(store)
    await record(
        store,
        id,
        node("r", Status.RUNNING, seq=3, attempt=2),
        node("q", Status.QUEUED, seq=2),
        node("v", Status.REVIEW, seq=5),
        node("i", Status.INCOMPLETE),
        node("c", Status.COMPLETED, seq=1),
    )
    refused = await store.executions.record(
        id,
        run_id=RUN,
        nodes=[node("n", Status.RUNNING, "1", seq=9), node("r", Status.RUNNING, "1", attempt=1)],
        finish=end(Status.TERMINATED, error="stopped", error_code="stop"),
    )
    assert refused == ["r"]
    assert [(row.id, row.status, row.ended_at) for row in await store.executions.nodes(id)] == [
        ("c", Status.COMPLETED, later(1)),
        ("q", Status.TERMINATED, later(9)),
        ("r", Status.TERMINATED, later(9)),
        ("v", Status.TERMINATED, later(9)),
        ("n", Status.TERMINATED, later(9)),
        ("i", Status.INCOMPLETE, None),
    ]
    assert await told(store, id, after=6) == [
        ("n", Status.TERMINATED, 0, 1),
        ("q", Status.TERMINATED, 0, 0),
        ("r", Status.TERMINATED, 0, 0),
        ("v", Status.TERMINATED, 0, 0),
        (None, Status.TERMINATED, 0, 0),
    ]
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.error, row.error_code) == (Status.TERMINATED, "stopped", "stop")
    assert (row.ended_at, row.stats, row.last_event) == (later(9), {"nodes": 1}, 11)


async def test_what_a_shortfall_closes_fails(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("q", Status.QUEUED))
    await store.executions.record(id, run_id=RUN, nodes=(), finish=end(Status.FAILED, close_open=Status.FAILED))
    assert [row.status for row in await store.executions.nodes(id)] == [Status.FAILED]


async def test_the_first_end_stands(store: Store) -> None:
    id = await begun(store)
    await store.executions.record(id, run_id=RUN, nodes=[node("x-1")], finish=end())
    again = await store.executions.record(id, run_id=RUN, nodes=[node("x-1")], finish=end())
    assert again == []
    await store.executions.record(id, run_id=RUN, nodes=(), finish=end(Status.FAILED, error="late"))
    row = await store.executions.get("ada", id)
    assert row is not None
    assert (row.status, row.error, row.last_event) == (Status.COMPLETED, None, 3)


async def test_nothing_is_opened_after_the_end(store: Store) -> None:
    id = await begun(store)
    await store.executions.record(id, run_id=RUN, nodes=(), finish=end())
    assert await record(store, id, node("x-1", Status.RUNNING, "1"), node("y-1", Status.COMPLETED)) == ["x-1"]
    assert [row.id for row in await store.executions.nodes(id)] == ["y-1"]


@pytest.mark.parametrize("is_created", [True, False])
async def test_the_end_of_a_run_that_never_began(store: Store, is_created: bool) -> None:
    new = execution()
    if is_created:
        await store.executions.create(new)
    for _ in range(2):
        await store.executions.finish(new, run_id=RUN, finish=end(Status.TERMINATED))
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.run_id, row.started_at, row.ended_at) == (Status.TERMINATED, RUN, None, later(9))
    assert await told(store, new.id, after=0) == [(None, Status.TERMINATED, 0, 0)]
    assert (await store.executions.begin(new, run_id=RUN, at=later(10))).previous is Status.TERMINATED


async def test_the_end_by_another_run_id_is_ignored(store: Store) -> None:
    new = execution()
    await store.executions.begin(new, run_id=RUN, at=NOW)
    with pytest.raises(OwnedByAnother):
        await store.executions.finish(new, run_id="another", finish=end())
    row = await store.executions.get("ada", new.id)
    assert row is not None
    assert (row.status, row.run_id) == (Status.RUNNING, RUN)


# --- reading ----------------------------------------------------------------------------------


async def test_a_run_is_shown_to_its_owner_only(store: Store) -> None:
    id = await begun(store)
    assert await store.executions.get("eve", id) is None
    assert await store.executions.get("ada", "absent") is None


async def test_pages_of_runs(store: Store) -> None:
    user = new_id("user")
    ids = []
    for number in range(5):
        new = execution(user_id=user, graph_id="even" if number % 2 == 0 else "odd")
        ids.append(new.id)
        await store.executions.create(new)
    await store.executions.begin(execution(id=ids[0], user_id=user, graph_id="even"), run_id=RUN, at=NOW)
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = await store.executions.page(user, limit=2, before=cursor)
        assert page.total_count == 5
        seen += [row.id for row in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert (seen, pages) == (ids[::-1], 3)

    async def found(**filters: object) -> tuple[list[str], int]:
        page = await store.executions.page(user, limit=9, before=None, **filters)  # type: ignore[arg-type]
        assert page.next_cursor is None
        return [row.id for row in page.items], page.total_count

    assert await found(graph_id="odd") == ([ids[3], ids[1]], 2)
    assert await found(statuses=[Status.RUNNING, Status.FAILED]) == ([ids[0]], 1)
    assert await found(graph_id="even", statuses=[Status.QUEUED]) == ([ids[4], ids[2]], 2)
    assert (await store.executions.page(new_id("nobody"), limit=9, before=None)).items == []


@pytest.mark.parametrize("cursor", ["?", "abc", "MjAyNi0xMS0yMSB4", "", "é"])
async def test_a_foreign_cursor_is_the_callers_mistake(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await store.executions.page("ada", limit=9, before=cursor)
    with pytest.raises(InvalidRequest):
        await store.graphs.page("ada", limit=9, before=cursor)


async def test_queue_order_with_incomplete_ones_last(store: Store) -> None:
    id = await begun(store)
    await record(
        store,
        id,
        node("i-2", Status.INCOMPLETE),
        node("i-1", Status.INCOMPLETE),
        node("b", seq=2),
        node("a", seq=1),
    )
    await record(store, id, node("i-3", Status.INCOMPLETE), node("i-2", Status.INCOMPLETE, inputs={"b": "1"}))
    assert [row.id for row in await store.executions.nodes(id)] == ["a", "b", "i-2", "i-1", "i-3"]


async def test_outputs_of_the_run(store: Store) -> None:
    id = await begun(store)
    reference = await store.values.put(id, b"[1]")
    await record(
        store,
        id,
        node("3", seq=3, agent_output="large", inputs={"value": reference}),
        node("1", Status.RUNNING, seq=1, agent_output="answer", inputs={"value": "null", "name": '"answer"'}),
        node("2", seq=2),
        node("4", seq=4, agent_output="answer", inputs={}),
        node("5", Status.INCOMPLETE, agent_output="answer", inputs={"value": "5"}),
    )
    assert await store.executions.agent_outputs(id) == [
        ("answer", {"value": None}),
        ("large", reference),
        ("answer", {"value": None}),
    ]


async def test_what_was_given_is_read_piece_by_piece(store: Store) -> None:
    id = await begun(store)
    given = [
        node(str(number), agent_output=f"out {number}", outputs=(OutputRecord(0, "output", str(number)),))
        for number in range(3)
    ]
    nothing = [node(f"nothing {number}", agent_output="quiet") for number in range(3)]
    await record(
        store, id, node("other", agent_output=None), *nothing, given[0], node("more", Status.FAILED), *given[1:]
    )

    async def read(after: int, limit: int) -> list[tuple[str, object]]:
        found = await store.executions.given_outputs(id, after=after, limit=limit)
        return [(name, value.get("value")) for _, name, value in found]

    assert await read(0, 10) == [("out 0", 0), ("out 1", 1), ("out 2", 2)]
    assert await read(0, 2) == [("out 0", 0), ("out 1", 1)]
    [_, (after, _, _)] = await store.executions.given_outputs(id, after=0, limit=2)
    assert await read(after, 2) == [("out 2", 2)]


async def test_what_a_run_has_used_so_far(store: Store) -> None:
    id = await begun(store)
    zero = {"node_count": 0, "node_error_count": 0, "incomplete_count": 0, "cost": 0}
    assert await store.executions.stats_so_far(id) == {**zero, "nodes_walltime": 0, "nodes_cputime": 0}
    used = {"walltime": 1.5, "cputime": 0.25, "extra_cost": 3, "extra_steps": 2}
    await record(
        store,
        id,
        node("1", stats=used),
        node("2", Status.FAILED, stats={**used, "extra_steps": 0}),
        node("3", Status.RUNNING, stats=used, ended_at=None),
        node("4", Status.INCOMPLETE, seq=None, ended_at=None),
    )
    assert await store.executions.stats_so_far(id) == {
        "node_count": 4,
        "node_error_count": 1,
        "incomplete_count": 1,
        "cost": 6,
        "nodes_walltime": 3.0,
        "nodes_cputime": 0.5,
    }


async def test_events_are_read_from_a_number_on(store: Store) -> None:
    id = await begun(store)
    await record(store, id, node("a", Status.COMPLETED, "1", "2"), node("b", Status.COMPLETED, "3"), node("c"))
    events = await store.executions.events(id, after=1, limit=2)
    assert [event.seq for event in events] == [2, 3]
    assert [[output.value for output in event.outputs] for event in events] == [
        [{"value": 1}, {"value": 2}],
        [{"value": 3}],
    ]
    assert await store.executions.events(id, after=4, limit=9) == []
    assert await store.executions.events("absent", after=0, limit=9) == []


async def test_a_thousand_node_executions_in_one_call(store: Store) -> None:
    id = await begun(store)
    nodes = [node(f"n-{number}", Status.COMPLETED, str(number), seq=number) for number in range(1000)]
    assert await store.executions.record(id, run_id=RUN, nodes=nodes, ends_batch=True, finish=end()) == []
    rows = await store.executions.nodes(id)
    assert [(row.id, row.outputs[0].value) for row in rows] == [
        (f"n-{number}", {"value": number}) for number in range(1000)
    ]
    assert len(await told(store, id, after=0)) == 1000  # the limit of `told`
    events = await store.executions.events(id, after=1000, limit=9)
    assert [event.seq for event in events] == [1001, 1002]
