"""Telegram's interface for bots: messages, media, files.

For the blocks of `blocks/chat/`. The bot's token is a part of every address, so none is ever shown, no redirect is
followed, and of what Telegram says only known reasons are repeated, in words of ours.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from blocks.files.references import content_type_of, plain_name
from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.http.errors import StatusFailed
from blocks.providers.answers import object_of, unexpected
from blocks.services import File

_HOST = "https://api.telegram.org"
_SECONDS = 120.0
_LARGEST_DOWNLOAD = 20 * 1024 * 1024
_MEGABYTE = 1024 * 1024
_AROUND_FILE = 64 * 1024
"""Bytes of a form beside its file."""

_REASONS = (
    ("chat not found", "there is no such chat, or nobody in it has written to the bot yet"),
    ("message to be replied not found", "there is no such message to reply to"),
    ("replied message not found", "there is no such message to reply to"),
    ("message to edit not found", "there is no such message"),
    ("message to delete not found", "there is no such message"),
    ("message is not modified", "the message already says that"),
    ("message can't be edited", "the message cannot be edited: it is not the bot's own, or too old"),
    ("message can't be deleted", "the message cannot be deleted: it is too old, or not the bot's to delete"),
    ("message text is empty", "the message is empty"),
    ("message is too long", "the message is too long; at most 4096 characters are possible"),
    ("caption is too long", "the caption is too long; at most 1024 characters are possible"),
    ("can't parse entities", "the text is not well-formed in the chosen format"),
    ("blocked by the user", "the user has blocked the bot"),
    ("user is deactivated", "the user's account is gone"),
    ("bot was kicked", "the bot was removed from the chat"),
    ("can't initiate conversation", "a bot cannot write first: the user must write to it"),
    ("not enough rights", "the bot lacks a right in the chat"),
    ("have no rights", "the bot lacks a right in the chat"),
    ("chat_write_forbidden", "the bot may not write in the chat"),
    ("voice_messages_forbidden", "the user takes no voice messages"),
    ("group chat was upgraded", "the group became a supergroup, which has another id"),
    ("file is too big", "the file is too large"),
    ("wrong file_id", "there is no such file, or not any more"),
    ("invalid file_id", "there is no such file"),
    ("wrong file identifier", "the file is neither an address that Telegram can read nor one of its ids"),
    ("failed to get http url content", "Telegram could not read the file from its address"),
    ("wrong type of the web page content", "the address leads to something else than such a file"),
    ("webpage_", "Telegram could not read the file from its address"),
    ("image_process_failed", "Telegram cannot read the picture"),
    ("photo_invalid_dimensions", "the picture is too large or too narrow"),
)
"""What of Telegram's descriptions is known, in lower case, and what it means."""


@dataclass(frozen=True, slots=True)
class Media:
    """A kind of media: its method and field, its name in errors, and the most bytes that a bot may send."""

    method: str
    field: str
    title: str
    most_bytes: int


PHOTO = Media("sendPhoto", "photo", "A photo", 10 * _MEGABYTE)
VOICE = Media("sendVoice", "voice", "A voice message", 50 * _MEGABYTE)
AUDIO = Media("sendAudio", "audio", "An audio file", 50 * _MEGABYTE)
DOCUMENT = Media("sendDocument", "document", "A document", 50 * _MEGABYTE)
VIDEO = Media("sendVideo", "video", "A video", 50 * _MEGABYTE)


async def send_message(http: Http, token: str, message: Mapping[str, Any]) -> int:
    """Send a text; the id of the message."""
    return await _message_id(http, token, "sendMessage", message)


async def edit_message(http: Http, token: str, message: Mapping[str, Any]) -> int:
    """Put another text in place of a message's; its id."""
    return await _message_id(http, token, "editMessageText", message)


async def delete_message(http: Http, token: str, chat_id: int, message_id: int) -> None:
    """Delete a message."""
    answer = await _asked(http, token, "deleteMessage", json={"chat_id": chat_id, "message_id": message_id})
    if _result(answer) is not True:
        raise unexpected(answer)


async def send_media(http: Http, token: str, media: Media, file: File | str, about: Mapping[str, Any]) -> int:
    """Send a file, or the address of one, which Telegram then reads itself; the id of the message."""
    if isinstance(file, str):
        return await _message_id(http, token, media.method, {**about, media.field: file})
    if len(file.content) > media.most_bytes:
        most = f"{media.most_bytes // _MEGABYTE} MB"
        raise ValueError(
            f"{media.title} may have at most {most} on Telegram; this one has {len(file.content):,} bytes."
        )
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    files = [(media.field, (file.name, file.content, file.content_type))]
    most_body = media.most_bytes + _AROUND_FILE
    return _id_of(await _asked(http, token, media.method, data=form, files=files, most_body=most_body))


async def read_file(http: Http, token: str, file_id: str) -> File:
    """A file that people sent to the bot. AnswerTooLarge when it has more than the 20 MB that bots may read."""
    answer = await _asked(http, token, "getFile", json={"file_id": file_id})
    match _result(answer):
        case {"file_path": str() as path} if path and ".." not in path.split("/"):
            pass
        case _:
            raise unexpected(answer)
    address = f"{_HOST}/file/bot{quote(token, safe=':')}/{quote(path)}"
    content = await http.request("GET", address, seconds=_SECONDS, most_bytes=_LARGEST_DOWNLOAD, redirects=0)
    if content.status == 404:
        raise StatusFailed("Telegram refuses: the file is not there any more.", host=content.host, status=404)
    name = plain_name(path)
    return File(name, content_type_of(name), _explained(content).body)


async def _message_id(http: Http, token: str, method: str, asked: Mapping[str, Any]) -> int:
    return _id_of(await _asked(http, token, method, json=dict(asked)))


def _id_of(answer: Answer) -> int:
    match _result(answer):
        case {"message_id": int() as number} if number is not True:
            return number
    raise unexpected(answer)


async def _asked(http: Http, token: str, method: str, **about: Any) -> Answer:
    address = f"{_HOST}/bot{quote(token, safe=':')}/{method}"
    return _explained(await http.request("POST", address, seconds=_SECONDS, redirects=0, **about))


def _result(answer: Answer) -> Any:
    told = object_of(answer)
    if told.get("ok") is not True:
        raise unexpected(answer)
    return told.get("result")


def _explained(answer: Answer) -> Answer:
    """The answer, if it is a good one. StatusFailed says why Telegram refuses, as far as that is known."""
    try:
        return answer.checked()
    except StatusFailed as failure:
        why = _reason(answer)
        if failure.status == 429 or why is None:
            raise
        raise StatusFailed(f"Telegram refuses: {why}.", host=failure.host, status=failure.status) from None


def _reason(answer: Answer) -> str | None:
    if answer.status in (401, 404):
        return "it does not know the bot's token. Copy it anew from @BotFather"
    if answer.status == 413:
        return "the file is too large"
    try:
        told = answer.json()
    except ValueError:
        return None
    description = told.get("description") if isinstance(told, dict) else None
    if not isinstance(description, str):
        return None
    lower = description[:1_000].lower()
    return next((why for known, why in _REASONS if known in lower), None)
