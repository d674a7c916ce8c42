"""What a round of reconciling does with workflows that have no row."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.admitting import Admitting
from activities.reconcile import ReconcileActivities, ReconcileLimits
from contracts.activities import RECONCILE_RUNS, Reconciled
from contracts.upkeep import ReconcileRequest
from engine.model import Status
from store.calls import execute
from store.postgres import PostgresStore
from store.slots import SlotLimits
from tests.support.blocks import Pass
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack, opened_stack


@pytest.fixture
async def vigilant(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker whose rounds look at workflows as soon as they are started."""
    async with opened_stack(temporal_client, store, database_url, reconcile_silence_seconds=0.01) as opened:
        yield opened


async def reconcile(stack: Stack) -> Reconciled:
    """One round, the first of its deployment: it looks back an hour."""
    done: Reconciled = await stack.client.execute_workflow(
        RECONCILE_RUNS, id=f"reconcile-{uuid.uuid4()}", task_queue=stack.settings.task_queue, result_type=Reconciled
    )
    return done


async def until_written(stack: Stack) -> int:
    """Rounds until rows were written: the server lists what was started a moment later. How many it were."""
    async with asyncio.timeout(30):
        while not (written := (await reconcile(stack)).written):
            await asyncio.sleep(0.05)
    return written


async def test_a_deleted_run_gets_no_row_again(vigilant: Stack) -> None:
    simple = graph([node("a", Pass, value=1)])
    deleted, lost = await vigilant.run(simple), await vigilant.run(simple)
    for outcome in (deleted, lost):
        assert await vigilant.store.removal.delete_execution(USER, outcome.handle.id)
    pool = vigilant.store.removal._pool  # type: ignore[attr-defined]
    await execute(pool, "DELETE FROM deleted_executions WHERE id = $1", lost.handle.id)
    assert await until_written(vigilant) == 1
    assert await vigilant.store.executions.get(USER, deleted.handle.id) is None
    found = await vigilant.store.executions.get(USER, lost.handle.id)
    assert found is not None
    assert found.status is Status.COMPLETED


async def test_an_id_that_is_started_again_after_its_deletion_gets_a_row(vigilant: Stack) -> None:
    outcome = await vigilant.run(graph([node("a", Pass, value=1)]))
    await vigilant.store.removal.delete_execution(USER, outcome.handle.id)
    pool = vigilant.store.removal._pool  # type: ignore[attr-defined]
    query = "UPDATE deleted_executions SET deleted_at = deleted_at - interval '1 minute' WHERE id = $1"
    await execute(pool, query, outcome.handle.id)
    assert await until_written(vigilant) == 1
    assert await vigilant.store.executions.get(USER, outcome.handle.id) is not None


async def test_a_run_that_the_server_lists_late_is_found_by_a_later_round(vigilant: Stack) -> None:
    outcome = await vigilant.run(graph([node("a", Pass, value=1)]))
    await vigilant.store.removal.delete_execution(USER, outcome.handle.id)
    pool = vigilant.store.removal._pool  # type: ignore[attr-defined]
    await execute(pool, "DELETE FROM deleted_executions WHERE id = $1", outcome.handle.id)
    settings = vigilant.settings
    limits = ReconcileLimits(silence=timedelta(0), look_back=timedelta(hours=1), rows=10, workflows=1000)
    admitting = Admitting(vigilant.client, vigilant.store, SlotLimits(1, 1))
    rounds = ReconcileActivities(vigilant.client, vigilant.store, admitting, settings.task_queue, limits)
    async with asyncio.timeout(30):
        written = 0
        while not written:
            # As if the round before had looked at this very moment already, when the list was not up to date.
            now = datetime.now(UTC)
            done = await ActivityEnvironment().run(rounds.reconcile, ReconcileRequest(at=now, listed_until=now))
            written = done.written
            await asyncio.sleep(0.05)
    assert await vigilant.store.executions.get(USER, outcome.handle.id) is not None
