"""E2B: sandboxes that run code, over their HTTP interfaces.

For the blocks of `blocks/code_sandbox.py`. A sandbox is made at one host, which knows the key, and answers at one of
its own, whose name holds the sandbox's id: so that id is never taken as it comes. It costs money while it is there.
"""

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RequestFailed
from blocks.providers.answers import object_of, unexpected

DEFAULT_TEMPLATE = "code-interpreter-v1"
HOME = "/home/user/"

_API = "https://api.e2b.app"
_DOMAINS = ("e2b.app", "e2b.dev")
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_INTERPRETER, _FILES = 49999, 49983
# The name of the user in a sandbox, without a password; what lets in is the token.
_AS_USER = "Basic dXNlcjo="
_DISPOSE_SECONDS = 10.0
_LISTING_SECONDS = 30.0
_DEEPEST = 4
_MOST_ENTRIES = 2_000
_NOT_LOOKED_INTO = re.compile(r"/\.|/(?:node_modules|__pycache__)/")
_KINDS = frozenset(
    {
        *("text", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript", "data", "chart"),
        *("extra", "is_main_result"),
    }
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LONGEST_TRACEBACK = 4_000


class CodeFailed(ValueError):
    """The code itself failed; the text is what its language said."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox and what lets in there."""

    id: str
    domain: str
    tokens: dict[str, str] = field(repr=False)

    def url(self, port: int, path: str) -> str:
        """An address in it. AnswerUnreadable when it is said to be at a domain that is not E2B's."""
        if self.domain not in _DOMAINS:
            raise AnswerUnreadable("api.e2b.app named a domain for the sandbox that is not E2B's.", host="api.e2b.app")
        return f"https://{port}-{self.id}.{self.domain}{path}"


@dataclass(frozen=True, slots=True)
class Execution:
    """What code gave: its results with their forms, of which one may be the main one, and what it wrote."""

    results: Sequence[dict[str, Any]]
    stdout: str
    stderr: str


def sandbox_id(given: str) -> str:
    """The id as people give it. ValueError when it is none."""
    if not _ID.fullmatch(given.strip()):
        raise ValueError(f"{given!r:.100} is no id of a sandbox; take it from Instantiate code sandbox.")
    return given.strip()


async def create(http: Http, key: str, template: str, seconds: int) -> Sandbox:
    """A new sandbox, which goes by itself after so many seconds."""
    request = {"templateID": template or DEFAULT_TEMPLATE, "timeout": seconds, "secure": True}
    return _sandbox(await http.request("POST", f"{_API}/sandboxes", headers=_headers(key), json=request))


async def connect(http: Http, key: str, sandbox: str, seconds: int) -> Sandbox:
    """A sandbox that is there; it stays for at least so many seconds more."""
    url = f"{_API}/sandboxes/{sandbox_id(sandbox)}/connect"
    answer = await http.request("POST", url, headers=_headers(key), json={"timeout": seconds})
    if answer.status == 404:
        raise ValueError("There is no such sandbox, or no longer: its time may be over.")
    return _sandbox(answer)


async def dispose(http: Http, key: str, sandbox: str) -> None:
    """End a sandbox. One that cannot be ended goes by itself when its time is over."""
    with contextlib.suppress(RequestFailed):
        url = f"{_API}/sandboxes/{sandbox_id(sandbox)}"
        await http.request("DELETE", url, headers=_headers(key), seconds=_DISPOSE_SECONDS)


async def execute(http: Http, sandbox: Sandbox, code: str, language: str, seconds: float) -> Execution:
    """Run code in the sandbox. CodeFailed says what the code itself did wrong."""
    answer = await http.request(
        "POST",
        sandbox.url(_INTERPRETER, "/execute"),
        headers=sandbox.tokens,
        json={"code": code, "language": language, "env_vars": {}},
        seconds=seconds,
    )
    if answer.status == 502:
        raise ValueError("The sandbox is gone: its time was over before the code had ended.")
    return _execution(answer.checked())


async def listing(http: Http, sandbox: Sandbox) -> dict[str, tuple[int, str]]:
    """The files in the home of the sandbox's user: path → size in bytes and when it was changed."""
    answer = await http.request(
        "POST",
        sandbox.url(_FILES, "/filesystem.Filesystem/ListDir"),
        headers={**sandbox.tokens, "Authorization": _AS_USER, "Connect-Protocol-Version": "1"},
        json={"path": HOME, "depth": _DEEPEST},
        seconds=_LISTING_SECONDS,
    )
    entries = object_of(answer).get("entries", [])
    if not isinstance(entries, list):
        raise unexpected(answer)
    found: dict[str, tuple[int, str]] = {}
    for entry in entries[:_MOST_ENTRIES]:
        match entry:
            case {"type": "FILE_TYPE_FILE", "path": str() as path, **more} if _is_at_home(path):
                size = str(more.get("size", "0"))
                found[path] = (int(size) if size.isascii() and size.isdigit() else 0, str(more.get("modifiedTime")))
    return found


async def download(http: Http, sandbox: Sandbox, path: str, most_bytes: int) -> bytes:
    """The content of a file."""
    answer = await http.request(
        "GET",
        sandbox.url(_FILES, "/files"),
        params={"path": path, "username": "user"},
        headers=sandbox.tokens,
        seconds=_LISTING_SECONDS,
        most_bytes=most_bytes,
    )
    return answer.checked().body


def _is_at_home(path: str) -> bool:
    return path.startswith(HOME) and ".." not in path.split("/") and not _NOT_LOOKED_INTO.search(path)


def _sandbox(answer: Answer) -> Sandbox:
    said = object_of(answer)
    match said.get("sandboxID"):
        case str() as found if _ID.fullmatch(found):
            names = {"envdAccessToken": "X-Access-Token", "trafficAccessToken": "E2B-Traffic-Access-Token"}
            tokens = {header: value for name, header in names.items() if isinstance(value := said.get(name), str)}
            return Sandbox(found, str(said.get("domain") or _DOMAINS[0]), tokens)
    raise unexpected(answer)


def _execution(answer: Answer) -> Execution:
    results: list[dict[str, Any]] = []
    stdout: list[str] = []
    stderr: list[str] = []
    for line in answer.body.split(b"\n"):
        if not line.strip():
            continue
        match _read(answer, line):
            case {"type": "result", **result}:
                results.append({kind: value for kind, value in result.items() if kind in _KINDS and value})
            case {"type": "stdout", "text": str() as text}:
                stdout.append(text)
            case {"type": "stderr", "text": str() as text}:
                stderr.append(text)
            case {"type": "error", **error}:
                raise CodeFailed(_words_of(error, "".join(stderr)))
            case {"type": str() as kind} if kind not in ("stdout", "stderr"):
                pass
            case _:
                raise unexpected(answer)
    return Execution(results, "".join(stdout), "".join(stderr))


def _read(answer: Answer, line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise unexpected(answer) from None


def _words_of(error: Mapping[Any, Any], stderr: str) -> str:
    """What the language says: the error, and where in the person's own code it was, or what was written before."""
    name, value, traceback = (str(error.get(part) or "") for part in ("name", "value", "traceback"))
    first = ": ".join(part for part in (name, value) if part) or "The code failed"
    where = _COLOURS.sub("", traceback or stderr).strip()[-_LONGEST_TRACEBACK:]
    return f"{first[:_LONGEST_TRACEBACK]}\n{where}".strip()


def _headers(key: str) -> dict[str, str]:
    return {"X-API-Key": key}
