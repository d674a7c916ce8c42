"""The schema: made from nothing, and from each earlier one with rows in it.

A new migration needs rows/<its number>.sql: rows as a deployment has them once it is applied.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model import Status
from store.calls import Pool
from store.migrate import Migration, MigrationRefused, migrate, read_migrations
from store.pool import open_pool
from store.postgres import PostgresStore
from tests.store.samples import RUN, end, execution

ROWS = Path(__file__).parent / "rows"
ALL = read_migrations()


@pytest.fixture
async def empty(empty_schema: str) -> AsyncIterator[Pool]:
    pool = await open_pool(empty_schema, min_size=1, max_size=4, idle_seconds=60)
    yield pool
    await pool.close()


async def columns(pool: Pool) -> list[tuple[str, ...]]:
    rows = await pool.fetch(
        "SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '') "
        "FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2"
    )
    indexes = await pool.fetch(
        "SELECT tablename, indexname, replace(indexdef, current_schema(), '') FROM pg_indexes "
        "WHERE schemaname = current_schema() ORDER BY 1, 2"
    )
    return [tuple(row) for row in (*rows, *indexes)]


async def test_on_an_empty_database_and_again(empty: Pool) -> None:
    assert await migrate(empty) == [migration.name for migration in ALL]
    assert await migrate(empty) == []


@pytest.mark.parametrize("count", range(1, len(ALL) + 1), ids=[migration.name for migration in ALL])
async def test_on_an_earlier_schema_with_rows(empty: Pool, pool: Pool, count: int) -> None:
    await migrate(empty, ALL[:count])
    await empty.execute((ROWS / f"{ALL[count - 1].number:04}.sql").read_text(encoding="utf-8"))
    assert await migrate(empty) == [migration.name for migration in ALL[count:]]
    assert await columns(empty) == await columns(pool)

    store = PostgresStore(empty)
    assert (await store.users.by_api_key("key")) is not None
    graph = await store.graphs.get("ada", "top")
    assert graph is not None
    assert [sub.name for sub in graph.graph.sub_graphs] == ["Sub"]
    (row,) = (await store.executions.page("ada", limit=9, before=None)).items
    assert (row.id, row.graph_name, row.status, row.inputs) == ("run", "Top", Status.RUNNING, {"a": {"value": 1}})
    (node,) = await store.executions.nodes("run")
    assert node.outputs[0].value == {"value": 1}
    reference = node.outputs[1].value
    assert "ref" in reference
    assert await store.values.get([reference]) == {reference["ref"]: [1]}
    assert await store.executions.agent_outputs("run") == [("answer", {"value": 1})]
    await store.executions.finish(execution(id="run"), run_id=RUN, finish=end())
    events = await store.executions.events("run", after=0, limit=9)
    assert [(event.seq, event.status, len(event.outputs)) for event in events] == [
        (1, Status.RUNNING, 0),
        (2, Status.RUNNING, 2),
        (3, Status.TERMINATED, 0),
        (4, Status.COMPLETED, 0),
    ]


async def test_several_processes_at_once(empty_schema: str) -> None:
    pools = [await open_pool(empty_schema, min_size=1, max_size=1, idle_seconds=60) for _ in range(4)]
    try:
        applied = await asyncio.gather(*(migrate(pool) for pool in pools))
    finally:
        for pool in pools:
            await pool.close()
    assert sorted(applied, key=len) == [[], [], [], [migration.name for migration in ALL]]


async def test_a_file_that_changed_is_refused(empty: Pool) -> None:
    await migrate(empty)
    changed = [replace(ALL[0], sql=ALL[0].sql + "\n-- more"), *ALL[1:]]
    with pytest.raises(MigrationRefused, match=ALL[0].name):
        await migrate(empty, changed)
    assert await migrate(empty) == []


async def test_a_migration_that_fails_leaves_nothing_and_the_next_try_goes_on(empty: Pool) -> None:
    name = "9999_more"
    broken = Migration(9999, name, "CREATE TABLE more (id int); SELECT 1 / 0")
    with pytest.raises(Exception, match="22012"):
        await migrate(empty, [*ALL, broken])
    assert await migrate(empty, [*ALL, replace(broken, sql="CREATE TABLE more (id int)")]) == [name]
    # A process of the version before starts beside it.
    assert await migrate(empty) == []


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0001_b.sql", "notes.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="0001_a and 0001_b"):
        read_migrations(tmp_path)
