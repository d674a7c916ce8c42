"""A mail server on a real socket, with and without TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme

from blocks.http.client import Http
from blocks.http.destinations import Allowed


@dataclass
class Server:
    """Speaks as much SMTP as one mail needs; `say` replaces an answer."""

    say: dict[str, bytes] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""

        async def answer(verb: str, text: bytes) -> None:
            writer.write(self.say.get(verb, text))
            await writer.drain()

        try:
            await answer("", b"220 hello\r\n")
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                match line.partition(" ")[0].upper():
                    case "EHLO":
                        offers = b"250-STARTTLS\r\n" if self.tls else b""
                        await answer("EHLO", b"250-hello\r\n" + offers + b"250 AUTH PLAIN\r\n")
                    case "STARTTLS":
                        await answer("STARTTLS", b"220 go\r\n")
                        await writer.start_tls(self.tls)
                    case "DATA":
                        await answer("DATA", b"354 go\r\n")
                        while (text := (await reader.readline()).decode()) not in (".\r\n", ""):
                            self.heard.append(text.strip())
                        await answer(".", b"250 taken\r\n")
                    case verb:
                        await answer(
                            verb,
                            b"221 bye\r\n" if verb == "QUIT" else b"235 ok\r\n" if verb == "AUTH" else b"250 ok\r\n",
                        )
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    server: Server, certified: str | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[Server, Callable[..., Http]]]:
    """The server, at an address of this machine, and a maker of clients that find it under any name."""
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    if certified:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(certified).configure_cert(server.tls)
    listening = await asyncio.start_server(server.serve, host, port)
    server.port = listening.sockets[0].getsockname()[1]

    async def resolve(name: str, port: int) -> list[str]:
        return [host]

    try:
        yield server, lambda *allowed: Http(Allowed.parse(allowed), resolve=resolve, trust=trust)
    finally:
        listening.close()
