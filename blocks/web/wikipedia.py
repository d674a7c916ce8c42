"""What Wikipedia says.

Registered in `catalogue.py`.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded

_SUMMARY = "https://en.wikipedia.org/api/rest_v1/page/summary/"


class WikipediaSummaryInputs(Inputs):
    topic: str = Field(description="What to look up", title="Topic", examples=["Tea"], min_length=1, max_length=300)


class WikipediaSummaryOutputs(Outputs):
    summary: str = Field(description="The first paragraph of the article", title="Summary")


class GetWikipediaSummary(Block[WikipediaSummaryInputs]):
    id = "f5b0f5d0-1862-4d61-94be-3ad0fa772760"
    name = "Get Wikipedia summary"
    description = "Looks a topic up in the English Wikipedia and gives a summary."
    categories = frozenset({Category.SEARCH})
    Input = WikipediaSummaryInputs
    Output = WikipediaSummaryOutputs
    examples = (
        Example(
            {"topic": "Green tea"},
            (("summary", "Green tea is a type of tea."),),
            web=(
                Exchange(
                    "GET https://en.wikipedia.org/api/rest_v1/page/summary/Green_tea",
                    '{"type": "standard", "title": "Green tea", "extract": "Green tea is a type of tea."}',
                    headers={"Content-Type": "application/json"},
                ),
            ),
        ),
    )

    async def run(self, inputs: WikipediaSummaryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        title = quote("_".join(inputs.topic.split()), safe="")
        answer = await context.services.http.request("GET", _SUMMARY + title, headers={"Accept": "application/json"})
        if answer.status == 404:
            raise ValueError(f"Wikipedia has no article named {inputs.topic!r:.100}.")
        article = answer.checked().json()
        summary = article.get("extract") if isinstance(article, dict) else None
        if not isinstance(summary, str) or not summary:
            raise ValueError(f"Wikipedia gave no summary of {inputs.topic!r:.100}.")
        yield "summary", summary
