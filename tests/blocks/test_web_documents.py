"""Web pages, feeds and Wikipedia: what is read from good documents, and what bad ones can do, which is little."""

import socket
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from blocks.apart.running import Apart
from blocks.base import Block, BlockInputError, Exchange, Sleep
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, DestinationRefused, StatusFailed
from blocks.services import Services
from blocks.web.feeds import ReadRssFeed
from blocks.web.pages import ExtractWebsiteContent
from blocks.web.wikipedia import GetWikipediaSummary
from tests.blocks.block_runs import context, run
from tests.support.web import Internet, internet

PAGE = "https://tea.example/green"
FEED = "https://tea.example/rss"
ARTICLE = (
    "Its leaves were steamed at once, so that they stay green; the cup is pale and tastes of grass and of the sea."
)


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


async def on(net: Internet, block: type[Block[Any]] | Block[Any], inputs: Mapping[str, Any], **more: Any) -> Any:
    http = net.http()
    try:
        return await run(block, inputs, services=Services(http=http), **more)
    finally:
        await http.aclose()


async def content(net: Internet, body: str | bytes, kind: str = "text/html", **inputs: Any) -> str:
    net.answers[PAGE] = Exchange("", body, headers={"Content-Type": kind})
    ((name, value),) = await on(net, ExtractWebsiteContent, {"url": PAGE, **inputs})
    assert name == "content"
    return str(value)


async def test_a_page_is_its_title_and_main_text(net: Internet) -> None:
    page = (
        "<html><head><title> Green \n tea </title><script>evil()</script></head><body><nav><a href=/>Home</a></nav>"
        f"<article><h1>Green</h1><p>{ARTICLE}</p><ul><li>pale</li></ul></article><footer>Imprint</footer></body></html>"
    )
    text = await content(net, page)
    assert text.startswith("Title: Green tea\n\n# Green\n")
    assert ARTICLE in text
    assert "- pale" in text
    assert "evil" not in text
    assert "Home" not in text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"<p>{ARTICLE} 茶</p>".encode("gbk"), "text/html; charset=gbk"),
        (f'<meta charset="gbk"><p>{ARTICLE} 茶</p>'.encode("gbk"), "text/html"),
        (f'<meta http-equiv=a content="text/html;charset=GBK"><p>{ARTICLE} 茶</p>'.encode("gbk"), "text/html"),
        (f"<p>{ARTICLE} 茶</p>".encode(), "text/html"),
        (f"<p>{ARTICLE} 茶</p>".encode("utf-16"), "text/html; charset=latin-1"),
    ],
)
async def test_charsets_of_pages(net: Internet, body: bytes, kind: str) -> None:
    assert "茶" in await content(net, body, kind)


async def test_charsets_that_lie(net: Internet) -> None:
    for charset in ("zip", "punycode", "unicode_escape", "x" * 40):
        assert ARTICLE in await content(net, f'<meta charset="{charset}"><p>{ARTICLE}</p>')


async def test_what_is_text_already_is_given_as_it_is(net: Internet) -> None:
    assert await content(net, "a\n<b>", "text/plain") == "a\n<b>"
    assert await content(net, '{"a": 1}', "application/json") == '{"a": 1}'
    assert await content(net, "<p>x</p>", raw_content=True) == "<p>x</p>"


@pytest.mark.parametrize("kind", ["application/pdf", "image/png", "application/zip", "video/mp4"])
async def test_what_is_no_text_is_refused(net: Internet, kind: str) -> None:
    with pytest.raises(ValueError, match=rf"^What tea\.example sent is no page of text but {kind}\.$"):
        await content(net, b"\x00", kind)


async def test_pages_without_text_and_pages_that_are_not_there(net: Internet) -> None:
    for empty in ("", "<html></html>", "<script>let a = 1</script>", "\x00" * 100):
        with pytest.raises(ValueError, match="holds no text"):
            await content(net, empty)
    net.answers[PAGE] = Exchange("", "<p>gone</p>", status=410)
    with pytest.raises(StatusFailed, match="410 Gone"):
        await on(net, ExtractWebsiteContent, {"url": PAGE})
    with pytest.raises(DestinationRefused):
        await on(net, ExtractWebsiteContent, {"url": "http://169.254.169.254/"})


