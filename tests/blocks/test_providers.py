"""Providers by the shapes of their documented answers: what is asked of them, and what is made of what they say."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from blocks.base import Exchange
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed
from blocks.providers import discord, gmail, google_maps, jina, medium, zerobounce
from tests.support.web import Internet, internet

KEY = "s3cret"


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


async def test_jina_searches(net: Internet, http: Http) -> None:
    net.answers["GET https://s.jina.ai/green%20tea%2Fx"] = Exchange("", "[1] Title: Tea")
    assert await jina.search(http, KEY, "green tea/x") == "[1] Title: Tea"
    assert net.seen[0].headers["authorization"] == "Bearer s3cret"


async def test_jina_checks(net: Internet, http: Http) -> None:
    data = {
        "factuality": 1,
        "result": True,
        "reason": "It is.",
        "references": [{"url": "https://a.example", "keyQuote": "is", "isSupportive": True, "more": 1}],
        "usage": {"tokens": 5},
    }
    net.answers["GET https://g.jina.ai/Tea%20is%20wet."] = Exchange("", json.dumps({"code": 200, "data": data}))
    verdict = await jina.check(http, KEY, "Tea is wet.")
    assert (verdict.factuality, verdict.result, verdict.reason) == (1.0, True, "It is.")
    assert verdict.references == [{"url": "https://a.example", "keyQuote": "is", "isSupportive": True}]


DISCORD = "https://discord.com/api/v10"
GUILDS = Exchange("", '[{"id": "10", "name": "Home"}, {"id": "11", "name": "Tea"}]')
CHANNELS = Exchange("", '[{"id": "5", "name": "news", "type": 2}, {"id": "6", "name": "news", "type": 0}]')


async def test_discord_finds_the_channel_by_name(net: Internet, http: Http) -> None:
    net.answers[f"GET {DISCORD}/users/@me/guilds"] = GUILDS
    net.answers[f"GET {DISCORD}/guilds/10/channels"] = Exchange("", "[]")
    net.answers[f"GET {DISCORD}/guilds/11/channels"] = CHANNELS
    net.answers[f"POST {DISCORD}/channels/6/messages"] = Exchange("", '{"id": "99", "channel_id": "6"}')
    assert await discord.send_message(http, KEY, "hello", "#news") == discord.Sent("99", "6")
    assert net.seen[-1].headers["authorization"] == "Bot s3cret"
    assert json.loads(net.seen[-1].body)["content"] == "hello"
    with pytest.raises(ValueError, match="no text channel 'news' in the server 'Home'"):
        await discord.send_message(http, KEY, "hello", "news", "Home")


async def test_discord_sends_long_texts_in_parts(net: Internet, http: Http) -> None:
    url = f"POST {DISCORD}/channels/6/messages"
    net.answers[url] = [Exchange("", f'{{"id": "{number}"}}') for number in (1, 2, 3)]
    assert await discord.send_message(http, KEY, "x" * 4500, "6") == discord.Sent("3", "6")
    assert [len(json.loads(request.body)["content"]) for request in net.seen] == [2000, 2000, 500]
    for text in ("", "  ", "x" * 40_001):
        with pytest.raises(ValueError, match=r"[Tt]he message"):
            await discord.send_message(http, KEY, text, "6")


async def test_discord_tells_when_to_come_again(net: Internet, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(discord, "_pause", pause)
    net.answers[f"POST {DISCORD}/channels/6/messages"] = Exchange(
        "", '{"message": "You are being rate limited.", "retry_after": 1.5}', 429, {"Retry-After": "2"}
    )
    with pytest.raises(RateLimited) as failure:
        await discord.send_message(http, KEY, "hello", "6")
    assert failure.value.retry_after == 2
    assert pauses == [2.0] * 30


async def test_google_maps_pages(net: Internet, http: Http) -> None:
    place = {
        "displayName": {"text": "Tea House", "languageCode": "en"},
        "formattedAddress": "1 Leaf St",
        "internationalPhoneNumber": "+1 2",
        "rating": 4.5,
        "userRatingCount": 12,
        "websiteUri": "https://tea.example/",
    }
    url = "POST https://places.googleapis.com/v1/places:searchText"
    net.answers[url] = [
        Exchange("", json.dumps({"places": [place] * 20, "nextPageToken": "more"})),
        Exchange("", json.dumps({"places": [{}] * 20})),
    ]
    places = await google_maps.search(http, KEY, "tea", 25)
    assert len(places) == 25
    assert places[0] == {
        "name": "Tea House",
        "address": "1 Leaf St",
        "phone": "+1 2",
        "rating": 4.5,
        "reviews": 12,
        "website": "https://tea.example/",
    }
    assert places[-1] == {"name": "", "address": "", "phone": "", "rating": 0.0, "reviews": 0, "website": ""}
    assert [json.loads(request.body).get("pageToken") for request in net.seen] == [None, "more"]
    assert net.seen[0].headers["x-goog-api-key"] == KEY
    assert "places.websiteUri" in net.seen[0].headers["x-goog-fieldmask"]
    net.answers[url] = Exchange("", "{}")
    assert await google_maps.search(http, KEY, "nothing", 5) == []


async def test_medium_publishes(net: Internet, http: Http) -> None:
    said = {"data": {"id": "e6f36a", "url": "https://medium.com/p/e6f36a", "publishedAt": 1_442_286_338_435}}
    net.answers["POST https://api.medium.com/v1/users/me%2F1/posts"] = Exchange("", json.dumps(said), 201)
    post = medium.Post("Tea", "<p>x</p>", "html", ["tea"], "draft")
    assert await medium.publish(http, KEY, "me/1", post) == medium.Published(
        "e6f36a", "https://medium.com/p/e6f36a", 1_442_286_338_435
    )
    sent = json.loads(net.seen[0].body)
    assert sent["contentFormat"] == "html"
    assert sent["publishStatus"] == "draft"
    assert "canonicalUrl" not in sent


async def test_zerobounce_validates(net: Internet, http: Http) -> None:
    url = "GET https://api.zerobounce.net/v2/validate?api_key=s3cret&email=a%40b.example&ip_address="
    net.answers[url] = Exchange("", '{"address": "a@b.example", "status": "valid", "sub_status": ""}')
    assert (await zerobounce.validate(http, KEY, "a@b.example"))["status"] == "valid"
    net.answers[url] = Exchange("", '{"error": "Invalid API key s3cret or your account ran out of credits"}')
    with pytest.raises(StatusFailed) as failure:
        await zerobounce.validate(http, KEY, "a@b.example")
    assert KEY not in str(failure.value)


CALLS: dict[str, Callable[[Http], Awaitable[Any]]] = {
    "jina check": lambda http: jina.check(http, KEY, "x"),
    "discord": lambda http: discord.send_message(http, KEY, "x", "news"),
    "discord by id": lambda http: discord.send_message(http, KEY, "x", "6"),
    "google maps": lambda http: google_maps.search(http, KEY, "x", 5),
    "medium": lambda http: medium.publish(http, KEY, "1", medium.Post("a", "b", "html", [], "draft")),
    "gmail": lambda http: gmail.Mailbox(http, KEY).send(gmail.message_of(["a@example.com"], "b", "c")),
    "zerobounce": lambda http: zerobounce.validate(http, KEY, "a@b.example"),
}
BAD = [
    "<html>s3cret</html>",
    "null",
    "3",
    '"s3cret"',
    "[1]",
    '{"data": {"id": 1}}',
    '[{"id": "../x"}]',
    '{"places": 1}',
]


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get(self, _: str, default: Any = None) -> Any:
        return self._exchange


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_answers_of_other_shapes(net: Internet, http: Http, call: Callable[[Http], Awaitable[Any]]) -> None:
    """A provider that answers in another way than documented fails the node with words of ours."""
    refused: list[ValueError] = []
    for body in BAD:
        net.answers = Everywhere(Exchange("", body))
        try:
            await call(http)
        except ValueError as error:
            refused.append(error)
    assert len(refused) >= len(BAD) - 3, "an object without places is an empty page"
    for error in refused:
        assert KEY not in str(error)
        assert isinstance(error, AnswerUnreadable) or "no text channel" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
@pytest.mark.parametrize(
    "call", [*CALLS.values(), lambda http: jina.search(http, KEY, "x")], ids=[*CALLS, "jina search"]
)
async def test_statuses_that_say_no(
    net: Internet, http: Http, call: Callable[[Http], Awaitable[Any]], status: int
) -> None:
    net.answers = Everywhere(Exchange("", '{"message": "bad key s3cret"}', status))
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await call(http)
    assert failure.value.status == status
    assert KEY not in str(failure.value)
    assert len(net.seen) == 1
