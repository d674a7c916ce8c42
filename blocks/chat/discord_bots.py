"""What the blocks of a Discord bot have in common: the bot itself, and how they name channels."""

from typing import ClassVar

from pydantic import Field

from blocks.base import Block, Category, Inputs
from blocks.credentials import CredentialsField, CredentialsMeta

SOME_BOT = {"id": "bot", "provider": "discord", "type": "api_key"}
"""For examples, as are the next ones."""
API = "https://discord.com/api/v10"
JSON = {"Content-Type": "application/json"}


class BotInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="The token of a Discord bot")


class ChannelInputs(BotInputs):
    channel_identifier: str = Field(
        title="Channel", description="The channel's id, or its name", examples=["general", "1234567890"]
    )
    server_name: str = Field("", title="Server", description="Where the channel is looked for; empty: everywhere")


class NamedChannelInputs(BotInputs):
    channel_name: str = Field(
        title="Channel", description="The channel's id, or its name", examples=["general", "1234567890"]
    )
    server_name: str = Field("", title="Server", description="Where the channel is looked for; empty: everywhere")


class BotBlock[InputT: BotInputs](Block[InputT]):
    categories = frozenset({Category.SOCIAL})
    credentials: ClassVar = {"credentials": CredentialsField(("discord",), own_only=True)}
