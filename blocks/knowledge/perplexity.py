"""Perplexity: answers by models that search the web."""

from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, CostType, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import perplexity
from blocks.system_credentials import paid_by_host

_BY_HOST = paid_by_host("open_router")


class PerplexityModel(StrEnum):
    """How thorough the answer is."""

    SONAR = "perplexity/sonar"
    SONAR_PRO = "perplexity/sonar-pro"
    SONAR_DEEP_RESEARCH = "perplexity/sonar-deep-research"


class PerplexityInputs(Inputs):
    prompt: str = Field(title="Prompt", description="The question", examples=["Which tea is drunk most?"], min_length=1)
    model: PerplexityModel | str = Field(
        PerplexityModel.SONAR, title="Model", description="Which model; any other counts as the first"
    )
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for OpenRouter")
    system_prompt: str = Field("", title="System prompt", description="What the model is told beforehand")
    max_tokens: int | None = Field(None, title="Most tokens", description="The longest answer, in tokens", ge=1)


class PerplexityOutputs(Outputs):
    response: str = Field(title="Response", description="The answer")
    annotations: list[dict[str, Any]] = Field(title="Sources", description="The pages that it cites")


class Perplexity(Block[PerplexityInputs]):
    id = "c8a5f2e9-8b3d-4a7e-9f6c-1d5e3c9b7a4f"
    name = "Perplexity"
    description = "Asks Perplexity's models, which search the web, and gives the pages that they cite."
    categories = frozenset({Category.AI, Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("open_router",))}
    costs = tuple(
        Cost(150, CostType.COST_USD, filter={"model": model.value, **_BY_HOST}) for model in reversed(PerplexityModel)
    )
    timeout = timedelta(minutes=25)
    Input = PerplexityInputs
    Output = PerplexityOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "open_router", "type": "api_key"}, "prompt": "Is tea wet?"},
            (
                ("response", "It is."),
                ("annotations", [{"type": "url_citation", "url_citation": {"url": "https://tea.example/"}}]),
            ),
            web=(
                Exchange(
                    "POST https://openrouter.ai/api/v1/chat/completions",
                    '{"choices": [{"message": {"role": "assistant", "content": "It is.", "annotations": '
                    '[{"type": "url_citation", "url_citation": {"url": "https://tea.example/"}}]}}], '
                    '"usage": {"prompt_tokens": 5, "completion_tokens": 3, "cost": 0.006}}',
                    headers={"Content-Type": "application/json"},
                ),
            ),
        ),
    )

    async def run(self, inputs: PerplexityInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        # Graphs that were written by a model name any that it has heard of.
        model = PerplexityModel(inputs.model) if inputs.model in set(PerplexityModel) else PerplexityModel.SONAR
        reply = await perplexity.ask(
            context.services.http,
            key_of(context.credentials),
            model.value,
            inputs.prompt,
            system=inputs.system_prompt,
            most_tokens=inputs.max_tokens,
        )
        stats = context.stats
        stats.model_calls, stats.input_tokens, stats.output_tokens = 1, reply.input_tokens, reply.output_tokens
        stats.provider_cost = reply.dollars
        yield "response", reply.text
        yield "annotations", reply.annotations
