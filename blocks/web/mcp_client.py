"""Calling a tool of an MCP server: the Model Context Protocol over streamable HTTP, as far as one call needs it.

Used by `mcp_tool.py`. Written here rather than taken from the protocol's own package because that one brings its own
HTTP client, whose answers have no limits; this one goes through the guarded client, and ends with the call.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from blocks.http.client import Http, Streamed
from blocks.http.errors import AnswerUnreadable, StatusFailed
from blocks.http.requests import Body

PROTOCOL = "2025-06-18"
_CALL_SECONDS = 300.0
_LONGEST_MESSAGE = 500


class ToolFailed(ValueError):
    """The server or its tool said no; the text is theirs."""


class McpSession:
    """One session with a server. Call `open` first and `close` last."""

    def __init__(self, http: Http, url: str, token: str | None = None) -> None:
        """`token` is sent as a bearer token; it is in no error."""
        self._http = http
        self._url = url
        self._token = token
        self._headers = {
            "Accept": "application/json, text/event-stream",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._last_id = 0

    async def open(self) -> None:
        """Agree on the protocol. ToolFailed when the server wants another one."""
        about = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "heddle", "version": "0.1.0"},
        }
        agreed = await self._ask("initialize", about)
        version = agreed.get("protocolVersion")
        if not isinstance(version, str) or not version.replace("-", "").isalnum():
            raise ToolFailed("The MCP server does not say which version of the protocol it speaks.")
        self._headers["MCP-Protocol-Version"] = version
        await self._tell("notifications/initialized")

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """What the tool gave: its one part or a list of several; text that is JSON is read. ToolFailed if it failed."""
        result = await self._ask("tools/call", {"name": tool, "arguments": dict(arguments)})
        content = result.get("content")
        parts = [_part(part) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        if result.get("isError"):
            said = " ".join(part if isinstance(part, str) else json.dumps(part) for part in parts)
            raise ToolFailed(self._shown(f"The tool {tool!r:.100} failed: {said}"))
        if not parts and "structuredContent" in result:
            return result["structuredContent"]
        return parts[0] if len(parts) == 1 else parts or None

    async def close(self) -> None:
        """Tell the server that the session is over, if there is one. What it says to that does not matter."""
        if "Mcp-Session-Id" in self._headers:
            try:
                await self._http.request("DELETE", self._url, headers=self._headers, seconds=5)
            except ValueError:
                return

    async def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request; the server may answer with JSON or with a stream of messages."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        async with self._http.stream(
            "POST", self._url, headers=self._headers, body=Body(json=message), seconds=_CALL_SECONDS
        ) as answer:
            _refuse_status(answer)
            if session := answer.headers.get("Mcp-Session-Id"):
                self._headers["Mcp-Session-Id"] = session
            async for received in _messages(answer):
                if received.get("id") == self._last_id and "method" not in received:
                    return self._result(received)
        raise AnswerUnreadable(f"The MCP server at {answer.host} did not answer the call.", host=answer.host)

    async def _tell(self, method: str) -> None:
        message = {"jsonrpc": "2.0", "method": method}
        async with self._http.stream("POST", self._url, headers=self._headers, body=Body(json=message)) as answer:
            _refuse_status(answer)

    def _result(self, received: Mapping[str, Any]) -> dict[str, Any]:
        error, result = received.get("error"), received.get("result")
        if isinstance(error, dict):
            raise ToolFailed(self._shown(f"The MCP server refused: {error.get('message', 'no reason given')}"))
        if not isinstance(result, dict):
            raise ToolFailed("The MCP server answered without a result.")
        return result

    def _shown(self, text: str) -> str:
        """The text without the token, which a server might repeat, and not too long."""
        text = text.replace(self._token, "…") if self._token else text
        return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _refuse_status(answer: Streamed) -> None:
    if answer.is_success:
        return
    if answer.status in (401, 403):
        message = f"The MCP server at {answer.host} wants credentials, or others ({answer.status})."
    else:
        message = f"The MCP server at {answer.host} answered {answer.status}."
    raise StatusFailed(message, host=answer.host, status=answer.status)


async def _messages(answer: Streamed) -> AsyncIterator[dict[str, Any]]:
    """The messages of an answer, one by one as they come."""
    if answer.media_type != "text/event-stream":
        whole = b"".join([piece async for piece in answer.pieces])
        for message in _read(whole, answer.host):
            yield message
        return
    data: list[bytes] = []
    async for line in _lines(answer):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            for message in _read(b"\n".join(data), answer.host):
                yield message
            data = []


async def _lines(answer: Streamed) -> AsyncIterator[bytes]:
    """Lines without their ends, which are LF or CR LF."""
    # Joined once it is whole: a line that was put together anew with every piece would cost the square of its length.
    line: list[bytes] = []
    async for piece in answer.pieces:
        rest, *others = piece.split(b"\n")
        line.append(rest)
        for other in others:
            yield b"".join(line).removesuffix(b"\r")
            line = [other]
    yield b"".join(line)
    yield b""


def _read(text: bytes, host: str) -> list[dict[str, Any]]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise AnswerUnreadable(f"The MCP server at {host} did not answer with JSON.", host=host) from None
    return [message for message in (read if isinstance(read, list) else [read]) if isinstance(message, dict)]


def _part(part: Mapping[str, Any]) -> Any:
    """A part of a tool's result: text, read as JSON if it is that; anything else as it came."""
    if part.get("type") != "text":
        return dict(part)
    text = str(part.get("text", ""))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
