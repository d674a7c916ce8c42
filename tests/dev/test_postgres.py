"""The embedded PostgreSQL by itself."""

from pathlib import Path

import asyncpg
import pytest

from dev import postgres
from dev.postgres import PostgresFailed, Server
from dev.stack import own_database


async def test_it_keeps_its_data_and_listens_on_its_socket_only(tmp_path: Path) -> None:
    for value in (1, 2):
        server = postgres.start(tmp_path / "pg")
        try:
            connection = await asyncpg.connect(server.url)
            try:
                await connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
                await connection.execute("INSERT INTO kept VALUES ($1)", value)
                assert await connection.fetchval("SELECT count(*) FROM kept") == value
                assert await connection.fetchval("SHOW listen_addresses") == ""
            finally:
                await connection.close()
        finally:
            server.stop()
        assert server.process.returncode == 0


def test_a_killed_server_s_data_can_be_used_at_once(tmp_path: Path) -> None:
    first = postgres.start(tmp_path / "pg")
    first.process.kill()
    first.process.wait(10)
    postgres.start(tmp_path / "pg").stop()


def test_a_server_that_was_left_behind_is_ended_first(tmp_path: Path) -> None:
    left = postgres.start(tmp_path / "pg")
    second = postgres.start(tmp_path / "pg")
    try:
        assert left.process.wait(10) == 0
    finally:
        second.stop()


def test_what_keeps_it_from_starting_is_said(tmp_path: Path) -> None:
    postgres.start(tmp_path / "pg").stop()
    (tmp_path / "pg" / "data" / "postgresql.conf").write_text("no such setting\n")
    with pytest.raises(PostgresFailed, match=r"no such setting|syntax error"):
        postgres.start(tmp_path / "pg")


def test_data_of_a_version_it_does_not_have_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresFailed, match="PostgreSQL 9"):
        _ = Server(tmp_path / "pg").command


def test_the_socket_s_path_is_short_wherever_the_data_is(tmp_path: Path) -> None:
    deep = Server(tmp_path / ("deep" * 30))
    assert len(str(deep.sockets / ".s.PGSQL.5432")) < 104
    assert deep.sockets != Server(tmp_path / ("seep" * 30)).sockets
    assert postgres.is_embedded(deep.url)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DIRECT_URL", "HEDDLE_DATABASE_URL"])
def test_a_database_of_the_user_s_own_is_used(name: str) -> None:
    for url in ("postgresql://me@db.example/heddle", "postgresql:///heddle?host=/var/run/postgresql"):
        assert own_database({name: url}) == url


def test_the_embedded_one_of_a_sourced_env_is_no_wish(tmp_path: Path) -> None:
    assert own_database({"DATABASE_URL": Server(tmp_path).url}) is None
    assert own_database({"DATABASE_URL": ""}) is None
    assert own_database({}) is None
