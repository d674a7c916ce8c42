"""Firecrawl: what is asked of it, pages in each format, and jobs that are asked after."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.base import Block, Exchange, NodeStats
from blocks.http.errors import AnswerTooLarge, AnswerUnreadable, RequestFailed
from blocks.inputs import assemble, validated
from blocks.knowledge.firecrawl import (
    FirecrawlCrawl,
    FirecrawlExtract,
    FirecrawlMapWebsite,
    FirecrawlScrape,
    FirecrawlSearch,
)
from blocks.services import Services
from tests.blocks.block_runs import context, credentials_for
from tests.blocks.provider_runs import asked
from tests.support.web import Internet, internet

API = "https://api.firecrawl.dev/v2"
MINE = {"credentials": {"id": "mine", "provider": "firecrawl", "type": "api_key"}}
BEGUN = Exchange("", '{"success": true, "id": "a/b"}')


def answer(**body: Any) -> Exchange:
    return Exchange("", json.dumps(body))


async def test_a_page_is_given_in_every_format() -> None:
    stats = NodeStats()
    page = {
        "markdown": "# Tea",
        "html": "<h1>",
        "rawHtml": "<body>",
        "links": ["https://a.example", 3],
        "screenshot": "https://img.example/1.png",
        "json": {"a": 1},
        "changeTracking": {"changeStatus": "new"},
        "metadata": {"sourceURL": "https://a.example", "statusCode": 200, "ogLocaleAlternate": [], "creditsUsed": 5},
    }
    formats = ["markdown", "html", "rawHtml", "links", "screenshot@fullPage", "json", "changeTracking"]
    outputs, seen = await asked(
        FirecrawlScrape,
        {**MINE, "url": "https://a.example", "formats": formats},
        {f"POST {API}/scrape": answer(success=True, data=page)},
        stats,
    )
    assert [name for name, _ in outputs] == [
        "data",
        "markdown",
        "html",
        "raw_html",
        "links",
        "screenshot_full_page",
        "json_data",
        "change_tracking",
    ]
    told = dict(outputs)
    assert told["links"] == ["https://a.example"]
    assert told["data"]["change_tracking"] == {"changeStatus": "new"}
    assert told["data"]["metadata"] == {
        "source_url": "https://a.example",
        "status_code": 200,
        "og_locale_alternate": [],
        "credits_used": 5,
    }
    assert seen[0].headers["authorization"] == "Bearer secret of mine"
    sent = json.loads(seen[0].body)
    assert sent.pop("formats")[4:] == [
        {"type": "screenshot", "fullPage": True},
        {"type": "json", "prompt": "The main facts that the page states."},
        {"type": "changeTracking"},
    ]
    assert sent == {"url": "https://a.example", "onlyMainContent": True, "maxAge": 3_600_000, "waitFor": 200}
    assert stats.provider_cost == pytest.approx(0.005)


async def test_a_page_lacks_a_format() -> None:
    outputs, _ = await asked(
        FirecrawlScrape,
        {**MINE, "url": "https://a.example", "formats": ["markdown", "html", "links"]},
        {f"POST {API}/scrape": answer(success=True, data={"markdown": None, "html": 3, "links": "x"})},
    )
    assert [name for name, _ in outputs] == ["data"]


async def test_a_failure_is_no_page() -> None:
    with pytest.raises(ValueError, match="Firecrawl says that the request failed"):
        await asked(
            FirecrawlScrape,
            {**MINE, "url": "https://a.example"},
            {f"POST {API}/scrape": answer(success=False, error="secret of mine")},
        )


async def test_a_crawl_is_asked_after_and_read_in_parts() -> None:
    stats = NodeStats()
    first = answer(status="completed", creditsUsed=3, data=[{"markdown": "1"}], next=f"{API}/crawl/a%2Fb?skip=1")
    outputs, seen = await asked(
        FirecrawlCrawl,
        {**MINE, "url": "https://a.example", "limit": 3},
        {
            f"POST {API}/crawl": BEGUN,
            f"GET {API}/crawl/a%2Fb": [answer(status="scraping", data=[]), Exchange("", "", 502), first],
            f"GET {API}/crawl/a%2Fb?skip=1": answer(
                status="completed", creditsUsed=3, data=[{"markdown": "2"}, 3, {"markdown": "3"}, {"markdown": "4"}]
            ),
        },
        stats,
    )
    assert [value for name, value in outputs if name == "markdown"] == ["1", "2", "3"]
    assert json.loads(seen[0].body) == {
        "url": "https://a.example",
        "limit": 3,
        "scrapeOptions": {"formats": ["markdown"], "onlyMainContent": True, "maxAge": 3_600_000, "waitFor": 0},
    }
    assert len(seen) == 5
    assert stats.provider_cost == pytest.approx(0.003)


@pytest.mark.parametrize(
    "onward", ["https://evil.example/v2/x", "https://api.firecrawl.dev.evil.example/", "http://api.firecrawl.dev/v2/x"]
)
async def test_the_key_goes_nowhere_else(onward: str) -> None:
    answers = {
        f"POST {API}/crawl": BEGUN,
        f"GET {API}/crawl/a%2Fb": answer(status="completed", data=[{}], next=onward),
        onward: answer(data=[]),
    }
    with pytest.raises(AnswerUnreadable):
        await asked(FirecrawlCrawl, {**MINE, "url": "https://a.example"}, answers)


async def test_parts_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crawl whose parts go in a circle is bounded in their number and in their bytes."""
    url = f"{API}/crawl/a%2Fb"
    answers = {f"POST {API}/crawl": BEGUN, f"GET {url}": answer(status="completed", data=[], next=url)}
    _, seen = await asked(FirecrawlCrawl, {**MINE, "url": "https://a.example"}, answers)
    assert len(seen) < 60
    monkeypatch.setattr("blocks.providers.firecrawl._MOST_BYTES", 10)
    with pytest.raises(AnswerTooLarge, match="crawl fewer"):
        await asked(FirecrawlCrawl, {**MINE, "url": "https://a.example"}, answers)


