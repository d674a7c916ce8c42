"""Bodies as they come over the wire to bytes and text, within limits.

Used by `client.py` and `answers.py`. A few compressed bytes can unfold to gigabytes, so nothing is unfolded further
than the limit; a charset is only a claim, and some of Python's codecs are not for strangers' bytes.
"""

import asyncio
import codecs
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator

from blocks.http.errors import AnswerTooLarge, AnswerUnreadable

ACCEPTED = "gzip, deflate"
_PART = 256 * 1024
_PIECE = 4 * 1024
_MEMBER = b"\x1f\x8b"

_CHARSETS = frozenset(
    {
        *("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "koi8-r", "koi8-u"),
        *("big5", "big5hkscs", "gb2312", "gbk", "gb18030", "hz", "euc_jp", "euc_kr", "cp949", "shift_jis", "cp932"),
        *("iso2022_jp", "iso2022_kr", "tis-620", "mac-roman", "mac-cyrillic", "cp866", "cp437", "cp850", "cp874"),
        *(f"iso8859-{number}" for number in range(1, 17)),
        *(f"cp125{number}" for number in range(9)),
    }
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


async def unfolded(pieces: AsyncIterable[bytes], coding: str, *, most: int, host: str) -> AsyncIterator[bytes]:
    """The body's bytes in pieces. AnswerTooLarge once more than `most` have come, before or after unfolding."""
    coding = coding.strip().lower()
    inflating = _inflating(coding, host)
    came = gave = 0
    try:
        async for piece in pieces:
            came += len(piece)
            if came > most:
                raise too_large(host, most)
            for part in inflating.parts(piece) if inflating else (piece,):
                gave += len(part)
                if gave > most:
                    raise too_large(host, most)
                yield part
                await asyncio.sleep(0)  # unfolding keeps the processor busy; others want their turn
    except zlib.error:
        raise AnswerUnreadable(f"{host} sent a body that is not the {coding} it claims to be.", host=host) from None
    if inflating and came and not inflating.ended:
        raise AnswerUnreadable(f"{host} sent a body that ends too early.", host=host)


def _inflating(coding: str, host: str) -> "_Inflating | None":
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Inflating(coding)
    raise AnswerUnreadable(f"{host} sent a body in a coding that was not asked for; {ACCEPTED} were.", host=host)


def too_large(host: str, most: int) -> AnswerTooLarge:
    """The error for an answer past the limit of `most` bytes."""
    return AnswerTooLarge(f"The answer of {host} is larger than the {most:,} bytes that are allowed.", host=host)


class _Inflating:
    """gzip or deflate, unfolded in parts of bounded size. gzip may have several members, one after the other."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflate: zlib._Decompress | None = None
        self._behind = b""

    @property
    def ended(self) -> bool:
        """Whether the compressed stream has come to its end."""
        return self._inflate is not None and self._inflate.eof

    def parts(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes unfold to. What follows the end of the stream and is no further member is left aside."""
        if self._inflate is None:
            if not data:
                return
            self._inflate = self._begun_with(data[0])
        # What follows an end is copied there: in small pieces, so that a thousand ends in one are no matter.
        for start in range(0, len(data), _PIECE):
            yield from self._member_parts(data[start : start + _PIECE])

    def _member_parts(self, data: bytes) -> Iterator[bytes]:
        while self._inflate:
            if self._inflate.eof:
                # The two bytes that begin a member may come one by one.
                data = self._behind + data
                self._behind = data[:2]
                if self._coding == "deflate" or not data.startswith(_MEMBER):
                    return
                self._behind = b""
                self._inflate = self._begun_with(data[0])
            part = self._inflate.decompress(data, _PART)
            if part:
                yield part
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if len(part) < _PART and not data and not self._inflate.eof:
                return

    def _begun_with(self, first: int) -> "zlib._Decompress":
        if self._coding != "deflate":
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        # Some servers send deflate without the header that belongs before it.
        return zlib.decompressobj(zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS)


def text_of(body: bytes, charset: str | None) -> str:
    """The body as text: by its byte order mark, else by the claimed charset if it is one, else as UTF-8.

    Bytes that do not fit become U+FFFD.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body.decode(codec, errors="replace")
    return body.decode(_known(charset) or "utf-8", errors="replace")


def _known(charset: str | None) -> str | None:
    """The codec's name when it is one of those for text on the web. Others can run for minutes or are no text."""
    try:
        name = codecs.lookup((charset or "").strip("\"' ")[:40]).name
    except (LookupError, ValueError):
        return None
    return name if name in _CHARSETS else None
