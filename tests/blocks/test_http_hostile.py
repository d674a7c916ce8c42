"""The guarded client against hosts that mean ill: every way that leads inside, and answers made to never fit or end."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Sequence

import pytest

from blocks.base import Exchange
from blocks.http.client import Http, HttpLimits
from blocks.http.destinations import Allowed
from blocks.http.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    DestinationRefused,
    RequestFailed,
    RequestTimedOut,
)
from tests.support.web import PUBLIC, Internet, internet

SMALL = HttpLimits(seconds=2.0, answer_bytes=100_000)


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http(SMALL)
    yield http
    await http.aclose()


@pytest.fixture
async def unstubbed() -> AsyncIterator[Http]:
    """The client as a worker has it: the system's resolver, real connections."""
    http = Http(limits=SMALL)
    yield http
    await http.aclose()


INSIDE = [
    *(
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "ⓛocalhost",
    ),
    *(
        "localhost",
        "LOCALHOST.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
    ),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fec0::1]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[fe80::1%25lo]"),
    *("100.64.0.1", "224.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1", "168.63.129.16"),
    *("255.255.255.255", "198.18.0.1", "[2001:db8::1]", "[2001::1]"),
]


@pytest.mark.parametrize("host", INSIDE)
async def test_every_way_to_write_an_inside_address(net: Internet, unstubbed: Http, host: str) -> None:
    """A server waits on loopback; nothing may reach it, nor anything else that is not public."""
    with pytest.raises(RequestFailed) as refusal:
        await unstubbed.request("GET", f"http://{host}:{net.ports['http']}/?key=s3cret")
    assert "s3cret" not in str(refusal.value)
    assert "could not be reached" not in str(refusal.value), "no connection may be tried"
    assert net.seen == []


