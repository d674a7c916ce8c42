"""Discord: what a bot sends, makes and looks up, over the REST interface; for users' tokens, who the user is.

For the blocks of `blocks/chat/`. A text longer than Discord takes at once is sent in several messages.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.http.errors import RateLimited, StatusFailed
from blocks.providers.answers import list_of, object_of, unexpected
from blocks.services import File

_API = "https://discord.com/api/v10"
_PICTURES = "https://cdn.discordapp.com"
_LONGEST = 2_000
_MOST_MESSAGES = 20
_MOST_SERVERS = 50
_MOST_WAITED = 60.0
"""Seconds for which the parts of one message wait, together, for Discord to take more."""
_LEAST_WAIT = 0.5
_pause = asyncio.sleep
_LONGEST_ID = 20
_TEXT_CHANNELS = frozenset({0, 5, 10, 11, 12})
_KINDS = {
    0: "text",
    1: "private",
    2: "voice",
    3: "group",
    4: "category",
    5: "news",
    10: "news_thread",
    11: "public_thread",
    12: "private_thread",
    13: "stage_voice",
    15: "forum",
    16: "media",
}
_PUBLIC_THREAD, _PRIVATE_THREAD = 11, 12
_NAMELESS = "Private Channel"
_NO_SERVER = "Direct Message"
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_REFUSALS = {
    10003: "there is no such channel, or the bot cannot see it",
    10004: "there is no such server, or the bot is not on it",
    10008: "there is no such message",
    10013: "there is no such user",
    40005: "the file is too large for this channel",
    50001: "the bot has no access there",
    50006: "the message is empty",
    50007: "the user takes no direct messages from the bot",
    50008: "messages cannot be sent to a channel of this kind",
    50013: "the bot lacks a permission for it",
    50024: "that cannot be done in a channel of this kind",
    50035: "a value is not one that Discord takes, or too long",
    160005: "the thread is locked",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """The last message that was sent, and where."""

    message_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and the server it is on; one of direct messages is on none."""

    id: str
    name: str
    kind: str
    server_id: str = ""
    server_name: str = _NO_SERVER


@dataclass(frozen=True, slots=True)
class User:
    """Somebody on Discord. `created_at` in ISO 8601; `banner_url` is empty and `accent_color` 0 where there is none."""

    id: str
    name: str
    display_name: str
    discriminator: str
    avatar_url: str
    is_bot: bool
    created_at: str
    banner_url: str
    accent_color: int


async def send_message(http: Http, token: str, text: str, channel: str, server: str = "") -> Sent:
    """Send to a channel, by its id or by its name in the named server, or in any the bot is in.

    ValueError when there is no such channel, or nothing or far too much to say.
    """
    parts = _parts(text)
    return await _say(http, token, parts, await _channel_id(http, token, channel, server))


async def send_direct(http: Http, token: str, text: str, user_id: str) -> Sent:
    """Send to a user alone."""
    parts = _parts(text)
    asked = {"recipient_id": _id(user_id, "user")}
    channel = await _called(http, token, "POST", "/users/@me/channels", json=asked)
    return await _say(http, token, parts, channel["id"])


async def reply(http: Http, token: str, text: str, channel_id: str, message_id: str, *, mention: bool) -> Sent:
    """Answer a message; `mention`: its author is told."""
    parts = _parts(text)
    about = {"message_reference": {"message_id": _id(message_id, "message"), "fail_if_not_exists": True}}
    return await _say(http, token, parts, _id(channel_id, "channel"), about, mention=mention)


async def send_embed(http: Http, token: str, embed: Mapping[str, Any], channel: str, server: str = "") -> Sent:
    """Send an embed, in Discord's own form."""
    channel_id = await _channel_id(http, token, channel, server)
    sent = await _called(http, token, "POST", f"/channels/{channel_id}/messages", json={"embeds": [embed]})
    return Sent(sent["id"], channel_id)


async def send_file(http: Http, token: str, file: File, text: str, channel: str, server: str = "") -> Sent:
    """Send a file, with a text that may be empty. ValueError when the text is longer than one message."""
    if len(text) > _LONGEST:
        raise ValueError(f"The message has {len(text):,} characters; with a file at most {_LONGEST:,} are possible.")
    about: dict[str, Any] = {"attachments": [{"id": 0, "filename": file.name}], "allowed_mentions": _mentions()}
    if text.strip():
        about["content"] = text
    channel_id = await _channel_id(http, token, channel, server)
    sent = await _called(
        http,
        token,
        "POST",
        f"/channels/{channel_id}/messages",
        data={"payload_json": json.dumps(about)},
        files=[("files[0]", (file.name, file.content, file.content_type))],
    )
    return Sent(sent["id"], channel_id)


