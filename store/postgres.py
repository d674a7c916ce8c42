"""The store in Postgres: all aggregates on one pool.

Made by the composition roots; activities and API see only `records.Store`.
"""

from store.admission import Admission
from store.calls import Pool, fetchval
from store.executions import Executions
from store.graphs import Graphs
from store.keeping import PostgresCollections, PostgresKeyValues, PostgresRunFiles
from store.postgres_credentials import PostgresCredentials
from store.postgres_failed_runs import PostgresFailedRuns
from store.postgres_ownership import PostgresOwnership
from store.postgres_removal import PostgresRemoval
from store.postgres_reviews import PostgresReviews
from store.sql import statement
from store.users import Users
from store.values import Values

_PING = statement("ping")


class PostgresStore:
    """`records.Store` in Postgres. The pool stays its maker's to close."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.users = Users(pool)
        self.graphs = Graphs(pool)
        self.executions = Executions(pool)
        self.values = Values(pool)
        self.admission = Admission(pool)
        self.ownership = PostgresOwnership(pool)
        self.removal = PostgresRemoval(pool)
        self.reviews = PostgresReviews(pool)
        self.failed_runs = PostgresFailedRuns(pool)
        self.files = PostgresRunFiles(pool)
        self.key_values = PostgresKeyValues(pool)
        self.collections = PostgresCollections(pool)
        self.credentials = PostgresCredentials(pool)

    async def ping(self) -> None:
        """Raises Unavailable when the database cannot answer."""
        await fetchval(self._pool, _PING)
