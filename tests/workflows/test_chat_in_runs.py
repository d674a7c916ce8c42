"""A Discord bot in runs: it waits longer than a silent worker may, answers, stops when told, and keeps its token."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from temporalio.client import Client

from blocks.base import Exchange
from blocks.chat.discord_messages import ReplyToDiscordMessage
from blocks.chat.discord_reading import ReadDiscordMessages
from engine.model import Status
from store.credentials import CredentialFacts, CredentialRow
from store.postgres import PostgresStore
from store.sealing import Keys, new_key
from tests.support.blocks import Sink
from tests.support.gateway import Closes, Hears, Step, gateway, hello, message, ready
from tests.support.graphs import graph, node
from tests.support.web import Internet, internet
from tests.workflows.conftest import USER, Stack, opened_stack

API = "https://discord.com/api/v10"
TOKEN = "s3cret-token"
KEY = f"k1:{new_key()}"
MINE = {"id": str(uuid.uuid4()), "provider": "discord", "type": "api_key"}
BEAT, IDENTIFY = 1, 2
CHATBOT = graph(
    [
        node("read", ReadDiscordMessages, credentials=MINE),
        node("reply", ReplyToDiscordMessage, reply_content="It is.", credentials=MINE),
        node("heard", Sink, name="heard"),
        node("said", Sink, name="said"),
    ],
    "read.channel_id -> reply.channel_id",
    "read.message_id -> reply.message_id",
    "read.message_content -> heard.value",
    "reply.reply_id -> said.value",
)


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def bot(temporal_client: Client, store: PostgresStore, database_url: str, net: Internet) -> AsyncIterator[Stack]:
    facts = CredentialFacts(MINE["id"], USER, "discord", "api_key", "Mine", {}, datetime.now(UTC))
    await store.credentials.add(CredentialRow.seal(Keys.parse(KEY), facts, {"key": TOKEN}), most=9)
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        further_blocks=(ReadDiscordMessages, ReplyToDiscordMessage),
        http=net.http(),
        node_heartbeat_timeout_seconds=1,
        credential_keys=KEY,
    ) as opened:
        yield opened
    await store.credentials.delete(USER, MINE["id"])


async def test_a_message_that_comes_late_is_answered(bot: Stack, net: Internet) -> None:
    net.answers[f"GET {API}/channels/6"] = Exchange("", '{"id": "6", "type": 0, "name": "kitchen"}')
    net.answers[f"POST {API}/channels/6/messages"] = Exchange("", '{"id": "100"}')
    # Two whole intervals at the least: longer than a worker may be silent.
    quiet: list[Step] = [Hears(BEAT), {"op": 11}, Hears(BEAT), {"op": 11}, Hears(BEAT)]
    async with gateway(net, [hello(1000), Hears(IDENTIFY), ready(), *quiet, message()]) as spoken:
        outcome = await bot.run(CHATBOT)
        history = await outcome.handle.fetch_history()
    assert outcome.outputs == {"heard": ["Is tea ready?"], "said": ["100"]}
    assert len(spoken.heard) == 1, "nobody thought the worker lost"
    [read] = outcome.of("read")
    assert read.attempt == 1
    assert [seen.headers["authorization"] for seen in net.seen] == [f"Bot {TOKEN}"] * 2
    assert spoken.heard[0][0]["d"]["token"] == TOKEN
    assert TOKEN not in history.to_json()
    assert not [row for row in outcome.nodes if TOKEN in repr(row)]


async def test_a_bot_that_is_stopped_hangs_up(bot: Stack, net: Internet) -> None:
    async with gateway(net, [hello(), Hears(IDENTIFY), ready()]) as spoken:
        handle = await bot.start(CHATBOT)
        async with asyncio.timeout(30):
            while not any(spoken.heard):
                await asyncio.sleep(0.05)
        await handle.cancel()
        outcome = await bot.outcome(handle)
        await asyncio.wait_for(spoken.ended.wait(), 10)
    assert outcome.execution.status is Status.TERMINATED
    assert outcome.outputs == {}


async def test_a_token_that_discord_does_not_know_fails_the_node_alone(bot: Stack, net: Internet) -> None:
    async with gateway(net, [hello(), Hears(IDENTIFY), Closes(4004)]):
        outcome = await bot.run(CHATBOT)
    [read] = outcome.of("read")
    assert read.status is Status.FAILED
    assert "does not accept the bot's token" in repr(read)
    assert TOKEN not in repr(read)
    assert outcome.of("reply") == []