HOSTILE_PAGES = {
    "deep": "<div>" * 200_000 + "x",
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(150_000)) + ">x</p>",
    "tables": "<table><tr><td>" * 5_000 + "x",
    "open": "<" * 500_000,
    "entities": "&amp" * 500_000,
    "doctype": '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + '<!ENTITY c "&b;&b;&b;&b;">' * 100 + "]><p>&c;</p>",
    "outside": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><p>&b; &b; &b;</p>',
    "comments": "<!--" * 200_000,
}


@pytest.mark.parametrize("page", HOSTILE_PAGES.values(), ids=HOSTILE_PAGES.keys())
async def test_hostile_pages_end_in_time(net: Internet, page: str) -> None:
    """Whatever happens, it happens in another process and ends; nothing of this machine is in what comes back."""
    block = ExtractWebsiteContent()
    block._apart = Apart("web_page.py", seconds=2.5)
    net.answers[PAGE] = Exchange("", page, headers={"Content-Type": "text/html"})
    started = time.monotonic()
    try:
        outputs = await on(net, block, {"url": PAGE})
    except ValueError:
        outputs = []
    assert time.monotonic() - started < 12
    assert "root:" not in repr(outputs)


async def test_a_process_that_does_not_end_is_ended(net: Internet) -> None:
    apart = Apart("web_page.py", seconds=1.0)
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"could not be read within 1 seconds"):
        await apart.read(HOSTILE_PAGES["attributes"].encode())
    assert time.monotonic() - started < 5


# --- feeds ----------------------------------------------------------------------------------------


def item(number: int, minutes_ago: float | None = 1, more: str = "") -> str:
    date = ""
    if minutes_ago is not None:
        moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        date = f"<pubDate>{format_datetime(moment)}</pubDate>"
    return f"<item><title>T{number}</title><link>https://tea.example/{number}</link><guid>{number}</guid>{date}{more}</item>"


def rss(*items: str) -> Exchange:
    return Exchange("", f'<rss version="2.0"><channel><title>x</title>{"".join(items)}</channel></rss>')


ONCE = {"rss_url": FEED, "polling_rate": 60, "run_continuously": False}


def titles(outputs: list[tuple[str, Any]]) -> list[str]:
    return [value["title"] for name, value in outputs if name == "entry"]


async def test_recent_entries_in_the_feeds_order(net: Internet) -> None:
    net.answers[FEED] = rss(item(1), item(2, 90), item(3, 30), item(4, None))
    outputs = await on(net, ReadRssFeed, {**ONCE, "time_period": 60})
    assert titles(outputs) == ["T1", "T3", "T4"]
    assert outputs[-1] == ("entries", [value for name, value in outputs if name == "entry"])
    assert set(outputs[0][1]) == {"title", "link", "description", "pub_date", "author", "categories"}


async def test_a_feed_without_news_gives_an_empty_list(net: Internet) -> None:
    net.answers[FEED] = rss(item(1, 5000))
    assert await on(net, ReadRssFeed, ONCE) == [("entries", [])]


async def test_atom(net: Internet) -> None:
    net.answers[FEED] = Exchange(
        "",
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>1</id><title>Flush</title>'
        '<link href="https://tea.example/1"/><updated>2024-03-01T08:00:00+01:00</updated><summary>It is.</summary>'
        '<author><name>Ada</name></author><category term="harvest"/></entry></feed>',
        headers={"Content-Type": "application/atom+xml"},
    )
    outputs = await on(net, ReadRssFeed, {**ONCE, "time_period": 10_000_000})
    assert outputs[0][1] == {
        "title": "Flush",
        "link": "https://tea.example/1",
        "description": "It is.",
        "pub_date": "2024-03-01T07:00:00+00:00",
        "author": "Ada",
        "categories": ["harvest"],
    }


async def looks(net: Internet, feeds: list[Exchange], **inputs: Any) -> list[list[tuple[str, Any] | Sleep]]:
    """What a watched feed gives, look by look, each begun from the sleep's state alone."""
    http = net.http()
    try:
        return await _looks(net, http, feeds, {"rss_url": FEED, "polling_rate": 300, **inputs})
    finally:
        await http.aclose()


