"""What a Discord bot says: whoever reads it cannot be made to forget it. All are entered at most once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import BlockContext, Example, Exchange, Outputs, Yielded
from blocks.chat.discord_bots import API, JSON, SOME_BOT, BotBlock, BotInputs, ChannelInputs, NamedChannelInputs
from blocks.credentials import key_of
from blocks.files.references import open_file, plain_name
from blocks.providers import discord
from engine.model import Effects

_MOST_FIELDS = 25
_MOST_COLORS = 0x1000000


def _answered(path: str, body: str) -> Exchange:
    return Exchange(f"POST {API}{path}", body, headers=JSON)


_SENT = _answered("/channels/6/messages", '{"id": "99", "channel_id": "6"}')


class MessageOutputs(Outputs):
    status: str = Field(title="Status", description="That the message was sent")
    message_id: str = Field(title="Message id", description="The id of the message, or of the last of several")


class SendDiscordMessageInputs(NamedChannelInputs):
    message_content: str = Field(title="Message", description="What to say; long texts go in several messages")


class SendDiscordMessageOutputs(MessageOutputs):
    channel_id: str = Field(title="Channel id", description="The id of the channel")


class SendDiscordMessage(BotBlock[SendDiscordMessageInputs]):
    id = "d0822ab5-9f8a-44a3-8971-531dd0178b6b"
    name = "Send Discord message"
    description = "Sends a message to a Discord channel as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SendDiscordMessageInputs
    Output = SendDiscordMessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "message_content": "Tea is ready.", "channel_name": "6"},
            (("status", "Message sent"), ("message_id", "99"), ("channel_id", "6")),
            web=(_SENT,),
        ),
    )

    async def run(self, inputs: SendDiscordMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        sent = await discord.send_message(http, token, inputs.message_content, inputs.channel_name, inputs.server_name)
        yield "status", "Message sent"
        yield "message_id", sent.message_id
        yield "channel_id", sent.channel_id


class SendDiscordDMInputs(BotInputs):
    user_id: str = Field(title="User id", description="The user's id", examples=["80351110224678912"])
    message_content: str = Field(title="Message", description="What to say; long texts go in several messages")


class SendDiscordDM(BotBlock[SendDiscordDMInputs]):
    id = "40d71a5a-e268-4060-9ee0-38ae6f225682"
    name = "Send Discord direct message"
    description = "Sends a message to a Discord user alone, as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SendDiscordDMInputs
    Output = MessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "user_id": "7", "message_content": "Tea is ready."},
            (("status", "DM sent successfully"), ("message_id", "99")),
            web=(_answered("/users/@me/channels", '{"id": "6", "type": 1}'), _SENT),
        ),
    )

    async def run(self, inputs: SendDiscordDMInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        sent = await discord.send_direct(http, token, inputs.message_content, inputs.user_id)
        yield "status", "DM sent successfully"
        yield "message_id", sent.message_id


class SendDiscordEmbedInputs(ChannelInputs):
    title: str = Field("", title="Title", description="The heading")
    description: str = Field("", title="Text", description="What it says")
    color: int = Field(0x5865F2, title="Colour", description="The colour of its edge as a number; 16711680 is red")
    thumbnail_url: str = Field("", title="Small picture", description="The address of a picture for the corner")
    image_url: str = Field("", title="Picture", description="The address of a picture")
    author_name: str = Field("", title="Author", description="Who it is said to be of")
    footer_text: str = Field("", title="Footer", description="What it says at the bottom")
    fields: list[dict[str, Any]] = Field(
        default_factory=list,
        title="Fields",
        description="Up to 25 boxes, each with `name` and `value`, and `inline` (true: beside one another)",
    )

    def embed(self) -> dict[str, Any]:
        """In Discord's own form. ValueError when there is nothing in it, or more than possible."""
        texts = {"title": self.title, "description": self.description}
        parts = {
            "thumbnail": {"url": self.thumbnail_url},
            "image": {"url": self.image_url},
            "author": {"name": self.author_name},
            "footer": {"text": self.footer_text},
        }
        fields = [
            {"name": str(field["name"]), "value": str(field["value"]), "inline": bool(field.get("inline", True))}
            for field in self.fields
            if "name" in field and "value" in field
        ]
        filled: dict[str, Any] = {name: text for name, text in texts.items() if text}
        filled |= {name: part for name, part in parts.items() if all(part.values())}
        filled |= {"fields": fields} if fields else {}
        if not filled:
            raise ValueError("There is nothing to send: give at least a title or a text.")
        if len(fields) > _MOST_FIELDS:
            raise ValueError(f"There are {len(fields):,} fields; at most {_MOST_FIELDS} are possible.")
        if not 0 <= self.color < _MOST_COLORS:
            raise ValueError(f"{self.color} is no colour; they go from 0 to {_MOST_COLORS - 1}.")
        return {**filled, "color": self.color}


