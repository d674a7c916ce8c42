"""A store, a change feed and a door to Temporal that may come later than the application, or go away.

`connections.py` and the lifespan fill them in. Until then every use raises Unavailable, which is a 503: so the API
starts while Postgres is down and says what is missing.
"""

from collections.abc import AsyncIterator

from api.runs import Runs
from contracts.activities import EventSent
from contracts.block_execution import BlockExecutionInput, BlockExecutionResult
from contracts.bulk import BulkProgress, BulkResumeInput
from contracts.errors import Unavailable
from contracts.execution import GraphExecutionInput
from contracts.latest_run import LatestRun
from contracts.reviews import ReviewDecision, ReviewOutcome
from store.credentials import Credentials
from store.failed_runs import FailedRuns
from store.graph_records import Graphs
from store.keeping import Collections, KeyValues, RunFiles
from store.ownership import Ownership
from store.records import Changes, Executions, Store, Users, Values
from store.removal import Removal
from store.reviews import Reviews
from store.slots import Admission


class LateStore:
    """A `Store` that stands in front of the real one."""

    def __init__(self, store: Store | None = None) -> None:
        self.real = store

    def _store(self) -> Store:
        if self.real is None:
            raise Unavailable("The database cannot be reached. Try again shortly.")
        return self.real

    @property
    def users(self) -> Users:
        """See `Store`."""
        return self._store().users

    @property
    def graphs(self) -> Graphs:
        """See `Store`."""
        return self._store().graphs

    @property
    def executions(self) -> Executions:
        """See `Store`."""
        return self._store().executions

    @property
    def values(self) -> Values:
        """See `Store`."""
        return self._store().values

    @property
    def admission(self) -> Admission:
        """See `Store`."""
        return self._store().admission

    @property
    def files(self) -> RunFiles:
        """See `Store`."""
        return self._store().files

    @property
    def key_values(self) -> KeyValues:
        """See `Store`."""
        return self._store().key_values

    @property
    def collections(self) -> Collections:
        """See `Store`."""
        return self._store().collections

    @property
    def removal(self) -> Removal:
        """See `Store`."""
        return self._store().removal

    @property
    def reviews(self) -> Reviews:
        """See `Store`."""
        return self._store().reviews

    @property
    def failed_runs(self) -> FailedRuns:
        """See `Store`."""
        return self._store().failed_runs

    @property
    def credentials(self) -> Credentials:
        """See `Store`."""
        return self._store().credentials

    @property
    def ownership(self) -> Ownership:
        """See `Store`."""
        return self._store().ownership

    async def ping(self) -> None:
        """See `Store`."""
        await self._store().ping()


class LateChanges:
    """A `Changes` that stands in front of the real one."""

    def __init__(self, changes: Changes | None = None) -> None:
        self.real = changes

    def watch(self, execution_id: str) -> AsyncIterator[None]:
        """See `Changes`."""
        if self.real is None:
            raise Unavailable("The feed of changes is not connected. Try again shortly.")
        return self.real.watch(execution_id)


class LateRuns:
    """A `Runs` that stands in front of the real one."""

    def __init__(self, runs: Runs | None = None) -> None:
        self.real = runs

    def _runs(self) -> Runs:
        if self.real is None:
            raise Unavailable("Temporal is not connected. Try again shortly.")
        return self.real

    async def start(self, execution_id: str, run: GraphExecutionInput, *, graph_version: int, graph_name: str) -> bool:
        """See `Runs`."""
        return await self._runs().start(execution_id, run, graph_version=graph_version, graph_name=graph_name)

    async def resume(
        self, execution_id: str, run: GraphExecutionInput, *, earlier_run_id: str | None, graph_name: str
    ) -> str | None:
        """See `Runs`."""
        return await self._runs().resume(execution_id, run, earlier_run_id=earlier_run_id, graph_name=graph_name)

    async def start_bulk(self, bulk_id: str, bulk: BulkResumeInput) -> None:
        """See `Runs`."""
        await self._runs().start_bulk(bulk_id, bulk)

    async def bulk_progress(self, bulk_id: str) -> BulkProgress | None:
        """See `Runs`."""
        return await self._runs().bulk_progress(bulk_id)

    async def cancel(self, execution_id: str) -> None:
        """See `Runs`."""
        await self._runs().cancel(execution_id)

    async def terminate(self, execution_id: str, reason: str) -> None:
        """See `Runs`."""
        await self._runs().terminate(execution_id, reason)

    async def send_event(self, execution_id: str, event: EventSent) -> None:
        """See `Runs`."""
        await self._runs().send_event(execution_id, event)

    async def decide(self, execution_id: str, decision: ReviewDecision) -> ReviewOutcome:
        """See `Runs`."""
        return await self._runs().decide(execution_id, decision)

    async def run_block(self, execution_id: str, asked: BlockExecutionInput, *, name: str) -> BlockExecutionResult:
        """See `Runs`."""
        return await self._runs().run_block(execution_id, asked, name=name)

    async def latest(self, execution_id: str) -> LatestRun | None:
        """See `Runs`."""
        return await self._runs().latest(execution_id)

    async def check(self) -> None:
        """See `Runs`."""
        await self._runs().check()

    async def has_workers(self) -> bool:
        """See `Runs`."""
        return await self._runs().has_workers()
