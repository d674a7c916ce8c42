"""What a run takes along when its workflow continues as new: a history has an end, a run need not have one.

Written and read by `workflows/` only; it crosses from one run of a workflow to the next.
"""

from pydantic import BaseModel, Field

from contracts.activities import RunLimits, RunRef
from engine.model import Status
from engine.reviews import ReviewBook

LARGEST_STATE = 512 * 1024
"""Bytes of a packed state that travels: the server warns from here on and refuses four times as much."""


class ChildProgress(BaseModel):
    """How much of a sub-graph's outputs has been taken over: up to which event of the child, and how many."""

    after: int = 0
    emitted: int = 0
    earlier_run_id: str | None = None
    is_joined: bool = False


class Carried(BaseModel):
    """All that a run is, between two of its workflow's histories. Times in seconds since the epoch."""

    run: RunRef = Field(description="As it was before: `run_id` is that of the history that ended")
    plan: str
    state: str
    limits: RunLimits
    started_at: float
    wakes_at: dict[str, float] = Field(default_factory=dict)
    children: dict[str, ChildProgress] = Field(default_factory=dict)
    reviews: ReviewBook = Field(default_factory=ReviewBook)
    shown: Status = Status.RUNNING
