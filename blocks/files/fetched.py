"""Files that lie at an address: `Fetch` of `services.py`, over the guarded client.

Made by `activities/`, used by blocks whose inputs name files. It keeps nothing.
"""

import mimetypes
import re
from email.message import Message
from urllib.parse import unquote

from blocks.files.references import extension_of, plain_name
from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.services import File

_KIND = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_ANY_KIND = "application/octet-stream"


class FetchedFiles:
    """Reads files from http and https addresses."""

    def __init__(self, http: Http, most_bytes: int, *, seconds: float = 300.0) -> None:
        self._http = http
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def __call__(self, address: str) -> File:
        """The file, whole, with a plain name. RequestFailed when the address is refused, fails or holds too much."""
        answer = await self._http.request("GET", address, seconds=self._seconds, most_bytes=self._most_bytes)
        answer.checked()
        kind = answer.media_type if _KIND.fullmatch(answer.media_type) else ""
        name = plain_name(_told_name(answer) or unquote(answer.url.path.rpartition("/")[2]))
        if kind in ("", _ANY_KIND):
            kind = mimetypes.guess_type(name)[0] or _ANY_KIND
        if "." not in name:
            name = f"{name}{extension_of(kind)}"
        return File(name, kind, answer.body)


def _told_name(answer: Answer) -> str:
    header = Message()
    header["Content-Disposition"] = str(answer.headers.get("Content-Disposition", ""))[:1000]
    return header.get_filename() or ""
