"""Jina: searching the web and checking statements against it; embeddings of texts, and cutting texts into chunks."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, CostType, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.knowledge.limits import LONG
from blocks.providers import jina
from blocks.system_credentials import paid_by_host

_MOST_TEXTS = 1_000
_JSON = {"Content-Type": "application/json"}


class SearchTheWebInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Jina")
    query: str = Field(title="Query", description="What to look for", examples=["green tea"])


class SearchTheWebOutputs(Outputs):
    results: str = Field(title="Results", description="The pages that were found, as one text")


class SearchTheWeb(Block[SearchTheWebInputs]):
    id = "87840993-2053-44b7-8da4-187ad4ee518c"
    name = "Search the web"
    description = "Searches the web with Jina and gives the text of the pages found."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("jina",))}
    costs = (Cost(150, CostType.COST_USD, filter=paid_by_host("jina")),)
    Input = SearchTheWebInputs
    Output = SearchTheWebOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "jina", "type": "api_key"}, "query": "green tea"},
            (("results", "[1] Title: Green tea"),),
            web=(
                Exchange(
                    "GET https://s.jina.ai/green%20tea", "[1] Title: Green tea", headers={"Content-Type": "text/plain"}
                ),
            ),
        ),
    )

    async def run(self, inputs: SearchTheWebInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.query.strip():
            raise ValueError("There is nothing to look for: the query is empty.")
        results = await jina.search(context.services.http, key_of(context.credentials), inputs.query)
        context.stats.provider_cost = jina.SEARCH_DOLLARS
        yield "results", results


class FactCheckerInputs(Inputs):
    statement: str = Field(
        title="Statement",
        description=f"What to check, up to {jina.LONGEST_STATEMENT:,} letters of English",
        examples=["Tea is made from leaves."],
    )
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Jina")


class FactCheckerOutputs(Outputs):
    factuality: float = Field(title="Factuality", description="How true the statement is, from 0 to 1")
    result: bool = Field(title="Result", description="Whether the statement holds")
    reason: str = Field(title="Reason", description="Why")
    references: list[dict[str, Any]] = Field(
        default_factory=list,
        title="References",
        description="The pages for and against it, each with `url`, `keyQuote` and `isSupportive`",
    )


class FactChecker(Block[FactCheckerInputs]):
    id = "d38b6c5e-9968-4271-8423-6cfe60d6e7e6"
    name = "Fact checker"
    description = "Checks a statement against the web with Jina."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("jina",))}
    costs = (Cost(1, filter=paid_by_host("jina")),)
    Input = FactCheckerInputs
    Output = FactCheckerOutputs
    examples = (
        Example(
            {
                "statement": "Tea is wet.",
                "credentials": {"id": "mine", "provider": "jina", "type": "api_key"},
            },
            (
                ("factuality", 1.0),
                ("result", True),
                ("reason", "It is brewed with water."),
                ("references", [{"url": "https://tea.example/", "keyQuote": "wet", "isSupportive": True}]),
            ),
            web=(
                Exchange(
                    "GET https://g.jina.ai/Tea%20is%20wet.",
                    '{"data": {"factuality": 1, "result": true, "reason": "It is brewed with water.", "references": '
                    '[{"url": "https://tea.example/", "keyQuote": "wet", "isSupportive": true}]}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FactCheckerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.statement.strip():
            raise ValueError("There is nothing to check: the statement is empty.")
        verdict = await jina.check(context.services.http, key_of(context.credentials), inputs.statement)
        yield "factuality", verdict.factuality
        yield "result", verdict.result
        yield "reason", verdict.reason
        yield "references", verdict.references


class JinaEmbeddingInputs(Inputs):
    texts: list[Any] = Field(title="Texts", description="The texts", examples=[["green tea", "black tea"]])
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Jina")
    model: str = Field("jina-embeddings-v2-base-en", title="Model", description="Jina's model")


class JinaEmbeddingOutputs(Outputs):
    embeddings: list[Any] = Field(title="Embeddings", description="A list of numbers for each text, in their order")


class JinaEmbedding(Block[JinaEmbeddingInputs]):
    id = "7c56b3ab-62e7-43a2-a2dc-4ec4245660b6"
    name = "Jina embedding"
    description = "Turns texts into vectors with Jina, near each other where the texts mean the like."
    categories = frozenset({Category.AI})
    credentials: ClassVar = {"credentials": CredentialsField(("jina",))}
    costs = (Cost(12, filter=paid_by_host("jina")),)
    timeout = LONG
    Input = JinaEmbeddingInputs
    Output = JinaEmbeddingOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "jina", "type": "api_key"}, "texts": ["tea"]},
            (("embeddings", [[0.5, -0.25]]),),
            web=(
                Exchange(
                    "POST https://api.jina.ai/v1/embeddings",
                    '{"model": "jina-embeddings-v2-base-en", "data": [{"index": 0, "embedding": [0.5, -0.25]}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: JinaEmbeddingInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        texts = _texts(inputs.texts)
        key = key_of(context.credentials)
        yield "embeddings", await jina.embeddings(context.services.http, key, texts, inputs.model)


class JinaChunkingInputs(Inputs):
    texts: list[Any] = Field(title="Texts", description="The texts", examples=[["A long text."]])
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Jina")
    max_chunk_length: int = Field(1000, title="Longest chunk", description="In characters", ge=1, le=64_000)
    return_tokens: bool = Field(False, title="With tokens", description="Whether to give the tokens of each chunk")


class JinaChunkingOutputs(Outputs):
    chunks: list[Any] = Field(title="Chunks", description="The chunks of all texts, in their order")
    tokens: list[Any] = Field(title="Tokens", description="The tokens of each chunk, if asked for")


class JinaChunking(Block[JinaChunkingInputs]):
    id = "806fb15e-830f-4796-8692-557d300ff43c"
    name = "Jina chunking"
    description = "Cuts texts into chunks with Jina, where their meaning allows."
    categories = frozenset({Category.AI, Category.TEXT})
    credentials: ClassVar = {"credentials": CredentialsField(("jina",))}
    costs = (Cost(1, filter=paid_by_host("jina")),)
    timeout = LONG
    Input = JinaChunkingInputs
    Output = JinaChunkingOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "jina", "type": "api_key"}, "texts": ["Tea. Water."]},
            (("chunks", ["Tea. ", "Water."]),),
            web=(
                Exchange(
                    "POST https://segment.jina.ai/", '{"num_chunks": 2, "chunks": ["Tea. ", "Water."]}', headers=_JSON
                ),
            ),
        ),
    )

    async def run(self, inputs: JinaChunkingInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key, texts = key_of(context.credentials), _texts(inputs.texts)
        chunks: list[str] = []
        tokens: list[Any] = []
        for text in texts:
            more, their_tokens = await jina.chunks(
                context.services.http, key, text, inputs.max_chunk_length, with_tokens=inputs.return_tokens
            )
            chunks += more
            tokens += their_tokens
        yield "chunks", chunks
        if inputs.return_tokens:
            yield "tokens", tokens


def _texts(given: list[Any]) -> list[str]:
    if not given or not all(isinstance(text, str) for text in given):
        raise ValueError("`texts` must be a list of texts, and not empty.")
    if len(given) > _MOST_TEXTS:
        raise ValueError(f"There are {len(given):,} texts; at most {_MOST_TEXTS:,} are possible at once.")
    return given