@pytest.mark.parametrize("host", INSIDE)
async def test_a_redirect_leads_inside(net: Internet, http: Http, host: str) -> None:
    location = {"Location": f"http://{host}/latest/meta-data?key=s3cret"}
    net.addresses = {"localhost": ["127.0.0.1"]}
    net.answers["https://one.example/"] = Exchange("", status=302, headers=location)
    with pytest.raises(RequestFailed) as refusal:
        await http.request("GET", "https://one.example/")
    assert "s3cret" not in str(refusal.value)
    assert net.dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "addresses",
    [
        *(["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["64:ff9b::7f00:1"], ["fe80::1%eth0"]),
        *([PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [], ["not an address"]),
    ],
)
async def test_a_name_leads_inside(net: Internet, http: Http, addresses: Sequence[str]) -> None:
    net.addresses["one.example"] = addresses
    with pytest.raises(RequestFailed) as refusal:
        await http.request("GET", "http://one.example/")
    assert net.dialled == []
    assert not any(address in str(refusal.value) for address in addresses), "nobody is helped to map the inside"


async def test_a_name_server_answers_differently_the_second_time(net: Internet) -> None:
    """The address that was judged is the one that is connected to; the name is not looked up in between."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    net.answers["http://one.example/"] = Exchange("", "ok", headers={"Connection": "close"})
    http = Http(limits=SMALL, resolve=rebinding, dial=net.dial)
    assert (await http.request("GET", "http://one.example/")).text() == "ok"
    assert (len(asked), net.dialled) == (1, [(PUBLIC, 80)])
    with pytest.raises(DestinationRefused):
        await http.request("GET", "http://one.example/")
    assert net.dialled == [(PUBLIC, 80)]
    await http.aclose()


async def test_a_redirect_to_itself_by_a_name_that_moved_inside(net: Internet) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["169.254.169.254"]

    headers = {"Location": "http://one.example/again", "Connection": "close"}
    net.answers["http://one.example/"] = Exchange("", status=307, headers=headers)
    http = Http(limits=SMALL, resolve=rebinding, dial=net.dial)
    with pytest.raises(DestinationRefused):
        await http.request("GET", "http://one.example/")
    assert net.dialled == [(PUBLIC, 80)]
    await http.aclose()


async def test_a_setting_lets_blocks_inside_where_it_says(net: Internet) -> None:
    """With real sockets and the system's resolver: this host and port, and no other."""
    port = net.ports["http"]
    net.answers[f"http://localhost:{port}/"] = Exchange("", "ok")
    http = Http(Allowed.parse([f"localhost:{port}"]), SMALL)
    assert (await http.request("GET", f"http://localhost:{port}/")).text() == "ok"
    for elsewhere in (f"http://127.0.0.1:{port}/", f"http://localhost:{net.ports['https']}/"):
        with pytest.raises(DestinationRefused):
            await http.request("GET", elsewhere)
    await http.aclose()
    http = Http(Allowed.parse(["127.0.0.0/8"]), SMALL)
    net.answers[f"http://127.0.0.1:{port}/"] = Exchange("", "ok")
    assert (await http.request("GET", f"http://127.0.0.1:{port}/")).text() == "ok"
    await http.aclose()


@pytest.mark.parametrize(
    "location",
    [
        *("http://user:s3cret@two.example/", "https://s3cret@two.example/", "file:///etc/s3cret", "javascript:s3cret"),
        *(
            "http://two.example:25/s3cret",
            "//user:s3cret@two.example/",
            "http://[s3cret/",
            "http://two.example:s3cret/",
        ),
        *("gopher://two.example/s3cret", "data:text/plain,s3cret", "http://\xff\xfe s3cret/"),
    ],
)
async def test_redirects_that_are_not_followed(net: Internet, http: Http, location: str) -> None:
    net.answers["http://one.example/"] = Exchange("", status=302, headers={"Location": location})
    with pytest.raises(RequestFailed) as refusal:
        await http.request("GET", "http://one.example/")
    assert "s3cret" not in str(refusal.value)
    assert len(net.dialled) == 1


async def test_redirect_loops_end(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", status=302, headers={"Location": "http://two.example/"})
    net.answers["http://two.example/"] = Exchange("", status=302, headers={"Location": "http://one.example/"})
    with pytest.raises(RequestFailed, match="redirects more than 10 times"):
        await http.request("GET", "http://one.example/")
    assert len(net.seen) == 11


async def test_a_declared_length_is_believed_before_a_byte_is_read(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = Exchange("", headers={"Content-Length": str(10 * 2**30)})
    started = time.monotonic()
    with pytest.raises(AnswerTooLarge, match=r"^The answer of one.example is larger than the 100,000 bytes"):
        await http.request("GET", "http://one.example/?key=s3cret".partition("?")[0])
    assert time.monotonic() - started < 1


async def forever(writer: asyncio.StreamWriter, piece: bytes, pause: float = 0.0) -> None:
    try:
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        pass


def answering(head: bytes, piece: bytes, pause: float = 0.0):  # type: ignore[no-untyped-def]
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await forever(writer, piece, pause)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + b"\r\n", b"x" * 10_000),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        (OK + b"Content-Encoding: deflate\r\n\r\n", zlib.compress(b"x" * 10) + b"x" * 10_000),
    ],
    ids=["close", "chunked", "after the end of what is compressed"],
)
async def test_endless_bodies_end(net: Internet, http: Http, head: bytes, piece: bytes) -> None:
    net.answers["http://one.example/"] = answering(head, piece)
    with pytest.raises(AnswerTooLarge):
        await http.request("GET", "http://one.example/")


@pytest.mark.parametrize(
    ("head", "piece", "pause"),
    [
        (b"", b"H", 0.1),
        (OK, b"X: y\r\n", 0.1),
        (OK + b"Content-Length: 1000\r\n\r\n", b"x", 0.1),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0),
        (OK + b"Content-Length: 1000\r\n\r\n", b"", 5.0),
        (b"", b"", 5.0),
    ],
    ids=["status", "headers", "body", "chunks", "interim", "silent body", "silence"],
)
async def test_slow_answers_end(net: Internet, head: bytes, piece: bytes, pause: float) -> None:
    http = net.http(HttpLimits(seconds=0.5, answer_bytes=1000))
    net.answers["http://one.example/?key=s3cret"] = answering(head, piece, pause)
    started = time.monotonic()
    with pytest.raises(RequestFailed) as failure:
        await http.request("GET", "http://one.example/?key=s3cret")
    assert time.monotonic() - started < 2
    assert isinstance(failure.value, RequestTimedOut | AnswerUnreadable)
    assert "s3cret" not in str(failure.value)
    await http.aclose()


async def test_the_time_limit_spans_redirects(net: Internet) -> None:
    http = net.http(HttpLimits(seconds=0.5))

    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    net.answers["http://one.example/"] = slow
    started = time.monotonic()
    with pytest.raises(RequestTimedOut):
        await http.request("GET", "http://one.example/")
    assert time.monotonic() - started < 1.5
    await http.aclose()


async def test_a_name_server_that_never_answers(net: Internet) -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    http = Http(limits=HttpLimits(seconds=0.3), resolve=silent, dial=net.dial)
    with pytest.raises(RequestTimedOut, match=r"^one.example did not give"):
        await http.request("GET", "http://one.example/")
    await http.aclose()


