"""A web request of the user's own making: what is sent, where the answer goes, and what running it counts as."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from blocks.base import Exchange
from blocks.catalogue import default_catalogue
from blocks.files.fetched import FetchedFiles
from blocks.http.client import HttpLimits
from blocks.http.errors import AnswerTooLarge, DestinationRefused, RequestFailed, RequestTimedOut, StatusFailed
from blocks.inputs import validated
from blocks.services import File, Services
from blocks.web.authenticated_requests import SendAuthenticatedWebRequest
from blocks.web.requests import SendWebRequest, SendWebRequestInputs, send
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.host import LargeFiles, MemoryFiles, MemoryKeyValues
from tests.support.web import Internet, internet

URL = "https://tea.example/"
TEA = {"id": "tea", "provider": "http", "type": "host_scoped"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


async def ask(net: Internet, **inputs: Any) -> list[tuple[str, Any]]:
    http = net.http(HttpLimits(seconds=2, answer_bytes=10_000))
    services = Services(MemoryFiles(), MemoryKeyValues(), fetch=FetchedFiles(http, 10_000), http=http)
    try:
        return await run(SendWebRequest, {"url": URL, **inputs}, services=services)
    finally:
        await http.aclose()


@pytest.mark.parametrize(
    ("status", "headers", "body", "output"),
    [
        (200, JSON, '{"cups": 2}', ("response", {"cups": 2})),
        (201, {}, "made", ("response", "made")),
        (204, JSON, "", ("response", None)),
        (200, {"Content-Type": "application/json"}, "null", ("response", None)),
        (304, {}, "", ("server_error", "")),
        (404, JSON, '{"detail": "none"}', ("client_error", {"detail": "none"})),
        (400, JSON, "<html>", ("client_error", "<html>")),
        (429, {"Retry-After": "5"}, "slow down", ("client_error", "slow down")),
        (500, {}, "broken", ("server_error", "broken")),
        (599, JSON, "[1]", ("server_error", [1])),
    ],
)
async def test_the_answer_goes_where_its_status_says(
    net: Internet, status: int, headers: Mapping[str, str], body: str, output: tuple[str, Any]
) -> None:
    net.answers[URL] = Exchange("", body, status, headers)
    assert await ask(net, method="GET") == [output]
    assert len(net.seen) == 1, "nothing is tried again"


async def test_json_that_is_none_in_a_good_answer_is_a_failure(net: Internet) -> None:
    net.answers[URL] = Exchange("", "<html>", headers=JSON)
    with pytest.raises(RequestFailed, match=r"tea\.example did not answer with JSON"):
        await ask(net, method="GET")


@pytest.mark.parametrize(
    ("inputs", "kind", "body"),
    [
        ({"body": {"a": [1]}}, "application/json", b'{"a":[1]}'),
        ({"body": '{"a": 1}'}, "application/json", b'{"a":1}'),
        ({"body": "no json"}, "text/plain; charset=utf-8", b"no json"),
        ({"body": "a=1", "headers": {"content-type": "application/x-www-form-urlencoded"}}, None, b"a=1"),
        (
            {"body": {"a": "b", "c": 1, "d": True, "e": {"f": 1}}, "json_format": False},
            None,
            b"a=b&c=1&d=true&e=%7B%22f%22%3A+1%7D",
        ),
        ({"body": None}, "", b""),
        ({"body": []}, "application/json", b"[]"),
    ],
)
async def test_bodies(net: Internet, inputs: dict[str, Any], kind: str | None, body: bytes) -> None:
    net.answers[URL] = Exchange("", "ok")
    assert await ask(net, **inputs) == [("response", "ok")]
    assert net.seen[0].method == "POST"
    assert net.seen[0].body == body
    assert net.seen[0].headers.get("content-type", "") == (
        kind if kind is not None else "application/x-www-form-urlencoded"
    )


async def test_files_go_with_a_form(net: Internet) -> None:
    net.answers[URL] = Exchange("", "ok")
    net.answers["https://files.example/leaf.png"] = Exchange("", b"\x89PNG", headers={"Content-Type": "image/png"})
    files = ["data:text/plain;base64,dGVh", "https://files.example/leaf.png"]
    await ask(net, files=files, files_name="leaf", body={"kind": "green"}, json_format=False)
    sent = net.seen[-1]
    assert sent.headers["content-type"].startswith("multipart/form-data")
    for piece in (b'name="leaf"; filename="leaf.png"', b"\x89PNG", b"image/png", b"tea", b'name="kind"', b"green"):
        assert piece in sent.body


async def test_files_that_no_form_can_hold_are_not_read_to_the_end(net: Internet) -> None:
    files, http = LargeFiles(6_000_000), net.http()
    inputs = {"url": URL, "files": ["large.bin"] * 20, "json_format": False}
    try:
        with pytest.raises(ValueError, match="bytes together"):
            await run(SendWebRequest, inputs, services=Services(files, http=http))
    finally:
        await http.aclose()
    assert files.reads == 4
    assert not net.seen


async def test_files_and_json_contradict_each_other(net: Internet) -> None:
    with pytest.raises(ValueError, match="Files cannot be sent with a body in JSON"):
        await ask(net, files=["data:,x"])
    with pytest.raises(ValueError, match="give the body as a dictionary"):
        await ask(net, body=[1], json_format=False)
    with pytest.raises(ValueError, match="characters; at most"):
        await ask(net, body="x" * 10_000_001)
    assert net.seen == []


@pytest.mark.parametrize(
    ("inputs", "effects"),
    [
        ({"method": "GET"}, Effects.IDEMPOTENT),
        ({"method": "HEAD"}, Effects.IDEMPOTENT),
        ({"method": "OPTIONS"}, Effects.IDEMPOTENT),
        *(
            ({"method": method}, Effects.EFFECTFUL)
            for method in ("POST", "PUT", "PATCH", "DELETE", ..., None, "get", [1])
        ),
        ({}, Effects.EFFECTFUL),
    ],
)
def test_reading_may_be_repeated_and_nothing_else(inputs: dict[str, Any], effects: Effects) -> None:
    assert SendWebRequest().effects_for(inputs) is effects


async def test_a_node_without_network_says_so() -> None:
    with pytest.raises(DestinationRefused, match="The network cannot be reached from here"):
        await run(SendWebRequest, {"url": URL, "method": "GET"})


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://169.254.169.254/latest/meta-data/?key=s3cret", DestinationRefused),
        ("http://localhost:5432/?key=s3cret", DestinationRefused),
        ("http://[::ffff:127.0.0.1]/?key=s3cret", DestinationRefused),
        ("https://me:s3cret@tea.example/", RequestFailed),
        ("file:///etc/s3cret", DestinationRefused),
    ],
)
async def test_a_user_cannot_look_inside(net: Internet, url: str, error: type[Exception]) -> None:
    net.addresses["localhost"] = ["127.0.0.1"]
    with pytest.raises(error) as refusal:
        await ask(net, url=url, method="GET")
    assert "s3cret" not in str(refusal.value)
    assert net.seen == []


async def test_answers_are_bounded(net: Internet) -> None:
    net.answers[URL] = Exchange("", "x" * 10_001)
    with pytest.raises(AnswerTooLarge):
        await ask(net, method="GET")

    async def silent(*_: Any) -> None:
        import asyncio

        await asyncio.sleep(10)

    net.answers[URL] = silent
    with pytest.raises(RequestTimedOut):
        await ask(net, method="GET")


async def test_headers_of_credentials_yield_to_the_users_own(net: Internet) -> None:
    """The seam for the sibling with credentials (agent-graphs §13.5)."""
    net.answers[URL] = Exchange("", "ok")
    http = net.http()
    inputs = validated(SendWebRequest, {"url": URL, "method": "GET", "headers": {"x-mine": "user"}})
    assert isinstance(inputs, SendWebRequestInputs)
    await send(inputs, Services(http=http), {"Authorization": "Bearer s3cret", "X-Mine": "credential"})
    assert net.seen[0].headers["authorization"] == "Bearer s3cret"
    assert net.seen[0].headers["x-mine"] == "user"
    await http.aclose()


# --- files at addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "headers", "name", "kind"),
    [
        ("https://f.example/a/leaf.png?x=1", {"Content-Type": "image/png"}, "leaf.png", "image/png"),
        ("https://f.example/leaf.csv", {}, "leaf.csv", "text/csv"),
        ("https://f.example/leaf.csv", {"Content-Type": "application/octet-stream"}, "leaf.csv", "text/csv"),
        ("https://f.example/", {"Content-Type": "text/html; charset=utf-8"}, "file.html", "text/html"),
        ("https://f.example/x", {"Content-Disposition": 'attachment; filename="t.txt"'}, "t.txt", "text/plain"),
        ("https://f.example/x", {"Content-Disposition": 'attachment; filename="../../etc/passwd"'}, "passwd.bin", None),
        ("https://f.example/x", {"Content-Disposition": "attachment; filename=..\\..\\a.exe"}, "a.exe", None),
        ("https://f.example/..%2f..%2fpasswd.txt", {}, "passwd.txt", "text/plain"),
        ("https://f.example/a", {"Content-Type": "x" * 5000}, "a.bin", "application/octet-stream"),
        ("https://f.example/" + "n" * 500 + ".txt", {}, None, "text/plain"),
    ],
)
async def test_files_at_addresses(
    net: Internet, url: str, headers: Mapping[str, str], name: str | None, kind: str | None
) -> None:
    net.answers[url] = Exchange("", b"\x00\x01", headers=headers)
    http = net.http()
    file = await FetchedFiles(http, 10)(url)
    assert file.content == b"\x00\x01"
    assert name is None or file.name == name
    assert kind is None or file.content_type == kind
    assert isinstance(file, File)
    assert len(file.name) <= 200
    assert not set(file.name) & set("/\\\0\r\n")
    await http.aclose()


async def test_files_that_are_refused(net: Internet) -> None:
    http = net.http()
    fetch = FetchedFiles(http, 10)
    net.answers[URL] = Exchange("", "x" * 11)
    with pytest.raises(AnswerTooLarge):
        await fetch(URL)
    with pytest.raises(StatusFailed, match="404"):
        await fetch("https://f.example/none")
    with pytest.raises(DestinationRefused):
        await fetch("http://10.0.0.1/x")
    await http.aclose()


def test_every_network_block_says_what_its_example_asks_for() -> None:
    """A block that reaches for the network without saying so would fail its example; one that says so is tested."""
    names = {block.name for block in default_catalogue() if any(example.web for example in block.examples)}
    assert {
        "Send web request",
        "Extract website content",
        "Read RSS feed",
        "Get Wikipedia summary",
        "MCP tool",
    } <= names
    assert json.dumps(sorted(names))


@pytest.mark.parametrize(
    ("url", "own", "sent"),
    [
        ("https://tea.example/", {}, "secret of tea"),
        ("https://api.tea.example/", {}, "secret of tea"),
        ("https://tea.example/", {"x-secret": "mine"}, "mine"),
        ("https://elsewhere.test/", {}, None),
    ],
)
async def test_headers_of_a_credential_go_to_its_host_only(
    net: Internet, url: str, own: dict[str, str], sent: str | None
) -> None:
    net.answers[url] = Exchange("", "ok")
    http = net.http(HttpLimits(seconds=2, answer_bytes=10_000))
    inputs = {"url": url, "method": "GET", "headers": own, "credentials": TEA}
    try:
        assert await run(SendAuthenticatedWebRequest, inputs, services=Services(http=http)) == [("response", "ok")]
    finally:
        await http.aclose()
    (seen,) = net.seen
    assert seen.headers.get("x-secret") == sent


async def test_a_redirect_elsewhere_leaves_them_behind(net: Internet) -> None:
    net.answers[URL] = Exchange("", "", 302, {"Location": "https://elsewhere.test/"})
    net.answers["https://elsewhere.test/"] = Exchange("", "ok")
    http = net.http(HttpLimits(seconds=2, answer_bytes=10_000))
    inputs = {"url": URL, "method": "GET", "credentials": TEA}
    try:
        assert await run(SendAuthenticatedWebRequest, inputs, services=Services(http=http)) == [("response", "ok")]
    finally:
        await http.aclose()
    assert [seen.headers.get("x-secret") for seen in net.seen] == ["secret of tea", None]
