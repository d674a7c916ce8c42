"""Who and what there is on Discord."""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.chat.discord_bots import API, JSON, SOME_BOT, BotBlock, BotInputs, ChannelInputs
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, key_of
from blocks.providers import discord


class DiscordUserInfoInputs(BotInputs):
    user_id: str = Field(title="User id", description="The user's id", examples=["80351110224678912"])


class DiscordUserInfoOutputs(Outputs):
    user_id: str = Field(title="User id", description="The user's id")
    username: str = Field(title="User name", description="The user's name")
    display_name: str = Field(title="Display name", description="What the user is called in chats")
    discriminator: str = Field(title="Discriminator", description="The number after an old user name; 0: none")
    avatar_url: str = Field(title="Picture", description="Where the user's picture is")
    is_bot: bool = Field(title="Is a bot", description="Whether the user is a bot")
    created_at: str = Field(title="Since", description="When the account was made")


class DiscordUserInfo(BotBlock[DiscordUserInfoInputs]):
    id = "9aeed32a-6ebf-49b8-a0a3-e2e509d86120"
    name = "Discord user info"
    description = "Looks a Discord user up by id."
    Input = DiscordUserInfoInputs
    Output = DiscordUserInfoOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "user_id": "80351110224678912"},
            (
                ("user_id", "80351110224678912"),
                ("username", "nelly"),
                ("display_name", "Nelly"),
                ("discriminator", "0"),
                ("avatar_url", "https://cdn.discordapp.com/embed/avatars/5.png"),
                ("is_bot", False),
                ("created_at", "2015-08-10T17:26:37.529000+00:00"),
            ),
            web=(
                Exchange(
                    f"GET {API}/users/80351110224678912",
                    '{"id": "80351110224678912", "username": "nelly", "global_name": "Nelly", "discriminator": "0", '
                    '"avatar": null}',
                    headers=JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: DiscordUserInfoInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        user = await discord.find_user(context.services.http, key_of(context.credentials), inputs.user_id)
        yield "user_id", user.id
        yield "username", user.name
        yield "display_name", user.display_name
        yield "discriminator", user.discriminator
        yield "avatar_url", user.avatar_url
        yield "is_bot", user.is_bot
        yield "created_at", user.created_at


class DiscordChannelInfoOutputs(Outputs):
    channel_id: str = Field(title="Channel id", description="The channel's id")
    channel_name: str = Field(title="Channel", description="The channel's name")
    server_id: str = Field(title="Server id", description="The id of its server; empty: direct messages")
    server_name: str = Field(title="Server", description="The name of its server")
    channel_type: str = Field(title="Kind", description="What kind of channel it is: `text`, `voice`…")


class DiscordChannelInfo(BotBlock[ChannelInputs]):
    id = "592f815e-35c3-4fed-96cd-a69966b45c8f"
    name = "Discord channel info"
    description = "Looks a Discord channel up by its name or its id."
    Input = ChannelInputs
    Output = DiscordChannelInfoOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "channel_identifier": "6"},
            (
                ("channel_id", "6"),
                ("channel_name", "kitchen"),
                ("server_id", "10"),
                ("server_name", "Home"),
                ("channel_type", "text"),
            ),
            web=(
                Exchange(
                    f"GET {API}/channels/6", '{"id": "6", "type": 0, "name": "kitchen", "guild_id": "10"}', headers=JSON
                ),
                Exchange(f"GET {API}/guilds/10", '{"id": "10", "name": "Home"}', headers=JSON),
            ),
        ),
    )

    async def run(self, inputs: ChannelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        channel = await discord.find_channel(http, token, inputs.channel_identifier, inputs.server_name)
        yield "channel_id", channel.id
        yield "channel_name", channel.name
        yield "server_id", channel.server_id
        yield "server_name", channel.server_name
        yield "channel_type", channel.kind


class DiscordGetCurrentUserInputs(Inputs):
    credentials: CredentialsMeta = Field(
        title="Credentials",
        description="An access token that a Discord user gave by OAuth2, for `identify`; not the token of a bot",
    )


class DiscordGetCurrentUserOutputs(Outputs):
    user_id: str = Field(title="User id", description="The user's id")
    username: str = Field(title="User name", description="The user's name")
    avatar_url: str = Field(title="Picture", description="Where the user's picture is")
    banner_url: str = Field("", title="Banner", description="Where the user's banner is; empty: there is none")
    accent_color: int = Field(0, title="Colour", description="The user's colour as a number; 0: none")


class DiscordGetCurrentUser(Block[DiscordGetCurrentUserInputs]):
    id = "8c7e39b8-4e9d-4f3a-b4e1-2a8c9d5f6e3b"
    name = "Discord current user"
    description = "Tells which Discord user an access token is of."
    categories = frozenset({Category.SOCIAL})
    credentials: ClassVar = {
        "credentials": CredentialsField(("discord",), (CredentialsType.OAUTH2, CredentialsType.API_KEY), own_only=True)
    }
    Input = DiscordGetCurrentUserInputs
    Output = DiscordGetCurrentUserOutputs
    examples = (
        Example(
            {"credentials": {"id": "mine", "provider": "discord", "type": "api_key"}},
            (
                ("user_id", "80351110224678912"),
                ("username", "nelly"),
                ("avatar_url", "https://cdn.discordapp.com/avatars/80351110224678912/a_1.gif"),
                ("banner_url", "https://cdn.discordapp.com/banners/80351110224678912/b2.png"),
                ("accent_color", 16711680),
            ),
            web=(
                Exchange(
                    f"GET {API}/oauth2/@me",
                    '{"scopes": ["identify"], "user": {"id": "80351110224678912", "username": "nelly", '
                    '"avatar": "a_1", "banner": "b2", "accent_color": 16711680}}',
                    headers=JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: DiscordGetCurrentUserInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        user = await discord.current_user(context.services.http, key_of(context.credentials))
        yield "user_id", user.id
        yield "username", user.name
        yield "avatar_url", user.avatar_url
        yield "banner_url", user.banner_url
        yield "accent_color", user.accent_color
