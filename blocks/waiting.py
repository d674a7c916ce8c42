"""Waiting until a moment.

Registered in `catalogue.py`. Like a countdown it holds no worker: the workflow keeps a timer.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Sleep, Yielded
from blocks.clock import Zone, now

_LONGEST_SLEEP = timedelta(days=365)
"""A later moment is waited for in several rounds: no timer has to last for centuries."""


class WaitUntilInputs(Inputs):
    moment: str = Field(description="Until when, in ISO 8601: 2026-05-31T14:30, or 2026-05-31T14:30:00+02:00")
    data: Any = Field("The moment has come", description="What to give then")
    timezone: str = Field("UTC", description="The zone of a moment that names none, such as Europe/Berlin")
    use_user_timezone: bool = Field(False, description="Take the zone of whoever started the run instead")


class WaitUntilOutputs(Outputs):
    data: Any = Field(description="What was to be given")


class WaitUntil(Block[WaitUntilInputs]):
    id = "7c2f0f5c-53c6-4c39-9d0f-0a0b0c5f4a13"
    name = "Wait until"
    description = "Waits until a moment, then gives a value; at once when it has passed. The wait survives any restart."
    categories = frozenset({Category.BASIC, Category.LOGIC})
    Input = WaitUntilInputs
    Output = WaitUntilOutputs
    examples = (Example({"moment": "2001-01-01T00:00:00Z", "data": "tea"}, (("data", "tea"),)),)

    async def run(self, inputs: WaitUntilInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """The moment is worked out once, in the first round: zones and their rules may change meanwhile."""
        moment = datetime.fromisoformat(context.resume) if context.resume else _moment(inputs, context)
        remaining = moment - now()
        if remaining > timedelta():
            yield Sleep(min(remaining, _LONGEST_SLEEP), moment.isoformat())
            return
        yield "data", inputs.data


def _moment(inputs: WaitUntilInputs, context: BlockContext) -> datetime:
    try:
        moment = datetime.fromisoformat(inputs.moment.strip())
    except ValueError:
        raise ValueError(f"{inputs.moment!r:.100} is no moment in ISO 8601, such as 2026-05-31T14:30.") from None
    if moment.tzinfo is None:
        zone = Zone(timezone=inputs.timezone, use_user_timezone=inputs.use_user_timezone)
        moment = moment.replace(tzinfo=zone.here(context).tzinfo)
    return moment
