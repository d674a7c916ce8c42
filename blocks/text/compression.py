"""Making texts smaller for storing and sending, and reading them again.

Registered in `catalogue.py`. Compressed text travels in base 64. What unpacking gives is bounded while it is given.
"""

import asyncio
import base64
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Iterator

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_TEXT, refuse_long_text

_GZIP = 16 + zlib.MAX_WBITS
_BEGIN = b"\x1f\x8b"
_PART = 4096
_NO_GZIP = "This is no text packed by gzip, in base 64."


class CompressTextInputs(Inputs):
    text: str = Field(description="The text")


class CompressTextOutputs(Outputs):
    compressed: str = Field(description="The text packed by gzip, in base 64")


class CompressText(Block[CompressTextInputs]):
    id = "7c2f0f5c-53c6-4c39-9d0f-0a0b0c5f4a14"
    name = "Compress text"
    description = "Packs a text by gzip."
    categories = frozenset({Category.TEXT, Category.DATA})
    Input = CompressTextInputs
    Output = CompressTextOutputs
    examples = (Example({"text": "tea"}, (("compressed", "H4sIAAAAAAAC/ytJTQQAsteGjgMAAAA="),)),)

    async def run(self, inputs: CompressTextInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_long_text(len(inputs.text))
        content = inputs.text.encode("utf-8", "replace")
        yield "compressed", base64.b64encode(await asyncio.to_thread(_packed, content)).decode()


class DecompressTextInputs(Inputs):
    compressed: str = Field(description="The text packed by gzip, in base 64")


class DecompressTextOutputs(Outputs):
    text: str = Field(description="The text")


class DecompressText(Block[DecompressTextInputs]):
    id = "7c2f0f5c-53c6-4c39-9d0f-0a0b0c5f4a15"
    name = "Decompress text"
    description = "Unpacks a text that was packed by gzip."
    categories = frozenset({Category.TEXT, Category.DATA})
    Input = DecompressTextInputs
    Output = DecompressTextOutputs
    examples = (Example({"compressed": "H4sIAAAAAAAC/ytJTQQAsteGjgMAAAA="}, (("text", "tea"),)),)

    async def run(self, inputs: DecompressTextInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_long_text(len(inputs.compressed))
        yield "text", await asyncio.to_thread(_unpacked, inputs.compressed)


def _packed(content: bytes) -> bytes:
    """Without time and system, so that the same text gives the same."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as packing:
        packing.write(content)
    return target.getvalue()


def _unpacked(text: str) -> str:
    try:
        packed = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ValueError(_NO_GZIP) from None
    content = bytearray()
    for part in _parts(packed):
        content += part
        if len(content) > LONGEST_TEXT:
            raise ValueError(f"The text would unpack to more than {LONGEST_TEXT:,} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("What was packed is no text in UTF-8.") from None


def _parts(packed: bytes) -> Iterator[bytes]:
    """What the members unpack to, one after the other, in parts of a few MB at the most. Zeros may follow the last.

    They are fed little by little, since a byte unpacks to a thousand, and what follows a member is copied as it ends.
    """
    view, at = memoryview(packed), 0
    unpacking = zlib.decompressobj(_GZIP)
    try:
        while True:
            if at >= len(view):
                raise ValueError("The packed text is cut off.")
            fed = view[at : at + _PART]
            yield unpacking.decompress(fed)
            at += len(fed) - len(unpacking.unused_data)
            if not unpacking.eof:
                continue
            if view[at : at + len(_BEGIN)] != _BEGIN:
                break
            unpacking = zlib.decompressobj(_GZIP)
    except zlib.error:
        raise ValueError(_NO_GZIP) from None
    if packed[at:].strip(b"\0"):
        raise ValueError(_NO_GZIP)
