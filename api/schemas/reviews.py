"""Bodies about reviews, about events that are sent to runs, and about a graph's settings."""

from datetime import datetime
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from contracts.reviews import LONGEST_MESSAGE
from store.reviews import ReviewStatus

MOST_DECISIONS = 100


class ReviewBody(BaseModel):
    """What a person is asked, or was."""

    id: str = Field(description="By this it is decided.")
    execution_id: str
    graph_id: str
    graph_version: int
    node_id: str
    node_exec_id: str
    status: ReviewStatus
    payload: Any = Field(description="What is to be decided on.")
    instructions: str
    editable: bool = Field(description="Whether the decision may change the payload.")
    created_at: datetime
    expires_at: datetime | None
    reviewed_by: str | None
    review_message: str | None
    reviewed_data: Any = Field(description="What the reviewer made of the payload, if anything.")
    reviewed_at: datetime | None


class ReviewList(BaseModel):
    """A page of reviews that wait, newest first."""

    items: list[ReviewBody]
    next_cursor: str | None
    total_count: int


class Decision(BaseModel):
    """A decision on one review; the names are upstream's (agent-graphs §20.8)."""

    model_config = ConfigDict(extra="forbid")

    review_id: str = Field(
        min_length=1,
        max_length=300,
        validation_alias=AliasChoices("review_id", "node_exec_id"),
        description="The review's id; upstream's name for it, `node_exec_id`, is read too.",
    )
    approved: bool
    message: str | None = Field(None, max_length=LONGEST_MESSAGE, description="Shown to whoever reads the run.")
    reviewed_data: Any = Field(None, description="Takes the payload's place; left out or null, that stays as it is.")
    auto_approve_future: bool = Field(
        False, description="Later executions of the node in this run are approved without asking."
    )


class ReviewAction(BaseModel):
    """Decisions on reviews of one run, each once."""

    model_config = ConfigDict(extra="forbid")

    reviews: list[Decision] = Field(min_length=1, max_length=MOST_DECISIONS)


class ReviewResult(BaseModel):
    """How many decisions stand; those that stood before are counted too."""

    approved_count: int
    rejected_count: int
    failed_count: int = 0
    error: str | None = None


class EventToSend(BaseModel):
    """An event for the node that waits for it."""

    model_config = ConfigDict(extra="forbid")

    payload: Any = Field(None, description="What comes with it: any JSON.")


class EventTaken(BaseModel):
    """An event that the run has."""

    execution_id: str
    name: str


class GraphSettingsBody(BaseModel):
    """What you want of the runs of a graph; runs that have begun keep what they began with."""

    human_in_the_loop_safe_mode: bool = Field(description="Whether review blocks ask a person.")
    sensitive_action_safe_mode: bool = Field(description="Whether blocks with sensitive actions ask a person first.")


class GraphSettingsChange(BaseModel):
    """What is to change of them."""

    model_config = ConfigDict(extra="forbid")

    human_in_the_loop_safe_mode: bool | None = None
    sensitive_action_safe_mode: bool | None = None
