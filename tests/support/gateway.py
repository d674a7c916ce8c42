"""Discord's gateway on a real socket, under TLS: it says what a test lays down and notes what it is told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.support.web import Internet

BEAT = 45_000


def hello(milliseconds: float = BEAT) -> dict[str, Any]:
    return {"op": 10, "d": {"heartbeat_interval": milliseconds}}


def ready(session: str = "s1", own_id: str = "1", **more: Any) -> dict[str, Any]:
    return event("READY", 1, session_id=session, user={"id": own_id, "username": "bot"}, **more)


def event(kind: str, number: int, **data: Any) -> dict[str, Any]:
    return {"op": 0, "t": kind, "s": number, "d": data}


def message(number: int = 2, author: str = "7", **more: Any) -> dict[str, Any]:
    about = {"id": "99", "channel_id": "6", "content": "Is tea ready?", "author": {"id": author, "username": "ada"}}
    return event("MESSAGE_CREATE", number, **{**about, **more})


@dataclass(frozen=True, slots=True)
class Hears:
    """The gateway waits until it is told something more, with this code."""

    code: int


@dataclass(frozen=True, slots=True)
class Closes:
    """The gateway ends the connection, with a code or, without one, by breaking off."""

    code: int | None = None


type Step = Mapping[str, Any] | str | bytes | Hears | Closes
"""What the gateway does next; an object, a text or bytes are sent."""


@dataclass
class Gateway:
    """`connections`: what it does in each connection, one after another; after the last step it keeps still."""

    connections: list[Sequence[Step]]
    refuses_with: int | None = None
    heard: list[list[dict[str, Any]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def codes(self) -> list[list[int]]:
        return [[frame["op"] for frame in heard] for heard in self.heard]

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        self.hosts.append(request.headers["Host"])
        return connection.respond(self.refuses_with, "s3cret") if self.refuses_with else None  # type: ignore[arg-type]

    async def serve(self, connection: ServerConnection) -> None:
        heard: list[dict[str, Any]] = []
        self.heard.append(heard)
        with contextlib.suppress(ConnectionClosed):
            for step in self.connections[len(self.heard) - 1]:
                match step:
                    case Hears(code):
                        frame = None
                        while frame is None or frame["op"] != code:
                            frame = json.loads(await connection.recv())
                            heard.append(frame)
                    case Closes(None):
                        connection.transport.abort()
                        return
                    case Closes(int() as code):
                        await connection.close(code, "s3cret")
                        return
                    case str() | bytes():
                        await connection.send(step)
                    case _:
                        await connection.send(json.dumps(step))
            while True:
                heard.append(json.loads(await connection.recv()))
        self.ended.set()


@contextlib.asynccontextmanager
async def gateway(net: Internet, *connections: Sequence[Step], **more: Any) -> AsyncIterator[Gateway]:
    """The gateway of an internet while the context lasts."""
    spoken = Gateway(list(connections), **more)
    async with serve(spoken.serve, "127.0.0.1", 0, ssl=net.secret, process_request=spoken.admit) as server:
        net.ports["other"] = next(iter(server.sockets)).getsockname()[1]
        yield spoken
        server.close()
        await asyncio.wait_for(server.wait_closed(), 10)
