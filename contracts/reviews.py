"""A person's decision on a node execution that waits for it, as it comes to a run: through the API, or by
`temporal workflow update execute --name review_node`.

Sent by the API and by people at the CLI, checked and heeded by `workflows/reviews.py`, written down by `activities/`.
"""

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import to_json

from contracts.hand_input import unstorable
from engine.values import Reference

REVIEW_NODE = "review_node"
"""Name of the update that carries a `ReviewDecision`."""

MOST_REVIEWED_BYTES = 1024 * 1024
"""Of edited data, as JSON (agent-graphs §12.4)."""

DEEPEST_REVIEWED = 10
LONGEST_MESSAGE = 2_000


class ReviewDecision(BaseModel):
    """Approve or reject. `reviewed_data` takes the place of what was shown; left out or null, that stays as it is."""

    model_config = ConfigDict(extra="forbid")

    review_id: str = Field(min_length=1, max_length=300, description="As the list of reviews tells it")
    approved: bool
    reviewed_data: Any = None
    reviewed_data_ref: Reference | None = Field(None, description="The same, where it is too large to travel")
    message: str = Field("", max_length=LONGEST_MESSAGE)
    reviewer: str = Field("", max_length=300, description="Who decided; from the API always the user")
    approve_future: bool = Field(
        False, description="Later executions of the node in this run are approved without asking"
    )

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, given: Any) -> Any:
        if wrong := unstorable(given):
            raise ValueError(wrong)
        return given

    @field_validator("message", mode="before")
    @classmethod
    def _no_blank_message(cls, message: Any) -> Any:
        return "" if message is None or (isinstance(message, str) and not message.strip()) else message

    @field_validator("reviewed_data")
    @classmethod
    def _bounded(cls, data: Any) -> Any:
        if len(to_json(data)) > MOST_REVIEWED_BYTES:
            raise ValueError(f"the data may have {MOST_REVIEWED_BYTES:,} bytes as JSON")
        if _depth(data) > DEEPEST_REVIEWED:
            raise ValueError(f"the data may be nested {DEEPEST_REVIEWED} deep")
        return data

    @property
    def edits(self) -> bool:
        """Whether the data is changed; what is approved for the future stays as it is (agent-graphs §12.4)."""
        return not self.approve_future and (self.reviewed_data is not None or self.reviewed_data_ref is not None)

    @property
    def digest(self) -> str:
        """The same for the same decision, whoever makes it."""
        ref = self.reviewed_data_ref["ref"] if self.reviewed_data_ref else None
        data = [self.approved, self.reviewed_data, ref, self.message, self.approve_future]
        return hashlib.sha256(to_json(data)).hexdigest()


class ReviewOutcome(BaseModel):
    """What stands after a decision. `is_repeat`: it had been made before. `at` in seconds since the epoch.

    One that `lasts` stands for later executions of the node in its run too.
    """

    review_id: str
    approved: bool
    reviewer: str
    message: str
    edited: bool
    at: float
    lasts: bool = False
    is_repeat: bool = False


class RecordReviewRequest(BaseModel):
    """Write a decision down. `run_id` is Temporal's."""

    execution_id: str
    run_id: str
    outcome: ReviewOutcome
    data: Any = None
    data_ref: Reference | None = None


def _depth(data: Any) -> int:
    deepest, level = 0, [data]
    while level:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        deepest += 1
        if deepest > DEEPEST_REVIEWED + 1:
            break
    return deepest - 1
