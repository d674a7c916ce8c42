"""Discord by its documented interface: what the bot sends, and what is made of the answers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from blocks.base import Block, Exchange
from blocks.chat.discord_lookups import DiscordChannelInfo, DiscordGetCurrentUser, DiscordUserInfo
from blocks.chat.discord_messages import (
    CreateDiscordThread,
    ReplyToDiscordMessage,
    SendDiscordDM,
    SendDiscordEmbed,
    SendDiscordFile,
    SendDiscordMessage,
)
from blocks.chat.discord_reading import ReadDiscordMessages
from blocks.http.client import Http
from blocks.http.errors import RateLimited, StatusFailed
from blocks.providers import discord
from blocks.services import File, Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.github_asking import failing
from tests.blocks.host import MemoryFiles
from tests.support.gateway import gateway, hello, message, ready
from tests.support.web import Internet, internet

KEY = "s3cret"
API = "https://discord.com/api/v10"
BOT = {"credentials": {"id": "bot", "provider": "discord", "type": "api_key"}}
SENT = Exchange("", '{"id": "99", "channel_id": "6"}')
SENDING: list[type[Block[Any]]] = [
    SendDiscordMessage,
    SendDiscordDM,
    SendDiscordEmbed,
    SendDiscordFile,
    ReplyToDiscordMessage,
    CreateDiscordThread,
]
READING: list[type[Block[Any]]] = [ReadDiscordMessages, DiscordUserInfo, DiscordChannelInfo, DiscordGetCurrentUser]


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


async def outputs_of(block: type[Block[Any]], http: Http, **inputs: Any) -> dict[str, Any]:
    return dict(await run(block, {**BOT, **inputs}, services=Services(MemoryFiles(), http=http)))


def test_what_people_get_to_read_is_sent_at_most_once() -> None:
    assert {block.effects for block in SENDING} == {Effects.EFFECTFUL}
    assert {block.effects for block in READING} == {Effects.IDEMPOTENT}
    assert not any(block.transient for block in SENDING)


async def test_a_direct_message(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/users/@me/channels"] = Exchange("", '{"id": "6", "type": 1}')
    net.answers[f"POST {API}/channels/6/messages"] = SENT
    assert await discord.send_direct(http, KEY, "x" * 2001, "7") == discord.Sent("99", "6")
    opened, first, second = net.seen
    assert json.loads(opened.body) == {"recipient_id": "7"}
    assert [len(json.loads(seen.body)["content"]) for seen in (first, second)] == [2000, 1]
    assert {seen.headers["authorization"] for seen in net.seen} == {"Bot s3cret"}


@pytest.mark.parametrize("mention", [True, False])
async def test_a_reply_answers_with_its_first_part_and_calls_nobody_else(
    net: Internet, http: Http, mention: bool
) -> None:
    net.answers[f"POST {API}/channels/6/messages"] = SENT
    await discord.reply(http, KEY, "x" * 2001, "6", "98", mention=mention)
    first, second = (json.loads(seen.body) for seen in net.seen)
    assert first["message_reference"] == {"message_id": "98", "fail_if_not_exists": True}
    assert first["allowed_mentions"] == {"parse": ["users", "roles"], "replied_user": mention}
    assert "message_reference" not in second
    assert second["allowed_mentions"] == {"parse": ["users", "roles"]}


async def test_an_embed_holds_what_was_filled_in(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/channels/6/messages"] = SENT
    fields = [{"name": "Kind", "value": 3}, {"name": "x"}, {"name": "a", "value": "b", "inline": False}]
    filled = {"title": "Tea", "image_url": "https://a.example/t.png", "footer_text": "hot", "fields": fields}
    assert (await outputs_of(SendDiscordEmbed, http, channel_identifier="6", **filled))["message_id"] == "99"
    assert json.loads(net.seen[0].body) == {
        "embeds": [
            {
                "title": "Tea",
                "image": {"url": "https://a.example/t.png"},
                "footer": {"text": "hot"},
                "fields": [
                    {"name": "Kind", "value": "3", "inline": True},
                    {"name": "a", "value": "b", "inline": False},
                ],
                "color": 0x5865F2,
            }
        ]
    }


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ({}, "nothing to send"),
        ({"fields": [{"name": "x"}]}, "nothing to send"),
        ({"title": "x", "fields": [{"name": "a", "value": "b"}] * 26}, "at most 25"),
        ({"title": "x", "color": -1}, "no colour"),
        ({"title": "x", "color": 0x1000000}, "no colour"),
    ],
)
async def test_embeds_that_cannot_be(net: Internet, http: Http, filled: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await outputs_of(SendDiscordEmbed, http, channel_identifier="6", **filled)
    assert net.seen == []


async def test_a_file_goes_with_its_text(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/channels/6/messages"] = SENT
    given = {"file": "data:image/png;base64,AAECAw==", "filename": '../t"ea.png', "message_content": "Look"}
    assert await outputs_of(SendDiscordFile, http, channel_identifier="6", **given)
    [seen] = net.seen
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="files[0]"; filename="t%22ea.png"\r\nContent-Type: image/png\r\n\r\n\x00\x01\x02\x03' in seen.body
    payload = seen.body.partition(b'name="payload_json"\r\n\r\n')[2].partition(b"\r\n")[0]
    assert json.loads(payload) == {
        "attachments": [{"id": 0, "filename": 't"ea.png'}],
        "allowed_mentions": {"parse": ["users", "roles"]},
        "content": "Look",
    }
    with pytest.raises(ValueError, match="at most 2,000"):
        await discord.send_file(http, KEY, File("a", "text/plain", b""), "x" * 2001, "6")


@pytest.mark.parametrize(("private", "type"), [(False, 11), (True, 12)])
async def test_a_thread(net: Internet, http: Http, private: bool, type: int) -> None:
    net.answers[f"POST {API}/channels/6/threads"] = Exchange("", '{"id": "60", "name": "Tea"}', 201)
    made = await outputs_of(
        CreateDiscordThread, http, channel_name="6", thread_name="Tea", is_private=private, auto_archive_duration="60"
    )
    assert (made["thread_id"], made["thread_name"]) == ("60", "Tea")
    [seen] = net.seen
    assert json.loads(seen.body) == {"name": "Tea", "type": type, "auto_archive_duration": 60}
    with pytest.raises(ValueError, match="at most 40,000"):
        await outputs_of(CreateDiscordThread, http, channel_name="6", thread_name="Tea", message_content="x" * 40_001)
    assert len(net.seen) == 1, "what cannot be said is known before a thread is made"


def too_often(seconds: str) -> Exchange:
    return Exchange("", '{"message": "You are being rate limited."}', 429, {"Retry-After": seconds})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without any waiting."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(discord, "_pause", pause)
    return pauses


async def test_a_long_message_goes_on_when_discord_wants_to_be_left_alone(
    net: Internet, http: Http, pauses: list[float]
) -> None:
    net.answers[f"POST {API}/channels/6/messages"] = [SENT, SENT, too_often("3"), too_often("0"), SENT]
    sent = await outputs_of(SendDiscordMessage, http, channel_name="6", message_content="x" * 4_100)
    assert sent["message_id"] == "99"
    assert [len(json.loads(seen.body)["content"]) for seen in net.seen] == [2_000, 2_000, 100, 100, 100]
    assert pauses[0] == 3
    assert pauses[1] > 0


@pytest.mark.parametrize(
    ("answers", "waited"), [([SENT, too_often("61")], 0), ([too_often("35"), SENT, too_often("35")], 1)]
)
async def test_discord_is_not_waited_for_without_end(
    net: Internet, http: Http, pauses: list[float], answers: list[Exchange], waited: int
) -> None:
    net.answers[f"POST {API}/channels/6/messages"] = answers
    with pytest.raises(RateLimited):
        await outputs_of(SendDiscordMessage, http, channel_name="6", message_content="x" * 4_100)
    assert len(pauses) == waited


async def test_a_thread_whose_first_message_is_refused_is_told_all_the_same(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/channels/6/threads"] = Exchange("", '{"id": "60", "type": 11, "name": "Tea"}')
    net.answers[f"POST {API}/channels/60/messages"] = Exchange("", "{}", 403)
    inputs = {**BOT, "channel_name": "6", "thread_name": "Tea", "message_content": "Which?"}
    told, failure = await failing(CreateDiscordThread, http, inputs)
    assert isinstance(failure, StatusFailed)
    assert told == [("status", "Thread created successfully"), ("thread_id", "60"), ("thread_name", "Tea")]


async def test_a_channel_is_found_by_name_whatever_its_kind(net: Internet, http: Http) -> None:
    net.answers[f"GET {API}/users/@me/guilds"] = Exchange("", '[{"id": "10", "name": "Home"}]')
    net.answers[f"GET {API}/guilds/10/channels"] = Exchange(
        "", '[{"id": "4", "name": "x", "type": []}, {"id": "5", "name": "tea", "type": 2}]'
    )
    found = await discord.find_channel(http, KEY, "tea")
    assert found == discord.Channel("5", "tea", "voice", "10", "Home")
    assert (await discord.find_channel(http, KEY, "x")).kind == "unknown"
    with pytest.raises(ValueError, match="no channel 'nope' in the bot's servers"):
        await discord.find_channel(http, KEY, "nope")


async def test_direct_messages_are_on_no_server(net: Internet, http: Http) -> None:
    net.answers[f"GET {API}/channels/6"] = Exchange("", '{"id": "6", "type": 1, "recipients": []}')
    found = await discord.find_channel(http, KEY, "6")
    assert found == discord.Channel("6", "Private Channel", "private", "", "Direct Message")


@pytest.mark.parametrize(
    ("about", "avatar"),
    [
        ({"discriminator": "0", "avatar": None}, "embed/avatars/5.png"),
        ({"discriminator": "1337", "avatar": None}, "embed/avatars/2.png"),
        ({"avatar": "abc"}, "avatars/80351110224678912/abc.png"),
        ({"avatar": "a_bc"}, "avatars/80351110224678912/a_bc.gif"),
        ({"discriminator": [], "avatar": 3}, "embed/avatars/5.png"),
    ],
)
async def test_pictures_of_users(net: Internet, http: Http, about: dict[str, Any], avatar: str) -> None:
    told = {"id": "80351110224678912", "username": "nelly", "bot": True, **about}
    net.answers[f"GET {API}/users/80351110224678912"] = Exchange("", json.dumps(told))
    user = await discord.find_user(http, KEY, "80351110224678912")
    assert user.avatar_url == f"https://cdn.discordapp.com/{avatar}"
    assert (user.display_name, user.is_bot) == ("nelly", True)


async def test_whose_token_it_is_is_asked_with_that_token(net: Internet, http: Http) -> None:
    net.answers[f"GET {API}/oauth2/@me"] = Exchange("", '{"user": {"id": "7", "username": "ada"}}')
    user = await discord.current_user(http, KEY)
    assert (user.name, user.banner_url, user.accent_color) == ("ada", "", 0)
    assert net.seen[0].headers["authorization"] == "Bearer s3cret"


TEXT_FILE = {"filename": "order.txt", "url": "https://cdn.discordapp.com/attachments/1/2/order.txt?ex=1"}


async def read(net: Internet, http: Http, **about: Any) -> dict[str, Any]:
    net.answers[f"GET {API}/channels/6"] = Exchange("", '{"id": "6", "type": 0, "name": "kitchen"}')
    async with gateway(net, [hello(), ready(), message(**about)]):
        return await outputs_of(ReadDiscordMessages, http)


async def test_the_text_of_an_attached_file_follows_the_message(net: Internet, http: Http) -> None:
    net.answers[f"GET {TEXT_FILE['url']}"] = Exchange("", "Grün", headers={"Content-Type": "text/plain; charset=utf-8"})
    outputs = await read(net, http, attachments=[TEXT_FILE])
    assert outputs["message_content"] == "Is tea ready?\n\nFile from user: order.txt\nContent: Grün"
    assert outputs["channel_name"] == "kitchen"
    assert "authorization" not in net.seen[-1].headers


async def test_other_files_are_left_alone(net: Internet, http: Http) -> None:
    outputs = await read(net, http, attachments=[{"filename": "a.exe", "url": "https://cdn.discordapp.com/a.exe"}])
    assert outputs["message_content"] == "Is tea ready?"
    assert len(net.seen) == 1


@pytest.mark.parametrize(
    ("url", "answer", "words"),
    [
        (TEXT_FILE["url"], Exchange("", "", 404), "answered 404"),
        (TEXT_FILE["url"], Exchange("", "x" * 1_000_001), "larger"),
        ("https://127.0.0.1/a.txt", Exchange("", "s3cret"), "not on the public internet"),
        ("file:///etc/passwd", Exchange("", "s3cret"), "Only http"),
        ("https://[/a.txt", Exchange("", "s3cret"), "neither a name nor an address"),
    ],
)
async def test_a_file_that_cannot_be_read_loses_no_message(
    net: Internet, http: Http, url: str, answer: Exchange, words: str
) -> None:
    net.answers[f"GET {url}"] = answer
    outputs = await read(net, http, attachments=[{"filename": "a.txt", "url": url}])
    assert outputs["message_content"].startswith("Is tea ready?\n\nFile from user: a.txt\nContent: (not read: ")
    assert words in outputs["message_content"]
    assert "s3cret" not in outputs["message_content"]


CALLS: dict[str, Callable[[Http], Awaitable[Any]]] = {
    "direct": lambda http: discord.send_direct(http, KEY, "x", "7"),
    "reply": lambda http: discord.reply(http, KEY, "x", "6", "98", mention=True),
    "embed": lambda http: discord.send_embed(http, KEY, {"title": "x"}, "6"),
    "file": lambda http: discord.send_file(http, KEY, File("a", "text/plain", b"x"), "", "6"),
    "thread": lambda http: discord.create_thread(http, KEY, "x", "", "6", minutes=60),
    "channel": lambda http: discord.find_channel(http, KEY, "6"),
    "channel by name": lambda http: discord.find_channel(http, KEY, "x", "y"),
    "channel name": lambda http: discord.channel_name(http, KEY, "6"),
    "user": lambda http: discord.find_user(http, KEY, "7"),
    "current user": lambda http: discord.current_user(http, KEY),
}
BAD = [
    "<html>s3cret</html>",
    "null",
    '"s3cret"',
    "[1]",
    "{}",
    '{"id": 3}',
    '{"id": "../s3cret"}',
    '{"id": "' + "9" * 5000 + '"}',
    '{"id": "\\u0000"}',
    '{"user": {"id": "s3cret"}}',
    '{"user": [1]}',
    "[" * 100_000,
]


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get(self, _: str, default: Any = None) -> Any:
        return self._exchange


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("body", BAD, ids=lambda body: body[:20])
async def test_answers_of_other_shapes(
    net: Internet, http: Http, call: Callable[[Http], Awaitable[Any]], body: str
) -> None:
    net.answers = Everywhere(Exchange("", body))
    with pytest.raises(ValueError, match=r"in a form that is not known|with JSON|There is no channel") as failure:
        await call(http)
    assert KEY not in str(failure.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_statuses_that_say_no(
    net: Internet, http: Http, call: Callable[[Http], Awaitable[Any]], status: int
) -> None:
    net.answers = Everywhere(Exchange("", '{"message": "bad s3cret"}', status))
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await call(http)
    assert KEY not in str(failure.value)
    assert len(net.seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            403,
            '{"code": 50007, "message": "s3cret"}',
            "Discord refuses: the user takes no direct messages from the bot.",
        ),
        (404, '{"code": 10013, "message": "s3cret"}', "Discord refuses: there is no such user."),
        (403, '{"code": 999999, "message": "s3cret"}', "discord.com answered 403 Forbidden."),
        (400, '{"code": [], "message": "s3cret"}', "discord.com answered 400 Bad Request."),
        (400, '["s3cret"]', "discord.com answered 400 Bad Request."),
    ],
)
async def test_discords_own_codes_are_explained(net: Internet, http: Http, status: int, body: str, words: str) -> None:
    net.answers = Everywhere(Exchange("", body, status))
    with pytest.raises(StatusFailed) as failure:
        await discord.send_direct(http, KEY, "x", "7")
    assert (str(failure.value), failure.value.status) == (words, status)


@pytest.mark.parametrize("id", ["", "ada", "7/../8", "７", "9" * 21, "7\r\nX: y"])
async def test_ids_that_are_none_are_not_asked_for(net: Internet, http: Http, id: str) -> None:
    for call in (
        lambda: discord.send_direct(http, KEY, "x", id),
        lambda: discord.reply(http, KEY, "x", id, "98", mention=True),
        lambda: discord.reply(http, KEY, "x", "6", id, mention=True),
        lambda: discord.find_user(http, KEY, id),
    ):
        with pytest.raises(ValueError, match="is not the id of a"):
            await call()
    assert net.seen == []
