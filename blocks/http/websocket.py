"""WebSockets under the same guard as web requests: what is connected to was judged, TLS asks for the name.

For modules of `providers/`. It speaks no service's language, follows no redirect, uses no proxy and connects once. What
goes wrong is told as in `errors.py`, in words that hold no more than the host.
"""

import contextlib
import logging
import ssl
from collections.abc import AsyncIterator

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RequestFailed, RequestTimedOut

_OPEN_SECONDS = 30.0
_CLOSE_SECONDS = 2.0
_MOST_BYTES = 4 * 1024 * 1024
_MOST_WAITING = 16
_PORT = 443
# The library writes every message to its log at level DEBUG, and with them the secrets that services are greeted with.
_NO_LOG = logging.Logger("websockets of blocks", logging.CRITICAL + 1)


class ConnectionEnded(RequestFailed):
    """The other side ended the connection, or it broke. `code`: the one it was closed with, if it was."""

    def __init__(self, message: str, *, host: str, code: int | None = None) -> None:
        self.code = code
        super().__init__(message, host=host)


class WebSocket:
    """An open connection. It is used by one task."""

    def __init__(self, connection: ClientConnection, host: str) -> None:
        self._connection = connection
        self._host = host

    async def send(self, text: str) -> None:
        """Send a message. ConnectionEnded when nobody takes it any more."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as closed:
            raise self._ended(closed) from None

    async def receive(self) -> str:
        """The next message; giving up the wait loses none. ConnectionEnded, AnswerUnreadable when it is no text."""
        try:
            message = await self._connection.recv()
        except ConnectionClosed as closed:
            raise self._ended(closed) from None
        if not isinstance(message, str):
            raise AnswerUnreadable(f"{self._host} sent something that is no text.", host=self._host)
        return message

    def _ended(self, closed: ConnectionClosed) -> ConnectionEnded:
        code = closed.rcvd.code if closed.rcvd else None
        how = f" with the code {code}" if code is not None else ""
        return ConnectionEnded(f"{self._host} ended the connection{how}.", host=self._host, code=code)


@contextlib.asynccontextmanager
async def websocket(http: Http, url: str) -> AsyncIterator[WebSocket]:
    """A connection to a `wss://` address on the usual port, closed at the end. RequestFailed when there is none."""
    host = httpx.URL(url).host
    sock = await http.dialer.connect_socket(host, _PORT)
    try:
        connection = await connect(
            url,
            sock=sock,
            ssl=http.trust,
            server_hostname=host,
            proxy=None,
            # Unfolding would let a small message become a large one; those of services that need it are small.
            compression=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            ping_interval=None,
            max_size=_MOST_BYTES,
            max_queue=_MOST_WAITING,
            logger=_NO_LOG,
        )
    except ssl.SSLCertVerificationError as error:
        raise RequestFailed(f"{host} has no valid certificate: {error.verify_message}.", host=host) from None
    except TimeoutError:
        raise RequestTimedOut(f"{host} did not open a WebSocket within {_OPEN_SECONDS:g} seconds.", host=host) from None
    except InvalidStatus as refused:
        status = refused.response.status_code
        raise RequestFailed(f"{host} answered {status} and opened no WebSocket.", host=host) from None
    except (WebSocketException, OSError, ValueError):
        raise RequestFailed(f"{host} opened no WebSocket.", host=host) from None
    async with connection:
        yield WebSocket(connection, host)
