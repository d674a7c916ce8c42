"""Files as blocks get them: data URIs, addresses, files of the run; storing, reading, archives. Hostile ones too."""

import base64
import gzip
import io
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks import limits
from blocks.files.archives import CreateZipArchive, ExtractZipArchive
from blocks.files.kept import FileRead, FileStore
from blocks.files.references import from_data_uri, is_plain_name, open_file, plain_name, text_of, to_data_uri
from blocks.files.zip_files import open_zip, read_entry
from blocks.services import File, Services
from blocks.text.compression import CompressText, DecompressText
from blocks.typed_inputs import AgentFileInput
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryFiles


@contextmanager
def within(seconds: float, megabytes: int) -> Iterator[None]:
    """What is done inside takes no longer, and the process no more memory than that above its highest mark so far."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    yield
    assert time.perf_counter() - started < seconds
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < megabytes


def data_uri(content: bytes, content_type: str = "application/octet-stream") -> str:
    return to_data_uri(File("file", content_type, content))


# --- references -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "content_type", "content"),
    [
        ("data:,tea", "text/plain", b"tea"),
        ("data:text/plain;charset=utf-8,t%C3%A9", "text/plain", "té".encode()),
        ("data:text/csv;base64,YSxi", "text/csv", b"a,b"),
        ("data:text/csv;base64,YSxiCg", "text/csv", b"a,b\n"),
        ("DATA:Image/PNG;BASE64,AP8=", "image/png", b"\x00\xff"),
        ("data:;base64,\nAP\n8=\n", "text/plain", b"\x00\xff"),
        ("data:text/plain;base64,AP8%3D", "text/plain", b"\x00\xff"),
    ],
)
def test_data_uris(uri: str, content_type: str, content: bytes) -> None:
    file = from_data_uri(uri)
    assert (file.content_type, file.content) == (content_type, content)


@pytest.mark.parametrize(
    "uri", ["data:", "data:text/plain", "data:;base64,a", "data:;base64,ä", "data:tea,x", "data:" + "a" * 2_000 + ",x"]
)
def test_data_uris_that_are_malformed(uri: str) -> None:
    with pytest.raises(ValueError, match=r"data URI|media type") as refusal:
        from_data_uri(uri)
    assert len(str(refusal.value)) < 300


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "image/png", "application/vnd.a.b+json"]))
def test_a_data_uri_holds_any_content(content: bytes, content_type: str) -> None:
    file = from_data_uri(data_uri(content, content_type))
    assert (file.content_type, file.content) == (content_type, content)


def test_a_large_data_uri_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_FILE", 10)
    monkeypatch.setattr("blocks.files.references.LARGEST_FILE", 10)
    assert from_data_uri(data_uri(b"0123456789")).content == b"0123456789"
    for uri in (data_uri(b"0123456789a"), "data:," + "a" * 11, "data:," + "%41" * 11):
        with pytest.raises(ValueError, match="at most 10"):
            from_data_uri(uri)


async def test_a_reference_is_opened_where_it_points() -> None:
    asked = []

    async def fetch(address: str) -> File:
        asked.append(address)
        return File("page.html", "text/html", b"<p>")

    files = MemoryFiles()
    uri = await files.store(File("a.txt", "text/plain", b"tea"))
    services = Services(files=files, fetch=fetch)
    assert (await open_file(uri, services)).content == b"tea"
    assert (await open_file("a.txt", services)).content == b"tea"
    assert (await open_file("HTTPS://example.org/page", services)).content == b"<p>"
    assert asked == ["HTTPS://example.org/page"]


@pytest.mark.parametrize("reference", ["", "..", "../../etc/passwd", "/etc/passwd", "C:\\x", "file:///etc/passwd"])
async def test_no_reference_leads_to_the_hosts_own_files(reference: str) -> None:
    with pytest.raises(ValueError, match="no file"):
        await open_file(reference, Services(MemoryFiles()))


async def test_a_host_that_brings_nothing_says_so() -> None:
    for reference in ("http://example.org/", "heddle://files/a/b", "a.txt"):
        with pytest.raises(ValueError, match="here"):
            await open_file(reference, Services())


@given(st.text(max_size=50))
def test_a_plain_name_is_one_whatever_it_was(name: str) -> None:
    assert is_plain_name(plain_name(name))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("té".encode(), "té"),
        ("\ufefftea".encode(), "tea"),
        ("té".encode("utf-16"), "té"),
        ("\ufeffté".encode("utf-32-be"), "té"),
        (b"t\xe9", "té"),
        (b"\xff\xfe\x00", "\ufffd"),
        (b"", ""),
    ],
)
def test_text_in_any_encoding(content: bytes, text: str) -> None:
    assert text_of(File("x", "text/plain", content)) == text


# --- storing and reading ----------------------------------------------------------------------


async def test_a_stored_file_is_read_by_its_uri() -> None:
    services = Services(MemoryFiles())
    [(_, uri)] = await run(FileStore, {"file_in": data_uri(b"tea", "text/csv")}, services=services)
    assert uri.startswith("heddle://files/")
    assert uri.endswith("/file.csv")
    assert await run(FileRead, {"file_input": uri}, services=services) == [("content", "tea")]
    [(_, back)] = await run(FileStore, {"file_in": uri, "base_64": True}, services=services)
    assert back == data_uri(b"tea", "text/csv")


@pytest.mark.parametrize(
    ("about", "pieces"),
    [
        ({}, ["a\nb\nc"]),
        ({"delimiter": "\n", "skip_rows": 1}, ["b\nc"]),
        ({"delimiter": "\n", "row_limit": 2}, ["a\nb"]),
        ({"delimiter": "\n", "skip_rows": 1, "row_limit": 1}, ["b"]),
        ({"delimiter": "\n", "row_limit": 9}, ["a\nb\nc"]),
        ({"delimiter": "\n", "skip_rows": 3}, [""]),
        ({"skip_size": 2}, ["b\nc"]),
        ({"skip_size": 9}, []),
        ({"size_limit": 2}, ["a\n", "b\n", "c"]),
        ({"skip_rows": 1}, [""]),
        ({"skip_rows": -1, "skip_size": -1, "row_limit": -1, "size_limit": -1}, ["a\nb\nc"]),
    ],
)
async def test_reading_in_pieces(about: dict[str, Any], pieces: list[str]) -> None:
    assert await run(FileRead, {"file_input": data_uri(b"a\nb\nc"), **about}) == [("content", p) for p in pieces]


async def test_lines_end_as_they_do_here_whatever_system_wrote_them() -> None:
    uri = data_uri("ä\r\nb\rc\n".encode())
    assert await run(FileRead, {"file_input": uri}) == [("content", "ä\nb\nc\n")]
    assert await run(FileRead, {"file_input": uri, "delimiter": "\n", "skip_rows": 1, "row_limit": 1}) == [
        ("content", "b")
    ]
    assert text_of(File("a.txt", "text/plain", "a\r\nb".encode("utf-16"))) == "a\nb"
    assert text_of(File("a.txt", "text/plain", b"\xe4\r\nb")) == "ä\nb"


async def test_a_file_of_many_rows_is_not_split_to_be_read() -> None:
    content = data_uri(b"," * 20_000_000)
    with within(seconds=20, megabytes=400):
        outputs = await run(
            FileRead, {"file_input": content, "delimiter": ",", "skip_rows": 10_000_000, "row_limit": 3}
        )
    assert outputs == [("content", ",,")]


async def test_too_many_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="size_limit"):
        await run(FileRead, {"file_input": data_uri(b"a" * 200_002), "size_limit": 2})


async def test_an_agents_file_is_handed_on_or_read() -> None:
    services = Services(MemoryFiles())
    uri = await services.files.store(File("a.txt", "text/plain", b"tea"))
    assert await run(AgentFileInput, {"name": "f", "value": uri}, services=services) == [("result", uri)]
    read = await run(AgentFileInput, {"name": "f", "value": uri, "base_64": True}, services=services)
    assert read == [("result", "data:text/plain;base64,dGVh")]
    assert AgentFileInput().effects_for({"base_64": True}) is Effects.IDEMPOTENT
    assert AgentFileInput().effects_for({"base_64": False}) is Effects.PURE


# --- archives ---------------------------------------------------------------------------------


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


async def test_what_was_packed_comes_out_again() -> None:
    services = Services(MemoryFiles())
    tea = await services.files.store(File("a.txt", "text/plain", b"tea"))
    other = await services.files.store(File("a.txt", "text/plain", b"\x00\xff"))
    [(_, archive)] = await run(CreateZipArchive, {"files": [tea, other], "name": "../x.zip"}, services=services)
    assert archive.endswith("/x.zip")
    outputs = await run(ExtractZipArchive, {"archive": archive}, services=services)
    uris = outputs[-1][1]
    assert outputs == [("file", uris[0]), ("file", uris[1]), ("files", uris)]
    taken = [await services.files.read(uri) for uri in uris]
    assert [(file.name, file.content) for file in taken] == [("a.txt", b"tea"), ("a-2.txt", b"\x00\xff")]


async def test_names_in_archives_are_never_paths() -> None:
    services = Services(MemoryFiles())
    archive = data_uri(zipped(("../../etc/passwd", b"x"), ("C:\\Windows\\a.txt", b"y"), ("folder/", b""), ("..", b"z")))
    outputs = await run(ExtractZipArchive, {"archive": archive}, services=services)
    assert [uri.rpartition("/")[2] for uri in outputs[-1][1]] == ["passwd", "a.txt", "file"]


def bomb() -> bytes:
    return zipped(("zeros", bytes(limits.LARGEST_UNPACKED + 1)))


def lying_bomb() -> bytes:
    """A bomb that declares a hundred bytes."""
    packed = bytearray(zipped(("zeros", bytes(10_000_000))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", packed, packed.find(signature) + offset, 100)
    return bytes(packed)


def encrypted() -> bytes:
    packed = bytearray(zipped(("a", b"x")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.find(signature) + offset] |= 1
    return bytes(packed)


def with_long_directory() -> bytes:
    return b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFF0, 0, 0)


def with_64_bit_directory() -> bytes:
    return b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bomb(), "would unpack to"),
        (lying_bomb(), "damaged"),
        (zipped(*((str(n), b"") for n in range(limits.MOST_FILES + 1))), "1,001 files"),
        (zipped(("a", b"x" * 100), method=zipfile.ZIP_LZMA), "method other than deflate"),
        (zipped(("a", b"x" * 100), method=zipfile.ZIP_BZIP2), "method other than deflate"),
        (encrypted(), "encrypted"),
        (with_long_directory(), "list of files"),
        (with_64_bit_directory(), "list of files"),
        (b"", "not a zip archive"),
        (b"PK\x03\x04", "not a zip archive"),
        (b"PK\x05\x06", "not a zip archive"),
        (zipped(("a", b"tea"))[:-5], "not a zip archive"),
        (zipped(("a", b"tea"))[10:], "not a zip archive|damaged"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
@pytest.mark.timeout(20)
async def test_archives_that_are_refused(content: bytes, reason: str) -> None:
    with within(seconds=10, megabytes=200), pytest.raises(ValueError, match=reason):
        await run(ExtractZipArchive, {"archive": data_uri(content)})


@given(st.binary(max_size=200), st.integers(0, 150), st.binary(min_size=1, max_size=8))
def test_a_damaged_archive_is_refused_or_read(noise: bytes, at: int, patch: bytes) -> None:
    packed = bytearray(zipped(("a.txt", b"tea" * 20)))
    packed[at : at + len(patch)] = patch
    for content in (bytes(packed), noise, bytes(packed) + noise):
        try:
            with open_zip(content) as archive:
                for entry in archive.infolist():
                    assert len(read_entry(archive, entry)) <= limits.LARGEST_UNPACKED
        except ValueError:
            continue


# --- compressed text --------------------------------------------------------------------------


@given(st.text(max_size=200))
async def test_a_compressed_text_comes_back(text: str) -> None:
    [(_, packed)] = await run(CompressText, {"text": text})
    [(_, back)] = await run(DecompressText, {"compressed": packed})
    assert back == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (zlib.compress(bytes(limits.LONGEST_TEXT + 1), wbits=31), "more than"),
        (zlib.compress(b"tea", wbits=31)[:-4], "cut off"),
        (zlib.compress(b"\xff\xfe\xfd", wbits=31), "UTF-8"),
        (zlib.compress(b"tea"), "gzip"),
        (b"tea", "gzip"),
        (gzip.compress(b"tea") + b"tea", "gzip"),
        (gzip.compress(b"tea") + gzip.compress(b"tea")[:-4], "cut off"),
        (gzip.compress(bytes(limits.LONGEST_TEXT // 2 + 1)) * 2, "more than"),
        (b"", "cut off"),
    ],
)
async def test_compressed_texts_that_are_refused(packed: bytes, reason: str) -> None:
    with within(seconds=5, megabytes=200), pytest.raises(ValueError, match=reason):
        await run(DecompressText, {"compressed": base64.b64encode(packed).decode()})


@pytest.mark.parametrize("behind", [b"", bytes(512)], ids=["nothing", "zeros"])
async def test_all_members_of_a_packed_text_are_unpacked(behind: bytes) -> None:
    members = [gzip.compress(text) for text in (b"first " * 2_000, b"", b"second")]
    packed = base64.b64encode(b"".join(members) + behind).decode()
    assert await run(DecompressText, {"compressed": packed}) == [("text", "first " * 2_000 + "second")]


async def test_many_small_members_take_no_longer_than_one() -> None:
    packed = base64.b64encode(gzip.compress(b"") * 200_000).decode()
    with within(seconds=20, megabytes=200):
        assert await run(DecompressText, {"compressed": packed}) == [("text", "")]


async def test_what_is_no_base_64_is_refused() -> None:
    with pytest.raises(ValueError, match="base 64"):
        await run(DecompressText, {"compressed": "tea?"})
