"""Blocks of the web in runs: where they may go, and how often they are entered."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client

from blocks.base import Exchange
from blocks.catalogue import CATALOGUE_BLOCKS
from blocks.files.kept import FileRead
from blocks.web.feeds import ReadRssFeed
from blocks.web.mcp_tool import McpTool
from blocks.web.pages import ExtractWebsiteContent
from blocks.web.requests import SendWebRequest
from engine.model import Graph, Status
from settings import Settings
from store.postgres import PostgresStore
from tests.support.blocks import Sink
from tests.support.graphs import graph, node
from tests.support.places import ROOT
from tests.support.web import Internet, internet
from tests.workflows.conftest import Outcome, Stack, opened_stack
from worker import http_of

WEB_BLOCKS = (SendWebRequest, ReadRssFeed, McpTool, FileRead, ExtractWebsiteContent)


@pytest.fixture(scope="module")
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture(scope="module")
async def web(temporal_client: Client, store: PostgresStore, database_url: str, net: Internet) -> AsyncIterator[Stack]:
    """A worker that may reach the test's server, and nothing else that is not public."""
    allowed = f"localhost:{net.ports['http']}"
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        further_blocks=WEB_BLOCKS,
        network_allowed=allowed,
        system_credentials='{"mcp": "canary-of-the-deployment"}',
    ) as opened:
        yield opened


def asking(url: str, **defaults: Any) -> Graph:
    """A request, and an output of the run for each of its pins."""
    pins = ("response", "client_error", "error")
    return graph(
        [node("ask", SendWebRequest, url=url, **defaults), *(node(pin, Sink, name=pin) for pin in pins)],
        *(f"ask.{pin} -> {pin}.value" for pin in pins),
    )


async def run_once(web: Stack, asked: Graph, **fields: Any) -> tuple[Outcome, int | None]:
    """The run, and the attempt by which its request was entered; None when it may be repeated."""
    outcome = await web.run(asked, **fields)
    (asking,) = outcome.of("ask")
    return outcome, asking.entered_attempt


@pytest.mark.parametrize(("method", "entered"), [("GET", None), ("POST", 1)])
async def test_a_request_in_a_run(web: Stack, net: Internet, method: str, entered: int | None) -> None:
    """Reading may be begun again when its worker is lost; sending is entered at most once."""
    url = f"http://localhost:{net.ports['http']}/{method}"
    net.answers[url] = Exchange("", "tea")
    outcome, by = await run_once(web, asking(url, method=method))
    assert outcome.outputs == {"response": ["tea"]}
    assert by == entered


async def test_what_a_mask_makes_of_a_request_is_what_counts(web: Stack, net: Internet) -> None:
    url = f"http://localhost:{net.ports['http']}/masked"
    net.answers[url] = Exchange("", "tea")
    _, by = await run_once(web, asking(url, method="GET"), nodes_input_masks={"ask": {"method": "POST"}})
    assert by == 1
    assert [request.method for request in net.seen if request.url == url] == ["POST"]


async def test_a_run_cannot_look_inside(web: Stack, net: Internet) -> None:
    url = f"http://127.0.0.1:{net.ports['http']}/inside?key=s3cret"
    outcome, _ = await run_once(web, asking(url, method="GET"))
    ((error,),) = outcome.outputs.values()
    assert "127.0.0.1 is not on the public internet" in error
    assert "s3cret" not in error
    (ask,) = outcome.of("ask")
    assert ask.status is Status.FAILED
    assert not [request for request in net.seen if request.url == url]


