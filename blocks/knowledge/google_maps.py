"""Google Maps: looking for places."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import google_maps

_JSON = {"Content-Type": "application/json"}


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
