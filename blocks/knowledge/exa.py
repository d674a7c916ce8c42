"""Exa: searching the web by meaning, and reading pages."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import (
    Block,
    BlockContext,
    Category,
    Example,
    Exchange,
    Outputs,
    Yielded,
)
from blocks.credentials import key_of
from blocks.knowledge.exa_settings import (
    EXA_COSTS,
    EXA_CREDENTIALS,
    MINE,
    ContentSettings,
    ExaInputs,
    ExtrasSettings,
    HighlightSettings,
    LivecrawlTypes,
    SummarySettings,
    asked_contents,
    asked_dates,
)
from blocks.providers import exa

_JSON = {"Content-Type": "application/json"}
_PAGE_OF_EXAMPLE: dict[str, Any] = {
    "id": "https://tea.example/",
    "url": "https://tea.example/",
    "title": "Tea",
    "author": None,
    "publishedDate": None,
    "text": None,
    "summary": None,
    "image": None,
    "favicon": None,
    "extras": None,
    "highlights": [],
    "highlightScores": [],
    "subpages": [],
}
_FOUND = (
    '{"requestId": "r1", "resolvedSearchType": "neural", "results": [{"id": "https://tea.example/", '
    '"url": "https://tea.example/", "title": "Tea"}], "costDollars": {"total": 0.005}}'
)
_A_PAGE = "`url`, `title`, `text`, `highlights`, `summary` and more"


class ExaSearchTypes(StrEnum):
    """How Exa searches."""

    KEYWORD = "keyword"
    NEURAL = "neural"
    FAST = "fast"
    AUTO = "auto"


class ExaSearchCategories(StrEnum):
    """What kind of page is looked for."""

    COMPANY = "company"
    RESEARCH_PAPER = "research paper"
    NEWS = "news"
    PDF = "pdf"
    GITHUB = "github"
    TWEET = "tweet"
    PERSONAL_SITE = "personal site"
    LINKEDIN_PROFILE = "linkedin profile"
    FINANCIAL_REPORT = "financial report"


class FilteredInputs(ExaInputs):
    """What narrows a search."""

    number_of_results: int = Field(10, title="Results", description="How many pages at the most", ge=1, le=100)
    include_domains: list[str] = Field(default_factory=list, title="Only there", description="Only these domains")
    exclude_domains: list[str] = Field(default_factory=list, title="Not there", description="None of these domains")
    start_crawl_date: datetime | None = Field(None, title="Crawled after", description="When Exa found the page")
    end_crawl_date: datetime | None = Field(None, title="Crawled before", description="When Exa found the page")
    start_published_date: datetime | None = Field(None, title="Published after", description="When it was published")
    end_published_date: datetime | None = Field(None, title="Published before", description="When it was published")
    include_text: list[str] = Field(default_factory=list, title="With", description="Text that must be on the page")
    exclude_text: list[str] = Field(default_factory=list, title="Without", description="Text that must not be on it")
    contents: ContentSettings = Field(
        default_factory=ContentSettings, title="Contents", description="What to give of each page"
    )
    moderation: bool = Field(False, title="Moderation", description="Whether unsafe pages are left out")

    def asked(self) -> dict[str, Any]:
        """All of it in Exa's words."""
        lists = {
            "includeDomains": self.include_domains,
            "excludeDomains": self.exclude_domains,
            "includeText": self.include_text,
            "excludeText": self.exclude_text,
        }
        dates = {
            "startCrawlDate": self.start_crawl_date,
            "endCrawlDate": self.end_crawl_date,
            "startPublishedDate": self.start_published_date,
            "endPublishedDate": self.end_published_date,
        }
        contents = asked_contents(self.contents)
        return {
            "numResults": self.number_of_results,
            **{name: items for name, items in lists.items() if items},
            **asked_dates(dates),
            **({"moderation": True} if self.moderation else {}),
            **({"contents": contents} if contents else {}),
        }


