"""Waiting for what people write to a Discord bot."""

from collections.abc import AsyncIterator
from datetime import timedelta

from pydantic import Field

from blocks.base import BlockContext, Example, Exchange, Outputs, Yielded
from blocks.chat.discord_bots import API, JSON, SOME_BOT, BotBlock, BotInputs
from blocks.credentials import key_of
from blocks.http.client import Http
from blocks.http.errors import RequestFailed
from blocks.providers import discord, discord_gateway

_PATIENCE = timedelta(hours=1)
_TEXT_FILES = (".txt", ".py")
_MOST_BYTES = 1_000_000
_GREETED = (
    {"op": 10, "d": {"heartbeat_interval": 41250}},
    {"op": 0, "s": 1, "t": "READY", "d": {"session_id": "s", "user": {"id": "1", "username": "bot"}}},
)


class ReadDiscordMessagesOutputs(Outputs):
    message_content: str = Field(
        title="Message", description="What it says, followed by the text of a .txt or .py file attached to it"
    )
    message_id: str = Field(title="Message id", description="The id of the message")
    channel_id: str = Field(title="Channel id", description="The id of the channel it was written in")
    channel_name: str = Field(title="Channel", description="The name of that channel")
    user_id: str = Field(title="User id", description="The id of whoever wrote it")
    username: str = Field(title="User", description="The name of whoever wrote it")


class ReadDiscordMessages(BotBlock[BotInputs]):
    id = "df06086a-d5ac-4abb-9996-2ad0acb2eff7"
    name = "Read Discord messages"
    description = (
        "Waits, for an hour at the most, for the next message that a Discord bot sees and did not write itself. "
        "The bot needs Message Content Intent. When the worker is lost meanwhile, another one waits on; a message that "
        "comes in between is missed."
    )
    # The rest is for the name of the channel and for the file.
    timeout = _PATIENCE + timedelta(minutes=3)
    Input = BotInputs
    Output = ReadDiscordMessagesOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT},
            (
                ("message_content", "Is tea ready?"),
                ("message_id", "99"),
                ("channel_id", "6"),
                ("channel_name", "kitchen"),
                ("user_id", "7"),
                ("username", "ada"),
            ),
            web=(Exchange(f"GET {API}/channels/6", '{"id": "6", "type": 0, "name": "kitchen"}', headers=JSON),),
            gateway=(
                *_GREETED,
                {
                    "op": 0,
                    "s": 2,
                    "t": "MESSAGE_CREATE",
                    "d": {
                        "id": "99",
                        "channel_id": "6",
                        "content": "Is tea ready?",
                        "author": {"id": "7", "username": "ada"},
                    },
                },
            ),
        ),
    )

    async def run(self, inputs: BotInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        message = await discord_gateway.next_message(http, token, seconds=_PATIENCE.total_seconds())
        channel = await discord.channel_name(http, token, message.channel_id)
        yield "message_content", message.text + await _text_of_file(http, message)
        yield "message_id", message.id
        yield "channel_id", message.channel_id
        yield "channel_name", channel
        yield "user_id", message.author_id
        yield "username", message.author


async def _text_of_file(http: Http, message: discord_gateway.Message) -> str:
    """What to add to the message for its file. One that cannot be read is told of: anybody may attach anything."""
    if not message.file_name.endswith(_TEXT_FILES):
        return ""
    try:
        answer = await http.request("GET", message.file_url, most_bytes=_MOST_BYTES)
        content = answer.checked().text()
    except RequestFailed as failure:
        content = f"(not read: {failure})"
    return f"\n\nFile from user: {message.file_name}\nContent: {content}"
