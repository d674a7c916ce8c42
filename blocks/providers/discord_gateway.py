"""Discord's gateway, version 10: waiting, as a bot, for the next message that anybody else writes.

For the block of `blocks/chat/discord_reading.py`. A connection that Discord ends or that breaks is taken up where it
stood, so that nothing is missed in between, or else begun anew; both only so often.
"""

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any

import httpx

from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, DestinationRefused, RequestFailed, RequestTimedOut
from blocks.http.websocket import ConnectionEnded, WebSocket, websocket

_HOST = "gateway.discord.gg"
_QUERY = "/?v=10&encoding=json"
_GUILD_MESSAGES, _DIRECT_MESSAGES, _MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
INTENTS = _GUILD_MESSAGES | _DIRECT_MESSAGES | _MESSAGE_CONTENT

_DISPATCH, _BEAT, _IDENTIFY, _RESUME, _RECONNECT, _INVALID_SESSION, _HELLO, _ACKNOWLEDGED = 0, 1, 2, 6, 7, 9, 10, 11
_MOST_CONNECTIONS = 20
_MOST_IN_A_ROW = 6
_LONGEST_PAUSE = 30.0
_GREETING_SECONDS = 30.0
_SHORTEST_BEAT, _LONGEST_BEAT = 0.05, 300.0