async def _looks(
    net: Internet, http: Http, feeds: list[Exchange], inputs: Mapping[str, Any]
) -> list[list[tuple[str, Any] | Sleep]]:
    block, resume, seen = ReadRssFeed(), None, []
    for feed in feeds:
        net.answers[FEED] = feed
        given = ReadRssFeed.Input.model_validate(inputs)
        items = [item async for item in block.run(given, context(resume, services=Services(http=http)))]  # type: ignore[arg-type]
        seen.append(items)
        assert isinstance(items[-1], Sleep)
        resume = items[-1].state
    return seen


def given(items: list[tuple[str, Any] | Sleep]) -> list[tuple[str, Any]]:
    return [item for item in items if not isinstance(item, Sleep)]


async def test_a_watched_feed_gives_each_entry_once_and_sleeps_in_between(net: Internet) -> None:
    first, same, grown, less, again = await looks(
        net,
        [rss(item(1)), rss(item(1)), rss(item(2), item(1)), rss(), rss(item(2), item(1), item(3, 5000))],
    )
    assert titles(given(first)) == ["T1"]
    assert given(same) == []
    assert titles(given(grown)) == ["T2"]
    assert [name for name, _ in given(grown)] == ["entry", "entries"]
    assert given(less) == given(again) == [], "an empty look in between forgets nothing"
    sleep = first[-1]
    assert isinstance(sleep, Sleep)
    assert sleep.duration == timedelta(seconds=300)


async def test_a_watched_feed_is_not_asked_too_often(net: Internet) -> None:
    ((*_, sleep),) = await looks(net, [rss()], polling_rate=0)
    assert isinstance(sleep, Sleep)
    assert sleep.duration == timedelta(seconds=10)


async def test_what_is_remembered_stays_small(net: Internet) -> None:
    feeds = [rss(*(item(number) for number in range(start, start + 200))) for start in range(0, 1000, 200)]
    *_, last = await looks(net, feeds)
    sleep = last[-1]
    assert isinstance(sleep, Sleep)
    assert len(sleep.state["seen"]) <= 300


async def test_a_watched_feed_may_fail_for_a_while_but_not_at_first(net: Internet) -> None:
    broken = Exchange("", "", status=503)
    *_, last = await looks(net, [rss(item(1)), *[broken] * 10, rss(item(2), item(1))])
    assert titles(given(last)) == ["T2"]
    with pytest.raises(StatusFailed, match="503"):
        await looks(net, [broken])
    with pytest.raises(StatusFailed, match="503"):
        await looks(net, [rss(item(1)), *[broken] * 11])


NO_FEEDS = {
    "page": "<html><body><p>no feed</p></body></html>",
    "json": '{"a": 1}',
    "nothing": "",
    "bytes": "\x00\x01\x02",
}


@pytest.mark.parametrize("body", NO_FEEDS.values(), ids=NO_FEEDS.keys())
async def test_what_is_no_feed_is_refused(net: Internet, body: str) -> None:
    net.answers[FEED] = Exchange("", body)
    with pytest.raises(ValueError, match=r"tea\.example sent is no feed"):
        await on(net, ReadRssFeed, ONCE)


def bomb(entities: str, title: str) -> str:
    item = f"<item><title>{title}</title><guid>1</guid></item>"
    return f'<!DOCTYPE r [{entities}]><rss version="2.0"><channel>{item}</channel></rss>'


