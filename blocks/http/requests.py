"""One request, ready to be sent, and the one that follows from a redirect.

Used by `client.py`. The body is encoded once, so that a redirect can ask for the same to be sent again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from blocks.http.destinations import host_of
from blocks.http.errors import RequestInvalid
from blocks.http.headers import checked_headers, kept_elsewhere, same_origin

type Files = Iterable[tuple[str, tuple[str, bytes, str]]]
"""Field name, and file name, bytes and media type."""

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Body:
    """What to send, in one form: bytes or text, JSON, or form fields and files."""

    content: bytes | str | None = None
    json: Any = None
    data: Mapping[str, Any] | None = None
    files: Files | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Method, address, headers by lower-case name, and the body's bytes."""

    method: str
    url: httpx.URL
    headers: Mapping[str, bytes]
    body: bytes

    def redirected(self, status: int, url: httpx.URL) -> "Outgoing":
        """The request that the redirect asks for. To another origin go only headers that hold no secret."""
        onward = replace(self, url=url)
        if not same_origin(self.url, url):
            onward = replace(onward, headers=kept_elsewhere(self.headers))
        if (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST"):
            headers = {name: value for name, value in onward.headers.items() if not name.startswith("content-")}
            onward = replace(onward, method="GET", headers=headers, body=b"")
        return onward

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """All headers as they are sent."""
        host = host_of(self.url)
        host = f"[{host}]" if ":" in host else host
        authority = host if self.url.port is None else f"{host}:{self.url.port}"
        length = [(b"content-length", str(len(self.body)).encode())]
        return [
            (b"host", authority.encode()),
            *((name.encode(), value) for name, value in self.headers.items()),
            *(length if self.body or self.method in ("POST", "PUT", "PATCH") else ()),
        ]


def outgoing(method: str, url: httpx.URL, headers: Mapping[str, str], body: Body, *, most_body: int) -> Outgoing:
    """The request. RequestInvalid when it cannot be sent as it is."""
    method = method.upper()
    if method not in _METHODS:
        raise RequestInvalid(f"The method must be one of {', '.join(sorted(_METHODS))}.", host=host_of(url))
    checked = checked_headers(headers, host_of(url))
    parts = _parts(body, checked.get("content-type", b""))
    if parts:
        # Only who makes the parts knows the boundary between them, and it is in the header.
        checked.pop("content-type", None)
    encoded = httpx.Request(
        method,
        url,
        headers=[(b"content-type", checked["content-type"])] if "content-type" in checked else None,
        content=body.content,
        json=body.json,
        data=dict(body.data) if body.data is not None and not parts else None,
        files=parts or None,
    )
    raw = encoded.read()
    if len(raw) > most_body:
        raise RequestInvalid(
            f"The request's body has {len(raw):,} bytes; at most {most_body:,} are possible.", host=host_of(url)
        )
    if "content-type" in encoded.headers:
        checked["content-type"] = encoded.headers["content-type"].encode()
    return Outgoing(method, url, checked, raw)


def _parts(body: Body, kind: bytes) -> list[tuple[str, Any]]:
    """What goes in parts: a form with files, and one that the caller's content type says is sent so; else nothing."""
    files = list(body.files or ())
    fields = dict(body.data or {})
    if not files and not (fields and kind.lower().startswith(b"multipart/form-data")):
        return []
    each = ((name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value]))
    return [*((name, (None, _text(one))) for name, one in each), *files]


def _text(value: Any) -> str | bytes:
    """A field's value as forms of the other kind have it, too."""
    if isinstance(value, str | bytes):
        return value
    return "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)
