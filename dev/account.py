"""The database made ready for a developer: migrations, and a user with a key.

Called by `stack` once PostgreSQL is healthy and before anything of the product runs.
"""

import secrets

from store.migrate import migrate
from store.pool import open_pool
from store.users import Users

USER_ID = "3e53486c-cf57-477e-ba2a-cb02dc828e1a"
"""The id that AutoGPT gives its default user, so that agents and habits from there carry over."""

_EMAIL = "developer@heddle.local"
_NAME = "Developer"


def new_key() -> str:
    """A key as the API takes it."""
    return f"agpt_{secrets.token_urlsafe(32)}"


async def prepare(url: str, key: str) -> None:
    """Migrates the database and makes sure that the development user is there and that `key` is one of its keys."""
    pool = await open_pool(url, min_size=1, max_size=2, idle_seconds=30.0)
    try:
        await migrate(pool)
        users = Users(pool)
        await users.ensure_user(USER_ID, email=_EMAIL, name=_NAME)
        await users.add_api_key(USER_ID, name="development", key=key)
    finally:
        await pool.close()
