"""Firecrawl: pages and whole sites as texts, their maps, searches, and what a prompt asks for."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import (
    Block,
    BlockContext,
    Category,
    Cost,
    CostType,
    Example,
    Exchange,
    Inputs,
    Outputs,
    Sleep,
    Yielded,
)
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.jobs import FIRST_PAUSE, Job
from blocks.providers import firecrawl

_JSON = {"Content-Type": "application/json"}
_MINE = {"id": "mine", "provider": "firecrawl", "type": "api_key"}
_CREDENTIALS = {"credentials": CredentialsField(("firecrawl",))}
_COSTS = (Cost(1000, CostType.COST_USD),)
"""A cent for each of Firecrawl's credits, whoever pays Firecrawl."""

_API = "https://api.firecrawl.dev/v2"
_WITHIN = timedelta(minutes=30)
_TOO_LONG = f"Firecrawl was not done within {_WITHIN.total_seconds():g} seconds: ask for fewer pages."
_TIMEOUT = _WITHIN + timedelta(minutes=10)


class ScrapeFormat(StrEnum):
    """As what a page is given."""

    MARKDOWN = "markdown"
    HTML = "html"
    RAW_HTML = "rawHtml"
    LINKS = "links"
    SCREENSHOT = "screenshot"
    SCREENSHOT_FULL_PAGE = "screenshot@fullPage"
    JSON = "json"
    CHANGE_TRACKING = "changeTracking"


# Format → our pin, and the entry of a page that it is given in.
_GIVEN_AS: Mapping[ScrapeFormat, tuple[str, str]] = {
    ScrapeFormat.MARKDOWN: ("markdown", "markdown"),
    ScrapeFormat.HTML: ("html", "html"),
    ScrapeFormat.RAW_HTML: ("raw_html", "raw_html"),
    ScrapeFormat.LINKS: ("links", "links"),
    ScrapeFormat.SCREENSHOT: ("screenshot", "screenshot"),
    ScrapeFormat.SCREENSHOT_FULL_PAGE: ("screenshot_full_page", "screenshot"),
    ScrapeFormat.JSON: ("json_data", "json"),
    ScrapeFormat.CHANGE_TRACKING: ("change_tracking", "change_tracking"),
}
_KINDS: Mapping[str, type] = {"json_data": dict, "change_tracking": dict}
# What Firecrawl takes as an object only; structured data needs to be told what is wanted.
_AS_OBJECTS: Mapping[ScrapeFormat, Mapping[str, Any]] = {
    ScrapeFormat.SCREENSHOT_FULL_PAGE: {"type": "screenshot", "fullPage": True},
    ScrapeFormat.JSON: {"type": "json", "prompt": "The main facts that the page states."},
    ScrapeFormat.CHANGE_TRACKING: {"type": "changeTracking"},
}


def _formats(formats: Sequence[ScrapeFormat]) -> list[Any]:
    return [_AS_OBJECTS.get(wanted, wanted.value) for wanted in dict.fromkeys(formats)]


class FirecrawlInputs(Inputs):
    """The account."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Firecrawl")


class PageInputs(FirecrawlInputs):
    """How pages are read."""

    url: str = Field(title="URL", description="Where to read", examples=["https://tea.example/"], min_length=1)
    limit: int = Field(10, title="Most pages", description="How many pages at the most", ge=1, le=10_000)
    only_main_content: bool = Field(
        True, title="Main content", description="Whether headers, menus and footers are left out"
    )
    max_age: int = Field(
        3_600_000, title="Age", description="How old, in milliseconds, a copy that Firecrawl has may be", ge=0
    )
    formats: list[ScrapeFormat] = Field(
        default_factory=lambda: [ScrapeFormat.MARKDOWN], title="Formats", description="As what each page is given"
    )

    def options(self, wait_for: int) -> dict[str, Any]:
        """All of it in Firecrawl's words."""
        return {
            "formats": _formats(self.formats),
            "onlyMainContent": self.only_main_content,
            "maxAge": self.max_age,
            "waitFor": wait_for,
        }


class PageOutputs(Outputs):
    """A page, in each format that was asked for."""

    markdown: str = Field(title="Markdown", description="A page's text")
    html: str = Field(title="HTML", description="A page's cleaned HTML")
    raw_html: str = Field(title="Raw HTML", description="A page's HTML as it is")
    links: list[str] = Field(title="Links", description="A page's links")
    screenshot: str = Field(title="Screenshot", description="Where a picture of the page is")
    screenshot_full_page: str = Field(title="Whole screenshot", description="Where a picture of the whole page is")
    json_data: dict[str, Any] = Field(title="Facts", description="What a page states, structured")
    change_tracking: dict[str, Any] = Field(title="Changes", description="What changed since Firecrawl last looked")


def _parts(page: Mapping[str, Any], formats: Sequence[ScrapeFormat]) -> Iterator[Yielded]:
    """A page in each format that it has."""
    for wanted in formats:
        pin, name = _GIVEN_AS[wanted]
        value = page.get(name)
        if pin == "links":
            if isinstance(value, list):
                yield pin, [link for link in value if isinstance(link, str)]
        elif isinstance(value, _KINDS.get(pin, str)):
            yield pin, value


