"""Credentials in memory: the same rules as `queries/credentials.sql`, in Python.

Used by `memory.MemoryStore`.
"""

from collections.abc import Collection
from datetime import datetime

from store.credentials import CredentialFacts, CredentialRow
from store.cursor import NEWEST, Cursor, page_of
from store.pages import Page


class MemoryCredentials:
    """`credentials.Credentials` in memory."""

    def __init__(self) -> None:
        self._rows: dict[str, CredentialRow] = {}

    async def add(self, row: CredentialRow, *, most: int) -> bool:
        """Insert; False, and nothing done, when the user has `most` already."""
        if len(self._of(row.facts.user_id)) >= most:
            return False
        self._rows[row.facts.id] = row
        return True

    async def get(self, user_id: str, credential_id: str) -> CredentialRow | None:
        """The user's credential, or None."""
        row = self._rows.get(credential_id)
        return row if row is not None and row.facts.user_id == user_id else None

    async def named(self, user_id: str, ids: Collection[str]) -> list[CredentialFacts]:
        """Those of the ids that the user has."""
        return [facts for facts in self._of(user_id) if facts.id in ids]

    async def page(
        self, user_id: str, *, provider: str | None = None, limit: int, before: str | None
    ) -> Page[CredentialFacts]:
        """Newest first."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        mine = [facts for facts in self._of(user_id) if provider in (None, facts.provider)]
        mine.sort(key=_key, reverse=True)
        following = [facts for facts in mine if Cursor(*_key(facts)) < cursor]
        return page_of(following, limit=limit, total_count=len(mine), key=_key)

    async def delete(self, user_id: str, credential_id: str) -> bool:
        """Whether there was one."""
        if await self.get(user_id, credential_id) is None:
            return False
        del self._rows[credential_id]
        return True

    def drop_user(self, user_id: str) -> int:
        """Forget all of the user's and answer how many."""
        mine = self._of(user_id)
        for facts in mine:
            del self._rows[facts.id]
        return len(mine)

    def _of(self, user_id: str) -> list[CredentialFacts]:
        return [row.facts for row in self._rows.values() if row.facts.user_id == user_id]


def _key(facts: CredentialFacts) -> tuple[datetime, str]:
    return facts.created_at, facts.id
