"""What a host answered, complete and within the limits.

Given by `client.py` to blocks. It decides nothing about what an answer means, save for what every caller wants: whether
the status is a good one, and when a host that was asked too often wants to be asked again.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from blocks.http.decoding import text_of
from blocks.http.destinations import host_of
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed

_LONGEST_WAIT = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer. `url` is the last one asked: it may hold keys and is never shown."""

    url: httpx.URL
    status: int
    headers: httpx.Headers

    @property
    def host(self) -> str:
        """The host that answered, after redirects."""
        return host_of(self.url)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The type of the body, such as `application/json`, in lower case; empty when it is not said."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset the body claims."""
        header = Message()
        header["Content-Type"] = self.headers.get("Content-Type", "")[:1000]
        return header.get_content_charset()

    @property
    def retry_after(self) -> float | None:
        """In how many seconds the host wants to be asked again (0 to a day); None when it does not say."""
        said = self.headers.get("Retry-After", "").strip()
        if said.isascii() and said.isdigit():
            return min(float(said[:10]), _LONGEST_WAIT)
        try:
            when = parsedate_to_datetime(said[:100])
        except (ValueError, OverflowError):  # no date, or one beyond any calendar
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return min(max((when - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Answer(Head):
    """A whole answer."""

    body: bytes

    def text(self) -> str:
        """The body as text, by its charset."""
        return text_of(self.body, self.charset)

    def json(self) -> Any:
        """The body read as JSON. AnswerUnreadable when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise AnswerUnreadable(f"{self.host} did not answer with JSON.", host=self.host) from None

    def checked(self) -> "Answer":
        """Itself when its status is a good one; else RateLimited (429, or a 503 that says when) or StatusFailed."""
        if self.is_success:
            return self
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "status"
        said = f"{self.host} answered {self.status} {phrase}"
        if self.status == 429 or (self.status == 503 and self.retry_after is not None):
            wait = self.retry_after
            when = f"; it wants to be asked again in {wait:g} seconds" if wait is not None else ""
            raise RateLimited(
                f"{said}{when}.", host=self.host, status=self.status, body=self.body, retry_after=self.retry_after
            )
        raise StatusFailed(f"{said}.", host=self.host, status=self.status, body=self.body)
