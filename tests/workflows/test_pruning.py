"""Pruning through the real server: the workflow, and the schedule that starts it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from temporalio.client import Client, Schedule

from activities.schedules import Recurring, ensure_schedules
from contracts.activities import PRUNE_EXECUTIONS
from contracts.errors import ValueMissing
from contracts.upkeep import Pruned
from engine.model import Status
from settings import Settings
from store.calls import execute
from store.postgres import PostgresStore
from tests.support.blocks import Big, Hang, Pass
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Outcome, Stack, opened_stack
from worker import recurring


async def made_older(stack: Stack, execution_id: str, days: float) -> None:
    """The run ended, and stored its values, so many days before it did."""
    pool = stack.store.removal._pool  # type: ignore[attr-defined]
    age = timedelta(days=days)
    query = "UPDATE graph_executions SET ended_at = ended_at - $2::interval WHERE id = $1"
    await execute(pool, query, execution_id, age)
    query = "UPDATE stored_values SET created_at = created_at - $2::interval WHERE execution_id = $1"
    await execute(pool, query, execution_id, age)


async def prune(stack: Stack) -> Pruned:
    """One round."""
    pruned: Pruned = await stack.client.execute_workflow(
        PRUNE_EXECUTIONS, id=f"prune-{uuid.uuid4()}", task_queue=stack.settings.task_queue, result_type=Pruned
    )
    return pruned


async def exists(stack: Stack, outcome: Outcome) -> bool:
    return await stack.store.executions.get(USER, outcome.handle.id) is not None


async def test_old_runs_are_deleted_and_open_ones_never(stack: Stack) -> None:
    simple = graph([node("a", Pass, value=1)])
    old, fresh = await stack.run(simple), await stack.run(simple)
    await made_older(stack, old.handle.id, 31)
    await made_older(stack, fresh.handle.id, 29)
    hanging = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(hanging.id):
        if await stack.store.executions.nodes(hanging.id):
            break
    await made_older(stack, hanging.id, 100)
    assert (await prune(stack)).executions == 1
    assert not await exists(stack, old)
    assert await stack.store.executions.nodes(old.handle.id) == []
    assert await exists(stack, fresh)
    assert (await prune(stack)).executions == 0
    await hanging.cancel()
    assert (await stack.outcome(hanging)).execution.status is Status.TERMINATED


@pytest.fixture
async def forgetful(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker that keeps runs for ever and their values for a day."""
    async with opened_stack(
        temporal_client, store, database_url, execution_retention_days=0, value_retention_days=1
    ) as opened:
        yield opened


async def test_values_may_go_before_their_run(forgetful: Stack) -> None:
    large = graph([node("big", Big, value=50_000)])
    old, fresh = await forgetful.run(large), await forgetful.run(large)
    await made_older(forgetful, old.handle.id, 400)
    assert (await prune(forgetful)) == Pruned(executions=0, values=1)
    assert await exists(forgetful, old), "0 days: runs are kept for ever"
    [gone], [kept] = (outcome.of("big")[0].outputs for outcome in (old, fresh))
    assert "ref" in gone.value
    assert "ref" in kept.value
    with pytest.raises(ValueMissing):
        await forgetful.store.values.get([gone.value])
    assert await forgetful.store.values.get([kept.value])


# --- the schedule -----------------------------------------------------------------------------


async def become(client: Client, id: str, is_so: Callable[[Schedule], bool]) -> Schedule:
    """The schedule, once it is so."""
    async with asyncio.timeout(20):
        while not is_so(schedule := (await client.get_schedule_handle(id).describe()).schedule):
            await asyncio.sleep(0.05)
    return schedule


async def test_schedules_are_made_once_and_brought_up_to_date(temporal_client: Client) -> None:
    id = f"schedule-{uuid.uuid4()}"

    def every(minutes: int) -> list[Recurring]:
        return [Recurring(id, PRUNE_EXECUTIONS, timedelta(minutes=minutes), "a note")]

    await asyncio.gather(*(ensure_schedules(temporal_client, "nobody", every(60)) for _ in range(5)))
    handle = temporal_client.get_schedule_handle(id)
    await handle.pause(note="not now")
    # The server takes changes of a schedule in by and by.
    await become(temporal_client, id, lambda schedule: schedule.state.paused)
    assert (await handle.describe()).info.last_updated_at is None, "an update without need could undo the pause"
    await ensure_schedules(temporal_client, "nobody", every(30))
    schedule = await become(
        temporal_client,
        id,
        lambda schedule: [each.every for each in schedule.spec.intervals] == [timedelta(minutes=30)],
    )
    assert (schedule.state.paused, schedule.state.note) == (True, "not now"), "what people set stays"
    await handle.delete()


def test_deployments_that_share_a_namespace_have_schedules_of_their_own() -> None:
    ids = [{each.id for each in recurring(Settings(task_queue=queue))} for queue in ("one", "other")]
    assert ids[0].isdisjoint(ids[1])


async def test_the_schedule_prunes(stack: Stack) -> None:
    old = await stack.run(graph([node("a", Pass, value=1)]))
    await made_older(stack, old.handle.id, 31)
    await ensure_schedules(stack.client, stack.settings.task_queue, recurring(stack.settings))
    handle = stack.client.get_schedule_handle(f"{stack.settings.task_queue}-prune")
    try:
        await handle.trigger()
        async with asyncio.timeout(30):
            while await exists(stack, old):
                await asyncio.sleep(0.1)
    finally:
        await handle.delete()
