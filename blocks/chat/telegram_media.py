"""Media that a Telegram bot sends: each at most once.

The address of a file is handed on to Telegram, which reads it itself; any other file is uploaded, and so is a document:
of those Telegram reads only a few kinds.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import BlockContext, Example, Yielded
from blocks.chat.telegram_bots import (
    SOME_BOT,
    BotBlock,
    ChatInputs,
    MessageOutputs,
    ParseMode,
    answered,
    formatted,
    replying,
)
from blocks.credentials import key_of
from blocks.files.references import open_file, plain_name
from blocks.providers import telegram
from blocks.services import File, Services
from engine.model import Effects

_REFERENCE = "an http or https address, a data URI, or the URI or plain name of a file of the run"
_MEDIA = "data:image/png;base64,AAEC"


class MediaInputs(ChatInputs):
    caption: str = Field("", title="Caption", description="What to say with it; at most 1024 characters")
    reply_to_message_id: int | None = Field(None, title="Reply to", description="The id of a message to reply to")

    def about(self) -> dict[str, Any]:
        """All but the file, in Telegram's own form."""
        told = {name: self.own(name) for name in ("caption", "title", "performer", "duration")}
        return {
            "chat_id": self.chat_id,
            **{name: value for name, value in told.items() if value},
            **formatted(self.own("parse_mode") or ParseMode.NONE),
            **replying(self.reply_to_message_id),
        }

    def own(self, name: str) -> Any:
        """The value of an input, if this kind of media has one of that name."""
        return getattr(self, name) if name in type(self).model_fields else None


class MediaBlock[InputT: MediaInputs](BotBlock[InputT]):
    """A block that sends one kind of media; its input of that kind's name is the file."""

    effects = Effects.EFFECTFUL
    media: ClassVar[telegram.Media]
    done: ClassVar[str]

    async def run(self, inputs: InputT, context: BlockContext) -> AsyncIterator[Yielded]:
        reference = inputs.own(self.media.field)
        if self.media is telegram.DOCUMENT or not _is_address(reference):
            file: File | str = await _file(reference, inputs.own("filename"), context.services)
        else:
            file = reference
        http, token = context.services.http, key_of(context.credentials)
        yield "message_id", await telegram.send_media(http, token, self.media, file, inputs.about())
        yield "status", self.done


def _is_address(reference: str) -> bool:
    return reference.lower().startswith(("http://", "https://"))


async def _file(reference: str, name: str | None, services: Services) -> File:
    file = await open_file(reference, services)
    return replace(file, name=plain_name(name)) if name else file


def _example(media: telegram.Media, reference: str, done: str, **more: Any) -> Example:
    inputs: Mapping[str, Any] = {"credentials": SOME_BOT, "chat_id": 42, media.field: reference, **more}
    return Example(inputs, (("message_id", 123), ("status", done)), web=(answered(media.method),))


class SendTelegramPhotoInputs(MediaInputs):
    photo: str = Field(title="Photo", description=f"A picture of 10 MB at the most: {_REFERENCE}")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the caption is formatted")


class SendTelegramPhoto(MediaBlock[SendTelegramPhotoInputs]):
    id = "ceb9fd95-fd95-49ff-b57b-278957255716"
    name = "Send Telegram photo"
    description = "Sends a picture to a Telegram chat as a bot. Nothing is tried again."
    media = telegram.PHOTO
    done = "Photo sent"
    Input = SendTelegramPhotoInputs
    Output = MessageOutputs
    examples = (
        _example(telegram.PHOTO, "https://example.com/tea.jpg", "Photo sent", caption="Tea"),
        _example(telegram.PHOTO, _MEDIA, "Photo sent"),
    )


class SendTelegramVoiceInputs(MediaInputs):
    voice: str = Field(title="Voice", description=f"A voice message, as OGG with Opus: {_REFERENCE}")
    duration: int | None = Field(None, title="Length", description="Its length in seconds")


class SendTelegramVoice(MediaBlock[SendTelegramVoiceInputs]):
    id = "7a0ef660-1a5b-4951-8642-c13a0c8d6d93"
    name = "Send Telegram voice"
    description = "Sends a voice message to a Telegram chat as a bot. Nothing is tried again."
    media = telegram.VOICE
    done = "Voice sent"
    Input = SendTelegramVoiceInputs
    Output = MessageOutputs
    examples = (_example(telegram.VOICE, "https://example.com/tea.ogg", "Voice sent", duration=3),)


class SendTelegramAudioInputs(MediaInputs):
    audio: str = Field(title="Audio", description=f"An audio file, as MP3 or M4A: {_REFERENCE}")
    title: str = Field("", title="Title", description="What it is called")
    performer: str = Field("", title="Performer", description="Who plays it")
    duration: int | None = Field(None, title="Length", description="Its length in seconds")


class SendTelegramAudio(MediaBlock[SendTelegramAudioInputs]):
    id = "9044829a-7915-4ab4-a50f-89922ba3679f"
    name = "Send Telegram audio"
    description = "Sends an audio file to a Telegram chat as a bot, for the music player. Nothing is tried again."
    media = telegram.AUDIO
    done = "Audio sent"
    Input = SendTelegramAudioInputs
    Output = MessageOutputs
    examples = (_example(telegram.AUDIO, "https://example.com/tea.mp3", "Audio sent", title="Tea for Two"),)


class SendTelegramDocumentInputs(MediaInputs):
    document: str = Field(title="Document", description=f"A file of any kind: {_REFERENCE}")
    filename: str = Field("", title="File name", description="How the file is called there; empty: as it is")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the caption is formatted")


class SendTelegramDocument(MediaBlock[SendTelegramDocumentInputs]):
    id = "554f4bad-4c99-48ba-9d1c-75840b71c5ad"
    name = "Send Telegram document"
    description = "Sends a file of any kind to a Telegram chat as a bot. Nothing is tried again."
    media = telegram.DOCUMENT
    done = "Document sent"
    Input = SendTelegramDocumentInputs
    Output = MessageOutputs
    examples = (_example(telegram.DOCUMENT, "data:text/plain,tea", "Document sent", filename="order.txt"),)


class SendTelegramVideoInputs(MediaInputs):
    video: str = Field(title="Video", description=f"A video, as MP4: {_REFERENCE}")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the caption is formatted")
    duration: int | None = Field(None, title="Length", description="Its length in seconds")


class SendTelegramVideo(MediaBlock[SendTelegramVideoInputs]):
    id = "cda075af-3f31-47b0-baa9-0050b3bd78bd"
    name = "Send Telegram video"
    description = "Sends a video to a Telegram chat as a bot. Nothing is tried again."
    media = telegram.VIDEO
    done = "Video sent"
    Input = SendTelegramVideoInputs
    Output = MessageOutputs
    examples = (_example(telegram.VIDEO, "https://example.com/tea.mp4", "Video sent"),)
