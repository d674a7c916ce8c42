"""Pools, sessions, the driver's failures, and named statements."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import pytest

from contracts.errors import SystemFault, Unavailable
from store import calls, sql
from store.calls import Pool
from store.pool import connect_options, open_connection, open_pool
from store.sql import UnknownStatement, parse, statement
from tests.store.conftest import in_schema


async def test_a_session_is_set_up(pool: Pool) -> None:
    shown = await pool.fetchrow(
        "SELECT current_setting('application_name') AS name, current_schema() AS schema, "
        "current_setting('plan_cache_mode') AS plans"
    )
    assert shown is not None
    assert (shown["name"], shown["plans"]) == ("heddle", "force_generic_plan")
    assert shown["schema"].startswith("test_")


@pytest.mark.parametrize("value", [None, 1, 1.5, 'é\n"', [1, {"a": None}], {"k": True}, 2**70])
async def test_jsonb_is_plain_values(pool: Pool, value: object) -> None:
    assert await pool.fetchval("SELECT $1::jsonb", value) == value


async def test_what_is_no_number_becomes_null(pool: Pool) -> None:
    assert await pool.fetchval("SELECT $1::jsonb", [float("nan"), float("inf")]) == [None, None]


def test_foreign_parameters_are_left_out() -> None:
    options = connect_options(
        'postgresql://u:p@h/db?schema=my"own&connection_limit=3&pgbouncer=true&sslmode=disable', application_name="x"
    )
    assert options["dsn"] == "postgresql://u:p@h/db?sslmode=disable"
    assert options["server_settings"]["search_path"] == '"my""own"'
    options = connect_options("postgresql://u@h/db?search_path=a,b", application_name="x")
    assert options["dsn"] == "postgresql://u@h/db"
    assert options["server_settings"]["search_path"] == "a,b"
    assert "search_path" not in connect_options("postgresql://u@h/db", application_name="x")["server_settings"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s3cret@127.0.0.1:1/none",
        "postgresql://ada:s3cret@/none?host=/nowhere",
        "mysql://ada:s3cret@127.0.0.1/none",
        "postgresql://ada:s3cret@[half/none",
        "postgresql://ada:s3cret@127.0.0.1:port/none",
        "postgresql://ada:s3cret@127.0.0.1:1/none?password=s3cret",
    ],
)
async def test_a_failing_connection_is_told_without_the_password(url: str) -> None:
    with pytest.raises(Unavailable) as of_pool:
        await open_pool(url, min_size=1, max_size=1, idle_seconds=1)
    with pytest.raises(Unavailable) as of_connection:
        await open_connection(url, application_name="x")
    for raised in (of_pool, of_connection):
        assert "s3cret" not in str(raised.value)
        assert raised.value.__suppress_context__


async def test_a_database_that_does_not_exist(server_url: str) -> None:
    absent = urlunsplit(urlsplit(server_url)._replace(path="/absent"))
    with pytest.raises(Unavailable, match="does not exist"):
        await open_connection(absent, application_name="x")


async def test_a_session_that_was_ended_is_unavailable_once(server_url: str) -> None:
    pool = await open_pool(server_url, min_size=1, max_size=1, idle_seconds=60)
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await calls.fetchval(pool, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert await calls.fetchval(pool, "SELECT 1") == 1
    finally:
        await pool.close()
    with pytest.raises(Unavailable):
        await calls.fetchval(pool, "SELECT 1")


async def test_a_full_pool_and_a_slow_statement_are_unavailable(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "ACQUIRE_SECONDS", 0.01)
    pool = await open_pool(server_url, min_size=1, max_size=1, idle_seconds=60)
    try:
        async with pool.acquire():
            with pytest.raises(Unavailable):
                await calls.execute(pool, "SELECT 1")
        monkeypatch.undo()
        with pytest.raises(Unavailable):
            await calls.fetch(pool, "SELECT pg_sleep(60)", seconds=0.01)
    finally:
        await pool.close()


async def test_a_refused_statement_tells_neither_sql_nor_values(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    for query, argument in (
        ("INSERT INTO users (id, email, name) VALUES ('', $1, $1)", "s3cret"),
        ("SELECT s3cret FROM users WHERE id = $1", "x"),
        ("SELECT $1::int", "s3cret"),
    ):
        with pytest.raises(SystemFault) as raised:
            await calls.execute(pool, query, argument)
        assert not isinstance(raised.value, Unavailable)
        assert "s3cret" not in str(raised.value)
    assert "users_id_check" in caplog.text


async def test_a_cancelled_statement_leaves_the_pool_in_order(server_url: str, pool: Pool) -> None:
    narrow = await open_pool(server_url, min_size=1, max_size=1, idle_seconds=60)
    try:
        process = await calls.fetchval(narrow, "SELECT pg_backend_pid()")
        slow = asyncio.ensure_future(calls.fetch(narrow, "SELECT pg_sleep(60)"))
        while not await pool.fetchval("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1", process):
            await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await calls.fetchval(narrow, "SELECT 1") == 1
    finally:
        await narrow.close()


def test_statements_have_names() -> None:
    assert parse([("a.sql", "-- about\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2\n")]) == {
        "one": "SELECT 1",
        "two": "-- why\nSELECT 2",
    }
    with pytest.raises(UnknownStatement, match=r"b\.sql"):
        parse([("a.sql", "-- name: one\nSELECT 1"), ("b.sql", "-- name: one\nSELECT 2")])
    assert statement("ping") == "SELECT 1"
    with pytest.raises(UnknownStatement, match="absent"):
        statement("absent")


async def test_every_statement_can_be_prepared(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for name, query in sql._STATEMENTS.items():
            if name != "create_migrations_table":
                await connection.prepare(query)
            # asyncpg prepares anew each time what is longer.
            assert len(query) < 15 * 1024, name


def test_schema_parameter() -> None:
    assert in_schema("postgresql://h/d", "s") == "postgresql://h/d?schema=s"
    assert in_schema("postgresql://h/d?host=/x", "s") == "postgresql://h/d?host=/x&schema=s"
