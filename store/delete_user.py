"""Deletes a user with all that is theirs: `python -m store.delete_user USER_ID`, with the deployment's environment.

Run by whoever operates a deployment. What has been deleted cannot be brought back; Temporal keeps the histories of the
user's runs until their retention is over. A key that was used within the last seconds is remembered so long by the API.
"""

import asyncio
import sys

from contracts.errors import HeddleError
from settings import Settings
from store.migrate import migrate
from store.pool import open_pool
from store.postgres_removal import PostgresRemoval


async def delete_user(url: str, user_id: str) -> bool:
    """Whether there was anything of such a user. ExecutionRunning while one of the user's runs is not over."""
    async with await open_pool(url, min_size=1, max_size=1, idle_seconds=30.0) as pool:
        await migrate(pool)
        return await PostgresRemoval(pool).delete_user(user_id)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m store.delete_user USER_ID")
    try:
        found = asyncio.run(delete_user(Settings().database_url.get_secret_value(), sys.argv[1]))
    except HeddleError as error:
        sys.exit(f"Nothing was deleted: {error.message}")
    print("The user has been deleted." if found else "There is no such user.")
