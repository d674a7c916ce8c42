"""Admission through the real server: who finds no slot waits QUEUED and goes on when one is free, oldest first."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import CancelledError

from activities.admitting import Admitting
from blocks.people import HumanInTheLoop
from contracts import search_attributes
from contracts.activities import ADMITTED, EVENT, Admitted
from engine.model import Graph, GraphPolicy, OnNodeError, Status
from store.postgres import PostgresStore
from tests.replay.record import reset_to, reset_to_the_middle
from tests.support.blocks import Fail, Hang, PassOn, Sink, Trace
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack, opened_stack
from tests.workflows.test_continuation import histories

type Handle = WorkflowHandle[Any, Any]


@pytest.fixture(scope="module")
async def narrow(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker that lets one run of a user and graph go on at once; who is not told waits for an hour."""
    limits = {"max_concurrent_graph_executions_per_user": 1, "admission_retry_seconds": 3600}
    async with opened_stack(temporal_client, store, database_url, **limits) as opened:
        yield opened


@pytest.fixture(scope="module")
async def asking(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """The same, but who waits asks again soon, and continues as new after a few events."""
    limits = {
        "max_concurrent_graph_executions_per_user": 1,
        "admission_retry_seconds": 0.3,
        "continue_after_events": 20,
    }
    async with opened_stack(temporal_client, store, database_url, **limits) as opened:
        yield opened


def hanging() -> Graph:
    return graph([node("hang", Hang, value=1)], id=str(uuid.uuid4()))


def tracing(graph_id: str, file: Path, *, wait_for: Path | None = None) -> Graph:
    trace = node("t", Trace, value=1, file=str(file), wait_for=str(wait_for or ""))
    return graph([trace, node("out", Sink, name="y")], "t.value -> out.value", id=graph_id)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.02)


async def status_of(stack: Stack, handle: Handle) -> Status | None:
    row = await stack.store.executions.get(USER, handle.id)
    return row.status if row else None


async def reached(stack: Stack, handle: Handle, status: Status) -> None:
    async def yes() -> bool:
        return await status_of(stack, handle) is status

    await until(yes)


async def waits(handle: Handle) -> None:
    """Until the workflow knows that it is in the queue."""

    async def yes() -> bool:
        return (await handle.describe()).typed_search_attributes.get(search_attributes.STATUS) == "QUEUED"

    await until(yes)


async def completed(stack: Stack, handle: Handle) -> None:
    assert (await stack.outcome(handle)).execution.status is Status.COMPLETED


async def test_runs_follow_one_another_in_the_order_of_arrival(narrow: Stack, tmp_path: Path) -> None:
    graph_id, trace = str(uuid.uuid4()), tmp_path / "trace"
    handles = []
    for name in ("a", "b", "c"):
        handles.append(await narrow.start(tracing(graph_id, trace, wait_for=tmp_path / name)))
        await (waits(handles[-1]) if len(handles) > 1 else reached(narrow, handles[0], Status.RUNNING))
    for place, name in enumerate(("a", "b", "c")):
        await reached(narrow, handles[place], Status.RUNNING)
        for later in handles[place + 1 :]:
            row = await narrow.store.executions.get(USER, later.id)
            assert row is not None
            assert (row.status, row.started_at, row.last_event) == (Status.QUEUED, None, 0)
            assert await narrow.store.executions.nodes(later.id) == []
        (tmp_path / name).touch()
        await completed(narrow, handles[place])
    assert len(trace.read_text().splitlines()) == 3


async def reset_to_its_second_node(stack: Stack, tmp_path: Path, graph_id: str) -> tuple[Handle, Path]:
    """A run that was over and goes on again: its second node waits for the file."""
    go = tmp_path / f"go-{uuid.uuid4()}"
    go.touch()
    first = node("first", PassOn, value=1)
    second = node("second", Trace, file=str(tmp_path / "again"), wait_for=str(go))
    handle = await stack.start(graph([first, second], "first.value -> second.value", id=graph_id))
    await completed(stack, handle)
    go.unlink()
    again = await reset_to_the_middle(stack.client, handle.id)
    await reached(stack, again, Status.RUNNING)
    return again, go


