"""Exa: answers with their sources, and pieces of code."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Outputs, Yielded
from blocks.credentials import key_of
from blocks.knowledge.exa_settings import EXA_COSTS, EXA_CREDENTIALS, MINE, ExaInputs
from blocks.knowledge.limits import LONG
from blocks.providers import exa

_JSON = {"Content-Type": "application/json"}


class ExaAnswerInputs(ExaInputs):
    query: str = Field(title="Question", description="What to answer", examples=["Who drinks most tea?"], min_length=1)
    text: bool = Field(True, title="With texts", description="Whether to give the sources' texts")


class ExaAnswerOutputs(Outputs):
    answer: str = Field(title="Answer", description="The answer")
    citations: list[dict[str, Any]] = Field(title="Sources", description="The pages it is taken from, before each")
    citation: dict[str, Any] = Field(title="Source", description="Each page: `url`, `title`, `text` and more")


class ExaAnswer(Block[ExaAnswerInputs]):
    id = "b79ca4cc-9d5e-47d1-9d4f-e3a2d7f28df5"
    name = "Exa answer"
    description = "Answers a question from pages that Exa finds."
    categories = frozenset({Category.SEARCH, Category.AI})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    timeout = LONG
    Input = ExaAnswerInputs
    Output = ExaAnswerOutputs
    examples = (
        Example(
            {"credentials": MINE, "query": "What is tea made from?", "text": False},
            (("answer", "From leaves."), ("citations", [])),
            web=(
                Exchange(
                    "POST https://api.exa.ai/answer",
                    '{"answer": "From leaves.", "citations": [], "costDollars": {"total": 0.005}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ExaAnswerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = key_of(context.credentials)
        reply = await exa.answer(context.services.http, key, inputs.query, text=inputs.text)
        context.stats.provider_cost = reply.dollars
        yield "answer", reply.text
        yield "citations", reply.citations
        for citation in reply.citations:
            yield "citation", citation


class ExaCodeContextInputs(ExaInputs):
    query: str = Field(title="Query", description="What the code is to do", examples=["sort a list"], min_length=1)
    tokens_num: str | int = Field(
        "dynamic", title="Tokens", description="How long the answer may be, in tokens; `dynamic`: as long as needed"
    )


class ExaCodeContextOutputs(Outputs):
    request_id: str = Field(title="Request id", description="Exa's id of the request")
    query: str = Field(title="Query", description="The query")
    response: str = Field(title="Code", description="Pieces of code and of documentation, with their sources")
    results_count: int = Field(title="Sources", description="How many sources they come from")
    cost_dollars: str = Field(title="Cost", description="What Exa takes for it, in its own words")
    search_time: float = Field(title="Search time", description="How long the search took, in milliseconds")
    output_tokens: int = Field(title="Tokens", description="How long the answer is, in tokens")


class ExaCodeContext(Block[ExaCodeContextInputs]):
    id = "8f9e0d1c-2b3a-4567-8901-23456789abcd"
    name = "Exa code context"
    description = "Finds pieces of code in public repositories, documentation and forums with Exa."
    categories = frozenset({Category.SEARCH, Category.DEVELOPER_TOOLS})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaCodeContextInputs
    Output = ExaCodeContextOutputs
    examples = (
        Example(
            {"credentials": MINE, "query": "sort a list", "tokens_num": 5000},
            (
                ("request_id", "r3"),
                ("query", "sort a list"),
                ("response", "sorted(items)"),
                ("results_count", 1),
                ("cost_dollars", '{"total": 0.01}'),
                ("search_time", 112.5),
                ("output_tokens", 4),
            ),
            web=(
                Exchange(
                    "POST https://api.exa.ai/context",
                    '{"requestId": "r3", "query": "sort a list", "response": "sorted(items)", "resultsCount": 1, '
                    '"costDollars": "{\\"total\\": 0.01}", "searchTime": 112.5, "outputTokens": 4}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ExaCodeContextInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        tokens: str | int = inputs.tokens_num
        if isinstance(tokens, str) and tokens != "dynamic":
            if not (tokens.isascii() and tokens.isdigit()):
                raise ValueError("`tokens_num` must be a number, or `dynamic`.")
            tokens = int(tokens[:9])
        told = await exa.code_context(context.services.http, key_of(context.credentials), inputs.query, tokens)
        context.stats.provider_cost = told["dollars"]
        yield "request_id", told["requestId"]
        yield "query", told["query"]
        yield "response", told["response"]
        yield "results_count", told["resultsCount"]
        yield "cost_dollars", told["costDollars"]
        yield "search_time", told["searchTime"]
        yield "output_tokens", told["outputTokens"]
