"""Credentials as rows: what they are for is readable, what they consist of is sealed.

`postgres_credentials` and `memory_credentials` fulfil `Credentials`. The API seals, activities open, right before a
block runs. It knows neither blocks nor the deployment's own credentials.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.errors import CredentialsUnusable
from store.pages import Page
from store.sealing import Keys, Sealed


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What of a credential may be seen. `details`: what depends on its type, such as a host."""

    id: str
    user_id: str
    provider: str
    type: str
    title: str
    details: Mapping[str, Any]
    created_at: datetime

    def bound_to(self) -> list[str]:
        """What its sealed text belongs to: moved to another row, owner, provider or type it cannot be opened."""
        return ["credential", self.user_id, self.id, self.provider, self.type]


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A credential of a user, as it is stored."""

    facts: CredentialFacts
    sealed: Sealed = field(repr=False)

    @classmethod
    def seal(cls, keys: Keys, facts: CredentialFacts, secret: Mapping[str, Any]) -> "CredentialRow":
        """The row of a secret, which is JSON. CredentialKeysMissing."""
        return cls(facts, keys.seal(json.dumps(dict(secret)).encode(), facts.bound_to()))

    def open(self, keys: Keys) -> dict[str, Any]:
        """The secret. CredentialsUnusable when it cannot be read."""
        secret = json.loads(keys.open(self.sealed, self.facts.bound_to()))
        if not isinstance(secret, dict):
            raise CredentialsUnusable("Credentials not available: they cannot be read.")
        return secret


class Credentials(Protocol):
    """The rows. One user's are as good as absent for another."""

    async def add(self, row: CredentialRow, *, most: int) -> bool:
        """Insert; False, and nothing done, when the user has `most` already."""
        ...

    async def get(self, user_id: str, credential_id: str) -> CredentialRow | None: ...

    async def named(self, user_id: str, ids: Collection[str]) -> list[CredentialFacts]:
        """Those of the ids that the user has, in no particular order."""
        ...

    async def page(
        self, user_id: str, *, provider: str | None = None, limit: int, before: str | None
    ) -> Page[CredentialFacts]:
        """Newest first."""
        ...

    async def delete(self, user_id: str, credential_id: str) -> bool:
        """Whether there was one."""
        ...