async def test_a_run_that_was_reset_to_its_middle_counts(narrow: Stack, tmp_path: Path) -> None:
    graph_id = str(uuid.uuid4())
    reset, go = await reset_to_its_second_node(narrow, tmp_path, graph_id)
    following = await narrow.start(tracing(graph_id, tmp_path / "trace"))
    await waits(following)
    go.touch()
    await completed(narrow, reset)
    await completed(narrow, following)


async def test_a_run_that_was_reset_to_its_middle_does_not_wait(narrow: Stack, tmp_path: Path) -> None:
    graph_id, gate = str(uuid.uuid4()), tmp_path / "gate"
    reset, go = await reset_to_its_second_node(narrow, tmp_path, graph_id)
    holder = await narrow.start(tracing(graph_id, tmp_path / "trace", wait_for=gate))
    await waits(holder)
    go.touch()
    await completed(narrow, reset)
    await reached(narrow, holder, Status.RUNNING)
    again = await reset_to_the_middle(narrow.client, reset.id)
    await completed(narrow, again)
    gate.touch()
    await completed(narrow, holder)
    places = await narrow.store._pool.fetch("SELECT * FROM run_slots WHERE graph_id = $1", graph_id)
    assert places == [], "whoever is over holds nothing"


async def test_a_run_that_is_reset_while_it_waits_for_a_person_holds_nothing(narrow: Stack, tmp_path: Path) -> None:
    graph_id = str(uuid.uuid4())
    first, ask = node("first", PassOn, value=1), node("ask", HumanInTheLoop, name="Well?")
    handle = await narrow.start(graph([first, ask], "first.value -> ask.data", id=graph_id))
    await reached(narrow, handle, Status.REVIEW)
    await handle.signal(EVENT, {"name": "nobody listens"})

    def heard() -> bool:
        return events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and any(
            event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED for event in events
        )

    async with asyncio.timeout(30):
        while events := (await handle.fetch_history()).events:
            if heard():
                break
    again = await reset_to(narrow.client, handle.id, events[-1].event_id)

    async def waits_again() -> bool:
        row = await narrow.store.executions.get(USER, handle.id)
        return row is not None and (row.run_id, row.status) == (again.run_id, Status.REVIEW)

    await until(waits_again)
    await completed(narrow, await narrow.start(tracing(graph_id, tmp_path / "trace")))
    await again.cancel()
    await narrow.outcome(again)


@pytest.mark.parametrize("how", ["stopped", "failed"])
async def test_however_a_run_ends_the_next_one_begins(narrow: Stack, tmp_path: Path, how: str) -> None:
    first = hanging()
    if how == "failed":
        gate = tmp_path / "gate"
        trace = node("t", Trace, value=1, file=str(tmp_path / "x"), wait_for=str(gate))
        policy = GraphPolicy(on_node_error=OnNodeError.FAIL)
        first = graph([trace, node("f", Fail)], "t.value -> f.value", id=first.id, policy=policy)
    holder = await narrow.start(first)
    await reached(narrow, holder, Status.RUNNING)
    second = await narrow.start(tracing(first.id, tmp_path / "trace"))
    await waits(second)
    if how == "failed":
        gate.touch()
    else:
        await holder.cancel()
    outcome = await narrow.outcome(holder)
    assert outcome.execution.status is (Status.FAILED if how == "failed" else Status.TERMINATED)
    await completed(narrow, second)


async def test_who_waits_can_be_stopped(narrow: Stack, tmp_path: Path) -> None:
    first = hanging()
    holder = await narrow.start(first)
    await reached(narrow, holder, Status.RUNNING)
    second = await narrow.start(tracing(first.id, tmp_path / "second"))
    await waits(second)
    third = await narrow.start(tracing(first.id, tmp_path / "third"))
    await waits(third)
    await second.cancel()
    outcome = await narrow.outcome(second)
    assert isinstance(outcome.failure, CancelledError)
    assert (outcome.execution.status, outcome.execution.error, outcome.nodes) == (Status.TERMINATED, None, [])
    description = await second.describe()
    assert description.status is WorkflowExecutionStatus.CANCELED
    assert description.typed_search_attributes.get(search_attributes.STATUS) == "TERMINATED"
    assert await status_of(narrow, third) is Status.QUEUED
    await holder.cancel()
    await completed(narrow, third)
    assert not (tmp_path / "second").exists()


