"""Wolfram Alpha: computed answers."""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import wolfram


class AskWolframInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="An app id of Wolfram Alpha")
    question: str = Field(
        title="Question", description="What to answer", examples=["distance to the moon"], min_length=1
    )


class AskWolframOutputs(Outputs):
    answer: str = Field(title="Answer", description="The answer")


class AskWolfram(Block[AskWolframInputs]):
    id = "b7710ce4-68ef-4e82-9a2f-f0b874ef9c7d"
    name = "Ask Wolfram"
    description = "Asks Wolfram Alpha, which computes its answers."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("wolfram",))}
    costs = (Cost(1),)
    Input = AskWolframInputs
    Output = AskWolframOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "wolfram", "type": "api_key"}, "question": "2 + 2"},
            (("answer", "Result: 4"),),
            web=(
                Exchange(
                    "GET https://www.wolframalpha.com/api/v1/llm-api?appid=secret+of+mine&input=2+%2B+2",
                    "Result: 4",
                    headers={"Content-Type": "text/plain"},
                ),
            ),
        ),
    )

    async def run(self, inputs: AskWolframInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "answer", await wolfram.ask(context.services.http, key_of(context.credentials), inputs.question)
