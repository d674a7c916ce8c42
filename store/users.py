"""People and their API keys, in Postgres.

Used by the API and by `dev/` when it makes the first user. Of a key only its SHA-256 comes here.
"""

import hashlib

from store.calls import Pool, execute, fetchrow
from store.records import User
from store.sql import statement

_ENSURE = statement("ensure_user")
_NEW = statement("new_user")
_ADD_KEY = statement("add_api_key")
_BY_KEY = statement("user_by_api_key")


def key_hash(key: str) -> bytes:
    """What is kept of a key. No salt, no stretching: keys are long and random, so there is nothing to guess."""
    return hashlib.sha256(key.encode()).digest()


class Users:
    """`records.Users` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ensure_user(self, user_id: str, *, email: str, name: str) -> None:
        """Insert the user, or bring address and name up to date."""
        await execute(self._pool, _ENSURE, user_id, email, name)

    async def new_user(self, user_id: str, *, email: str, name: str, key: str) -> bool:
        """Insert a user with a first key; False, and nothing done, when somebody has the address already."""
        return await fetchrow(self._pool, _NEW, user_id, email, name, key_hash(key), "first") is not None

    async def add_api_key(self, user_id: str, *, name: str, key: str) -> None:
        """Give the user a key; a key that exists already stays its owner's."""
        await execute(self._pool, _ADD_KEY, key_hash(key), user_id, name)

    async def by_api_key(self, key: str) -> User | None:
        """The owner of an active key."""
        row = await fetchrow(self._pool, _BY_KEY, key_hash(key))
        return None if row is None else User(**row)
