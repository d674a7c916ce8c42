"""Makes a user with an API key: `python -m store.add_user EMAIL [NAME]`, with the deployment's environment.

Run by whoever operates a deployment. The key is printed once; only its hash is kept.
"""

import asyncio
import secrets
import sys
import uuid

from settings import Settings
from store.migrate import migrate
from store.pool import open_pool
from store.users import Users


async def add_user(url: str, email: str, name: str) -> tuple[str, str]:
    """(user id, key) of a new user."""
    user_id, key = str(uuid.uuid4()), f"agpt_{secrets.token_urlsafe(32)}"
    async with await open_pool(url, min_size=1, max_size=1, idle_seconds=30.0) as pool:
        await migrate(pool)
        users = Users(pool)
        await users.ensure_user(user_id, email=email, name=name)
        await users.add_api_key(user_id, name="first", key=key)
    return user_id, key


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Usage: python -m store.add_user EMAIL [NAME]")
    address = sys.argv[1]
    made = asyncio.run(add_user(Settings().database_url.get_secret_value(), address, sys.argv[-1]))
    print(f"user id  {made[0]}\nAPI key  {made[1]}   (shown once)")