async def test_a_feed_is_watched_through_timers(web: Stack, net: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is an activity of its own; between them nothing but a timer stands."""
    monkeypatch.setattr("blocks.web.feeds._LEAST_SECONDS_BETWEEN", 1)
    url = f"http://localhost:{net.ports['http']}/rss"
    entry = "<item><title>T{0}</title><guid>{0}</guid></item>"
    feeds = ["".join(entry.format(number) for number in numbers) for numbers in ((1,), (1, 2))]
    queue = [Exchange("", f'<rss version="2.0"><channel>{feed}</channel></rss>') for feed in feeds]
    net.answers[url] = queue
    watching = graph(
        [node("feed", ReadRssFeed, rss_url=url, polling_rate=1), node("out", Sink, name="out")],
        "feed.entry -> out.value",
    )
    handle = await web.start(watching)
    async for _ in web.watch(handle.id):
        given = [value["value"]["title"] for _, value in await web.store.executions.agent_outputs(handle.id)]
        if len(given) == 2:
            break
    await handle.cancel()
    assert given == ["T1", "T2"]
    history = await handle.fetch_history()
    assert sum(event.HasField("timer_fired_event_attributes") for event in history.events) == 1


async def test_the_arguments_of_a_tool_arrive_through_links(web: Stack, net: Internet) -> None:
    url = f"http://localhost:{net.ports['http']}/mcp"
    kind = {"Content-Type": "application/json"}
    net.answers[f"POST {url}"] = [
        Exchange("", '{"id": 1, "result": {"protocolVersion": "2025-06-18"}}', headers=kind),
        Exchange("", status=202),
        Exchange("", '{"id": 2, "result": {"content": [{"type": "text", "text": "steeped"}]}}', headers=kind),
    ]
    source = f"http://localhost:{net.ports['http']}/kind"
    net.answers[source] = Exchange("", "green")
    schema = {"properties": {"kind": {"type": "string"}, "cups": {"type": "integer"}}, "required": ["kind"]}
    steeping = graph(
        [
            node("ask", SendWebRequest, url=source, method="GET"),
            node(
                "tool",
                McpTool,
                server_url=url,
                selected_tool="steep",
                tool_input_schema=schema,
                tool_arguments={"cups": 2},
            ),
            node("out", Sink, name="out"),
        ],
        "ask.response -> tool.kind",
        "tool.result -> out.value",
    )
    outcome = await web.run(steeping)
    assert outcome.outputs == {"out": ["steeped"]}
    assert b'"arguments":{"cups":2,"kind":"green"}' in net.seen[-1].body
    assert not any("canary" in str(seen) for seen in net.seen), "the server is one that the node names"


async def test_a_file_is_read_from_its_address(web: Stack, net: Internet) -> None:
    url = f"http://localhost:{net.ports['http']}/leaf.txt"
    net.answers[url] = Exchange("", "green leaf", headers={"Content-Type": "text/plain"})
    reading = graph(
        [node("read", FileRead, file_input=url), node("out", Sink, name="out")], "read.content -> out.value"
    )
    outcome = await web.run(reading)
    assert outcome.outputs == {"out": ["green leaf"]}
    inside = graph(
        [node("read", FileRead, file_input="http://127.0.0.1:8080/x?s3cret"), node("out", Sink, name="out")],
        "read.error -> out.value",
    )
    assert (await web.run(inside)).outputs == {
        "out": ["127.0.0.1 is not on the public internet, and this deployment does not let blocks reach it."]
    }


async def test_a_page_is_read_in_a_process_of_its_own(web: Stack, net: Internet) -> None:
    url = f"http://localhost:{net.ports['http']}/page"
    leaf = "Its leaves were steamed at once, so that they stay green; the cup is pale and tastes of grass."
    net.answers[url] = Exchange("", f"<h1>Tea</h1><p>{leaf}</p>", headers={"Content-Type": "text/html"})
    page = graph(
        [node("read", ExtractWebsiteContent, url=url), node("out", Sink, name="out")], "read.content -> out.value"
    )
    ((text,),) = (await web.run(page)).outputs.values()
    assert leaf in text


def test_a_setting_that_says_nothing_clear_keeps_the_worker_from_starting() -> None:
    with pytest.raises(ValueError, match=r"^HEDDLE_NETWORK_ALLOWED: .not a host. is no host"):
        http_of(Settings(network_allowed="localhost, not a host"))


OTHERS = ROOT.parent / "shared" / "agents" / "citedy-shorts-merge.json"


@pytest.mark.skipif(not OTHERS.exists(), reason="no agents of other people's here")
async def test_an_agent_of_other_peoples_calls_its_interface(
    temporal_client: Client, store: PostgresStore, database_url: str, net: Internet
) -> None:
    """Its secret goes to the host it was made for, over TLS, and nowhere else."""
    merged = '{"merged_url": "https://download.citedy.com/m.mp4"}'
    url = "POST https://www.citedy.com/api/agent/shorts/merge"
    net.answers[url] = Exchange("", merged, headers={"Content-Type": "application/json"})
    agent = Graph.model_validate_json(OTHERS.read_text())
    async with opened_stack(
        temporal_client, store, database_url, further_blocks=CATALOGUE_BLOCKS, http=net.http()
    ) as opened:
        inputs = {"API Key": "citedy_agent_1", "Request JSON": '{"video_urls": ["https://a.example/1.mp4"]}'}
        outcome = await opened.run(agent, inputs)
    assert outcome.outputs == {"response": [json.loads(merged)]}
    request = net.seen[-1]
    assert request.headers["authorization"] == "Bearer citedy_agent_1"
    assert json.loads(request.body) == {"video_urls": ["https://a.example/1.mp4"]}