class FoundOutputs(Outputs):
    """What every search gives."""

    results: list[dict[str, Any]] = Field(title="Pages", description="The pages, before each of them")
    result: dict[str, Any] = Field(title="Page", description=f"Each page: {_A_PAGE}")
    context: str = Field(title="Context", description="All pages as one text for language models, if asked for")
    cost_dollars: dict[str, Any] | None = Field(title="Cost", description="What Exa takes for it: `total` and more")


def _told(found: exa.Found, outputs: type[Outputs], context: BlockContext) -> Iterator[Yielded]:
    """The pages, and of the rest what the block has an output for and Exa tells."""
    context.stats.provider_cost = found.dollars
    yield "results", found.pages
    for page in found.pages:
        yield "result", page
    texts = {
        "context": "context",
        "search_type": "searchType",
        "resolved_search_type": "resolvedSearchType",
        "request_id": "requestId",
    }
    for name, theirs in texts.items():
        if name in outputs.model_fields and found.text(theirs):
            yield name, found.text(theirs)
    statuses, cost = found.rest.get("statuses"), found.rest.get("costDollars")
    if "statuses" in outputs.model_fields and isinstance(statuses, list):
        yield "statuses", [status for status in statuses if isinstance(status, dict)]
    if isinstance(cost, dict):
        yield "cost_dollars", cost


class ExaSearchInputs(FilteredInputs):
    query: str = Field(title="Query", description="What to look for", examples=["green tea"], min_length=1)
    type: ExaSearchTypes = Field(ExaSearchTypes.AUTO, title="Type", description="How to search")
    category: ExaSearchCategories | None = Field(None, title="Category", description="Only pages of this kind")
    user_location: str | None = Field(
        None, title="Country", description="Where the question comes from", examples=["US"]
    )


class ExaSearchOutputs(FoundOutputs):
    search_type: str = Field(title="Search type", description="How Exa was asked to search, if it tells")
    resolved_search_type: str = Field(title="Type used", description="How it did search, if it tells")


