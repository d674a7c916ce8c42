"""What is asked of, and answered by, the activity that makes a node's inputs small enough to travel.

The workflow asks before it schedules an activity whose inputs would be too much for one message.
"""

from pydantic import BaseModel, Field

from engine.values import Value


class LightenRequest(BaseModel):
    """What a node execution is to be started with, when that is too large to travel in one message."""

    execution_id: str
    inputs: dict[str, Value]
    answer: dict[str, Value] = Field(default_factory=dict)


class Lightened(BaseModel):
    """The same, with the larger values in the store."""

    inputs: dict[str, Value]
    answer: dict[str, Value]