async def test_a_signal_too_early_or_twice_lets_nobody_in(narrow: Stack, tmp_path: Path) -> None:
    first = hanging()
    holder = await narrow.start(first)
    await reached(narrow, holder, Status.RUNNING)
    second = await narrow.start(tracing(first.id, tmp_path / "second"))
    await waits(second)
    for _ in range(3):
        await second.signal(ADMITTED, Admitted(by="nobody"))
    await asyncio.sleep(0.3)
    assert await status_of(narrow, second) is Status.QUEUED
    await holder.signal(ADMITTED, Admitted(by="nobody"))
    await holder.cancel()
    await completed(narrow, second)


async def test_nobody_waits_for_a_run_that_is_gone(narrow: Stack, tmp_path: Path) -> None:
    first = hanging()
    holder = await narrow.start(first)
    await reached(narrow, holder, Status.RUNNING)
    gone = [await narrow.start(tracing(first.id, tmp_path / "gone")) for _ in range(2)]
    for each in gone:
        await waits(each)
    last = await narrow.start(tracing(first.id, tmp_path / "last"))
    await waits(last)
    for each in gone:
        await each.terminate()
    await holder.cancel()
    await completed(narrow, last)
    assert not (tmp_path / "gone").exists()


async def test_a_turn_that_nobody_told_of_comes_with_the_timer(
    asking: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def died(self: Admitting, *_: Any, **__: Any) -> None:
        """As a worker killed between the commit and the signal."""

    monkeypatch.setattr(Admitting, "tell", died)
    first = hanging()
    holder = await asking.start(first)
    await reached(asking, holder, Status.RUNNING)
    second = await asking.start(tracing(first.id, tmp_path / "second"))
    await waits(second)
    await holder.cancel()
    await asking.outcome(holder)
    await completed(asking, second)


async def test_a_long_wait_has_many_short_histories(asking: Stack, tmp_path: Path) -> None:
    first = hanging()
    holder = await asking.start(first)
    await reached(asking, holder, Status.RUNNING)
    second = await asking.start(tracing(first.id, tmp_path / "second"))
    await waits(second)
    started = (await second.describe()).run_id

    async def continued() -> bool:
        return (await second.describe()).run_id != started

    await until(continued)
    third = await asking.start(tracing(first.id, tmp_path / "third", wait_for=tmp_path / "go"))
    await waits(third)
    await holder.cancel()
    await completed(asking, second)
    (tmp_path / "go").touch()
    await completed(asking, third)
    lengths = await histories(asking, second)
    assert len(lengths) >= 2
    assert max(lengths) < 60


async def test_a_full_batch_of_starts_never_exceeds_the_limit(
    temporal_client: Client, store: PostgresStore, database_url: str, tmp_path: Path
) -> None:
    limits = {"max_concurrent_graph_executions_per_user": 3, "admission_retry_seconds": 3600}
    async with opened_stack(temporal_client, store, database_url, **limits) as stack:
        graph_id = str(uuid.uuid4())
        going: list[int] = []

        async def count() -> None:
            while True:
                page = await store.executions.page(
                    USER, graph_id=graph_id, statuses=[Status.RUNNING], limit=100, before=None
                )
                going.append(len(page.items))
                await asyncio.sleep(0.005)

        counting = asyncio.create_task(count())
        handles = [await stack.start(tracing(graph_id, tmp_path / "trace")) for _ in range(20)]
        for handle in handles:
            await completed(stack, handle)
        counting.cancel()
        assert 1 <= max(going) <= 3


async def test_runs_go_on_when_admission_cannot_be_asked(
    narrow: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hanging()
    holder = await narrow.start(first)
    await reached(narrow, holder, Status.RUNNING)
    await narrow.store._pool.execute("ALTER TABLE run_slots RENAME TO slots_gone")
    try:
        await completed(narrow, await narrow.start(tracing(first.id, tmp_path / "second")))
    finally:
        await narrow.store._pool.execute("ALTER TABLE slots_gone RENAME TO run_slots")
    await holder.cancel()
    await narrow.outcome(holder)


async def test_every_activity_of_a_node_is_fair_to_its_user(narrow: Stack, tmp_path: Path) -> None:
    outcome = await narrow.run(tracing("", tmp_path / "trace"))
    history = await outcome.handle.fetch_history()
    keys = {
        event.activity_task_scheduled_event_attributes.priority.fairness_key
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    assert keys == {USER}