class ExaSearch(Block[ExaSearchInputs]):
    id = "996cec64-ac40-4dde-982f-b0dc60a5824d"
    name = "Exa search"
    description = "Searches the web by meaning with Exa."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaSearchInputs
    Output = ExaSearchOutputs
    examples = (
        Example(
            {"credentials": MINE, "query": "green tea", "number_of_results": 1},
            (
                ("results", [_PAGE_OF_EXAMPLE]),
                ("result", _PAGE_OF_EXAMPLE),
                ("resolved_search_type", "neural"),
                ("cost_dollars", {"total": 0.005}),
            ),
            web=(Exchange("POST https://api.exa.ai/search", _FOUND, headers=_JSON),),
        ),
    )

    async def run(self, inputs: ExaSearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asked = {
            "query": inputs.query,
            "type": inputs.type,
            **({"category": inputs.category} if inputs.category else {}),
            **({"userLocation": inputs.user_location} if inputs.user_location else {}),
            **inputs.asked(),
        }
        for output in _told(
            await exa.search(context.services.http, key_of(context.credentials), asked), self.Output, context
        ):
            yield output


class ExaFindSimilarInputs(FilteredInputs):
    url: str = Field(title="URL", description="The page to find the like of", examples=["https://tea.example/"])


class ExaFindSimilarOutputs(FoundOutputs):
    request_id: str = Field(title="Request id", description="Exa's id of the request")


class ExaFindSimilar(Block[ExaFindSimilarInputs]):
    id = "5e7315d1-af61-4a0c-9350-7c868fa7438a"
    name = "Exa find similar"
    description = "Finds pages with Exa that are like a given one."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaFindSimilarInputs
    Output = ExaFindSimilarOutputs
    examples = (
        Example(
            {"credentials": MINE, "url": "https://cocoa.example/"},
            (
                ("results", [_PAGE_OF_EXAMPLE]),
                ("result", _PAGE_OF_EXAMPLE),
                ("request_id", "r1"),
                ("cost_dollars", {"total": 0.005}),
            ),
            web=(Exchange("POST https://api.exa.ai/findSimilar", _FOUND, headers=_JSON),),
        ),
    )

    async def run(self, inputs: ExaFindSimilarInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asked = {"url": inputs.url, **inputs.asked()}
        for output in _told(
            await exa.find_similar(context.services.http, key_of(context.credentials), asked), self.Output, context
        ):
            yield output


class ExaContentsInputs(ExaInputs):
    urls: list[str] = Field(default_factory=list, title="URLs", description="The pages to read")
    ids: list[str] = Field(default_factory=list, title="Ids", description="Ids of an earlier search, in place of URLs")
    text: bool = Field(True, title="Text", description="Whether to give the text of the pages")
    highlights: HighlightSettings = Field(
        default_factory=HighlightSettings, title="Passages", description="Which passages to give; unchanged: none"
    )
    summary: SummarySettings = Field(
        default_factory=SummarySettings, title="Summary", description="How to sum the pages up; unchanged: not at all"
    )
    livecrawl: LivecrawlTypes | None = Field(
        LivecrawlTypes.FALLBACK, title="Read anew", description="Whether pages are read anew"
    )
    livecrawl_timeout: int | None = Field(
        10_000, title="Time for that", description="For how many milliseconds that is tried", ge=0
    )
    subpages: int | None = Field(0, title="Subpages", description="How many pages below are read, too", ge=0)
    subpage_target: str | list[str] | None = Field(
        None, title="Which subpages", description="Words that tell which pages below are read"
    )
    extras: ExtrasSettings = Field(
        default_factory=ExtrasSettings, title="Extras", description="Links and images to give of each page"
    )


class ExaContentsOutputs(FoundOutputs):
    request_id: str = Field(title="Request id", description="Exa's id of the request")
    statuses: list[dict[str, Any]] = Field(
        title="Statuses", description="For each URL: its `id`, its `status` and perhaps an `error`"
    )


class ExaContents(Block[ExaContentsInputs]):
    id = "c52be83f-f8cd-4180-b243-af35f986b461"
    name = "Exa contents"
    description = "Reads pages with Exa."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaContentsInputs
    Output = ExaContentsOutputs
    examples = (
        Example(
            {"credentials": MINE, "urls": ["https://tea.example/"]},
            (
                ("results", [{**_PAGE_OF_EXAMPLE, "text": "Leaves."}]),
                ("result", {**_PAGE_OF_EXAMPLE, "text": "Leaves."}),
                ("context", "Tea: Leaves."),
                ("request_id", "r2"),
                ("statuses", [{"id": "https://tea.example/", "status": "success"}]),
                ("cost_dollars", {"total": 0.001}),
            ),
            web=(
                Exchange(
                    "POST https://api.exa.ai/contents",
                    '{"requestId": "r2", "results": [{"id": "https://tea.example/", "url": "https://tea.example/", '
                    '"title": "Tea", "text": "Leaves."}], "context": "Tea: Leaves.", '
                    '"statuses": [{"id": "https://tea.example/", "status": "success"}], '
                    '"costDollars": {"total": 0.001}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ExaContentsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.urls and not inputs.ids:
            raise ValueError("There is nothing to read: give `urls` or `ids`.")
        settings = ContentSettings(
            text=inputs.text,
            highlights=inputs.highlights if inputs.highlights != HighlightSettings() else None,
            summary=inputs.summary if inputs.summary != SummarySettings() else None,
            livecrawl=inputs.livecrawl,
            livecrawl_timeout=inputs.livecrawl_timeout,
            subpages=inputs.subpages,
            subpage_target=inputs.subpage_target,
            extras=inputs.extras,
            context=True,
        )
        pages = {"urls": inputs.urls} if inputs.urls else {"ids": inputs.ids}
        found = await exa.contents(
            context.services.http, key_of(context.credentials), {**pages, **asked_contents(settings)}
        )
        for output in _told(found, self.Output, context):
            yield output