class FirecrawlScrapeInputs(PageInputs):
    wait_for: int = Field(200, title="Wait", description="How many milliseconds the page gets to load", ge=0)


class FirecrawlScrapeOutputs(PageOutputs):
    data: dict[str, Any] = Field(title="Page", description="The page in all formats, with its `metadata`")


class FirecrawlScrape(Block[FirecrawlScrapeInputs]):
    id = "ac444320-cf5e-4697-b586-2604c17a3e75"
    name = "Firecrawl scrape"
    description = "Reads a page with Firecrawl."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = _COSTS
    timeout = _TIMEOUT
    Input = FirecrawlScrapeInputs
    Output = FirecrawlScrapeOutputs
    examples = (
        Example(
            {"credentials": _MINE, "url": "https://tea.example/"},
            (
                ("data", {"markdown": "# Tea", "metadata": {"source_url": "https://tea.example/"}}),
                ("markdown", "# Tea"),
            ),
            web=(
                Exchange(
                    f"POST {_API}/scrape",
                    '{"success": true, "data": {"markdown": "# Tea", "metadata": {"sourceURL": "https://tea.example/"}}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FirecrawlScrapeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        told = await firecrawl.scrape(
            context.services.http, key_of(context.credentials), inputs.url, inputs.options(inputs.wait_for)
        )
        context.stats.provider_cost = told.credits * firecrawl.CREDIT
        yield "data", told.data
        for part in _parts(told.data, inputs.formats):
            yield part


class FirecrawlCrawlInputs(PageInputs):
    wait_for: int = Field(0, title="Wait", description="How many milliseconds each page gets to load", ge=0)


class FirecrawlCrawlOutputs(PageOutputs):
    data: list[dict[str, Any]] = Field(title="Pages", description="Every page in all formats, with its `metadata`")


class FirecrawlCrawl(Block[FirecrawlCrawlInputs]):
    id = "bdbbaba0-03b7-4971-970e-699e2de6015e"
    name = "Firecrawl crawl"
    description = "Reads the pages of a site with Firecrawl, from one page on."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = _COSTS
    timeout = _TIMEOUT
    Input = FirecrawlCrawlInputs
    Output = FirecrawlCrawlOutputs
    examples = (
        Example(
            {"credentials": _MINE, "url": "https://tea.example/", "limit": 2},
            (
                ("data", [{"markdown": "# Tea"}, {"markdown": "# Green"}]),
                ("markdown", "# Tea"),
                ("markdown", "# Green"),
            ),
            web=(
                Exchange(f"POST {_API}/crawl", '{"success": true, "id": "7c"}', headers=_JSON),
                Exchange(
                    f"GET {_API}/crawl/7c",
                    '{"status": "completed", "total": 2, "completed": 2, "creditsUsed": 2, '
                    '"data": [{"markdown": "# Tea"}, {"markdown": "# Green"}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FirecrawlCrawlInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        if context.resume is None:
            options = inputs.options(inputs.wait_for)
            job = Job.begun(await firecrawl.begin_crawl(http, key, inputs.url, inputs.limit, options))
            yield job.sleep(FIRST_PAUSE)
            return
        job = Job.kept(context.resume)
        told = await job.ended(lambda: firecrawl.crawled(http, key, job.id, inputs.limit), _WITHIN, _TOO_LONG)
        if isinstance(told, Sleep):
            yield told
            return
        context.stats.provider_cost = told.credits * firecrawl.CREDIT
        yield "data", told.data
        for page in told.data:
            for part in _parts(page, inputs.formats):
                yield part


class FirecrawlMapWebsiteInputs(FirecrawlInputs):
    url: str = Field(title="URL", description="The site", examples=["https://tea.example/"], min_length=1)


class FirecrawlMapWebsiteOutputs(Outputs):
    links: list[str] = Field(title="Addresses", description="The addresses of the site's pages")
    results: list[dict[str, Any]] = Field(title="Pages", description="Each page: `url`, `title` and `description`")


class FirecrawlMapWebsite(Block[FirecrawlMapWebsiteInputs]):
    id = "f0f43e2b-c943-48a0-a7f1-40136ca4d3b9"
    name = "Firecrawl map website"
    description = "Lists the pages of a site with Firecrawl."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = _COSTS
    timeout = _TIMEOUT
    Input = FirecrawlMapWebsiteInputs
    Output = FirecrawlMapWebsiteOutputs
    examples = (
        Example(
            {"credentials": _MINE, "url": "https://tea.example/"},
            (
                ("links", ["https://tea.example/green"]),
                ("results", [{"url": "https://tea.example/green", "title": "Green", "description": None}]),
            ),
            web=(
                Exchange(
                    f"POST {_API}/map",
                    '{"success": true, "links": [{"url": "https://tea.example/green", "title": "Green"}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FirecrawlMapWebsiteInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        told = await firecrawl.site_map(context.services.http, key_of(context.credentials), inputs.url)
        context.stats.provider_cost = told.credits * firecrawl.CREDIT
        yield "links", [link["url"] for link in told.data]
        yield "results", told.data


class FirecrawlSearchInputs(FirecrawlInputs):
    query: str = Field(title="Query", description="What to look for", examples=["green tea"], min_length=1)
    limit: int = Field(10, title="Most pages", description="How many pages at the most", ge=1, le=100)
    max_age: int = Field(
        3_600_000, title="Age", description="How old, in milliseconds, a copy that Firecrawl has may be", ge=0
    )
    wait_for: int = Field(200, title="Wait", description="How many milliseconds each page gets to load", ge=0)
    formats: list[ScrapeFormat] = Field(
        default_factory=list, title="Formats", description="As what each page is given; none: it is not read"
    )


class FirecrawlSearchOutputs(Outputs):
    data: dict[str, Any] = Field(title="Found", description="What was found, under `web` and perhaps `news`, `images`")
    site: dict[str, Any] = Field(title="Page", description="Each page of `web`: `url`, `title`, `description` and more")


class FirecrawlSearch(Block[FirecrawlSearchInputs]):
    id = "f8d2f28d-b3a1-405b-804e-418c087d288b"
    name = "Firecrawl search"
    description = "Searches the web with Firecrawl, and reads the pages that it finds if asked to."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = _COSTS
    timeout = _TIMEOUT
    Input = FirecrawlSearchInputs
    Output = FirecrawlSearchOutputs
    examples = (
        Example(
            {"credentials": _MINE, "query": "green tea"},
            (
                ("data", {"web": [{"url": "https://tea.example/", "title": "Tea"}]}),
                ("site", {"url": "https://tea.example/", "title": "Tea"}),
            ),
            web=(
                Exchange(
                    f"POST {_API}/search",
                    '{"success": true, "data": {"web": [{"url": "https://tea.example/", "title": "Tea"}]}, '
                    '"creditsUsed": 2}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FirecrawlSearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asked: dict[str, Any] = {"query": inputs.query, "limit": inputs.limit}
        if inputs.formats:
            asked["scrapeOptions"] = {
                "formats": _formats(inputs.formats),
                "maxAge": inputs.max_age,
                "waitFor": inputs.wait_for,
            }
        told = await firecrawl.search(context.services.http, key_of(context.credentials), asked)
        context.stats.provider_cost = told.credits * firecrawl.CREDIT
        yield "data", told.data
        for site in told.data.get("web", []):
            yield "site", site


class FirecrawlExtractInputs(FirecrawlInputs):
    urls: list[str] = Field(
        title="URLs", description="The pages; `/*` at an end means all below", examples=[["https://tea.example/*"]]
    )
    prompt: str | None = Field(None, title="Prompt", description="What to extract")
    output_schema: dict[str, Any] | None = Field(None, title="Schema", description="JSON Schema of what is extracted")
    enable_web_search: bool = Field(
        False, title="Search the web", description="Whether links to other sites are followed, too"
    )


class FirecrawlExtractOutputs(Outputs):
    data: dict[str, Any] = Field(title="Extracted", description="What was extracted")


class FirecrawlExtract(Block[FirecrawlExtractInputs]):
    id = "d1774756-4d9e-40e6-bab1-47ec0ccd81b2"
    name = "Firecrawl extract"
    description = "Extracts from pages, with Firecrawl, what a prompt or a schema asks for."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = _COSTS
    timeout = _TIMEOUT
    Input = FirecrawlExtractInputs
    Output = FirecrawlExtractOutputs
    examples = (
        Example(
            {"credentials": _MINE, "urls": ["https://tea.example/"], "prompt": "Which teas are there?"},
            (("data", {"teas": ["green"]}),),
            web=(
                Exchange(f"POST {_API}/extract", '{"success": true, "id": "9e"}', headers=_JSON),
                Exchange(
                    f"GET {_API}/extract/9e",
                    '{"success": true, "status": "completed", "data": {"teas": ["green"]}, "tokensUsed": 30}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: FirecrawlExtractInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.urls:
            raise ValueError("There is nothing to read: `urls` is empty.")
        asked = {
            "urls": inputs.urls,
            "enableWebSearch": inputs.enable_web_search,
            **({"prompt": inputs.prompt} if inputs.prompt else {}),
            **({"schema": inputs.output_schema} if inputs.output_schema else {}),
        }
        http, key = context.services.http, key_of(context.credentials)
        if context.resume is None:
            job = Job.begun(await firecrawl.begin_extract(http, key, asked))
            yield job.sleep(FIRST_PAUSE)
            return
        job = Job.kept(context.resume)
        told = await job.ended(lambda: firecrawl.extracted(http, key, job.id), _WITHIN, _TOO_LONG)
        if isinstance(told, Sleep):
            yield told
            return
        context.stats.provider_cost = told.credits * firecrawl.CREDIT
        yield "data", told.data
