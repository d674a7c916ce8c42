"""Who is asking? An API key becomes a user.

Used by `dependencies.py`. It knows the table of users and nothing of HTTP.
"""

import hashlib
import time
from collections.abc import Callable

from cachetools import TTLCache

from contracts.errors import NotAuthenticated
from store.records import Store, User

REMEMBERED_SECONDS = 5.0
"""A key that is revoked works for this long at most; meanwhile its requests cost no query."""

_REMEMBERED_KEYS = 10_000
_LONGEST_KEY = 512


class Authenticator:
    """API key → user, remembered for a few seconds under the key's hash. Unknown keys are never remembered."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._remembered: TTLCache[bytes, User] = TTLCache(_REMEMBERED_KEYS, REMEMBERED_SECONDS, timer=clock)

    async def user_of(self, key: str | None) -> User:
        """The key's owner. NotAuthenticated when there is no key or nobody owns it."""
        if not key or len(key) > _LONGEST_KEY:
            raise NotAuthenticated
        digest = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        user = self._remembered.get(digest)
        if user is None:
            user = await self._store.users.by_api_key(key)
            if user is None:
                raise NotAuthenticated
            self._remembered[digest] = user
        return user