async def create_thread(
    http: Http, token: str, name: str, text: str, channel: str, server: str = "", *, minutes: int, private: bool = False
) -> Channel:
    """Make a thread, which is put away after `minutes` of silence.

    `text` is the first message that `begin_thread` will send, if any: one that cannot be sent makes no thread.
    """
    if text.strip():
        _parts(text)
    kind = _PRIVATE_THREAD if private else _PUBLIC_THREAD
    asked = {"name": name, "type": kind, "auto_archive_duration": minutes}
    channel_id = await _channel_id(http, token, channel, server)
    thread = await _called(http, token, "POST", f"/channels/{channel_id}/threads", json=asked)
    return Channel(thread["id"], str(thread.get("name") or name), _KINDS[kind])


async def begin_thread(http: Http, token: str, text: str, thread_id: str) -> None:
    """Send the first message of a thread, unless it is empty."""
    if text.strip():
        await _say(http, token, _parts(text), thread_id)


async def find_channel(http: Http, token: str, channel: str, server: str = "") -> Channel:
    """A channel of any kind, by its id or by its name in the named server, or in any the bot is in."""
    if not _is_id(channel):
        return await _find(http, token, channel, server)
    about = await _called(http, token, "GET", f"/channels/{channel}")
    found = Channel(about["id"], str(about.get("name") or _NAMELESS), _kind(about))
    if not _is_id(str(about.get("guild_id", ""))):
        return found
    guild = await _called(http, token, "GET", f"/guilds/{about['guild_id']}")
    return Channel(found.id, found.name, found.kind, guild["id"], str(guild.get("name", "")))


async def channel_name(http: Http, token: str, channel_id: str) -> str:
    """What a channel is called."""
    about = await _called(http, token, "GET", f"/channels/{_id(channel_id, 'channel')}")
    return str(about.get("name") or _NAMELESS)


async def find_user(http: Http, token: str, user_id: str) -> User:
    """Somebody, by id."""
    return _user(await _called(http, token, "GET", f"/users/{_id(user_id, 'user')}"))


async def current_user(http: Http, access_token: str) -> User:
    """Whose access token this is: one that a user gave, not that of a bot."""
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = await http.request("GET", f"{_API}/oauth2/@me", headers=headers)
    user = _checked(answer).get("user")
    if isinstance(user, dict) and isinstance(user.get("id"), str) and _is_id(user["id"]):
        return _user(user)
    raise unexpected(answer)


async def _say(
    http: Http,
    token: str,
    parts: Sequence[str],
    channel_id: str,
    about_first: Mapping[str, Any] | None = None,
    *,
    mention: bool | None = None,
) -> Sent:
    message_id, waited = "", 0.0
    for number, part in enumerate(parts):
        asked = {"content": part, "allowed_mentions": _mentions()}
        if number == 0 and about_first:
            asked |= {**about_first, "allowed_mentions": _mentions(mention)}
        while True:
            try:
                sent = await _called(http, token, "POST", f"/channels/{channel_id}/messages", json=asked)
                break
            except RateLimited as limited:
                # A message that was refused so is not there: it is sent once all the same.
                wait = max(limited.retry_after or 0.0, _LEAST_WAIT)
                if limited.retry_after is None or waited + wait > _MOST_WAITED:
                    raise
                waited += wait
                await _pause(wait)
        message_id = sent["id"]
    return Sent(message_id, channel_id)


def _mentions(replied: bool | None = None) -> dict[str, Any]:
    """Whom a text may call: never everybody at once."""
    return {"parse": ["users", "roles"], **({} if replied is None else {"replied_user": replied})}


def _parts(text: str) -> list[str]:
    if not text.strip():
        raise ValueError("There is nothing to send: the message is empty.")
    if len(text) > _LONGEST * _MOST_MESSAGES:
        raise ValueError(
            f"The message has {len(text):,} characters; at most {_LONGEST * _MOST_MESSAGES:,} are possible."
        )
    parts = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    return [part for part in parts if part.strip()]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID


