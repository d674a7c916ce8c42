"""What services with a key know: search results, verdicts on statements.

Registered in `catalogue.py`; what the services are asked is in `providers/`. They read alone, so a lost attempt is
begun again.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, key_of
from blocks.providers import jina
from blocks.system_credentials import system_id

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
        yield "results", await jina.search(context.services.http, key_of(context.credentials), inputs.query)


class FactCheckerInputs(Inputs):
    statement: str = Field(title="Statement", description="What to check", examples=["Tea is made from leaves."])
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
    costs = (
        Cost(
            1,
            filter={
                "credentials": {"id": system_id("jina"), "provider": "jina", "type": CredentialsType.API_KEY.value}
            },
        ),
    )
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
