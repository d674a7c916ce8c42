"""Calling tools of MCP servers: both forms of answers, what tools give, and servers that do not do their part."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest

from blocks.base import Exchange
from blocks.http.client import HttpLimits, Streamed
from blocks.http.errors import AnswerTooLarge, AnswerUnreadable, DestinationRefused, RequestFailed, StatusFailed
from blocks.services import Services
from blocks.web.mcp_client import McpSession, ToolFailed, _lines
from blocks.web.mcp_tool import McpTool
from tests.blocks.block_runs import run
from tests.support.web import Internet, internet

URL = "https://mcp.example/mcp"
JSON = {"Content-Type": "application/json"}
STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}
HELLO = Exchange("", '{"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-03-26"}}', headers=JSON)
HEARD = Exchange("", status=202)


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


def result(*content: dict[str, Any], **more: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 2, "result": {"content": list(content), **more}})


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


async def call(net: Internet, *answers: Any, limits: HttpLimits | None = None, **inputs: Any) -> Any:
    given = list(answers)
    net.answers[f"POST {URL}"] = given
    http = net.http(limits or HttpLimits(seconds=2, answer_bytes=100_000))
    try:
        ((name, value),) = await run(
            McpTool, {"server_url": URL, "selected_tool": "steep", **inputs}, services=Services(http=http)
        )
    finally:
        await http.aclose()
    assert name == "result"
    return value


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        (result(text("pale")), "pale"),
        (result(text('{"minutes": 2}')), {"minutes": 2}),
        (result(text("a"), text("[1]")), ["a", [1]]),
        (
            result({"type": "image", "data": "AA==", "mimeType": "image/png"}),
            {"type": "image", "data": "AA==", "mimeType": "image/png"},
        ),
        (result(), None),
        (result(structuredContent={"a": 1}), {"a": 1}),
        (result(text("x"), structuredContent={"a": 1}), "x"),
    ],
)
@pytest.mark.parametrize("form", ["json", "stream"])
async def test_what_a_tool_gives(net: Internet, answer: str, given: Any, form: str) -> None:
    said = Exchange("", answer, headers=JSON)
    if form == "stream":
        lines = [": hello", "event: message", 'data: {"jsonrpc": "2.0", "method": "notifications/progress"}', ""]
        lines += ['data: {"jsonrpc": "2.0", "id": 2, "method": "ping"}', "", "id: 7", f"data: {answer}", "", ""]
        said = Exchange("", "\r\n".join(lines), headers=STREAM)
    assert await call(net, HELLO, HEARD, said) == given


async def test_the_protocol_is_kept(net: Internet) -> None:
    hello = Exchange("", HELLO.body, headers={**JSON, "Mcp-Session-Id": "session-1"})
    await call(net, hello, HEARD, Exchange("", result(text("x")), headers=JSON), tool_arguments={"kind": "green"})
    first, second, third, last = net.seen
    assert [json.loads(request.body)["method"] for request in (first, second, third)] == [
        "initialize",
        "notifications/initialized",
        "tools/call",
    ]
    assert json.loads(third.body)["params"] == {"name": "steep", "arguments": {"kind": "green"}}
    assert "mcp-session-id" not in first.headers
    for request in (second, third, last):
        assert request.headers["mcp-session-id"] == "session-1"
        assert request.headers["mcp-protocol-version"] == "2025-03-26"
    assert first.headers["accept"] == "application/json, text/event-stream"
    assert last.method == "DELETE"


async def test_the_stream_is_left_once_the_answer_is_there(net: Internet) -> None:
    """A server may keep its stream open for as long as it likes."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(f"data: {result(text('pale'))}\n\n".encode())
        await writer.drain()
        await writer.wait_closed()

    http = net.http(HttpLimits(seconds=2))
    session = McpSession(http, URL)
    net.answers[f"POST {URL}"] = [HELLO, HEARD]
    await session.open()
    net.answers[f"POST {URL}"] = answer
    async with asyncio.timeout(2):
        assert await session.call("steep", {}) == "pale"
    await http.aclose()


