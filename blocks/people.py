"""Blocks that wait for somebody: for a person's decision, or for an event that somebody sends to the run.

Registered in `catalogue.py`. While they wait they hold no worker; the workflow keeps the wait, for months if need be
(agent-graphs §12).
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from pydantic import Field

from blocks.base import AskReview, AwaitEvent, Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import BlockKind

_LONGEST_DAYS = 3_650


class HumanInTheLoopInputs(Inputs):
    data: Any = Field(description="What the person is to decide on")
    name: str = Field(description="What it is about, for the person")
    editable: bool = Field(True, description="Whether the person may change the data")
    expires_in_hours: float = Field(
        0, ge=0, le=_LONGEST_DAYS * 24, description="Rejected if nobody has decided by then; 0: never"
    )


class HumanInTheLoopOutputs(Outputs):
    approved_data: Any = Field(description="The data, if it was approved; as the person left it")
    rejected_data: Any = Field(description="The data, if it was rejected")
    review_message: str = Field("", description="What the person said")


class HumanInTheLoop(Block[HumanInTheLoopInputs]):
    id = "8b2a7b3c-6e9d-4a5f-8c1b-2e3f4a5b6c7d"
    name = "Human in the loop"
    description = "Shows data to a person and waits for the decision: approved, perhaps changed, or rejected."
    kind = BlockKind.HUMAN_IN_THE_LOOP
    Input = HumanInTheLoopInputs
    Output = HumanInTheLoopOutputs
    examples = (
        Example(
            {"data": "Dear Ada", "name": "Send this letter?"},
            (("approved_data", "Dear Ada"), ("review_message", "Execution approved by reviewer")),
        ),
    )

    async def run(self, inputs: HumanInTheLoopInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        answer = context.answer
        if answer is None:
            if not context.asks_people:
                answer = {"approved": True, "message": "Auto-approved (safe mode disabled)"}
            elif context.is_approved:
                answer = {"approved": True, "message": "Auto-approved (the reviewer approved all of this node)"}
            else:
                hours = inputs.expires_in_hours
                patience = timedelta(hours=hours) if hours else None
                yield AskReview(inputs.data, instructions=inputs.name, editable=inputs.editable, patience=patience)
                return
        approved = answer["approved"]
        yield "approved_data" if approved else "rejected_data", answer.get("data", inputs.data)
        yield "review_message", answer["message"] or f"Execution {'approved' if approved else 'rejected'} by reviewer"


class WaitForEventInputs(Inputs):
    name: str = Field(
        description="The event's name, as its sender calls it", min_length=1, max_length=200, examples=["paid"]
    )
    trigger: Any = Field(None, description="Anything; its arrival begins the wait")
    timeout_seconds: float = Field(
        0, ge=0, le=_LONGEST_DAYS * 86_400, description="How long to wait at the longest; 0: for ever"
    )


class WaitForEventOutputs(Outputs):
    payload: Any = Field(description="What came with the event")
    timed_out: str = Field(description="The event's name, if it did not come in time")


class WaitForEvent(Block[WaitForEventInputs]):
    id = "1f3f6c9e-5b1d-4a53-9a53-6c9e2d3b7f10"
    name = "Wait for event"
    description = (
        "Waits until somebody sends the run an event of this name, and gives what came with it. "
        "Events that came before anybody waited are kept: each is given to one node, the oldest first."
    )
    categories = frozenset({Category.LOGIC})
    Input = WaitForEventInputs
    Output = WaitForEventOutputs
    examples = (Example({"name": "paid"}, (("payload", "waited"),)),)

    async def run(self, inputs: WaitForEventInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if context.answer is None:
            seconds = inputs.timeout_seconds
            yield AwaitEvent(inputs.name, patience=timedelta(seconds=seconds) if seconds else None)
        elif "payload" in context.answer:
            yield "payload", context.answer["payload"]
        else:
            yield "timed_out", inputs.name
