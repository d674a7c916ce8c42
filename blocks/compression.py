"""Making texts smaller for storing and sending, and reading them again.

Registered in `catalogue.py`. Compressed text travels in base 64. What unpacking gives is bounded while it is given.
"""

import asyncio
import base64
import binascii
import gzip
import io
import zlib
from collections.abc import AsyncIterator

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_TEXT, refuse_long_text

_GZIP = 16 + zlib.MAX_WBITS


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
        unpacking = zlib.decompressobj(_GZIP)
        content = unpacking.decompress(packed, LONGEST_TEXT)
    except (binascii.Error, ValueError, zlib.error):
        raise ValueError("This is no text packed by gzip, in base 64.") from None
    if unpacking.unconsumed_tail:
        raise ValueError(f"The text would unpack to more than {LONGEST_TEXT:,} bytes.")
    if not unpacking.eof:
        raise ValueError("The packed text is cut off.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("What was packed is no text in UTF-8.") from None