async def test_arguments(net: Internet) -> None:
    schema = {"properties": {"kind": {}, "cups": {}}, "required": ["kind", "cups"]}
    said = Exchange("", result(text("x")), headers=JSON)
    given = {"tool_input_schema": schema, "tool_arguments": {"kind": "black", "cups": 1}}
    await call(net, HELLO, HEARD, said, **given, kind="green", stranger=1)
    assert json.loads(net.seen[-1].body)["params"]["arguments"] == {"kind": "green", "cups": 1}
    with pytest.raises(ValueError, match=r"^Missing required argument\(s\): kind, cups$"):
        await call(net, tool_input_schema=schema)
    with pytest.raises(ValueError, match="No tool is chosen"):
        await call(net, selected_tool="")


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([Exchange("", status=401)], StatusFailed, "wants credentials"),
        ([Exchange("", status=500)], StatusFailed, "answered 500"),
        ([Exchange("", "<html>", headers=JSON)], AnswerUnreadable, "did not answer with JSON"),
        ([Exchange("", "[" * 50_000, headers=JSON)], AnswerUnreadable, "did not answer with JSON"),
        ([Exchange("", "[1, null]", headers=JSON)], AnswerUnreadable, "did not answer the call"),
        ([Exchange("", "data: x\n\n", headers=STREAM)], AnswerUnreadable, "did not answer with JSON"),
        ([Exchange("", "", headers=STREAM)], AnswerUnreadable, "did not answer the call"),
        ([Exchange("", '{"id": 7, "result": {}}', headers=JSON)], AnswerUnreadable, "did not answer the call"),
        ([Exchange("", '{"id": 1, "result": []}', headers=JSON)], ToolFailed, "without a result"),
        ([Exchange("", '{"id": 1, "result": {}}', headers=JSON)], ToolFailed, "which version"),
        (
            [Exchange("", '{"id": 1, "result": {"protocolVersion": "a\\r\\nb"}}', headers=JSON)],
            ToolFailed,
            "which version",
        ),
        ([Exchange("", '{"id": 1, "error": {"message": "no"}}', headers=JSON)], ToolFailed, "refused: no"),
        ([HELLO, HEARD, Exchange("", result(text("hot"), isError=True), headers=JSON)], ToolFailed, "failed: hot"),
        ([HELLO, HEARD, Exchange("", result(text("x" * 99_000), isError=True), headers=JSON)], ToolFailed, "failed: x"),
        ([HELLO, HEARD, Exchange("", result(text("x" * 100_000)), headers=JSON)], AnswerTooLarge, "larger than"),
        (
            [Exchange("", status=307, headers={"Location": "http://127.0.0.1/mcp"})],
            DestinationRefused,
            "public internet",
        ),
    ],
)
async def test_servers_that_do_not_do_their_part(
    net: Internet, answers: list[Exchange], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as failure:
        await call(net, *answers)
    assert len(str(failure.value)) <= 500


async def test_a_token_is_sent_and_never_told(net: Internet) -> None:
    net.answers[f"POST {URL}"] = [Exchange("", '{"id": 1, "error": {"message": "bad s3cret"}}', headers=JSON)]
    http = net.http()
    with pytest.raises(ToolFailed) as failure:
        await McpSession(http, URL, "s3cret").open()
    assert net.seen[0].headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(failure.value)
    await http.aclose()


async def test_a_server_inside_is_not_called(net: Internet) -> None:
    http = net.http()
    for url in ("http://127.0.0.1/mcp", "http://[::1]/mcp", "http://2130706433/mcp"):
        with pytest.raises(RequestFailed):
            await run(McpTool, {"server_url": url, "selected_tool": "x"}, services=Services(http=http))
    assert net.dialled == []
    await http.aclose()


async def test_a_token_is_sent_when_there_is_one(net: Internet) -> None:
    meta = {"id": "token", "provider": "mcp", "type": "api_key"}
    done = Exchange("", result(text("1")), headers=JSON)
    assert await call(net, HELLO, HEARD, done, credentials=meta) == 1
    assert {seen.headers.get("authorization") for seen in net.seen} == {"Bearer secret of token"}


async def test_lines_are_put_together_however_they_are_cut() -> None:
    whole = b": hello\r\ndata: a\n\n\ndata: b\r\n\r\ndata: c"
    expected = [b": hello", b"data: a", b"", b"", b"data: b", b"", b"data: c", b""]
    for size in range(1, len(whole) + 1):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert [line async for line in _lines(_streamed(pieces))] == expected


async def test_a_line_without_an_end_costs_no_more_than_its_length() -> None:
    """Put together anew with every piece, these would be 50 GB to copy: minutes."""
    began = time.process_time()
    lines = [line async for line in _lines(_streamed([b"x" * 64] * 40_000))]
    assert [len(line) for line in lines] == [2_560_000, 0]
    assert time.process_time() - began < 2


def _streamed(pieces: Iterable[bytes]) -> Streamed:
    async def coming() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return Streamed(httpx.URL(URL), 200, httpx.Headers(STREAM), coming())
