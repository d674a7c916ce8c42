"""Exa: what is asked of it, what it tells, what that costs, and research that takes a while."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from blocks import jobs
from blocks.base import Block, Exchange, NodeStats, Sleep, Wait
from blocks.http.errors import RequestFailed, StatusFailed
from blocks.knowledge.exa import ExaContents, ExaFindSimilar, ExaSearch
from blocks.knowledge.exa_answers import ExaAnswer, ExaCodeContext
from blocks.knowledge.exa_research import (
    ExaCreateResearch,
    ExaGetResearch,
    ExaListResearch,
    ExaWaitForResearch,
)
from blocks.providers import exa
from blocks.services import Services
from tests.blocks.block_runs import passing_time, run
from tests.blocks.provider_runs import asked, ran
from tests.support.web import internet

API = "https://api.exa.ai"
RESEARCH = f"{API}/research/v1"
MINE = {"credentials": {"id": "mine", "provider": "exa", "type": "api_key"}}


def answer(**body: Any) -> Exchange:
    return Exchange("", json.dumps(body))


async def test_a_search_asks_all_that_is_set() -> None:
    outputs, seen = await asked(
        ExaSearch,
        {
            **MINE,
            "query": "tea",
            "category": "research paper",
            "user_location": "JP",
            "number_of_results": 5,
            "include_domains": ["tea.example"],
            "exclude_text": ["coffee"],
            "start_published_date": "2025-01-02T03:04:05",
            "end_crawl_date": "2025-01-02T03:04:05+02:00",
            "moderation": True,
            "contents": {
                "text": {"discriminator": "advanced", "max_characters": 50, "include_html_tags": True},
                "highlights": {"num_sentences": 2, "query": "leaf"},
                "summary": {"query": "why", "schema": {"type": "object"}},
                "livecrawl": "always",
                "livecrawl_timeout": 5000,
                "subpages": 1,
                "subpage_target": ["about"],
                "extras": {"links": 3},
                "context": {"discriminator": "enabled"},
            },
        },
        {f"POST {API}/search": answer(results=[])},
    )
    assert outputs == [("results", [])]
    assert seen[0].headers["x-api-key"] == "secret of mine"
    assert json.loads(seen[0].body) == {
        "query": "tea",
        "type": "auto",
        "category": "research paper",
        "userLocation": "JP",
        "numResults": 5,
        "includeDomains": ["tea.example"],
        "excludeText": ["coffee"],
        "startPublishedDate": "2025-01-02T03:04:05.000Z",
        "endCrawlDate": "2025-01-02T01:04:05.000Z",
        "moderation": True,
        "contents": {
            "text": {"maxCharacters": 50, "includeHtmlTags": True},
            "highlights": {"numSentences": 2, "highlightsPerUrl": 1, "query": "leaf"},
            "summary": {"query": "why", "schema": {"type": "object"}},
            "livecrawl": "always",
            "livecrawlTimeout": 5000,
            "subpages": 1,
            "subpageTarget": ["about"],
            "extras": {"links": 3, "imageLinks": 0},
            "context": True,
        },
    }


async def test_a_search_asks_no_more_than_is_set() -> None:
    _, seen = await asked(ExaSearch, {**MINE, "query": "tea"}, {f"POST {API}/search": answer(results=[])})
    assert json.loads(seen[0].body) == {"query": "tea", "type": "auto", "numResults": 10}
    _, seen = await asked(
        ExaFindSimilar,
        {**MINE, "url": "https://tea.example/", "contents": {"text": {"discriminator": "disabled"}}},
        {f"POST {API}/findSimilar": answer(results=[])},
    )
    assert json.loads(seen[0].body) == {
        "url": "https://tea.example/",
        "numResults": 10,
        "contents": {"text": False},
    }


async def test_contents_are_asked_for_by_url_before_id() -> None:
    outputs, seen = await asked(
        ExaContents,
        {**MINE, "urls": ["https://a.example"], "ids": ["x"], "highlights": {"num_sentences": 4}},
        {f"POST {API}/contents": answer(results=[], statuses=[{"id": "https://a.example", "status": "error"}, 3])},
    )
    assert json.loads(seen[0].body) == {
        "urls": ["https://a.example"],
        "text": True,
        "highlights": {"numSentences": 4, "highlightsPerUrl": 1},
        "livecrawl": "fallback",
        "livecrawlTimeout": 10000,
        "subpages": 0,
        "context": True,
    }
    assert ("statuses", [{"id": "https://a.example", "status": "error"}]) in outputs
    _, seen = await asked(ExaContents, {**MINE, "ids": ["x"]}, {f"POST {API}/contents": answer(results=[])})
    assert json.loads(seen[0].body)["ids"] == ["x"]
    with pytest.raises(ValueError, match="nothing to read"):
        await asked(ExaContents, MINE, {})


@pytest.mark.parametrize(
    ("told", "dollars"),
    [
        ({"total": 0.005, "search": {"neural": 0.005}}, 0.005),
        (0.25, 0.25),
        ("0.25", 0.25),
        ('{"total": 1, "search": {"neural": 1}}', 1.0),
        ("free", 0.0),
        ({"total": -3}, 0.0),
        ({"total": True}, 0.0),
        ({"total": float("inf")}, 0.0),
        ([1], 0.0),
        (None, 0.0),
        (10**400, 0.0),
    ],
)
async def test_what_exa_takes_is_noted(told: Any, dollars: float) -> None:
    stats = NodeStats()
    await asked(
        ExaSearch, {**MINE, "query": "tea"}, {f"POST {API}/search": answer(results=[], costDollars=told)}, stats
    )
    assert stats.provider_cost == dollars


async def test_an_answer_names_its_sources() -> None:
    stats = NodeStats()
    source = {"id": "a", "url": "https://a.example", "title": "A", "text": "leaves"}
    outputs, seen = await asked(
        ExaAnswer,
        {**MINE, "query": "tea?"},
        {f"POST {API}/answer": answer(answer="Yes.", citations=[source, 3], costDollars={"total": 0.01})},
        stats,
    )
    whole = {**source, "author": None, "publishedDate": None, "image": None, "favicon": None}
    assert outputs == [("answer", "Yes."), ("citations", [whole]), ("citation", whole)]
    assert json.loads(seen[0].body) == {"query": "tea?", "text": True, "stream": False}
    assert stats.provider_cost == 0.01


async def test_code_is_asked_for_in_so_many_tokens() -> None:
    stats = NodeStats()
    for given, sent in (("dynamic", "dynamic"), ("5000", 5000), (900, 900)):
        _, seen = await asked(
            ExaCodeContext,
            {**MINE, "query": "sort", "tokens_num": given},
            {f"POST {API}/context": answer(response="x", costDollars={"total": 0.5})},
            stats,
        )
        assert json.loads(seen[0].body) == {"query": "sort", "tokensNum": sent}
    assert stats.provider_cost == 0.5
    with pytest.raises(ValueError, match="tokens_num"):
        await asked(ExaCodeContext, {**MINE, "query": "sort", "tokens_num": "many"}, {})


def task(status: str, **more: Any) -> Exchange:
    return answer(researchId="a/b", status=status, model="exa-research", instructions="Tea?", createdAt=5, **more)


BEGUN = answer(researchId="t", status="pending")
DONE = task("completed", output={"content": "Yes."}, costDollars={"total": 0.2, "numPages": 1.6}, finishedAt=9)


async def test_research_is_created_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stats, waits = NodeStats(), passing_time(monkeypatch)
    outputs, seen = await asked(
        ExaCreateResearch,
        {**MINE, "instructions": "Tea?", "output_schema": {"type": "object"}},
        {
            f"POST {RESEARCH}": task("pending"),
            f"GET {RESEARCH}/a%2Fb": [task("pending"), Exchange("", "", 503), task("running"), DONE],
        },
        stats,
        waits,
    )
    assert [request.method for request in seen] == ["POST", "GET", "GET", "GET", "GET"]
    assert [wait.duration.total_seconds() for wait in waits if isinstance(wait, Sleep)] == [10] * 4
    assert json.loads(seen[0].body) == {
        "instructions": "Tea?",
        "model": "exa-research",
        "outputSchema": {"type": "object"},
    }
    assert [name for name, _ in outputs].count("research_id") == 1
    assert dict(outputs) == {
        "research_id": "a/b",
        "status": "completed",
        "model": "exa-research",
        "instructions": "Tea?",
        "created_at": 5,
        "output_content": "Yes.",
        "output_parsed": None,
        "cost_total": 0.2,
        "elapsed_time": 40.0,
    }
    assert stats.provider_cost == 0.2


async def test_research_is_not_waited_for_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {f"POST {RESEARCH}": task("pending"), f"GET {RESEARCH}/a%2Fb": task("running")}
    waits = passing_time(monkeypatch)
    with pytest.raises(ValueError, match="did not end within 25 seconds; it goes on at Exa as a/b"):
        await asked(ExaCreateResearch, {**MINE, "instructions": "Tea?", "polling_timeout": 25}, answers, waits=waits)
    assert [wait.duration.total_seconds() for wait in waits if isinstance(wait, Sleep)] == [10, 10, 5]
    outputs, _ = await asked(
        ExaWaitForResearch,
        {**MINE, "research_id": "a/b", "timeout": 1, "check_interval": 1},
        answers,
        waits=passing_time(monkeypatch),
    )
    assert dict(outputs)["timed_out"] is True
    assert dict(outputs)["final_status"] == "running"
    assert "output_content" not in dict(outputs)


async def test_research_is_waited_for_by_timers() -> None:
    """No worker is held between two looks."""
    answers = {f"GET {RESEARCH}/a%2Fb": [task("running"), Exchange("", "", 503), DONE]}
    sleeps: list[Wait] = []
    async with internet(answers) as net:
        http = net.http()
        inputs = {**MINE, "research_id": "a/b", "check_interval": 7}
        outputs = await run(ExaWaitForResearch, inputs, sleeps, services=Services(http=http))
        await http.aclose()
    assert dict(outputs)["final_status"] == "completed"
    assert [wait.duration.total_seconds() for wait in sleeps if isinstance(wait, Sleep)] == [7, 7]
    assert [wait.state["failures"] for wait in sleeps] == [0, 1]


each_wait = pytest.mark.parametrize(
    ("block", "inputs"), [(ExaCreateResearch, {"instructions": "Tea?"}), (ExaWaitForResearch, {"research_id": "t"})]
)


@each_wait
@pytest.mark.parametrize(("status", "looks"), [(503, jobs._MOST_FAILURES + 1), (404, 1)])
async def test_waiting_stands_a_few_failures_and_no_more(
    block: type[Block[Any]], inputs: dict[str, Any], status: int, looks: int
) -> None:
    seen: list[str] = []
    async with internet({f"POST {RESEARCH}": BEGUN, f"GET {RESEARCH}/t": Exchange("", "", status)}) as net:
        with pytest.raises(StatusFailed):
            await ran(net, block, {**MINE, **inputs}, NodeStats())
        seen = [request.method for request in net.seen]
    assert seen.count("GET") == looks
    assert seen.count("POST") == (block is ExaCreateResearch)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("failure", [hang_up, Exchange("", "<html>", 200), Exchange("", "", 502)])
async def test_waiting_stands_failures_of_any_kind(failure: Any) -> None:
    """A connection that breaks while the job goes on is no end of it, nor is half an answer."""
    looks = 0

    async def ask() -> bool | None:
        nonlocal looks
        looks += 1
        net.answers[f"GET {RESEARCH}/t"] = failure if looks <= jobs._MOST_FAILURES else DONE
        return (await exa.get_research(http, "k", "t")).ended or None

    async def waited() -> bool:
        job = jobs.Job.begun("t")
        while isinstance(seen := await job.ended(ask, timedelta(minutes=1), "too long"), Sleep):
            job = jobs.Job.kept(seen.state)
        return seen

    async with internet() as net:
        http = net.http()
        assert await waited() is True
        assert looks == jobs._MOST_FAILURES + 1
        looks = -10
        with pytest.raises(RequestFailed):
            await waited()
        assert looks == jobs._MOST_FAILURES - 9
        await http.aclose()


async def test_research_is_looked_at_with_its_events() -> None:
    outputs, _ = await asked(
        ExaGetResearch,
        {**MINE, "research_id": "a/b", "include_events": True},
        {f"GET {RESEARCH}/a%2Fb?events=true": task("failed", error="No leaves", events=[{"eventType": "x"}, 3])},
    )
    assert dict(outputs)["error_message"] == "No leaves"
    assert dict(outputs)["events"] == [{"eventType": "x"}]
    assert "cost_total" not in dict(outputs)


async def test_research_is_listed_by_pages() -> None:
    body = {"data": [json.loads(DONE.body)], "hasMore": True, "nextCursor": "c2"}
    outputs, _ = await asked(
        ExaListResearch,
        {**MINE, "cursor": "c 1", "limit": 1},
        {f"GET {RESEARCH}?limit=1&cursor=c+1": answer(**body)},
    )
    told = dict(outputs)
    assert [name for name, _ in outputs] == ["research_tasks", "research_task", "has_more", "next_cursor"]
    assert told["research_task"]["output"] == {"content": "Yes.", "parsed": None}
    assert told["research_task"]["cost_dollars"]["num_pages"] == 2
    assert (told["has_more"], told["next_cursor"]) == (True, "c2")
