"""Keeping files with the run, and reading them as text.

Registered in `catalogue.py` (agent-graphs §17.9, §19).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.files.references import open_file, text_of, to_data_uri
from blocks.limits import MOST_CHUNKS

_REFERENCE = "a data URI, an http or https address, or the URI or plain name of a file of the run"


class FileStoreInputs(Inputs):
    file_in: str = Field(description=f"The file: {_REFERENCE}")
    base_64: bool = Field(False, description="Give the file on as a data URI, which holds all of its content")


class FileStoreOutputs(Outputs):
    file_out: str = Field(description="The file, as the URI of a file of the run or as a data URI")


class FileStore(Block[FileStoreInputs]):
    id = "cbb50872-625b-42f0-8203-a2ae78242d8a"
    name = "File store"
    description = "Keeps a file with the run, under a URI that other blocks can read it by."
    categories = frozenset({Category.BASIC, Category.MULTIMEDIA})
    static_output = True
    Input = FileStoreInputs
    Output = FileStoreOutputs
    examples = (
        Example(
            {"file_in": "data:text/plain,tea"},
            (("file_out", "heddle://files/a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42/file.txt"),),
        ),
        Example({"file_in": "data:text/plain,tea", "base_64": True}, (("file_out", "data:text/plain;base64,dGVh"),)),
    )

    async def run(self, inputs: FileStoreInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        file = await open_file(inputs.file_in, context.services)
        yield "file_out", to_data_uri(file) if inputs.base_64 else await context.services.files.store(file)


class FileReadInputs(Inputs):
    file_input: str = Field(description=f"The file: {_REFERENCE}")
    delimiter: str = Field("", description="What separates the rows of the file; empty: it is one row")
    size_limit: int = Field(0, description="The most characters of one piece; 0: all in one")
    row_limit: int = Field(0, description="The most rows to give; 0: all")
    skip_size: int = Field(0, description="How many characters to leave out at the beginning")
    skip_rows: int = Field(0, description="How many rows to leave out at the beginning, after those characters")


class FileReadOutputs(Outputs):
    content: str = Field(description="A piece of the text; the pieces in their order")


class FileRead(Block[FileReadInputs]):
    id = "3735a31f-7e18-4aca-9e90-08a7120674bc"
    name = "File read"
    description = "Reads a file as text, whole or in pieces."
    categories = frozenset({Category.TEXT, Category.DATA})
    Input = FileReadInputs
    Output = FileReadOutputs
    examples = (
        Example({"file_input": "data:text/plain;base64,dGVh"}, (("content", "tea"),)),
        Example(
            {
                "file_input": "data:text/plain,a|b|c|d",
                "delimiter": "|",
                "skip_rows": 1,
                "row_limit": 2,
                "size_limit": 2,
            },
            (("content", "b|"), ("content", "c")),
        ),
    )

    async def run(self, inputs: FileReadInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        file = await open_file(inputs.file_input, context.services)
        text = await asyncio.to_thread(lambda: _chosen(inputs, text_of(file)))
        for piece in _pieces(text, inputs.size_limit):
            yield "content", piece


def _chosen(inputs: FileReadInputs, text: str) -> str | None:
    """The rows asked for, with their delimiter; None when none is left."""
    text = text[max(inputs.skip_size, 0) :]
    if not inputs.delimiter:
        return None if inputs.skip_rows > 0 else text
    start = _after(text, inputs.delimiter, 0, max(inputs.skip_rows, 0))
    if start is None:
        return None
    if inputs.row_limit <= 0:
        return text[start:]
    end = _after(text, inputs.delimiter, start, inputs.row_limit)
    return text[start:] if end is None else text[start : end - len(inputs.delimiter)]


def _after(text: str, delimiter: str, start: int, count: int) -> int | None:
    """Where the text goes on after so many delimiters; None when it has fewer. Splitting it would hold every row."""
    for _ in range(count):
        found = text.find(delimiter, start)
        if found < 0:
            return None
        start = found + len(delimiter)
    return start


def _pieces(text: str | None, size: int) -> Iterator[str]:
    if text is None:
        # What upstream gives when every row was left out; an empty file gives nothing.
        yield ""
        return
    size = size if size > 0 else max(len(text), 1)
    if len(text) // size > MOST_CHUNKS:
        raise ValueError(f"The text would be cut into more than {MOST_CHUNKS:,} pieces; raise `size_limit`.")
    for start in range(0, len(text), size):
        yield text[start : start + size]