def _id(text: str, of: str) -> str:
    if not _is_id(text.strip()):
        raise ValueError(f"{text!r:.60} is not the id of a {of}: those are long numbers.")
    return text.strip()


async def _channel_id(http: Http, token: str, channel: str, server: str) -> str:
    return channel if _is_id(channel) else (await _find(http, token, channel, server, _TEXT_CHANNELS)).id


async def _find(http: Http, token: str, channel: str, server: str, types: frozenset[int] | None = None) -> Channel:
    name = channel.removeprefix("#")
    servers = await _list(http, token, "/users/@me/guilds")
    wanted = [guild for guild in servers if not server or guild.get("name") == server]
    for guild in wanted[:_MOST_SERVERS]:
        for each in await _list(http, token, f"/guilds/{int(guild['id'])}/channels"):
            if each.get("name") == name and (types is None or _type(each) in types):
                return Channel(str(each["id"]), name, _kind(each), str(guild["id"]), str(guild.get("name", "")))
    where = f"the server {server!r:.100}" if server else "the bot's servers"
    of = "channel" if types is None else "text channel"
    raise ValueError(f"There is no {of} {name!r:.100} in {where}, or the bot cannot see it.")


def _type(channel: Mapping[str, Any]) -> int:
    kind = channel.get("type")
    return kind if isinstance(kind, int) else -1


def _kind(channel: Mapping[str, Any]) -> str:
    return _KINDS.get(_type(channel), "unknown")


def _user(about: Mapping[str, Any]) -> User:
    """From a user object, whose id is one."""
    number, name = int(about["id"]), str(about.get("username", ""))
    discriminator = str(about.get("discriminator") or "0")
    match about.get("avatar"):
        case str() as avatar if avatar:
            ending = "gif" if avatar.startswith("a_") else "png"
            avatar_url = f"{_PICTURES}/avatars/{number}/{avatar}.{ending}"
        case _:
            # Of accounts that still have a discriminator it chooses the picture, of the others the id.
            has_one = discriminator.isascii() and discriminator.isdigit() and int(discriminator[:9]) > 0
            chosen = int(discriminator[:9]) % 5 if has_one else (number >> 22) % 6
            avatar_url = f"{_PICTURES}/embed/avatars/{chosen}.png"
    banner, color = about.get("banner"), about.get("accent_color")
    return User(
        id=str(number),
        name=name,
        display_name=str(about.get("global_name") or name),
        discriminator=discriminator,
        avatar_url=avatar_url,
        is_bot=about.get("bot") is True,
        created_at=_made_at(number),
        banner_url=f"{_PICTURES}/banners/{number}/{banner}.png" if isinstance(banner, str) and banner else "",
        accent_color=color if isinstance(color, int) else 0,
    )


def _made_at(number: int) -> str:
    """When something with this id was made: milliseconds since 2015 are its upper bits."""
    return (_EPOCH + timedelta(milliseconds=min(number, (1 << 64) - 1) >> 22)).isoformat()


async def _list(http: Http, token: str, path: str) -> list[dict[str, Any]]:
    answer = await http.request("GET", f"{_API}{path}", headers=_headers(token))
    found = list_of(answer)
    if not all(_is_id(str(item.get("id", ""))) for item in found):
        raise unexpected(answer)
    return found


async def _called(http: Http, token: str, method: str, path: str, **body: Any) -> dict[str, Any]:
    """The object that Discord answers with; its `id` is one."""
    answer = await http.request(method, f"{_API}{path}", headers=_headers(token), **body)
    told = _checked(answer)
    if not (isinstance(told.get("id"), str) and _is_id(told["id"])):
        raise unexpected(answer)
    return told


def _checked(answer: Answer) -> dict[str, Any]:
    """The object of a good answer. StatusFailed says why Discord refuses, as far as its code is known."""
    try:
        return object_of(answer)
    except StatusFailed as failure:
        why = _REFUSALS.get(_code(answer))
        if why is None or failure.status == 429:
            raise
        message = f"Discord refuses: {why}."
        raise StatusFailed(message, host=failure.host, status=failure.status, body=failure.body) from None


def _code(answer: Answer) -> int:
    try:
        told = answer.json()
    except ValueError:
        return 0
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int) else 0


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bot {token}"}