class SendDiscordEmbed(BotBlock[SendDiscordEmbedInputs]):
    id = "c76293f4-9ae8-454d-a029-0a3f8c5bc499"
    name = "Send Discord embed"
    description = "Sends a box with a title, text, pictures and fields to a Discord channel. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SendDiscordEmbedInputs
    Output = MessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "channel_identifier": "6", "title": "Tea", "description": "It is ready."},
            (("status", "Embed sent successfully"), ("message_id", "99")),
            web=(_SENT,),
        ),
    )

    async def run(self, inputs: SendDiscordEmbedInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        sent = await discord.send_embed(http, token, inputs.embed(), inputs.channel_identifier, inputs.server_name)
        yield "status", "Embed sent successfully"
        yield "message_id", sent.message_id


class SendDiscordFileInputs(ChannelInputs):
    file: str = Field(
        title="File",
        description="A data URI, an http or https address, or the URI or plain name of a file of the run",
    )
    filename: str = Field("", title="File name", description="How the file is called there; empty: as it is")
    message_content: str = Field("", title="Message", description="What to say with it")


class SendDiscordFile(BotBlock[SendDiscordFileInputs]):
    id = "b1628cf2-4622-49bf-80cf-10e55826e247"
    name = "Send Discord file"
    description = "Sends a file to a Discord channel as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SendDiscordFileInputs
    Output = MessageOutputs
    examples = (
        Example(
            {
                "credentials": SOME_BOT,
                "channel_identifier": "6",
                "file": "data:text/plain;base64,dGVh",
                "filename": "order.txt",
            },
            (("status", "File sent successfully"), ("message_id", "99")),
            web=(_SENT,),
        ),
    )

    async def run(self, inputs: SendDiscordFileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        file = await open_file(inputs.file, context.services)
        if inputs.filename:
            file = replace(file, name=plain_name(inputs.filename))
        sent = await discord.send_file(
            context.services.http,
            key_of(context.credentials),
            file,
            inputs.message_content,
            inputs.channel_identifier,
            inputs.server_name,
        )
        yield "status", "File sent successfully"
        yield "message_id", sent.message_id


class ReplyToDiscordMessageInputs(BotInputs):
    channel_id: str = Field(title="Channel id", description="The id of the channel that the message is in")
    message_id: str = Field(title="Message id", description="The id of the message to reply to")
    reply_content: str = Field(title="Reply", description="What to say; long texts go in several messages")
    mention_author: bool = Field(True, title="Mention", description="Whether the message's author is told")


class ReplyToDiscordMessageOutputs(Outputs):
    status: str = Field(title="Status", description="That the reply was sent")
    reply_id: str = Field(title="Reply id", description="The id of the reply, or of the last of several messages")


class ReplyToDiscordMessage(BotBlock[ReplyToDiscordMessageInputs]):
    id = "7226cb99-6e7b-4672-b6b2-acec95336eec"
    name = "Reply to Discord message"
    description = "Replies to a message on Discord as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ReplyToDiscordMessageInputs
    Output = ReplyToDiscordMessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "channel_id": "6", "message_id": "98", "reply_content": "It is."},
            (("status", "Reply sent successfully"), ("reply_id", "99")),
            web=(_SENT,),
        ),
    )

    async def run(self, inputs: ReplyToDiscordMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        sent = await discord.reply(
            context.services.http,
            key_of(context.credentials),
            inputs.reply_content,
            inputs.channel_id,
            inputs.message_id,
            mention=inputs.mention_author,
        )
        yield "status", "Reply sent successfully"
        yield "reply_id", sent.message_id


class ThreadArchiveDuration(StrEnum):
    """Minutes of silence after which a thread is put away."""

    ONE_HOUR = "60"
    ONE_DAY = "1440"
    THREE_DAYS = "4320"
    ONE_WEEK = "10080"


class CreateDiscordThreadInputs(NamedChannelInputs):
    thread_name: str = Field(title="Thread", description="What the thread is called", min_length=1, max_length=100)
    is_private: bool = Field(False, title="Private", description="Whether only those who are invited see it")
    auto_archive_duration: ThreadArchiveDuration = Field(
        ThreadArchiveDuration.ONE_WEEK, title="Put away after", description="Minutes of silence until it is put away"
    )
    message_content: str = Field("", title="Message", description="What to say in it first; empty: nothing")


class CreateDiscordThreadOutputs(Outputs):
    status: str = Field(title="Status", description="That the thread was made")
    thread_id: str = Field(title="Thread id", description="The id of the thread; it is a channel, too")
    thread_name: str = Field(title="Thread", description="What the thread is called")


class CreateDiscordThread(BotBlock[CreateDiscordThreadInputs]):
    id = "e8f3c9a2-7b5d-4f1e-9c6a-3d8e2b4f7a1c"
    name = "Create Discord thread"
    description = "Makes a thread in a Discord channel as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CreateDiscordThreadInputs
    Output = CreateDiscordThreadOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "channel_name": "6", "thread_name": "Tea", "message_content": "Which?"},
            (("status", "Thread created successfully"), ("thread_id", "60"), ("thread_name", "Tea")),
            web=(
                _answered("/channels/6/threads", '{"id": "60", "type": 11, "name": "Tea"}'),
                _answered("/channels/60/messages", '{"id": "99", "channel_id": "60"}'),
            ),
        ),
    )

    async def run(self, inputs: CreateDiscordThreadInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        thread = await discord.create_thread(
            http,
            token,
            inputs.thread_name,
            inputs.message_content,
            inputs.channel_name,
            inputs.server_name,
            minutes=int(inputs.auto_archive_duration.value),
            private=inputs.is_private,
        )
        # It is there from now on, whatever becomes of its first message.
        yield "status", "Thread created successfully"
        yield "thread_id", thread.id
        yield "thread_name", thread.name
        await discord.begin_thread(http, token, inputs.message_content, thread.id)