@pytest.mark.parametrize("name", ["path", "file:{path}", "file://{path}", "HTTP"])
async def test_a_feed_that_is_the_name_of_one_is_not_opened(net: Internet, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "feed.xml"
    secret.write_text('<rss version="2.0"><channel><item><title>secret</title></item></channel></rss>')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        net.answers[FEED] = Exchange("", {"path": str(secret), "HTTP": address}.get(name, name.format(path=secret)))
        with pytest.raises(ValueError, match=r"tea\.example sent is no feed"):
            await on(net, ReadRssFeed(), ONCE)
        with pytest.raises(TimeoutError):
            server.accept()


ODD_DATES = [
    "9999-12-31T23:59:59-23:00",
    "0001-01-01T00:00:00+14:00",
    "Fri, 01 Mar 0000 08:00:00 GMT",
    "99999-01-01",
    "-0001-01-01T00:00:00Z",
]


@pytest.mark.parametrize("date", ODD_DATES)
async def test_an_entry_with_an_odd_date_is_one_without_or_an_old_one(net: Internet, date: str) -> None:
    net.answers[FEED] = Exchange(
        "",
        f"<rss version='2.0'><channel><item><title>odd</title><guid>1</guid><pubDate>{date}</pubDate></item>"
        "<item><title>plain</title><guid>2</guid></item></channel></rss>",
    )
    [*_, (name, entries)] = await on(net, ReadRssFeed(), ONCE)
    assert name == "entries"
    assert [entry["title"] for entry in entries] in (["odd", "plain"], ["plain"])


async def test_a_feed_cannot_be_looked_at_once_in_ages(net: Internet) -> None:
    with pytest.raises(BlockInputError, match="polling_rate"):
        await on(net, ReadRssFeed(), {**ONCE, "run_continuously": True, "polling_rate": 10**15})


LAUGHS = "".join(f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 12))
HOSTILE_FEEDS = {
    "laughs": bomb(f'<!ENTITY l0 "ha">{LAUGHS}', "&l11;"),
    "quadratic": bomb(f'<!ENTITY l "{"x" * 50_000}">', "&l;" * 50_000),
    "outside": bomb('<!ENTITY l SYSTEM "file:///etc/passwd">', "&l;"),
    "utf-16": bomb(f'<!ENTITY l0 "ha">{LAUGHS}', "&l11;").encode("utf-16"),
    "deep": '<rss version="2.0"><channel><item>' + "<a>" * 100_000,
    "many": '<rss version="2.0"><channel>' + "<item><title>x</title></item>" * 50_000,
    "huge": '<rss version="2.0"><channel><item><title>' + "x" * 5_000_000 + "</title></item></channel></rss>",
}


@pytest.mark.parametrize("feed", HOSTILE_FEEDS.values(), ids=HOSTILE_FEEDS.keys())
async def test_hostile_feeds_end_in_time(net: Internet, feed: str | bytes) -> None:
    block = ReadRssFeed()
    block._apart = Apart("feed.py", seconds=2.5)
    net.answers[FEED] = Exchange("", feed, headers={"Content-Type": "application/rss+xml"})
    started = time.monotonic()
    try:
        outputs = await on(net, block, ONCE)
    except ValueError:
        outputs = []
    assert time.monotonic() - started < 12
    assert "root:" not in repr(outputs)
    assert len(repr(outputs)) < 3_000_000


# --- Wikipedia ------------------------------------------------------------------------------------


async def summary(net: Internet, exchange: Exchange, topic: str = "Green tea") -> Any:
    net.answers["https://en.wikipedia.org/api/rest_v1/page/summary/Green_tea"] = exchange
    return await on(net, GetWikipediaSummary, {"topic": topic})


async def test_wikipedia_is_asked_for_the_title_and_nothing_else(net: Internet) -> None:
    assert await summary(net, Exchange("", '{"extract": "It is tea."}'), "  Green \n tea ") == [
        ("summary", "It is tea.")
    ]
    assert net.seen[0].headers["user-agent"].startswith("Heddle/")
    with pytest.raises(ValueError, match=r"no article named '\.\./\.\./w/index\.php\?x=1#y'"):
        await summary(net, Exchange(""), "../../w/index.php?x=1#y")
    assert net.seen[-1].url.startswith("https://en.wikipedia.org/api/rest_v1/page/summary/..%2F..%2Fw%2F")


@pytest.mark.parametrize(
    ("exchange", "error"),
    [
        (Exchange("", status=404), ValueError),
        (Exchange("", "<html>"), AnswerUnreadable),
        (Exchange("", "[]"), ValueError),
        (Exchange("", '{"extract": ""}'), ValueError),
        (Exchange("", '{"extract": {"a": 1}}'), ValueError),
        (Exchange("", status=500), StatusFailed),
        (Exchange("", status=302, headers={"Location": "http://127.0.0.1/"}), DestinationRefused),
    ],
)
async def test_wikipedia_says_nothing_useful(net: Internet, exchange: Exchange, error: type[Exception]) -> None:
    with pytest.raises(error):
        await summary(net, exchange)
