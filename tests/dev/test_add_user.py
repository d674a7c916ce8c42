"""Making a user for a deployment: one key for one address, and one line for what goes wrong."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest

from dev.home import ROOT
from store.memory import MemoryStore
from store.pool import open_pool
from store.records import Users
from store.users import Users as PostgresUsers


def add_user(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "store.add_user", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def address() -> str:
    return f"{uuid4().hex}@example.org"


async def test_a_user_is_made_once_and_the_key_is_theirs(database_url: str) -> None:
    email = address()
    first = add_user(email, "--name", "Ada", DATABASE_URL=database_url)
    assert first.returncode == 0, first.stderr
    words = first.stdout.split()
    user_id, key = words[2], words[5]
    again = add_user(email.upper(), DATABASE_URL=database_url)
    assert (again.returncode, again.stdout) == (1, "")
    assert "already" in again.stderr
    assert len(again.stderr.splitlines()) == 1
    async with await open_pool(database_url, min_size=1, max_size=1, idle_seconds=30) as pool:
        owner = await PostgresUsers(pool).by_api_key(key)
        assert owner is not None
        assert (owner.id, owner.email, owner.name) == (user_id, email, "Ada")
        count = await pool.fetchval("SELECT count(*) FROM users WHERE lower(email) = $1", email)
        assert count == 1


@pytest.mark.parametrize("form", ["memory", "postgres"])
async def test_an_address_that_is_taken_changes_nothing(form: str, database_url: str) -> None:
    add_user(address(), DATABASE_URL=database_url)  # migrates
    async with await open_pool(database_url, min_size=1, max_size=1, idle_seconds=30) as pool:
        users: Users = MemoryStore().users if form == "memory" else PostgresUsers(pool)
        email, key, other = address(), uuid4().hex, uuid4().hex
        assert await users.new_user(uuid4().hex, email=email, name="Ada", key=key)
        assert not await users.new_user(uuid4().hex, email=email.title(), name="Eve", key=other)
        owner = await users.by_api_key(key)
        assert owner is not None
        assert owner.name == "Ada"
        assert await users.by_api_key(other) is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--help",), 0), ((), 2), (("ada",), 2), (("ada@",), 2), (("a b@example.org",), 2), (("a@b.c", "Ada"), 2)],
)
def test_what_is_no_address_makes_nobody(arguments: tuple[str, ...], code: int) -> None:
    # The database does not exist: whoever asks it gets another exit code.
    done = add_user(*arguments, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == code, done.stderr
    assert "usage: python -m store.add_user" in done.stdout + done.stderr
    assert "EMAIL" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"DATABASE_URL": "postgresql://nobody:hunter2@127.0.0.1:9/none"}, "127.0.0.1"),
        ({"DATABASE_URL": "postgresql://x", "HEDDLE_DB_POOL_SIZE": "many"}, "HEDDLE_DB_POOL_SIZE"),
    ],
)
def test_what_goes_wrong_is_one_line(environment: dict[str, str], word: str) -> None:
    done = add_user(address(), **environment)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert word in line
    assert "hunter2" not in line
