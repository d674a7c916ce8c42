"""Slack by its documented interface: what is posted, and what is made of its refusals."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.base import Exchange
from blocks.chat.slack import SendSlackMessage
from blocks.credentials import ApiKey, UserPassword
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, RequestFailed, StatusFailed
from blocks.providers import slack
from blocks.services import Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.support.web import Internet, internet

POST = "POST https://slack.com/api/chat.postMessage"
TOKEN = "xoxb-s3cret"
NODE = {"credentials": {"id": "app", "provider": "slack", "type": "api_key"}, "channel": "#tea", "text": "Hello"}


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


async def send(http: Http, **inputs: Any) -> dict[str, Any]:
    lent = {"credentials": ApiKey("slack", SecretStr(TOKEN))}
    return dict(await run(SendSlackMessage, {**NODE, **inputs}, services=Services(http=http), credentials=lent))


async def test_a_message_is_posted_as_it_is_meant(net: Internet, http: Http) -> None:
    net.answers[POST] = Exchange("", '{"ok": true, "channel": "C1", "ts": "1.2", "message": {"text": "Hello"}}')
    assert await send(http) == {"ts": "1.2", "channel": "C1"}
    chosen = {"thread_ts": "1.1", "username": "Tea", "icon_emoji": ":tea:", "unfurl_links": False, "mrkdwn": False}
    await send(http, **chosen)
    plain, custom = net.seen
    assert json.loads(plain.body) == {"channel": "#tea", "text": "Hello", "mrkdwn": True, "unfurl_links": True}
    assert json.loads(custom.body) == {"channel": "#tea", "text": "Hello", **chosen}
    assert plain.headers["authorization"] == f"Bearer {TOKEN}"
    assert plain.headers["content-type"] == "application/json"


def test_a_message_is_posted_at_most_once() -> None:
    assert SendSlackMessage.effects is Effects.EFFECTFUL
    assert not SendSlackMessage.transient


@pytest.mark.parametrize("text", ["", " \n"])
async def test_nothing_is_posted_for_nothing(net: Internet, http: Http, text: str) -> None:
    with pytest.raises(ValueError, match="the message is empty"):
        await send(http, text=text)
    assert net.seen == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("channel_not_found", "there is no such channel"),
        ("not_in_channel", "invite it there"),
        ("invalid_auth", "the token is not valid"),
        ("missing_scope", "it needs chat:write"),
        ("ratelimited", "too many messages"),
        ("xoxb-s3cret is wrong", "a reason that is not known here"),
    ],
)
async def test_refusals_are_explained_from_our_list_alone(net: Internet, http: Http, code: str, words: str) -> None:
    net.answers[POST] = Exchange("", json.dumps({"ok": False, "error": code, "needed": TOKEN}))
    with pytest.raises(RequestFailed, match=words) as failure:
        await send(http)
    assert TOKEN not in str(failure.value)
    assert len(net.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html>xoxb-s3cret</html>",
        "",
        "null",
        "[1]",
        '"xoxb-s3cret"',
        "{}",
        '{"ok": true}',
        '{"ok": true, "ts": 1.2, "channel": "C1"}',
        '{"ok": "true", "ts": "1.2", "channel": "C1"}',
        '{"ok": false, "error": ["xoxb-s3cret"]}',
        "[" * 100_000,
        b"\xff\xfe\x00",
    ],
    ids=lambda body: str(body)[:20],
)
async def test_answers_of_other_shapes(net: Internet, http: Http, body: str | bytes) -> None:
    net.answers[POST] = Exchange("", body)
    with pytest.raises(AnswerUnreadable) as failure:
        await slack.post_message(http, TOKEN, {"channel": "C1", "text": "x"})
    assert TOKEN not in str(failure.value)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_statuses_that_say_no(net: Internet, http: Http, status: int) -> None:
    net.answers[POST] = Exchange("", TOKEN, status, {"Retry-After": "30"} if status == 429 else {})
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await send(http)
    assert TOKEN not in str(failure.value)
    assert len(net.seen) == 1


async def test_another_kind_of_credential_is_not_sent(net: Internet, http: Http) -> None:
    other = {"credentials": UserPassword("slack", SecretStr("ada"), SecretStr("s3cret"))}
    with pytest.raises(TypeError, match="not an API key"):
        await run(SendSlackMessage, NODE, services=Services(http=http), credentials=other)
    assert net.seen == []
