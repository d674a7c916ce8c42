"""Files as blocks get them: a text that holds a file or says where it lies (agent-graphs §19).

Used by every block with a file among its inputs. A reference is a data URI, an http or https address, the URI of a file
of the run, or its plain name.
"""

import base64
import binascii
import codecs
import mimetypes
import re
from urllib.parse import unquote_to_bytes

from blocks.limits import LARGEST_FILE
from blocks.services import File, Services

_DATA_URI = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,;]*)*),", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*")
_LONGEST_HEAD = 1_000
_LONGEST_NAME = 200
_NO_NAME = frozenset({"", ".", ".."})
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f/\\]")

SCHEME = "heddle://files/"
"""How the URI of a run's file begins."""


async def open_file(reference: str, services: Services) -> File:
    """The file that a reference names. ValueError, in words for people, when there is none or it is too large."""
    head = reference[:16].lower()
    if head.startswith("data:"):
        return from_data_uri(reference)
    if head.startswith(("http://", "https://")):
        return await services.fetch(reference)
    if head.startswith(SCHEME) or is_plain_name(reference):
        return await services.files.read(reference)
    raise ValueError(
        f"{reference!r:.100} is no file: give a data URI, an http or https address or the URI of a file of this run."
    )


class FilesTogether:
    """Opens files that one node holds at once, at most so many bytes of them."""

    def __init__(self, services: Services, most: int) -> None:
        self._services = services
        self._most = most
        self._size = 0

    async def open(self, reference: str) -> File:
        """One more. ValueError as `open_file`, and as soon as they are too large together: none is read after that."""
        file = await open_file(reference, self._services)
        self._size += len(file.content)
        if self._size > self._most:
            raise ValueError(f"The files can have {self._most:,} bytes together, and have more.")
        return file


def from_data_uri(uri: str) -> File:
    """The file inside a data URI. ValueError when it is malformed or too large."""
    found = _DATA_URI.match(uri[:_LONGEST_HEAD])
    if found is None:
        raise ValueError("The data URI is not well-formed; it begins like data:text/plain;base64, and the content.")
    content_type = found["type"].strip().lower() or "text/plain"
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise ValueError(f"{content_type!r:.60} is not a media type; they are called like text/plain.")
    parameters = [parameter.strip() for parameter in found["parameters"].lower().split(";")]
    body = uri[found.end() :]
    # At least so many bytes, whatever blanks and escapes are in it: what is far too large is not even decoded.
    refuse_large_file(len(body) // (2 if "base64" in parameters else 3))
    content = _from_base64(body) if "base64" in parameters else unquote_to_bytes(body)
    refuse_large_file(len(content))
    return File(f"file{extension_of(content_type)}", content_type, content)


def to_data_uri(file: File) -> str:
    """The file as a data URI."""
    return f"data:{file.content_type};base64,{base64.b64encode(file.content).decode()}"


def text_of(file: File) -> str:
    """The file as text: UTF-8, or what its byte order mark says, else Latin 1, which reads anything.

    Its lines end in `\\n` alone, whatever system wrote them, so that a delimiter of `\\n` parts them.
    """
    return _decoded(file.content).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace").removeprefix("\ufeff")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def content_type_of(name: str) -> str:
    """The media type of files that are named so."""
    _, _, ending = name.lower().rpartition(".")
    by_ending = {extension: content_type for content_type, extension in reversed(_EXTENSIONS.items())}
    return by_ending.get(f".{ending}") or mimetypes.guess_type(name)[0] or "application/octet-stream"


def extension_of(content_type: str) -> str:
    """The usual ending of such files, as `.csv`; empty when there is none."""
    return _EXTENSIONS.get(content_type) or mimetypes.guess_extension(content_type) or ""


def plain_name(name: str) -> str:
    """A name without folders and control characters, short enough for any system; `file` when nothing is left."""
    last = _NOT_IN_NAMES.sub("", re.split(r"[/\\]", name)[-1]).strip()
    return "file" if last in _NO_NAME else last[-_LONGEST_NAME:]


def is_plain_name(name: str) -> bool:
    """Whether it can be the name of a file: no folders, no way out of them."""
    return name not in _NO_NAME and len(name) <= _LONGEST_NAME and not _NOT_IN_NAMES.search(name)


def refuse_large_file(size: int) -> None:
    """ValueError when a file of this many bytes is too large."""
    if size > LARGEST_FILE:
        raise ValueError(f"The file has {size:,} bytes; at most {LARGEST_FILE:,} are possible.")


def _from_base64(text: str) -> bytes:
    compact = re.sub(r"\s+|%0[aAdD]", "", text).replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), altchars=None, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The content of the data URI is not base 64.") from None


# The longer mark first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What differs between systems or is not known to them.
_EXTENSIONS = {
    "application/json": ".json",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/xml": ".xml",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/xml": ".xml",
}
