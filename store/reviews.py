"""What people are asked and what they decided, whether they want to be asked, and how a run looks that waits for them.

`postgres_reviews` and `memory_reviews` fulfil `Reviews`. Which decision stands is the workflow's to say; rows tell it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from engine.model import Status
from engine.values import Value
from store.slots import SlotLimits

if TYPE_CHECKING:
    from store.pages import Page

STOPPED = "Execution was stopped by user"


class ReviewStatus(StrEnum):
    """How a review stands."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class NewReview:
    """A node execution asks a person. `attempt` is the execution's, so that a late one changes nothing."""

    execution_id: str
    id: str
    node_execution_id: str
    node_id: str
    user_id: str
    attempt: int
    payload: Value
    instructions: str
    editable: bool
    asked_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands; of a run that is over, none waits.

    `data` is what the reviewer made of the payload; a decision that `lasts` is one on later executions of the node too.
    """

    execution_id: str
    id: str
    node_execution_id: str
    node_id: str
    user_id: str
    graph_id: str
    graph_version: int
    status: ReviewStatus
    payload: Value
    instructions: str
    editable: bool
    asked_at: datetime
    expires_at: datetime | None = None
    reviewer: str | None = None
    message: str | None = None
    data: Value | None = None
    decided_at: datetime | None = None
    lasts: bool = False

    @property
    def is_decided(self) -> bool:
        """Whether it was decided, by a person or by its deadline, and not only closed with its run."""
        return self.reviewer is not None


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """What a user wants of the runs of a graph (agent-graphs §12.6)."""

    human_in_the_loop_safe_mode: bool = True
    sensitive_action_safe_mode: bool = False


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is to change of them; None: nothing."""

    human_in_the_loop_safe_mode: bool | None = None
    sensitive_action_safe_mode: bool | None = None


class Reviews(Protocol):
    """Reviews by run and id. Every call is repeatable."""

    async def ask(self, review: NewReview) -> None:
        """Write the review, or write it anew for a later attempt."""
        ...

    async def decide(
        self,
        execution_id: str,
        review_id: str,
        *,
        run_id: str,
        approved: bool,
        reviewer: str,
        message: str,
        data: Value | None,
        at: datetime,
        lasts: bool = False,
    ) -> bool:
        """Write a decision that stands. False, and nothing is written, when the run is another run id's."""
        ...

    async def of_execution(self, user_id: str, execution_id: str) -> list[Review]:
        """Those of a run of the user, in the order in which they were asked."""
        ...

    async def find(self, user_id: str, review_ids: Collection[str]) -> list[Review]:
        """The user's reviews with these ids."""
        ...

    async def waiting(self, user_id: str, *, limit: int, before: str | None) -> "Page[Review]":
        """Those that wait for the user, newest first. Raises InvalidRequest for a cursor that is not ours."""
        ...

    async def show(
        self, execution_id: str, *, run_id: str, status: Status, at: datetime, limits: SlotLimits | None
    ) -> tuple[Status, list[str]]:
        """The run waits for reviews alone (REVIEW) or goes on (RUNNING). What its row says now, and who got its slot.

        With `limits` a run in REVIEW gives its slot away, and one that goes on takes one; when none is free it is
        QUEUED. A row that has ended, or is another run id's, stays as it is.
        """
        ...

    async def settings(self, user_id: str, graph_id: str) -> GraphSettings: ...
    async def change_settings(self, user_id: str, graph_id: str, change: SettingsChange) -> None: ...
