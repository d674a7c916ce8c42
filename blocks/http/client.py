'''The guarded HTTP client: every request of every block goes through it.

Made by `worker.py`, handed to blocks as `context.services.http`. It must not know blocks. What it guarantees:

- Requests reach public addresses only, or those a setting names; also after redirects, also when a name server lies.
- Every answer is bounded in bytes (compressed and not) and every request in time, redirects included.
- It remembers nothing between requests: no cookies, no credentials, and no connection, on which a server could leave
  the answer to somebody else's next request. It reads no proxy from the environment.
- Nothing is tried again: that is for whoever knows what a request does.
- Errors (`errors.py`) name the host, never the rest of a URL, a header or a body.

A block for somebody's HTTP interface is some ten lines:

    async def run(self, inputs: WeatherInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """Asks for the weather of a city."""
        answer = await context.services.http.request(
            "GET",
            "https://api.weather.example/v1/now",
            params={"city": inputs.city},
            headers={"Authorization": f"Bearer {key}"},  # dropped when a redirect leads to another host
        )
        weather = answer.checked().json()  # RateLimited carries `retry_after`; StatusFailed the status
        yield "temperature", weather["temperature"]

Its `effects` say what the request does: GET may be IDEMPOTENT, what sends or changes something is EFFECTFUL. Its
example carries the answers it expects (`Example.web`) and so runs as a test without the network.
'''

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from blocks.http.answers import Answer, Head
from blocks.http.decoding import too_large, unfolded
from blocks.http.destinations import Allowed, host_of, judged, port_of, read_url
from blocks.http.dialing import Dial, DialSocket, GuardedDialer, Resolve, Resolver, dial_socket, dial_tcp
from blocks.http.errors import AnswerUnreadable, DestinationRefused, RequestFailed, RequestInvalid, RequestTimedOut
from blocks.http.requests import Body, Files, Outgoing, outgoing

MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECTIONS = 200

