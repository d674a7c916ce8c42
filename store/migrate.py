"""Brings the schema up to date: `migrations/NNNN_*.sql`, in order, each once.

Called by the composition roots before they serve. It knows files and a table of what was applied, not what is in them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import asyncpg

from store.calls import Pool, connection
from store.sql import statement

LOCK_SECONDS = 600.0
"""How long a process waits for another one that is migrating."""

_LOCK = statement("lock_migrations")
_SCHEMA = statement("current_schema")
_CREATE_SCHEMA = statement("create_schema_command")
_UNLOCK = statement("unlock_migrations")
_CREATE_TABLE = statement("create_migrations_table")
_APPLIED = statement("applied_migrations")
_RECORD = statement("record_migration")


class MigrationRefused(RuntimeError):
    """The schema in the database is not the one that the files describe."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What the file's text must still hash to when the migration has been applied before."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = Path(__file__).parent / "migrations") -> list[Migration]:
    """All migrations in order. Raises MigrationRefused when two have one number."""
    found = [
        Migration(int(path.name[:4]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]
    for earlier, later in pairwise(found):
        if earlier.number == later.number:
            raise MigrationRefused(f"{earlier.name} and {later.name} have the same number.")
    return found


async def migrate(pool: Pool, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is missing and answer its names; several processes may call this at once.

    Raises MigrationRefused when a file that was applied has changed since. Migrations in the database that the files do
    not know are left alone: while a new version rolls out, old processes start beside it.
    """
    wanted = read_migrations() if migrations is None else migrations
    async with connection(pool) as held:
        await held.execute(_LOCK, timeout=LOCK_SECONDS)
        try:
            await _ensure_schema(held)
            await held.execute(_CREATE_TABLE)
            applied = {row["number"]: row["sha256"] for row in await held.fetch(_APPLIED)}
            for migration in wanted:
                if applied.get(migration.number, migration.sha256) != migration.sha256:
                    raise MigrationRefused(
                        f"{migration.name}.sql has changed since it was applied. Restore it and put the change "
                        "into a migration of its own."
                    )
            missing = [migration for migration in wanted if migration.number not in applied]
            for migration in missing:
                async with held.transaction():
                    await held.execute(migration.sql, timeout=LOCK_SECONDS)
                    await held.execute(_RECORD, migration.number, migration.name, migration.sha256)
            return [migration.name for migration in missing]
        finally:
            if not held.is_closed():
                await held.execute(_UNLOCK)


async def _ensure_schema(held: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    """Create the first schema of the search path when none of them exists."""
    if await held.fetchval(_SCHEMA) is None:
        await held.execute(await held.fetchval(_CREATE_SCHEMA))
