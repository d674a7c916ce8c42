"""Makes a user with an API key: `python -m store.add_user EMAIL [--name NAME]`, with the deployment's environment.

Run by whoever operates a deployment. The key is printed once; only its hash is kept.
"""

import argparse
import asyncio
import re
import secrets
import sys
import uuid
from collections.abc import Sequence

import asyncpg
from pydantic import ValidationError

from contracts.errors import HeddleError
from settings import Settings
from store.migrate import MigrationRefused, migrate
from store.pool import open_pool
from store.users import Users

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;.]+(\.[^\s@<>,;.]+)*")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m store.add_user",
        description="Make a user with an API key, in the database that DATABASE_URL names.",
    )
    parser.add_argument("email", metavar="EMAIL", type=_address, help="the user's address; each may be used once")
    parser.add_argument("--name", help="the user's name (default: the address)")
    parsed = parser.parse_args(arguments)
    try:
        url = Settings().database_url.get_secret_value()
        made = asyncio.run(add_user(url, parsed.email, parsed.name or parsed.email))
    except ValidationError as problem:
        wrong = (f"{error['loc'][0]}: {error['msg']}" for error in problem.errors(include_input=False))
        return _failed(f"The settings are not right: {'; '.join(wrong)}.")
    except HeddleError as problem:
        return _failed(problem.message)
    except (MigrationRefused, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as problem:
        return _failed(f"The database cannot be made ready: {problem or type(problem).__name__}")
    if made is None:
        return _failed(f"There is a user with the address {parsed.email} already; nothing was made.")
    print(f"user id  {made[0]}\nAPI key  {made[1]}   (shown once)")
    return 0


async def add_user(url: str, email: str, name: str) -> tuple[str, str] | None:
    """(user id, key) of a new user; None when somebody has the address already."""
    user_id, key = str(uuid.uuid4()), f"agpt_{secrets.token_urlsafe(32)}"
    async with await open_pool(url, min_size=1, max_size=1, idle_seconds=30.0) as pool:
        await migrate(pool)
        made = await Users(pool).new_user(user_id, email=email, name=name, key=key)
    return (user_id, key) if made else None


def _address(text: str) -> str:
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an email address")
    return text


def _failed(text: str) -> int:
    print(" ".join(text.split()), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