async def test_jobs_fail_and_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {**MINE, "urls": ["https://a.example"]}
    answers = {
        f"POST {API}/extract": BEGUN,
        f"GET {API}/extract/a%2Fb": answer(status="failed", error="secret of mine"),
    }
    with pytest.raises(ValueError, match="the job failed"):
        await asked(FirecrawlExtract, inputs, answers)
    monkeypatch.setattr("blocks.knowledge.firecrawl._WITHIN", FirecrawlExtract.timeout * 0)
    answers[f"GET {API}/extract/a%2Fb"] = answer(status="processing", data=[])
    with pytest.raises(ValueError, match="not done within 1800 seconds"):
        await asked(FirecrawlExtract, inputs, answers)


BEGINNINGS: dict[type[Block[Any]], tuple[str, dict[str, Any], Any]] = {
    FirecrawlCrawl: ("crawl", {"url": "https://a.example"}, [{"markdown": "1"}]),
    FirecrawlExtract: ("extract", {"urls": ["https://a.example"]}, {"a": 1}),
}
each_job = pytest.mark.parametrize("block", BEGINNINGS, ids=lambda block: block.__name__)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def one_round(net: Internet, block: type[Block[Any]], resume: Any = None, **about: Any) -> list[Any]:
    """What one activity of the block yields, and no more."""
    http = net.http()
    inputs = {**MINE, **BEGINNINGS[block][1]}
    made = replace(context(resume, services=Services(http=http), credentials=credentials_for(block(), inputs)), **about)
    try:
        return [item async for item in block().run(validated(block(), assemble(block(), {}, inputs, {})), made)]
    finally:
        await http.aclose()


@each_job
async def test_a_job_is_begun_once_and_waited_for_by_timers(block: type[Block[Any]]) -> None:
    """Each look is a round of its own; a worker that is lost in one costs a look, not a job."""
    path, _, data = BEGINNINGS[block]
    looked = f"GET {API}/{path}/a%2Fb"
    async with internet({f"POST {API}/{path}": BEGUN, looked: answer(status="processing", data=[])}) as net:
        (first,) = await one_round(net, block)
        assert [f"{seen.method} {seen.url}" for seen in net.seen] == [f"POST {API}/{path}"]
        state = json.loads(json.dumps(first.state))
        for _ in range(2):
            (wait,) = await one_round(net, block, state)
            assert timedelta(seconds=5) <= wait.duration <= timedelta(seconds=30)
        for number in range(1, 6):
            net.answers[looked] = hang_up
            (wait,) = await one_round(net, block, wait.state)
            assert wait.state == {**state, "failures": number}
        with pytest.raises(RequestFailed):
            await one_round(net, block, wait.state)
        net.answers[looked] = answer(status="completed", data=data)
        assert ("data", data) in await one_round(net, block, wait.state)
        assert [seen.method for seen in net.seen].count("POST") == 1
        since = (datetime.now(UTC) - timedelta(minutes=29, seconds=59)).isoformat()
        net.answers[looked] = answer(status="processing", data=[])
        (wait,) = await one_round(net, block, {**state, "since": since})
        assert wait.duration <= timedelta(seconds=1), "the deadline is kept"


async def test_an_extraction_asks_by_prompt_and_schema() -> None:
    stats = NodeStats()
    outputs, seen = await asked(
        FirecrawlExtract,
        {**MINE, "urls": ["https://a.example/*"], "output_schema": {"type": "object"}, "enable_web_search": True},
        {
            f"POST {API}/extract": BEGUN,
            f"GET {API}/extract/a%2Fb": answer(status="completed", data={"a": 1}, tokensUsed=31),
        },
        stats,
    )
    assert outputs == [("data", {"a": 1})]
    assert json.loads(seen[0].body) == {
        "urls": ["https://a.example/*"],
        "enableWebSearch": True,
        "schema": {"type": "object"},
    }
    assert stats.provider_cost == pytest.approx(0.003)
    with pytest.raises(ValueError, match="nothing to read"):
        await asked(FirecrawlExtract, {**MINE, "urls": []}, {})


async def test_a_search_reads_pages_only_when_asked_to() -> None:
    stats = NodeStats()
    found = {"web": [{"url": "https://a.example", "rawHtml": "x"}, 3], "news": [], "other": 1}
    answers = {f"POST {API}/search": answer(success=True, data=found)}
    outputs, seen = await asked(FirecrawlSearch, {**MINE, "query": "tea"}, answers, stats)
    page = {"url": "https://a.example", "raw_html": "x"}
    assert outputs == [("data", {"web": [page], "news": []}), ("site", page)]
    assert json.loads(seen[0].body) == {"query": "tea", "limit": 10}
    assert stats.provider_cost == pytest.approx(0.001)
    _, seen = await asked(FirecrawlSearch, {**MINE, "query": "tea", "formats": ["html"]}, answers)
    assert json.loads(seen[0].body)["scrapeOptions"] == {"formats": ["html"], "maxAge": 3_600_000, "waitFor": 200}


async def test_a_map_may_be_of_bare_addresses() -> None:
    outputs, _ = await asked(
        FirecrawlMapWebsite,
        {**MINE, "url": "https://a.example"},
        {f"POST {API}/map": answer(success=True, links=["https://a.example/1", {"url": 3}, 4])},
    )
    assert dict(outputs)["links"] == ["https://a.example/1"]
    assert dict(outputs)["results"] == [{"url": "https://a.example/1", "title": None, "description": None}]
