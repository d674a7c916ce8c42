"""Connecting: a name is resolved once, every address it has is judged, and one of those is connected to.

Used by `client.py` under its connection pool and, for other protocols, by `websocket.py` and `blocks/mail/smtp.py`.
Because what was judged is what is connected to, a name server that answers differently the next time changes nothing.
TLS still asks for the name.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from blocks.http.addresses import Address
from blocks.http.destinations import Allowed
from blocks.http.errors import DestinationRefused, RequestFailed

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses as text. OSError when there is no such host."""

type Dial = Callable[[str, int, float | None], Awaitable[httpcore.AsyncNetworkStream]]
"""An address, a port and a limit in seconds to an open connection. It resolves nothing."""

type DialSocket = Callable[[str, int], Awaitable[socket.socket]]
"""The same as a socket, for protocols other than HTTP. OSError when nobody answers there."""

_MOST_TRIED = 6
_ONE_CONNECT_SECONDS = 10.0


class Resolver:
    """Asks the system's resolver, in threads of its own: slow name servers must not hold up what else uses threads."""

    def __init__(self, threads: int = 16) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))

    def close(self) -> None:
        """Take no further names; those being resolved are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def dial_tcp(address: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
    """A TCP connection to an address."""
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=seconds)


async def dial_socket(address: str, port: int) -> socket.socket:
    """A TCP connection to an address, as a socket that does not block."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


class GuardedDialer(httpcore.AsyncNetworkBackend):
    """The connection pool's way to the network, and the only place where a connection is opened."""

    def __init__(
        self, allowed: Allowed, resolve: Resolve, dial: Dial = dial_tcp, dial_socket: DialSocket = dial_socket
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._dial = dial
        self._dial_socket = dial_socket

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface's own)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that answers; refused when one of them is not allowed."""
        addresses = await self.judged(host, port)
        failed: Exception | None = None
        for address in addresses:
            try:
                limit = _ONE_CONNECT_SECONDS if timeout is None else min(timeout, _ONE_CONNECT_SECONDS)
                return await self._dial(address, port, limit)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise RequestFailed(f"{host} could not be reached on port {port}.", host=host) from failed

    async def connect_socket(self, host: str, port: int) -> socket.socket:
        """As `connect_tcp`, for other protocols: a socket that belongs to the caller. It waits as long as it may."""
        for address in await self.judged(host, port):
            with contextlib.suppress(OSError):
                return await self._dial_socket(address, port)
        raise RequestFailed(f"{host} could not be reached on port {port}.", host=host)

    async def judged(self, host: str, port: int) -> Sequence[str]:
        """The host's addresses, all of them allowed. One bad address among good ones is reason to refuse them all."""
        try:
            texts = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise RequestFailed(f"There is no host {host}, or its name cannot be looked up now.", host=host) from None
        try:
            addresses = [ipaddress.ip_address(text) for text in texts]
        except ValueError:
            raise RequestFailed(f"The host {host} has an address that is none.", host=host) from None
        if not addresses:
            raise RequestFailed(f"The host {host} has no address.", host=host)
        if not all(self._permits(host, port, address) for address in addresses):
            # The address itself is not told: it would let people map a network that they cannot see.
            raise DestinationRefused(
                f"{host} is not on the public internet, and this deployment does not let blocks reach it.", host=host
            )
        return [str(address) for address in addresses[:_MOST_TRIED]]

    def _permits(self, host: str, port: int, address: Address) -> bool:
        return self._allowed.permits(host, port, address)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refused: blocks reach hosts only."""
        raise DestinationRefused("Only hosts can be reached.")

    async def sleep(self, seconds: float) -> None:
        """The interface's own wait."""
        await asyncio.sleep(seconds)
