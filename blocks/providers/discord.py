"""Discord: sending a message as a bot, over its REST interface.

For the block of `blocks/sending.py`. A text longer than Discord takes at once is
sent in several messages.
"""

from dataclasses import dataclass
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import list_of, object_of, unexpected

_API = "https://discord.com/api/v10"
_LONGEST = 2_000
_MOST_MESSAGES = 20
_MOST_SERVERS = 50
_TEXT_CHANNELS = frozenset({0, 5, 10, 11, 12})


@dataclass(frozen=True, slots=True)
class Sent:
    """The last message that was sent, and where."""

    message_id: str
    channel_id: str


async def send_message(http: Http, token: str, text: str, channel: str, server: str = "") -> Sent:
    """Send to a channel, by its id or by its name in the named server, or in any the bot is in.

    ValueError when there is no such channel, or nothing or far too much to say.
    """
    parts = _parts(text)
    channel_id = channel if channel.isascii() and channel.isdigit() else await _find(http, token, channel, server)
    message_id = ""
    for part in parts:
        answer = await http.request(
            "POST",
            f"{_API}/channels/{channel_id}/messages",
            headers=_headers(token),
            json={"content": part, "allowed_mentions": {"parse": ["users", "roles"]}},
        )
        told = object_of(answer).get("id")
        if not isinstance(told, str):
            raise unexpected(answer)
        message_id = told
    return Sent(message_id, channel_id)


def _parts(text: str) -> list[str]:
    if not text.strip():
        raise ValueError("There is nothing to send: the message is empty.")
    if len(text) > _LONGEST * _MOST_MESSAGES:
        raise ValueError(
            f"The message has {len(text):,} characters; at most {_LONGEST * _MOST_MESSAGES:,} are possible."
        )
    parts = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    return [part for part in parts if part.strip()]


async def _find(http: Http, token: str, channel: str, server: str) -> str:
    name = channel.removeprefix("#")
    servers = await _list(http, token, f"{_API}/users/@me/guilds")
    wanted = [guild for guild in servers if not server or guild.get("name") == server]
    for guild in wanted[:_MOST_SERVERS]:
        for each in await _list(http, token, f"{_API}/guilds/{int(guild['id'])}/channels"):
            if each.get("name") == name and each.get("type") in _TEXT_CHANNELS:
                return str(int(each["id"]))
    where = f"the server {server!r:.100}" if server else "the bot's servers"
    raise ValueError(f"There is no text channel {name!r:.100} in {where}, or the bot cannot see it.")


async def _list(http: Http, token: str, url: str) -> list[dict[str, Any]]:
    answer = await http.request("GET", url, headers=_headers(token))
    found = list_of(answer)
    if not all(str(item.get("id", "")).isdigit() for item in found):
        raise unexpected(answer)
    return found


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bot {token}"}
