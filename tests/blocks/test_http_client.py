"""The guarded client against hosts that mean well: methods, bodies, redirects, codings, statuses."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.utils import format_datetime
from typing import Any

import pytest
import trustme

from blocks.base import Exchange
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, RequestFailed, RequestInvalid, StatusFailed
from tests.support.web import PUBLIC, Internet, Seen, internet


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


async def test_a_name_is_resolved_once_and_asked_over_tls_by_its_name(net: Internet, http: Http) -> None:
    net.answers["GET https://api.example/v1?q=tea"] = Exchange("", '{"cups": 2}')
    answer = await http.request("GET", "https://api.example/v1", params={"q": "tea"})
    assert (answer.status, answer.json(), answer.host) == (200, {"cups": 2}, "api.example")
    assert (net.resolved, net.dialled) == (["api.example"], [(PUBLIC, 443)])
    assert net.seen[0].headers["host"] == "api.example"
    assert "cookie" not in net.seen[0].headers


async def test_a_certificate_for_another_name_is_refused(net: Internet) -> None:
    async with internet(authority=trustme.CA()) as strangers:
        http = Http(resolve=net.resolve, dial=strangers.dial, trust=net.trust)
        with pytest.raises(RequestFailed, match=r"^api\.example has no valid certificate: "):
            await http.request("GET", "https://api.example/?key=s3cret")
        await http.aclose()


@pytest.mark.parametrize(
    ("sent", "body", "kind"),
    [
        ({"json": {"a": 1}}, b'{"a":1}', "application/json"),
        ({"data": {"a": "b c"}}, b"a=b+c", "application/x-www-form-urlencoded"),
        ({"content": "plain"}, b"plain", None),
    ],
)
async def test_bodies(net: Internet, http: Http, sent: dict[str, object], body: bytes, kind: str | None) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok")
    await http.request("POST", "https://api.example/", **sent)  # type: ignore[arg-type]
    assert (net.seen[0].body, net.seen[0].headers.get("content-type")) == (body, kind)


async def test_files_are_sent_as_a_form(net: Internet, http: Http) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok")
    files = [("file", ("tea.txt", b"green", "text/plain"))]
    await http.request("POST", "https://api.example/", data={"kind": "tea"}, files=files)
    assert net.seen[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="tea.txt"' in net.seen[0].body
    assert b"green" in net.seen[0].body


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data; boundary=", "application/json"])
async def test_a_form_with_files_says_its_own_boundary(net: Internet, http: Http, kind: str) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok")
    files = [("file", ("tea.txt", b"green", "text/plain"))]
    await http.request("POST", "https://api.example/", data={"a": "1"}, files=files, headers={"content-type": kind})
    assert form_parts(net.seen[0]) == {"a": b"1", "file": b"green"}


async def test_a_form_is_sent_in_parts_when_the_caller_says_so(net: Internet, http: Http) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok")
    fields = {"a": "b c", "many": ["1", "2"], "empty": ""}
    await http.request("POST", "https://api.example/", data=fields, headers={"Content-Type": "multipart/form-data"})
    assert form_parts(net.seen[0]) == {"a": b"b c", "many": b"2", "empty": b""}
    assert net.seen[0].body.count(b'name="many"') == 2


def form_parts(seen: Seen) -> dict[str, bytes]:
    """The parts of a form by name, as a server reads them."""
    message = BytesParser().parsebytes(f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode() + seen.body)
    parts: Any = message.get_payload()
    assert isinstance(parts, list)
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


async def test_a_callers_content_type_stands(net: Internet, http: Http) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok")
    await http.request("PUT", "https://api.example/", json=[1], headers={"Content-Type": "application/vnd.x+json"})
    assert net.seen[0].headers["content-type"] == "application/vnd.x+json"


async def test_nothing_is_remembered_between_requests(net: Internet, http: Http) -> None:
    net.answers["https://api.example/"] = Exchange("", "ok", headers={"Set-Cookie": "session=1"})
    await http.request("GET", "https://api.example/", headers={"Authorization": "Bearer s3cret"})
    await http.request("GET", "https://api.example/")
    assert len(net.dialled) == len(net.resolved) == 2, "not even the connection"
    assert {"authorization", "cookie"}.isdisjoint(net.seen[1].headers)


async def test_proxies_of_the_environment_are_not_used(
    net: Internet, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    net.answers["https://api.example/"] = Exchange("", "ok")
    assert (await http.request("GET", "https://api.example/")).text() == "ok"


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        *((301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST")),
        *((308, "PUT", "PUT"), (301, "GET", "GET"), (303, "HEAD", "HEAD")),
    ],
)
async def test_redirects(net: Internet, http: Http, status: int, method: str, then: str) -> None:
    net.answers["http://old.example/a"] = Exchange("", status=status, headers={"Location": "../b?x=1#part"})
    net.answers["http://old.example/b?x=1"] = Exchange("", "here")
    body = {"json": {"a": 1}} if method in ("POST", "PUT") else {}
    answer = await http.request(method, "http://old.example/a", **body)  # type: ignore[arg-type]
    assert answer.status == 200
    assert net.seen[1].method == then
    assert net.seen[1].body == (b'{"a":1}' if then in ("POST", "PUT") else b"")
    assert ("content-type" in net.seen[1].headers) == (then in ("POST", "PUT"))


@pytest.mark.parametrize("target", ["https://other.example/", "http://one.example:8080/", "http://sub.one.example/"])
async def test_secrets_do_not_follow_a_redirect_to_another_origin(net: Internet, http: Http, target: str) -> None:
    net.answers["https://one.example/"] = Exchange("", status=307, headers={"Location": target})
    net.answers[target] = Exchange("", "here")
    secrets = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret", "Accept": "text/html"}
    await http.request("GET", "https://one.example/", headers=secrets)
    assert "s3cret" in json.dumps(dict(net.seen[0].headers))
    assert "s3cret" not in json.dumps(dict(net.seen[1].headers))
    assert net.seen[1].headers["accept"] == "text/html"


async def test_secrets_follow_within_an_origin_and_from_http_to_https(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", status=301, headers={"Location": "https://one.example/"})
    net.answers["https://one.example/"] = Exchange("", status=302, headers={"Location": "/b"})
    net.answers["https://one.example/b"] = Exchange("", "here")
    await http.request("GET", "http://one.example/", headers={"Authorization": "Bearer s3cret"})
    assert [request.headers["authorization"] for request in net.seen] == ["Bearer s3cret"] * 3


async def test_a_redirect_is_the_answer_when_none_are_followed(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", status=302, headers={"Location": "/b"})
    assert (await http.request("GET", "http://one.example/", redirects=0)).status == 302
    net.answers["http://two.example/"] = Exchange("", status=304)
    assert (await http.request("GET", "http://two.example/")).status == 304


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"tea" * 1000)),
        ("gzip", gzip.compress(b"tea" * 400) + gzip.compress(b"") + gzip.compress(b"tea" * 600)),
        ("gzip", gzip.compress(b"tea" * 1000) + bytes(100)),
        ("deflate", zlib.compress(b"tea" * 1000)),
        ("deflate", zlib.compress(b"tea" * 1000, wbits=-15)),
        ("identity", b"tea" * 1000),
    ],
)
async def test_codings(net: Internet, http: Http, coding: str, packed: bytes) -> None:
    net.answers["http://one.example/"] = Exchange("", packed, headers={"Content-Encoding": coding})
    assert (await http.request("GET", "http://one.example/")).body == b"tea" * 1000
    assert net.seen[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_head_request_reads_no_body_whatever_length_it_is_told(net: Internet, http: Http) -> None:
    headers = {"Content-Length": "99999999999", "Content-Encoding": "gzip"}
    net.answers["http://one.example/"] = Exchange("", headers=headers)
    answer = await http.request("HEAD", "http://one.example/")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/html; charset=ISO-8859-1", "é".encode("latin-1"), "é"),
        ('text/html; charset="Shift_JIS"', "茶".encode("shift_jis"), "茶"),
        ("text/html", "茶".encode(), "茶"),
        ("text/html; charset=latin-1", "\ufeff茶".encode(), "茶"),
        ("text/plain; charset=utf-8", "茶".encode("utf-16"), "茶"),
        ("text/plain; charset=utf-8", b"\xff\xfetea"[2:] + b"\xff", "tea\ufffd"),
        *(
            (f"text/plain; charset={charset}", b"tea", "tea")
            for charset in (
                "zip",
                "base64",
                "idna",
                "punycode",
                "unicode_escape",
                "utf-7",
                "undefined",
                "x" * 5000,
                "\0",
            )
        ),
        ("; charset", b"tea", "tea"),
    ],
)
async def test_charsets(net: Internet, http: Http, kind: str, body: bytes, text: str) -> None:
    net.answers["http://one.example/"] = Exchange("", body, headers={"Content-Type": kind.replace("\0", "")})
    assert (await http.request("GET", "http://one.example/")).text() == text


async def test_a_status_that_says_no_is_an_answer_until_it_is_checked(net: Internet, http: Http) -> None:
    net.answers["http://one.example/?key=s3cret"] = Exchange("", "no, s3cret", status=403)
    answer = await http.request("GET", "http://one.example/?key=s3cret")
    with pytest.raises(StatusFailed, match=r"^one.example answered 403 Forbidden\.$") as failure:
        answer.checked()
    assert (failure.value.status, failure.value.body) == (403, b"no, s3cret")
    net.answers["http://one.example/"] = Exchange("", "", status=299)
    answer = await http.request("GET", "http://one.example/")
    assert answer.checked() is answer


@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        (429, "7", 7, 7),
        (503, "7", 7, 7),
        (429, format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 1, 3600),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        (429, "9" * 400, 86400, 86400),
    ],
)
async def test_rate_limits_are_data(
    net: Internet, http: Http, status: int, header: str, least: float, most: float
) -> None:
    net.answers["http://one.example/"] = Exchange("", status=status, headers={"Retry-After": header})
    with pytest.raises(RateLimited) as failure:
        (await http.request("GET", "http://one.example/")).checked()
    assert failure.value.retry_after is not None
    assert least <= failure.value.retry_after <= most
    assert len(net.seen) == 1, "nothing is tried again"


BEYOND_ANY_CALENDAR = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


@pytest.mark.parametrize("header", ["", "soon", "-1", "٣", "Wed, 99 Oct 2015", "\xff", BEYOND_ANY_CALENDAR])
async def test_a_rate_limit_may_not_say_how_long(net: Internet, http: Http, header: str) -> None:
    net.answers["http://one.example/"] = Exchange("", status=429, headers={"Retry-After": header})
    with pytest.raises(RateLimited, match=r"^one.example answered 429 Too Many Requests\.$") as failure:
        (await http.request("GET", "http://one.example/")).checked()
    assert failure.value.retry_after is None


async def test_a_503_that_does_not_say_when_is_a_failure_like_others(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", status=503)
    with pytest.raises(StatusFailed) as failure:
        (await http.request("GET", "http://one.example/")).checked()
    assert not isinstance(failure.value, RateLimited)


async def test_what_is_no_json_is_said_to_be_none(net: Internet, http: Http) -> None:
    for body in ("<html>", "[" * 100_000, b"\xff", "9" * 5000):
        net.answers["http://one.example/"] = Exchange("", body)
        with pytest.raises(AnswerUnreadable, match="did not answer with JSON"):
            (await http.request("GET", "http://one.example/")).json()


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        *(({name: "x"}, "GET") for name in ("", "a b", "a:b", "a\r\nb", "ä", "x" * 300)),
        *(({"X-A": value}, "GET") for value in ("a\r\nX-B: s3cret", "s3cret\n", "\0s3cret", "s3cret\x7f")),
        ({"Host": "s3cret.example"}, "GET"),
        ({f"X-{number}": "" for number in range(101)}, "GET"),
        ({"X-A": "s3cret" * 20_000}, "GET"),
        ({}, "TRACE"),
        ({}, "CONNECT"),
        ({}, "GET / HTTP/1.1\r\nX-B: s3cret\r\n"),
    ],
)
async def test_requests_that_would_be_something_else_are_refused(
    net: Internet, http: Http, headers: dict[str, str], method: str
) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        await http.request(method, "http://one.example/", headers=headers)
    assert "s3cret" not in str(refusal.value)
    assert net.seen == []


async def test_headers_of_the_connection_are_the_clients_own(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", "ok")
    pasted = {"Content-Length": "0", "Transfer-Encoding": "chunked", "Connection": "close", "Host": "one.example"}
    await http.request("POST", "http://one.example/", content="tea", headers={**pasted, "Accept-Encoding": "br"})
    assert net.seen[0].body == b"tea"
    assert {"transfer-encoding", "connection"}.isdisjoint(net.seen[0].headers)
    assert net.seen[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_body_has_a_limit(net: Internet, http: Http) -> None:
    with pytest.raises(RequestInvalid, match="bytes; at most"):
        await http.request("POST", "http://one.example/", content=b"x" * (http.limits.body_bytes + 1))


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"X-A": "\ud800"}},
        {"json": "\ud800"},
        {"data": {"a": "\ud800"}},
        {"params": {"a": "\ud800"}},
        {"params": {"a": "x" * 10_000}},
        {"content": "\ud800"},
        {"json": object()},
        {"json": float("nan")},
    ],
)
async def test_what_cannot_be_sent_is_the_callers_fault(net: Internet, http: Http, sent: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|at most|not JSON"):
        await http.request("POST", "http://one.example/", **sent)
    assert net.seen == []


async def test_many_at_once(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", "ok")
    answers = await asyncio.gather(*(http.request("GET", "http://one.example/") for _ in range(50)))
    assert [answer.text() for answer in answers] == ["ok"] * 50
