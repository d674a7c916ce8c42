"""What services with a key know: search results, verdicts on statements, addresses, places.

Registered in `catalogue.py`; what the services are asked is in `providers/`. They read alone, so a lost attempt is
begun again.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, key_of
from blocks.providers import google_maps, jina, zerobounce
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


class ValidateEmailsInputs(Inputs):
    email: str = Field(title="Address", description="The mail address", examples=["ada@tea.example"], min_length=1)
    ip_address: str = Field("", title="IP address", description="From where its owner signed up, where that is known")
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for ZeroBounce")


class ValidateEmailsOutputs(Outputs):
    response: dict[str, Any] = Field(
        title="Response", description="What is known of the address: `status`, `sub_status`, `domain` and more"
    )


class ValidateEmails(Block[ValidateEmailsInputs]):
    id = "e3950439-fa0b-40e8-b19f-e0dca0bf5853"
    name = "Validate emails"
    description = "Asks ZeroBounce whether a mail address takes mail."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("zerobounce",))}
    Input = ValidateEmailsInputs
    Output = ValidateEmailsOutputs
    examples = (
        Example(
            {
                "email": "ada@tea.example",
                "credentials": {"id": "mine", "provider": "zerobounce", "type": "api_key"},
            },
            (("response", {"address": "ada@tea.example", "status": "valid", "sub_status": ""}),),
            web=(
                Exchange(
                    "GET https://api.zerobounce.net/v2/validate"
                    "?api_key=secret+of+mine&email=ada%40tea.example&ip_address=",
                    '{"address": "ada@tea.example", "status": "valid", "sub_status": ""}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ValidateEmailsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = key_of(context.credentials)
        yield "response", await zerobounce.validate(context.services.http, key, inputs.email, inputs.ip_address)


class GoogleMapsSearchInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Google Maps")
    query: str = Field(title="Query", description="What to look for, and where", examples=["tea houses in Kyoto"])
    radius: int = Field(
        5000,
        title="Radius",
        description="In metres; without effect, as a text has no point to measure from: name the place in the query",
        ge=1,
        le=50_000,
    )
    max_results: int = Field(20, title="Most results", description="How many places at the most", ge=1, le=60)


class GoogleMapsSearchOutputs(Outputs):
    place: dict[str, Any] = Field(
        title="Place", description="Each place: `name`, `address`, `phone`, `rating`, `reviews` and `website`"
    )


class GoogleMapsSearch(Block[GoogleMapsSearchInputs]):
    id = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    name = "Google Maps search"
    description = "Looks for places with Google Maps and gives them one by one."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("google_maps",))}
    Input = GoogleMapsSearchInputs
    Output = GoogleMapsSearchOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "google_maps", "type": "api_key"},
                "query": "tea houses in Kyoto",
                "max_results": 1,
            },
            (
                (
                    "place",
                    {
                        "name": "Tea House",
                        "address": "1 Leaf St",
                        "phone": "+1 2",
                        "rating": 4.5,
                        "reviews": 12,
                        "website": "https://tea.example/",
                    },
                ),
            ),
            web=(
                Exchange(
                    "POST https://places.googleapis.com/v1/places:searchText",
                    '{"places": [{"displayName": {"text": "Tea House"}, "formattedAddress": "1 Leaf St", '
                    '"internationalPhoneNumber": "+1 2", "rating": 4.5, "userRatingCount": 12, '
                    '"websiteUri": "https://tea.example/"}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: GoogleMapsSearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = key_of(context.credentials)
        for place in await google_maps.search(context.services.http, key, inputs.query, inputs.max_results):
            yield "place", place
