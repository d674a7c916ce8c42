"""Finds the runs of a graph that failed since a time, for resuming them all.

Both forms of the store fulfil `FailedRuns`. Runs of sub-graphs are left out: they go on with the run at the root.
"""

from datetime import datetime
from typing import Protocol

from store.pages import Page


class FailedRuns(Protocol):
    """FAILED runs by the time they ended."""

    async def page(
        self, user_id: str, graph_id: str, *, since: datetime, limit: int, before: str | None = None
    ) -> Page[str]:
        """Ids of the user's runs that are FAILED and ended at the time or later, newest first by their start."""
        ...
