"""Putting files into a zip archive and taking them out again.

Registered in `catalogue.py`. Archives come from anywhere: how much one may hold is settled in `zip_files.py` before any
of it is unpacked, and the names in it are never paths.
"""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.files.references import content_type_of, open_file, plain_name, refuse_large_file
from blocks.files.zip_files import open_zip, read_entry
from blocks.limits import LARGEST_UNPACKED, MOST_FILES
from blocks.services import File

_CATEGORIES = frozenset({Category.DATA, Category.MULTIMEDIA})
_TEA = "heddle://files/a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42/tea.txt"
_UNIX = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)


class CreateZipArchiveInputs(Inputs):
    files: list[str] = Field(
        description="The files: data URIs, addresses or URIs of files of the run", max_length=MOST_FILES
    )
    name: str = Field("archive.zip", description="What the archive is called")


class CreateZipArchiveOutputs(Outputs):
    archive: str = Field(description="The archive, as the URI of a file of the run")


class CreateZipArchive(Block[CreateZipArchiveInputs]):
    id = "7c2f0f5c-53c6-4c39-9d0f-0a0b0c5f4a11"
    name = "Create zip archive"
    description = "Puts files into a zip archive."
    categories = _CATEGORIES
    Input = CreateZipArchiveInputs
    Output = CreateZipArchiveOutputs
    examples = (
        Example(
            {"files": ["data:text/plain,tea"], "name": "tea.zip"},
            (("archive", "heddle://files/11f519da4317eda2c5808b1d2b2db7da2d56473d697d62b9ce837c9109b5b592/tea.zip"),),
        ),
    )

    async def run(self, inputs: CreateZipArchiveInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        files: list[File] = []
        size = 0
        for reference in inputs.files:
            files.append(await open_file(reference, context.services))
            size += len(files[-1].content)
            if size > LARGEST_UNPACKED:
                raise ValueError(f"The files have more than {LARGEST_UNPACKED:,} bytes together.")
        content = await asyncio.to_thread(_packed, files)
        refuse_large_file(len(content))
        yield "archive", await context.services.files.store(File(plain_name(inputs.name), "application/zip", content))


class ExtractZipArchiveInputs(Inputs):
    archive: str = Field(description="The archive: a data URI, an address or the URI of a file of the run")


class ExtractZipArchiveOutputs(Outputs):
    file: str = Field(description="One of its files, as the URI of a file of the run; once per file")
    files: list[str] = Field(description="All of them")


class ExtractZipArchive(Block[ExtractZipArchiveInputs]):
    id = "7c2f0f5c-53c6-4c39-9d0f-0a0b0c5f4a12"
    name = "Extract zip archive"
    description = "Takes the files out of a zip archive."
    categories = _CATEGORIES
    Input = ExtractZipArchiveInputs
    Output = ExtractZipArchiveOutputs
    examples = (
        Example(
            {
                "archive": "data:application/zip;base64,"
                "UEsDBBQAAAAIAAAAIQCy14aOBQAAAAMAAAAHAAAAdGVhLnR4dCtJTQQAUEsBAhQDFAAAAAgAAAAhALLXho4FAAAAAwAA"
                "AAcAAAAAAAAAAAAAAIABAAAAAHRlYS50eHRQSwUGAAAAAAEAAQA1AAAAKgAAAAAA"
            },
            (("file", _TEA), ("files", [_TEA])),
        ),
    )

    async def run(self, inputs: ExtractZipArchiveInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        archive = await open_file(inputs.archive, context.services)
        unpacked = await asyncio.to_thread(lambda: list(_unpacked(archive.content)))
        uris = []
        for file in unpacked:
            uris.append(await context.services.files.store(file))
            yield "file", uris[-1]
        yield "files", uris


def _packed(files: Sequence[File]) -> bytes:
    """The archive, without times, so that the same files give the same archive."""
    target = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            name = _free(file.name, taken)
            taken.add(name)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, _UNIX
            archive.writestr(entry, file.content)
    return target.getvalue()


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of `name-2.txt`, `name-3.txt`, … that no other file has."""
    if name not in taken:
        return name
    stem, dot, ending = name.rpartition(".")
    start, end = (stem, dot + ending) if dot and stem else (name, "")
    return next(other for number in range(2, MOST_FILES + 2) if (other := f"{start}-{number}{end}") not in taken)


def _unpacked(content: bytes) -> Iterator[File]:
    with open_zip(content) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                name = plain_name(entry.filename)
                yield File(name, content_type_of(name), read_entry(archive, entry))
