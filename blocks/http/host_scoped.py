"""Headers that belong to a host: what a user keeps as a credential for requests of their own making.

For the sibling of `web/requests.py` that takes such a credential (agent-graphs §13.5). It knows no store; where the
headers come from is the caller's to know. A redirect to another origin leaves them behind, like all that may be secret.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from blocks.http.destinations import Allowed, host_of, port_of, read_url
from blocks.http.errors import RequestFailed

_SCOPE = re.compile(r"(?P<any>\*\.)?(?P<name>[^\s:/@*\[\]?#\\]+)(?::(?P<port>[0-9]{1,5}))?\Z")


def plain_scope(text: str) -> str:
    """A scope in the form in which it is compared, a whole URL taken for its host and port. ValueError for no scope."""
    text = text.strip().lower()
    if "://" in text:
        text = urlsplit(text).netloc.rpartition("@")[2]
    match = _SCOPE.match(text)
    name = _encoded(match["name"].removesuffix(".")) if match else ""
    if match is None or not name or (match["port"] and not 0 < int(match["port"]) < 65536):
        raise ValueError("The host must be a name such as `example.com` or `*.example.com`, perhaps with a `:port`.")
    return f"{match['any'] or ''}{name}{f':{int(match["port"])}' if match['port'] else ''}"


def _encoded(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""


def headers_for(url: str, scope: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers when the URL's host is in the scope, else none."""
    return dict(headers) if in_scope(url, scope) else {}


def in_scope(url: str, scope: str) -> bool:
    """Whether the URL leads to the scope: `host`, `*.domain` (the domain and what is below it), or either with `:port`.

    A URL that cannot be asked for is in no scope.
    """
    name, colon, port = scope.strip().lower().rpartition(":")
    if not colon:
        name, port = scope.strip().lower(), ""
    try:
        target = read_url(url, Allowed())
    except RequestFailed:
        return False
    if port and port != str(port_of(target)):
        return False
    host = host_of(target)
    if name.startswith("*."):
        return host == name[2:] or host.endswith(name[1:])
    return bool(name) and host == name