_REFUSALS = {
    4004: "Discord does not accept the bot's token. Copy it anew from Discord's developer portal, under Bot.",
    4011: "The bot is on so many servers that Discord wants several connections for it, which is not possible here.",
    4014: "Discord does not let the bot read messages: switch “Message Content Intent” on in Discord's developer "
    "portal, under Bot.",
}
_OUR_FAULT = frozenset({4010, 4012, 4013})
_SESSION_LOST = frozenset({4003, 4007, 4009})


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came. `file_name` and `file_url`: its first attachment; empty when it has none."""

    id: str
    channel_id: str
    text: str
    author_id: str
    author: str
    file_name: str = ""
    file_url: str = ""


@dataclass(slots=True)
class _Session:
    """What outlives a connection: where it may be taken up, and who the bot is."""

    id: str = ""
    host: str = _HOST
    sequence: int | None = None
    own_id: str = ""
    failures: int = 0

    def forget(self) -> None:
        self.id, self.host, self.sequence = "", _HOST, None


async def next_message(http: Http, token: str, *, seconds: float, pause: float = 1.0) -> Message:
    """The first message from now on that the bot sees and did not write itself.

    `seconds`: how long to wait; RequestTimedOut then. `pause`: seconds before another connection, doubled with every
    one that fails. RequestFailed when the bot is not let in or connections keep failing.
    """
    session = _Session()
    try:
        async with asyncio.timeout(seconds) as timer:
            return await _first_of_all(http, token, session, pause)
    except TimeoutError:
        if not timer.expired():
            raise
        raise RequestTimedOut(f"Nobody wrote a message within {seconds:g} seconds.", host=_HOST) from None


async def _first_of_all(http: Http, token: str, session: _Session, pause: float) -> Message:
    for _ in range(_MOST_CONNECTIONS):
        try:
            async with websocket(http, f"wss://{session.host}{_QUERY}") as socket:
                message = await _Connection(socket, token, session).listen()
            if message is not None:
                return message
        except (DestinationRefused, AnswerUnreadable):
            raise
        except RequestFailed as failure:
            _refuse(failure, session)
        session.failures += 1
        # Whoever has lost a session is to wait for a random time, lest all come back at once.
        spread = random.uniform(1.0, 2.0)  # noqa: S311 - no secret
        await asyncio.sleep(min(pause * 2 ** (session.failures - 1) * spread, _LONGEST_PAUSE))
    raise RequestFailed(f"{_HOST} ended {_MOST_CONNECTIONS} connections one after another.", host=_HOST)


def _refuse(failure: RequestFailed, session: _Session) -> None:
    """RequestFailed when another connection would end in the same way."""
    code = failure.code if isinstance(failure, ConnectionEnded) else None
    if code in _REFUSALS:
        raise RequestFailed(_REFUSALS[code], host=_HOST) from None
    if code in _OUR_FAULT:
        raise RequestFailed(f"Discord does not speak with us any more (code {code}); Heddle is too old.", host=_HOST)
    if session.failures + 1 >= _MOST_IN_A_ROW:
        raise failure
    if code in _SESSION_LOST:
        session.forget()


class _Connection:
    """One connection, from its greeting to a message or its end."""

    def __init__(self, socket: WebSocket, token: str, session: _Session) -> None:
        self._socket = socket
        self._token = token
        self._session = session
        self._acknowledged = True

    async def listen(self) -> Message | None:
        """The message, or None when it is to be connected again."""
        clock = asyncio.get_running_loop().time
        interval = await self._greeting()
        beat_at = clock() + interval * random.random()  # noqa: S311 - no secret
        await self._begin()
        while True:
            try:
                async with asyncio.timeout_at(beat_at) as timer:
                    frame = await self._frame()
            except TimeoutError:
                if not timer.expired():
                    raise
                if not self._acknowledged:
                    return None
                await self._beat()
                self._acknowledged = False
                beat_at = clock() + interval
                continue
            code = frame["op"]
            if code == _DISPATCH and (message := self._told(frame)):
                return message
            if code == _BEAT:
                await self._beat()
            elif code == _ACKNOWLEDGED:
                self._acknowledged = True
            elif code in (_RECONNECT, _INVALID_SESSION):
                if code == _INVALID_SESSION and frame.get("d") is not True:
                    self._session.forget()
                return None

    async def _greeting(self) -> float:
        """Seconds between beats, which Discord says first."""
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                frame = await self._frame()
        except TimeoutError:
            raise RequestTimedOut(f"{_HOST} did not greet.", host=_HOST) from None
        match frame:
            case {"op": code, "d": {"heartbeat_interval": int() | float() as milliseconds}} if code == _HELLO:
                return min(max(milliseconds / 1000, _SHORTEST_BEAT), _LONGEST_BEAT)
        raise _unknown()

    async def _begin(self) -> None:
        session = self._session
        if session.id:
            resumed = {"token": self._token, "session_id": session.id, "seq": session.sequence}
            await self._send(_RESUME, resumed)
            return
        about = {"os": "linux", "browser": "heddle", "device": "heddle"}
        await self._send(_IDENTIFY, {"token": self._token, "intents": INTENTS, "properties": about})

    def _told(self, frame: dict[str, Any]) -> Message | None:
        """The message of an event, if it is one of somebody else."""
        session = self._session
        if isinstance(frame.get("s"), int):
            session.sequence = frame["s"]
        data = frame.get("d")
        match frame.get("t"):
            case "READY":
                match data:
                    case {"session_id": str() as id, "user": {"id": str() as own_id}, **more}:
                        session.id, session.own_id, session.failures = id, own_id, 0
                        session.host = _gateway_host(more.get("resume_gateway_url"))
                    case _:
                        raise _unknown()
            case "RESUMED":
                session.failures = 0
            case "MESSAGE_CREATE":
                message = _message_of(data)
                return None if message.author_id == session.own_id else message
        return None

    async def _beat(self) -> None:
        await self._send(_BEAT, self._session.sequence)

    async def _send(self, code: int, data: Any) -> None:
        await self._socket.send(json.dumps({"op": code, "d": data}))

    async def _frame(self) -> dict[str, Any]:
        text = await self._socket.receive()
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            raise _unknown() from None
        if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
            raise _unknown()
        return frame


def _message_of(data: Any) -> Message:
    match data:
        case {
            "id": str() as id,
            "channel_id": str() as channel,
            "content": str() as text,
            "author": {"id": str() as author_id, "username": str() as author},
            **more,
        } if all(number.isascii() and number.isdigit() for number in (id, channel, author_id)):
            match more.get("attachments"):
                case [{"filename": str() as name, "url": str() as url}, *_]:
                    return Message(id, channel, text, author_id, author, name, url)
            return Message(id, channel, text, author_id, author)
    raise _unknown()


def _gateway_host(url: Any) -> str:
    """The host where the session may be taken up: one of Discord's, since the token is sent there."""
    try:
        named = httpx.URL(url if isinstance(url, str) else "")
    except httpx.InvalidURL:
        return _HOST
    is_discords = named.scheme == "wss" and named.host.endswith(".discord.gg") and named.port in (None, 443)
    return named.host if is_discords else _HOST


def _unknown() -> AnswerUnreadable:
    return AnswerUnreadable(f"{_HOST} spoke in a form that is not known here.", host=_HOST)
