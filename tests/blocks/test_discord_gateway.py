"""Discord's gateway by what its documentation says of it, over real WebSockets under TLS."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import trustme

from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, DestinationRefused, RequestFailed, RequestTimedOut
from blocks.providers import discord_gateway
from blocks.providers.discord_gateway import Message, next_message
from tests.support.gateway import Closes, Gateway, Hears, Step, event, gateway, hello, message, ready
from tests.support.web import Internet, internet

TOKEN = "s3cret-token"
IDENTIFY, RESUME, BEAT = 2, 6, 1


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


async def listen(net: Internet, http: Http, *connections: Sequence[Step], **more: Any) -> tuple[Message, Gateway]:
    async with gateway(net, *connections, **more) as spoken:
        return await next_message(http, TOKEN, seconds=20, pause=0.001), spoken


async def refused(net: Internet, http: Http, *connections: Sequence[Step], **more: Any) -> RequestFailed:
    async with gateway(net, *connections, **more):
        with pytest.raises(RequestFailed) as failure:
            await next_message(http, TOKEN, seconds=20, pause=0.001)
    assert "s3cret" not in str(failure.value)
    return failure.value


async def test_the_bot_says_who_it_is_and_what_it_wants_to_hear(net: Internet, http: Http) -> None:
    found, spoken = await listen(net, http, [hello(), Hears(IDENTIFY), ready(), message()])
    assert found == Message("99", "6", "Is tea ready?", "7", "ada")
    assert spoken.paths == ["/?v=10&encoding=json"]
    assert spoken.hosts == ["gateway.discord.gg"]
    [[identified]] = spoken.heard
    assert identified["d"]["token"] == TOKEN
    assert identified["d"]["intents"] == (1 << 9) + (1 << 12) + (1 << 15)
    assert set(identified["d"]["properties"]) == {"os", "browser", "device"}


async def test_what_the_bot_writes_itself_is_not_news(net: Internet, http: Http) -> None:
    others = [event("TYPING_START", 2), message(3, author="1"), message(4, content="me too")]
    found, _ = await listen(net, http, [hello(), ready(own_id="1"), *others])
    assert found.text == "me too"


async def test_the_first_attachment_comes_with_it(net: Internet, http: Http) -> None:
    files = [{"filename": "a.txt", "url": "https://cdn.discordapp.com/a"}, {"filename": "b.txt", "url": "x"}]
    found, _ = await listen(net, http, [hello(), ready(), message(attachments=files)])
    assert (found.file_name, found.file_url) == ("a.txt", "https://cdn.discordapp.com/a")


async def test_beats_go_on_while_nobody_writes(net: Internet, http: Http) -> None:
    beats = [Hears(BEAT), {"op": 11}, event("TYPING_START", 5), Hears(BEAT), {"op": 11}, Hears(BEAT)]
    _, spoken = await listen(net, http, [hello(300), Hears(IDENTIFY), ready(), *beats, message()])
    assert spoken.codes == [[IDENTIFY, BEAT, BEAT, BEAT]]
    assert [frame["d"] for frame in spoken.heard[0][1:]] == [1, 5, 5]


async def test_a_beat_that_is_asked_for_comes_at_once(net: Internet, http: Http) -> None:
    _, spoken = await listen(net, http, [hello(), Hears(IDENTIFY), ready(), {"op": 1}, Hears(BEAT), message()])
    assert spoken.codes == [[IDENTIFY, BEAT]]
    assert spoken.heard[0][1]["d"] == 1


async def test_a_connection_without_answers_to_beats_is_given_up(net: Internet, http: Http) -> None:
    silent = [hello(50), Hears(IDENTIFY), ready(), Hears(BEAT)]
    _, spoken = await listen(net, http, silent, [hello(), Hears(RESUME), message()])
    assert spoken.codes[1] == [RESUME]


@pytest.mark.parametrize("end", [{"op": 7}, {"op": 9, "d": True}, Closes(), Closes(4000), Closes(1001)], ids=str)
async def test_a_session_is_taken_up_where_it_stood(net: Internet, http: Http, end: Step) -> None:
    begun = [hello(), Hears(IDENTIFY), ready("s9", resume_gateway_url="wss://gateway-us-1.discord.gg")]
    resumed = [hello(), Hears(RESUME), event("RESUMED", 8), message(9)]
    _, spoken = await listen(net, http, [*begun, event("TYPING_START", 7), end], resumed)
    assert spoken.heard[1][0]["d"] == {"token": TOKEN, "session_id": "s9", "seq": 7}
    assert spoken.hosts == ["gateway.discord.gg", "gateway-us-1.discord.gg"]


async def test_after_a_session_is_taken_up_the_bots_own_words_are_still_its_own(net: Internet, http: Http) -> None:
    begun = [hello(), Hears(IDENTIFY), ready(own_id="1"), {"op": 7}]
    found, _ = await listen(net, http, begun, [hello(), Hears(RESUME), message(author="1"), message(content="hi")])
    assert found.text == "hi"


@pytest.mark.parametrize("end", [{"op": 9, "d": False}, Closes(4007), Closes(4009)], ids=str)
async def test_a_session_that_is_lost_is_begun_anew(net: Internet, http: Http, end: Step) -> None:
    begun = [hello(), Hears(IDENTIFY), ready(resume_gateway_url="wss://gateway-us-1.discord.gg"), end]
    _, spoken = await listen(net, http, begun, [hello(), Hears(IDENTIFY), ready("s2"), message()])
    assert spoken.codes == [[IDENTIFY], [IDENTIFY]]
    assert spoken.hosts == ["gateway.discord.gg"] * 2


@pytest.mark.parametrize(
    "url",
    [
        "wss://evil.example",
        "wss://discord.gg.evil.example",
        "wss://evildiscord.gg",
        "ws://gateway.discord.gg",
        "wss://gateway.discord.gg:4443",
        "wss://[",
        "wss://evil.example#.discord.gg",
        7,
        None,
    ],
)
async def test_the_token_goes_to_discord_alone(net: Internet, http: Http, url: Any) -> None:
    begun = [hello(), Hears(IDENTIFY), ready(resume_gateway_url=url), {"op": 7}]
    _, spoken = await listen(net, http, begun, [hello(), Hears(RESUME), message()])
    assert spoken.hosts == ["gateway.discord.gg"] * 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4004, "does not accept the bot's token"),
        (4011, "so many servers"),
        (4012, "too old"),
        (4014, "Message Content Intent"),
    ],
)
async def test_what_discord_refuses_is_explained_and_not_tried_again(
    net: Internet, http: Http, code: int, words: str
) -> None:
    failure = await refused(net, http, [hello(), Hears(IDENTIFY), Closes(code)])
    assert words in str(failure)
    assert len(net.dialled) == 1


@pytest.mark.parametrize(
    ("end", "words"),
    [(Closes(), "ended the connection."), (Closes(4008), "with the code 4008"), ({"op": 7}, "20 connections")],
)
async def test_connections_that_keep_ending_are_not_tried_for_ever(
    net: Internet, http: Http, end: Step, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord_gateway, "_LONGEST_PAUSE", 0.01)
    failure = await refused(net, http, *[[hello(), Hears(IDENTIFY), end]] * 20)
    assert words in str(failure)
    assert len(net.dialled) == (20 if "20" in words else 6)


async def test_a_gateway_that_opens_nothing(net: Internet, http: Http) -> None:
    failure = await refused(net, http, refuses_with=503)
    assert str(failure) == "gateway.discord.gg answered 503 and opened no WebSocket."
    net.dialled.clear()
    failure = await refused(net, http, refuses_with=302)
    assert "answered 302" in str(failure)


async def test_waiting_ends(net: Internet, http: Http) -> None:
    async with gateway(net, [hello(), Hears(IDENTIFY), ready()]):
        with pytest.raises(RequestTimedOut, match=r"Nobody wrote a message within 0\.2 seconds"):
            await next_message(http, TOKEN, seconds=0.2)


async def test_a_wait_that_is_given_up_leaves_no_connection(net: Internet, http: Http) -> None:
    async with gateway(net, [hello(), Hears(IDENTIFY), ready()]) as spoken:
        waiting = asyncio.create_task(next_message(http, TOKEN, seconds=20))
        while not spoken.heard or not spoken.heard[0]:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(spoken.ended.wait(), 10)


async def test_inside_addresses_are_refused(net: Internet, http: Http) -> None:
    net.addresses["gateway.discord.gg"] = ["10.0.0.1"]
    with pytest.raises(DestinationRefused):
        await next_message(http, TOKEN, seconds=20, pause=0.001)
    assert net.dialled == []


async def test_a_certificate_of_somebody_else_hears_no_token(net: Internet) -> None:
    async with internet(authority=trustme.CA()) as other, gateway(other, *[[hello()]] * 6) as spoken:
        http = Http(resolve=net.resolve, dial_socket=other.dial_socket, trust=net.trust)
        with pytest.raises(RequestFailed, match="has no valid certificate"):
            await next_message(http, TOKEN, seconds=20, pause=0.001)
        await http.aclose()
    assert spoken.heard == []


@pytest.mark.parametrize(
    "said",
    [
        "s3cret <html>",
        "null",
        "3",
        "[1]",
        "[" * 100_000,
        "{}",
        '{"op": "10"}',
        '{"op": 0, "d": {"heartbeat_interval": 1}}',
        '{"op": 10, "d": {"heartbeat_interval": "s3cret"}}',
        b"s3cret",
    ],
    ids=lambda said: str(said)[:20],
)
async def test_greetings_of_other_shapes(net: Internet, http: Http, said: str | bytes) -> None:
    assert isinstance(await refused(net, http, [said]), AnswerUnreadable)


@pytest.mark.parametrize(
    "said",
    [
        event("READY", 1, session_id=3),
        {"op": 0, "t": "READY", "d": None},
        {"op": 0, "t": "MESSAGE_CREATE", "d": [1]},
        message(content=None),
        message(id="../x"),
        message(channel_id=6),
        message(author={"id": "7"}),
        message(author=[]),
    ],
)
async def test_events_of_other_shapes(net: Internet, http: Http, said: Step) -> None:
    assert isinstance(await refused(net, http, [hello(), ready(), said]), AnswerUnreadable)


@pytest.mark.parametrize("files", [None, {}, [None], [{"filename": 1, "url": "x"}], "x"])
async def test_attachments_of_other_shapes_are_none(net: Internet, http: Http, files: Any) -> None:
    found, _ = await listen(net, http, [hello(), ready(), message(attachments=files)])
    assert found.file_name == ""


async def test_a_flood_ends_the_connection(net: Internet, http: Http) -> None:
    failure = await refused(net, http, *[[hello(), "x" * 5_000_000]] * 6)
    assert "ended the connection" in str(failure)


async def test_no_log_shows_the_token(net: Internet, http: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = logging.getLogger("websockets.client")
    client.setLevel(logging.DEBUG)
    try:
        await listen(net, http, [hello(), Hears(IDENTIFY), ready(), Closes()], [hello(), Hears(RESUME), message()])
    finally:
        client.setLevel(logging.NOTSET)
    from_client = [record.getMessage() for record in caplog.records if "server" not in record.name]
    assert not [text for text in from_client if TOKEN in text]


async def test_texts_of_any_script_arrive_whole(net: Internet, http: Http) -> None:
    text = "茶\u0000\U0001f375\n“tea”"
    found, _ = await listen(net, http, [hello(), ready(), json.dumps(message(content=text))])
    assert found.text == text
