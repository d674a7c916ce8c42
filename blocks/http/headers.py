"""Headers that a caller may give, and those that may follow a redirect to another host.

Used by `client.py`. A header's value may be a secret: no error repeats one.
"""

import re
from collections.abc import Mapping

import httpx

from blocks.http.decoding import ACCEPTED
from blocks.http.destinations import host_of
from blocks.http.errors import RequestInvalid

USER_AGENT = "Heddle/0.1"

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MOST, _LARGEST = 100, 64 * 1024

# What belongs to the connection is the client's to say: people paste these from their browsers.
_OF_THE_CONNECTION = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "expect", "keep-alive", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
    }
)
# Any other header may be a key under a name of somebody's choosing.
_KEPT_ELSEWHERE = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})


def checked_headers(given: Mapping[str, str], host: str) -> dict[str, bytes]:
    """The headers to send, ours included. RequestInvalid for what would not be one header, or names another host."""
    headers: dict[str, bytes] = {"user-agent": USER_AGENT.encode(), "accept": b"*/*"}
    if len(given) > _MOST:
        raise RequestInvalid(f"There are {len(given)} headers; at most {_MOST} are possible.", host=host)
    for name, value in given.items():
        if not _NAME.fullmatch(name):
            raise RequestInvalid("A header's name is not valid: it is letters, digits and dashes only.", host=host)
        if _CONTROL.search(value):
            raise RequestInvalid(f"The header {name} holds a line break or another control character.", host=host)
        lower = name.lower()
        if lower == "host" and value.strip().lower().partition(":")[0] != host:
            raise RequestInvalid("The header Host must be the URL's own host: leave it out.", host=host)
        if lower != "host" and lower not in _OF_THE_CONNECTION:
            headers[lower] = value.strip().encode()
    if sum(len(name) + len(value) for name, value in headers.items()) > _LARGEST:
        raise RequestInvalid(f"The headers are larger than the {_LARGEST:,} bytes that are possible.", host=host)
    return {**headers, "accept-encoding": ACCEPTED.encode()}


def kept_elsewhere(headers: Mapping[str, bytes]) -> dict[str, bytes]:
    """What may be told to a host that the caller did not name."""
    return {name: value for name, value in headers.items() if name in _KEPT_ELSEWHERE}


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether scheme, host and port are the same, or only the step from http to https lies between."""
    if host_of(one) != host_of(other):
        return False
    return (one.scheme, one.port) == (other.scheme, other.port) or (
        (one.scheme, other.scheme) == ("http", "https") and one.port is None and other.port is None
    )
