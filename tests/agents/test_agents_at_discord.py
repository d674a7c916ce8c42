"""Other people's agents that read what is written at Discord and answer there, run to their end."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from websockets.asyncio.server import serve

from blocks.base import Exchange
from tests.agents.world import FILES, Says, Story, World, of_json
from tests.support.gateway import Gateway, Hears, hello, message, ready
from tests.support.web import Seen

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

DISCORD = "https://discord.com/api/v10"


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    """Discord's gateway, at the port that the world's worker was told of."""
    spoken = Gateway([])
    async with serve(
        spoken.serve, "127.0.0.1", world.net.ports["other"], ssl=world.net.secret, process_request=spoken.admit
    ):
        yield spoken


CHANNEL: list[Exchange] = [
    of_json(f"GET {DISCORD}/channels/6", {"id": "6", "type": 0, "name": "kitchen"}),
    of_json(f"GET {DISCORD}/users/@me/guilds", [{"id": "5", "name": "Leaf"}]),
    of_json(f"GET {DISCORD}/guilds/5/channels", [{"id": "6", "name": "kitchen", "type": 0}]),
    of_json(f"POST {DISCORD}/channels/6/messages", {"id": "100", "channel_id": "6"}),
]


def says_yes(seen: Sequence[Seen]) -> None:
    (sent,) = [each for each in seen if each.method == "POST"]
    assert json.loads(sent.body)["content"] == "Yes, it is."


STORIES = [
    (
        "!chat Is tea ready?",
        Story(
            "discord-bot-chat-to-llm-v5-2",
            gives={},
            keys=["discord", "openai"],
            web=CHANNEL,
            models=[Says("gpt-4o", ["You are a nice friendly AI", "ada Said: Is tea ready?"], "Yes, it is.")],
            outputs={},
            sent=says_yes,
        ),
    ),
    (
        "Good morning.",
        Story(
            "discord-bot-chat-to-llm-v5-2",
            gives={},
            keys=["discord"],
            web=CHANNEL[:1],
            outputs={},
            what="keeps silent when not spoken to",
        ),
    ),
    (
        "Is tea ready?",
        Story(
            "discord-chatbot-with-history-v145",
            gives={},
            keys=["discord", "openai"],
            web=CHANNEL,
            models=[
                Says("gpt-5.2-2025-12-11", ["You are AutoGPT, a helpful AI assistant", "Is tea ready?"], "Yes, it is.")
            ],
            outputs={},
            sent=says_yes,
        ),
    ),
]


@pytest.mark.parametrize(("text", "story"), STORIES, ids=[story.title for _, story in STORIES])
async def test_an_agent_at_discord(world: World, gateway: Gateway, text: str, story: Story) -> None:
    gateway.connections.append([hello(), Hears(2), ready(), message(content=text)])
    await world.plays(story)
    (heard,) = gateway.heard
    assert heard[0]["d"]["token"] == (await world.credential("discord"))[1]
