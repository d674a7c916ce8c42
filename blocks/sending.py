"""Messages and posts that leave for other people's services: whoever reads them cannot be made to forget them.

Registered in `catalogue.py`; what the services are asked is in `providers/`. All are entered at most once.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import discord
from engine.model import Effects

_JSON = {"Content-Type": "application/json"}


class SendDiscordMessageInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="The token of a Discord bot")
    message_content: str = Field(title="Message", description="What to say; long texts go in several messages")
    channel_name: str = Field(
        title="Channel", description="The channel's id, or its name", examples=["general", "1234567890"]
    )
    server_name: str = Field("", title="Server", description="Where the channel is looked for; empty: everywhere")


class SendDiscordMessageOutputs(Outputs):
    status: str = Field(title="Status", description="That the message was sent")
    message_id: str = Field(title="Message id", description="The id of the message, or of the last of several")
    channel_id: str = Field(title="Channel id", description="The id of the channel")


class SendDiscordMessage(Block[SendDiscordMessageInputs]):
    id = "d0822ab5-9f8a-44a3-8971-531dd0178b6b"
    name = "Send Discord message"
    description = "Sends a message to a Discord channel as a bot. Nothing is tried again."
    categories = frozenset({Category.SOCIAL})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("discord",))}
    Input = SendDiscordMessageInputs
    Output = SendDiscordMessageOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "bot", "provider": "discord", "type": "api_key"},
                "message_content": "Tea is ready.",
                "channel_name": "6",
            },
            (("status", "Message sent"), ("message_id", "99"), ("channel_id", "6")),
            web=(
                Exchange(
                    "POST https://discord.com/api/v10/channels/6/messages",
                    '{"id": "99", "channel_id": "6"}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: SendDiscordMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        sent = await discord.send_message(
            context.services.http,
            key_of(context.credentials),
            inputs.message_content,
            inputs.channel_name,
            inputs.server_name,
        )
        yield "status", "Message sent"
        yield "message_id", sent.message_id
        yield "channel_id", sent.channel_id
