"""Resuming all failed runs of a graph: what the workflow `BulkResume` is given, what it has done so far.

Started and asked by the API, run by `workflows/bulk_resume.py` with the activities of `activities/bulk.py`.
"""

from datetime import datetime

from pydantic import BaseModel, Field

BULK_RESUME = "BulkResume"
"""The workflow type. The API makes its id; it belongs to the user that its input names."""

BULK_PROGRESS = "progress"
"""The query that answers `BulkProgress`."""


class BulkProgress(BaseModel):
    """How far it is. `total` counts the runs that were FAILED at the beginning."""

    user_id: str
    graph_id: str
    total: int = 0
    started: int = 0
    refused: int = 0
    reasons: dict[str, int] = Field(default_factory=dict, description="Of the refused: error code → how many")
    is_over: bool = False


class BulkResumeInput(BaseModel):
    """All FAILED runs of the user's graph that ended at a time or later, so many a second.

    `before` and `done` are there when the workflow continues as new.
    """

    user_id: str
    graph_id: str
    since: datetime
    per_second: float = Field(gt=0)
    before: str | None = None
    done: BulkProgress | None = None


class ListFailedRequest(BaseModel):
    """The next page of failed runs."""

    user_id: str
    graph_id: str
    since: datetime
    before: str | None = None


class FailedPage(BaseModel):
    """Ids of failed runs; `next_cursor` is None on the last page."""

    ids: list[str]
    next_cursor: str | None
    total_count: int


class ResumeRunsRequest(BaseModel):
    """Resume these runs of the user."""

    user_id: str
    ids: list[str]


class ResumedRuns(BaseModel):
    """How many go on, and why others do not: error code → how many."""

    started: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
