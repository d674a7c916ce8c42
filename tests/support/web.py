"""A stand-in for the internet: real sockets on this machine, under names and addresses of a test's choosing.

`Internet` serves HTTP and HTTPS and gives an `Http` whose names lead to public addresses and whose connections end
here: everything but the last step, the connection itself, is what runs in a worker. `as_told` and `told` carry it to a
worker in a process of its own.
"""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpcore
import trustme

from blocks.base import Exchange
from blocks.http.client import Http, HttpLimits
from blocks.http.destinations import Allowed
from blocks.http.dialing import dial_socket

PUBLIC = "93.184.215.14"

type Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer by hand, once the request has been read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came over the wire; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Internet:
    """`answers` by `METHOD URL`, or by URL alone for any method; a list is used up. What has none is answered 404."""

    answers: dict[str, Exchange | Raw | list[Exchange]] = field(default_factory=dict)
    authority: str = ""
    """The certificate, in PEM, of whoever vouches for the hosts here."""
    addresses: dict[str, Sequence[str]] = field(default_factory=dict)
    """Addresses of hosts; one that is not named has a public one."""
    seen: list[Seen] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    connections: list[asyncio.Task[None]] = field(default_factory=list)
    trust: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    secret: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    """With what servers here prove who they are, under whatever name they are asked for."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses a name has here."""
        self.resolved.append(host)
        return self.addresses.get(host, [host] if host.replace(".", "").isdigit() or ":" in host else [PUBLIC])

    async def dial(self, address: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
        """Connects to the server here whatever the address is, and notes what it was."""
        self.dialled.append((address, port))
        local = self.ports["https" if port == 443 else "http"]
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", local, timeout=seconds)

    async def dial_socket(self, address: str, port: int) -> socket.socket:
        """The same for protocols other than HTTP: it leads to the one other server that a test has here."""
        self.dialled.append((address, port))
        return await dial_socket("127.0.0.1", self.ports["other"])

    def http(self, limits: HttpLimits | None = None, allowed: Sequence[str] = ()) -> Http:
        """A client of this internet."""
        return Http(
            Allowed.parse(allowed),
            limits,
            resolve=self.resolve,
            dial=self.dial,
            dial_socket=self.dial_socket,
            trust=self.trust,
        )

    async def serve(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with any number of requests."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while line := await reader.readline():
                request = await self._read(scheme, line, reader)
                self.seen.append(request)
                answer = self.answers.get(f"{request.method} {request.url}") or self.answers.get(request.url)
                if isinstance(answer, list):
                    answer = answer.pop(0) if answer else None
                if answer is None:
                    answer = Exchange(request.url, status=404, body="Not here.")
                if not isinstance(answer, Exchange):
                    await answer(reader, writer)
                    break
                writer.write(_written(answer, head=request.method == "HEAD"))
                await writer.drain()
        writer.close()

    async def _read(self, scheme: str, line: bytes, reader: asyncio.StreamReader) -> Seen:
        method, target, _ = line.decode().split(" ")
        headers: dict[str, str] = {}
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Seen(method, f"{scheme}://{headers['host']}{target}", headers, body)

    def told(self) -> str:
        """What another process has to know to be in this internet."""
        return json.dumps({"addresses": self.addresses, "ports": self.ports, "authority": self.authority})

    @classmethod
    def as_told(cls, told: str) -> "Internet":
        """An internet of another process, to be asked from this one."""
        net = cls(**json.loads(told))
        net.trust.load_verify_locations(cadata=net.authority)
        return net


def _written(answer: Exchange, *, head: bool) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
    headers = {"Content-Length": str(len(body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if head else body)


@cache
def _authority() -> trustme.CA:
    """Whom every internet of a test process trusts, if it does not say otherwise: to make one takes its time."""
    return trustme.CA()


@cache
def _certificate(authority: trustme.CA, name: str) -> trustme.LeafCert:
    return authority.issue_cert(name)


@contextlib.asynccontextmanager
async def internet(
    answers: Mapping[str, Exchange | Raw | list[Exchange]] | None = None, authority: trustme.CA | None = None
) -> AsyncIterator[Internet]:
    """An internet while the context lasts; its certificates are of the authority."""
    authority = authority or _authority()
    net = Internet(dict(answers or {}))
    authority.configure_trust(net.trust)
    net.authority = authority.cert_pem.bytes().decode()

    def show_name(tls: ssl.SSLObject, name: str | None, _: Any) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _certificate(authority, name or "unnamed.example").configure_cert(context)
        tls.context = context

    net.secret.sni_callback = show_name  # type: ignore[assignment]
    _certificate(authority, "unnamed.example").configure_cert(net.secret)
    async with contextlib.AsyncExitStack() as opened:
        for scheme, context in (("http", None), ("https", net.secret)):

            async def serve(r: asyncio.StreamReader, w: asyncio.StreamWriter, scheme: str = scheme) -> None:
                task = asyncio.create_task(net.serve(scheme, r, w))
                net.connections.append(task)
                await task

            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
            opened.callback(server.close)
            net.ports[scheme] = server.sockets[0].getsockname()[1]
        yield net


def exchanges(given: Sequence[Exchange]) -> dict[str, Exchange | Raw | list[Exchange]]:
    """Answers by request, each to be given once and in order."""
    queues: dict[str, Exchange | Raw | list[Exchange]] = {}
    for exchange in given:
        queue = queues.setdefault(exchange.request, [])
        assert isinstance(queue, list)
        queue.append(exchange)
    return queues