type Params = Mapping[str, str | int | float | bool | Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one request may take: seconds from its start to the last byte, bytes of its body and of the answer's."""

    seconds: float = 60.0
    answer_bytes: int = 10 * 1024 * 1024
    body_bytes: int = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Streamed(Head):
    """An answer whose body is still coming, unfolded and bounded."""

    pieces: AsyncIterator[bytes]


class Http:
    """The client. It belongs to the event loop that uses it; close it there."""

    def __init__(
        self,
        allowed: Allowed | None = None,
        limits: HttpLimits | None = None,
        *,
        resolve: Resolve | None = None,
        dial: Dial = dial_tcp,
        dial_socket: DialSocket = dial_socket,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`resolve`, `dial`, `dial_socket` and `trust` are the ways to the network; tests give their own."""
        self.limits = limits or HttpLimits()
        self.allowed = allowed or Allowed()
        self._resolver = Resolver()
        self.dialer = GuardedDialer(self.allowed, resolve or self._resolver, dial, dial_socket)
        self.trust = trust or httpx.create_ssl_context()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=self.trust,
            max_connections=_CONNECTIONS,
            # One connection, one request: what a server sends beyond its answer must not be the next user's.
            max_keepalive_connections=0,
            retries=0,
            network_backend=self.dialer,
        )

    async def aclose(self) -> None:
        """Close its connections."""
        self._resolver.close()
        await self._pool.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Files | None = None,
        seconds: float | None = None,
        most_bytes: int | None = None,
        most_body: int | None = None,
        redirects: int = MOST_REDIRECTS,
    ) -> Answer:
        """The whole answer, whatever its status; RequestFailed says why there is none.

        The body is `content`, or `json`, or a form of `data` and `files`. `seconds`, `most_bytes` of the answer and
        `most_body` of the request default to the limits. With `redirects=0` the redirect itself is the answer.
        """
        body = Body(content, json, data, files)
        async with self.stream(
            method,
            url,
            params=params,
            headers=headers,
            body=body,
            seconds=seconds,
            most_bytes=most_bytes,
            most_body=most_body,
            redirects=redirects,
        ) as streamed:
            whole = b"".join([piece async for piece in streamed.pieces])
            return Answer(streamed.url, streamed.status, streamed.headers, whole)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        seconds: float | None = None,
        most_bytes: int | None = None,
        most_body: int | None = None,
        redirects: int = MOST_REDIRECTS,
    ) -> AsyncIterator[Streamed]:
        """As `request`, but the body comes in pieces. Leaving the context ends the answer, whole or not."""
        target = read_url(url, self.allowed)
        try:
            if params:
                target = judged(target.copy_merge_params(dict(params)), self.allowed)
            largest = self.limits.body_bytes if most_body is None else most_body
            request = outgoing(method, target, headers or {}, body or Body(), most_body=largest)
        except (UnicodeError, TypeError, httpx.InvalidURL):
            message = "The request holds characters or values that cannot be sent."
            raise RequestInvalid(message, host=host_of(target)) from None
        limit = self.limits.seconds if seconds is None else seconds
        most = self.limits.answer_bytes if most_bytes is None else most_bytes
        asked = [host_of(target)]
        try:
            async with asyncio.timeout(limit) as timer, contextlib.AsyncExitStack() as opened:
                yield await self._answer(request, redirects, most, opened, asked)
        except TimeoutError:
            if not timer.expired():
                raise
            raise RequestTimedOut(
                f"{asked[-1]} did not give a complete answer within {limit:g} seconds.", host=asked[-1]
            ) from None
        except _FAILURES as error:
            raise _explained(error, asked[-1]) from None

    async def _answer(
        self, request: Outgoing, redirects: int, most: int, opened: contextlib.AsyncExitStack, asked: list[str]
    ) -> Streamed:
        """The first answer that is no redirect, or the redirect when none are to be followed."""
        for followed in range(redirects + 1):
            asked.append(host_of(request.url))
            response = await self._pool.handle_async_request(_wire(request))
            headers = httpx.Headers(response.headers)
            location = headers.get("Location")
            if response.status not in _REDIRECTS or location is None or redirects == 0:
                opened.push_async_callback(response.aclose)
                return _streamed(request, response, headers, most)
            await response.aclose()
            if followed < redirects:
                request = request.redirected(response.status, self._next(request.url, location))
        host = host_of(request.url)
        raise RequestFailed(f"{host} redirects more than {redirects} times.", host=host)

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads, judged like any URL."""
        try:
            onward = url.join(location)
        except (httpx.InvalidURL, ValueError):
            host = host_of(url)
            raise AnswerUnreadable(f"{host} redirects to something that is no URL.", host=host) from None
        return judged(onward, self.allowed)


async def _nowhere(host: str, _: int) -> Sequence[str]:
    raise DestinationRefused("The network cannot be reached from here.", host=host)


@cache
def no_http() -> Http:
    """A client that refuses every request: for hosts that bring none."""
    return Http(resolve=_nowhere, trust=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError)


def _explained(error: BaseException, host: str) -> RequestFailed:
    """A failure of the layers below in words that hold no more than the host."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RequestFailed(f"{host} has no valid certificate: {cause.verify_message}.", host=host)
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpcore.TimeoutException():
            return RequestTimedOut(f"{host} did not answer in time.", host=host)
        case httpcore.RemoteProtocolError():
            return AnswerUnreadable(f"{host} did not answer in HTTP, or broke off.", host=host)
        case httpcore.LocalProtocolError():
            return RequestInvalid(f"The request to {host} cannot be sent in HTTP.", host=host)
        case _:
            return RequestFailed(f"The connection to {host} failed.", host=host)


def _wire(request: Outgoing) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=url.raw_path),
        headers=request.wire_headers(),
        content=request.body,
    )


def _streamed(request: Outgoing, response: httpcore.Response, headers: httpx.Headers, most: int) -> Streamed:
    """The answer, refused before a byte is read when it says itself that it is too large."""
    host = host_of(request.url)
    bodiless = request.method == "HEAD" or response.status in (204, 304)
    declared = headers.get("Content-Length", "")
    if not bodiless and declared.isdigit() and int(declared[:20]) > most:
        raise too_large(host, most)
    coding = "" if bodiless else headers.get("Content-Encoding", "")
    pieces = unfolded(response.aiter_stream(), coding, most=most, host=host)
    return Streamed(request.url, response.status, headers, pieces)