BOMB = gzip.compress(b"\0" * 50_000_000)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_bomb_is_not_unfolded(net: Internet, http: Http, chunked: bool) -> None:
    """50 KB that would be 50 MB: at most the limit and a part are ever in memory."""
    assert len(BOMB) < SMALL.answer_bytes
    if chunked:

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(f"{len(BOMB):x}\r\n".encode() + BOMB + b"\r\n0\r\n\r\n")
            await writer.drain()

        net.answers["http://one.example/"] = answer
    else:
        net.answers["http://one.example/"] = Exchange("", BOMB, headers={"Content-Encoding": "gzip"})
    with pytest.raises(AnswerTooLarge):
        await http.request("GET", "http://one.example/")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"tea" * 1000)[:-20]),
        ("deflate", b"\xff\xff\xff"),
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"tea"))),
        ("s3cret", b"x"),
    ],
)
async def test_codings_that_are_not_what_they_claim(net: Internet, http: Http, coding: str, body: bytes) -> None:
    net.answers["http://one.example/"] = Exchange("", body, headers={"Content-Encoding": coding})
    with pytest.raises(AnswerUnreadable) as failure:
        await http.request("GET", "http://one.example/")
    assert "s3cret" not in str(failure.value)


@pytest.mark.parametrize(
    "answer",
    [
        *(b"not http at all\r\n\r\n", b"", OK, b"\0" * 1000, b"HTTP/x 200 OK\r\n\r\n", OK + b"Bad Header\r\n\r\n"),
        OK + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        OK + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1000\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
async def test_answers_that_are_not_http(net: Internet, http: Http, answer: bytes) -> None:
    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    net.answers["http://one.example/"] = write
    with pytest.raises(AnswerUnreadable, match=r"^one\.example did not answer in HTTP, or broke off\.$"):
        await http.request("GET", "http://one.example/")


async def test_a_host_that_speaks_no_tls(net: Internet) -> None:
    net.ports["https"] = net.ports["http"]
    http = net.http(SMALL)
    with pytest.raises(RequestFailed, match=r"^The connection to one\.example failed\.$"):
        await http.request("GET", "https://one.example/?key=s3cret".partition("?")[0])
    await http.aclose()


async def test_a_host_that_does_not_listen(net: Internet, http: Http) -> None:
    net.ports["http"] = 1
    with pytest.raises(RequestFailed, match=r"^one\.example could not be reached on port 80\.$"):
        await http.request("GET", "http://one.example/")


async def test_what_was_cut_off_leaves_no_connection_behind(net: Internet, http: Http) -> None:
    net.answers["http://one.example/"] = answering(OK + b"\r\n", b"x" * 10_000)
    for _ in range(3):
        with pytest.raises(AnswerTooLarge):
            await http.request("GET", "http://one.example/")
    async with asyncio.timeout(5):
        await asyncio.gather(*net.connections)


POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED"


@pytest.mark.parametrize(
    ("method", "answer", "surplus"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", POISON),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n" + POISON),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", POISON),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", POISON),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", POISON),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", POISON),
        ("GET", b"HTTP/1.1 302 Found\r\nLocation: /real\r\nContent-Length: 0\r\n\r\n", POISON),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_follows_an_answer_is_nobodys_answer(
    net: Internet, http: Http, method: str, answer: bytes, surplus: bytes, at_once: bool
) -> None:
    """The connection is the next request's, perhaps another user's: what is left on it would be its answer."""
    sent = asyncio.Event()

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer + surplus if at_once else answer)
        await writer.drain()
        if not at_once:
            await asyncio.sleep(0.01)
            writer.write(surplus)
        sent.set()
        await reader.read()

    net.answers["http://one.example/"] = write
    net.answers["http://one.example/real"] = Exchange("", "real")
    first = await http.request(method, "http://one.example/")
    assert b"POISONED" not in first.body
    await sent.wait()
    for _ in range(2):
        assert (await http.request("GET", "http://one.example/real")).text() == "real"


async def test_many_requests_at_once_share_no_connection(net: Internet) -> None:
    """Also where one is waiting when another's connection falls free."""
    http = net.http(HttpLimits(seconds=30))
    net.answers["http://one.example/"] = Exchange("", "real")
    await asyncio.gather(*(http.request("GET", "http://one.example/") for _ in range(250)))
    assert len(net.dialled) == len(net.connections) == 250
    await http.aclose()
