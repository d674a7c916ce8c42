"""Credentials in Postgres. What is secret comes and goes encrypted.

Used by the API, and by the activities that begin runs and run nodes.
"""

from collections.abc import Collection
from datetime import datetime

import asyncpg

from store.calls import Pool, fetch, fetchrow, fetchval
from store.credentials import CredentialFacts, CredentialRow
from store.cursor import NEWEST, Cursor, page_of
from store.pages import Page
from store.sealing import Sealed
from store.sql import statement

_ADD = statement("add_credential")
_GET = statement("credential")
_NAMED = statement("credentials_named")
_PAGE = statement("credentials_page")
_COUNT = statement("credentials_count")
_DELETE = statement("delete_credential")


class PostgresCredentials:
    """`credentials.Credentials` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, row: CredentialRow, *, most: int) -> bool:
        """Insert; False, and nothing done, when the user has `most` already."""
        facts, sealed = row.facts, row.sealed
        added = await fetchrow(
            self._pool,
            _ADD,
            facts.id,
            facts.user_id,
            facts.provider,
            facts.type,
            facts.title,
            dict(facts.details),
            facts.created_at,
            sealed.key_id,
            sealed.nonce,
            sealed.ciphertext,
            most,
        )
        return added is not None

    async def get(self, user_id: str, credential_id: str) -> CredentialRow | None:
        """The user's credential, or None."""
        row = await fetchrow(self._pool, _GET, user_id, credential_id)
        return (
            None if row is None else CredentialRow(_facts(row), Sealed(row["key_id"], row["nonce"], row["ciphertext"]))
        )

    async def named(self, user_id: str, ids: Collection[str]) -> list[CredentialFacts]:
        """Those of the ids that the user has."""
        return [_facts(row) for row in await fetch(self._pool, _NAMED, user_id, list(ids))] if ids else []

    async def page(
        self, user_id: str, *, provider: str | None = None, limit: int, before: str | None
    ) -> Page[CredentialFacts]:
        """Newest first."""
        cursor = NEWEST if before is None else Cursor.parse(before)
        rows = await fetch(self._pool, _PAGE, user_id, provider, cursor.created_at, cursor.id, limit + 1)
        total = await fetchval(self._pool, _COUNT, user_id, provider)
        return page_of([_facts(row) for row in rows], limit=limit, total_count=total, key=_key)

    async def delete(self, user_id: str, credential_id: str) -> bool:
        """Whether there was one."""
        return await fetchrow(self._pool, _DELETE, user_id, credential_id) is not None


def _key(facts: CredentialFacts) -> tuple[datetime, str]:
    return facts.created_at, facts.id


def _facts(row: asyncpg.Record) -> CredentialFacts:
    return CredentialFacts(
        id=row["id"],
        user_id=row["user_id"],
        provider=row["provider"],
        type=row["type"],
        title=row["title"],
        details=row["details"],
        created_at=row["created_at"],
    )
