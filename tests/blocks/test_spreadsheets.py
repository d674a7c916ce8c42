"""Tables from CSV and Excel: what upstream reads (agent-graphs §17.9), and files made to take memory or time."""

import base64
import io
import json
import resource
import time
import zipfile
import zlib
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks import limits
from blocks.apart.limited import Limited
from blocks.base import Block, BlockInputError
from blocks.basic import UniversalTypeConverter
from blocks.data import tables
from blocks.data.dictionaries import FindInDictionary
from blocks.data.spreadsheet import ReadSpreadsheet
from blocks.files.references import to_data_uri
from blocks.services import File
from tests.blocks.block_runs import run

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def attempt(block: type[Block[Any]], inputs: dict[str, Any]) -> Any:
    """The outputs, or the text of a refusal, which is short and never empty."""
    try:
        return await run(block, inputs)
    except (ValueError, BlockInputError) as refusal:
        text = str(refusal)
    assert text
    assert len(text) < 300
    return text


async def rows(contents: str | None = None, **about: Any) -> Any:
    [(name, value)] = await run(ReadSpreadsheet, {"contents": contents, **about})
    assert name == "rows"
    return value


def uri(content: bytes, content_type: str = EXCEL) -> str:
    return to_data_uri(File("table", content_type, content))


def excel(*lines: list[Any]) -> bytes:
    workbook = openpyxl.Workbook()
    for line in lines:
        workbook.active.append(line)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """The archive with one of its files replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed:
        for entry in source.infolist():
            if entry.filename != name:
                changed.writestr(entry.filename, source.read(entry))
        changed.writestr(name, part)
    return target.getvalue()


# --- CSV --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "about", "expected"),
    [
        ("a,b\n1, 2 \n", {}, [{"a": "1", "b": "2"}]),
        ("a,b\n1, 2 \n", {"strip": False}, [{"a": "1", "b": " 2 "}]),
        ("1,2\n3,4", {"has_header": False}, [{"0": "1", "1": "2"}, {"0": "3", "1": "4"}]),
        ("a,b\n1,2\n3,4", {"skip_rows": 1}, [{"a": "3", "b": "4"}]),
        ("a,b\n1,2", {"skip_rows": 9}, []),
        ("a,b,c\n1,2,3", {"skip_columns": ["b", "2"]}, [{"a": "1"}]),
        ("a;b\n1;2", {"delimiter": ";"}, [{"a": "1", "b": "2"}]),
        ("a,b\n'1,x',2", {"quotechar": "'"}, [{"a": "1,x", "b": "2"}]),
        ('a,b\n"1,x",2', {"quotechar": ""}, [{"a": '"1', "b": 'x"', "2": "2"}]),
        ("a\n1\\,2", {}, [{"a": "1,2"}]),
        ("a\n1\\,2", {"escapechar": ""}, [{"a": "1\\", "1": "2"}]),
        ('a\n"line 1\nline 2"', {}, [{"a": "line 1\nline 2"}]),
        ("a,b\n1", {}, [{"a": "1"}]),
        ("a\n1,2", {}, [{"a": "1", "1": "2"}]),
        ("a", {}, []),
        ("a\n" + "x" * 200_000, {}, [{"a": "x" * 200_000}]),
    ],
)
async def test_csv(text: str, about: dict[str, Any], expected: list[dict[str, str]]) -> None:
    assert await rows(text, **about) == expected


async def test_rows_one_by_one() -> None:
    outputs = await run(ReadSpreadsheet, {"contents": "a\n1\n2", "produce_singular_result": True})
    assert outputs == [("row", {"a": "1"}), ("row", {"a": "2"})]


async def test_csv_files_in_other_encodings() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        assert await rows(file_input=uri("ä\né".encode(encoding), "text/csv")) == [{"ä": "é"}]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "contents"),
        ({"contents": "a", "delimiter": ""}, "`delimiter` must be one character"),
        ({"contents": "a", "delimiter": "ab"}, "`delimiter` must be one character"),
        ({"contents": "a", "quotechar": "ab"}, "`quotechar` must be one character"),
        ({"contents": "a", "escapechar": "\n"}, "`escapechar` must be one character"),
        ({"contents": "a", "delimiter": '"'}, "not well-formed"),
        ({"contents": "," * (limits.MOST_CELLS + 1)}, "more than 1,000,000 cells"),
        ({"contents": "\n" * (limits.MOST_CELLS + 2)}, "more than 1,000,000 cells"),
        ({"contents": "x" * 5_000_000 + "\n" + "1\n" * 20}, "more than 50,000,000 characters"),
        ({"contents": "a" * (limits.LONGEST_TABLE + 1)}, "at most 50,000,000"),
    ],
    ids=lambda value: value[:25] if isinstance(value, str) else "",
)
@pytest.mark.timeout(30)
async def test_tables_that_are_refused(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        await run(ReadSpreadsheet, inputs)
    assert len(str(refusal.value)) < 300


@given(
    st.text(max_size=100),
    st.fixed_dictionaries(
        {},
        optional={
            "delimiter": st.text(max_size=2),
            "quotechar": st.text(max_size=2),
            "escapechar": st.text(max_size=2),
            "has_header": st.booleans(),
        },
    ),
)
async def test_any_text_is_a_table_or_refused(text: str, about: dict[str, Any]) -> None:
    found = await attempt(ReadSpreadsheet, {"contents": text, **about})
    assert isinstance(found, str) or all(isinstance(row, dict) for row in found[0][1])


# --- Excel ------------------------------------------------------------------------------------


async def test_excel_cells_become_texts() -> None:
    content = excel(
        ["name", "n", "x", "day", "at", "yes", "none"],
        ["tea ", 2, 2.5, date(2026, 5, 31), datetime.fromisoformat("2026-05-31T14:30"), True, None],
        ["two", 3.0],
    )
    found = await rows(file_input=uri(content))
    assert found[0] == {
        "name": "tea",
        "n": "2",
        "x": "2.5",
        "day": "2026-05-31",
        "at": "2026-05-31 14:30:00",
        "yes": "True",
        "none": "",
    }
    assert (found[1]["name"], found[1]["n"]) == ("two", "3")


async def test_excel_is_known_by_its_content() -> None:
    assert await rows(file_input=uri(excel(["a"], [1]), "application/octet-stream")) == [{"a": "1"}]
    assert len(await rows(file_input=uri(OLD, "application/octet-stream"))) == 2


OLD = zlib.decompress(
    base64.b64decode(
        b"eNrtWE1IVFEU/u6b98aZwdHxL9JgGIS0TBfRJiQdC0s3I5ZEPwQ2OkPKyIyMY2CLsmxWEQStijaCFW2sCPqhgtq1CMxaFEGkSW1cBQUt1Ne557"
        b"2ZZmwCB8pQ3ve4591z7rnv3Hfuuefe915NlcyM362axTI0w4Yl3Ql7hkxQcaYYD6hd12U1dXdQ0S2sKTgdNJF2DY/dLwvkHMr5noWCO+pzosAn"
        b"KscwiI5YNOxbRezhMQSFHEOTUCn2FFyjUoRKHlcp016mZUxvs+4Tpi0suci0iXRnxFFM+TvqdppxfFip5rYiogIPuM97lmxHBV7IOD5zSRi6Gn"
        b"bH+4MD677BqxZiAhQEbeFoOC75YlyHCzhCaAgEGlpbvaobN+Qyb29vDAQau7q86kbcJP9n6PhSbTMop2iawHfdB3xLpY1nPku+unIBkv/Ilhf8"
        b"Qe6gGc8ld9K055K7aPaXyy8rKjAK/biQaytJfT+rRqB1JeFGLacZDbFEXzi+gG4ZYVxIKdIfDdGtd3hwyAaEgiO0IoMJkvSQNkn6YpKJUipyQP"
        b"hwAnEsIEr2d70b/qiR2kCwN1IoNRK+RF//kI805aONJOfJSnJuXvqFREMo5noJJwAPOWHh1tfXgZ5OfzdLRnljM7a/zfLloOOs7EGdi7jFxlQ+"
        b"uo57bGN6jp+6ietVTMvpvele01lhVvaNsc55bq0hOzsYb/y1GfUtVE/O73/oTc75t1J9sm32VPnkW/84qsm5IeovrzHUi3px9YrEI3/qLsxE+Y"
        b"Fp5W9J06F4zLHr5h5fjEWeDpA/JAxOekekOcX0lcHZiLOlOZU4Nc1pxGlpzk6c3bQqmM+2Ktiq9ONTGrdgqy5O9ienFbJoI38LslWGg4w5vyFR"
        b"ybOSv3fhS4umODinyfFKOwqPN9uOwnbkrJ5WXObcz9MrNCuluC8baQP5hdWIIJGmazWCRM4IksdF9ipyedWCBQsWLFiw8F8g+HhkHGFVPrAZh5"
        b"sC87/OIpUl6zfJusUBxOhK0DfUXvqSStAX1Uhe8bMBmkg9S6ywT+p/ocQhsh5HBD08jkje8UuHU5H5Pivu6Pl7Syhf+0v5jPMf2/8JRZ43pQ=="
    )
)
"""A file of Excel before 2007 with two sheets, which the library xlwt wrote; no library that is kept up does."""


async def test_old_excel() -> None:
    first, second = await rows(file_input=uri(OLD, "application/vnd.ms-excel"))
    assert first == {
        "kind": "grün \U0001f375",
        "cups": "2",
        "day": "2026-05-31",
        "at": "14:30:00",
        "both": "2026-05-31 14:30:00",
        "hot": "True",
        "none": "",
    }
    assert second == {"kind": "black", "cups": "2.5", **dict.fromkeys(("day", "at", "both", "hot", "none"), "")}


@given(st.integers(0, len(OLD) - 1), st.binary(min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
async def test_a_damaged_old_spreadsheet_is_refused_or_read(at: int, patch: bytes) -> None:
    content = bytearray(OLD)
    content[at : at + len(patch)] = patch
    found = await attempt(ReadSpreadsheet, {"file_input": uri(bytes(content)), "has_header": False})
    assert isinstance(found, str) or isinstance(found[0][1], list)


SHEET = "xl/worksheets/sheet1.xml"
HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha ha ha ha ha ha ha ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)


def sheet(rows: str, dimension: str = "") -> bytes:
    return with_part(excel(["a"]), SHEET, f"{HEAD}{dimension}<sheetData>{rows}</sheetData></worksheet>".encode())


def texts(xml: str) -> bytes:
    """A spreadsheet as Excel writes them: cells name texts that stand elsewhere."""
    named = xml.replace("<sst>", '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
    with zipfile.ZipFile(io.BytesIO(excel(["a"]))) as archive:
        types = archive.read("[Content_Types].xml")
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    content = sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    content = with_part(content, "[Content_Types].xml", types.replace(b"</Types>", part))
    return with_part(content, "xl/sharedStrings.xml", named.encode())


def shared(text: str, *lines: int) -> bytes:
    """A spreadsheet whose lines have so many cells, all of which refer to one text."""
    content = texts(f'<sst><si><t xml:space="preserve">{text}</t></si></sst>')
    rows = "".join(f"<row>{'<c t="s"><v>0</v></c>' * cells}</row>" for cells in lines)
    return with_part(content, SHEET, f"{HEAD}<sheetData>{rows}</sheetData></worksheet>".encode())


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (shared("x" * 500_000 + " ", 1, 16_000), {}),
        (shared("x" * 500_000 + " ", 16_000, 1), {}),
        (shared("x" * 500_000 + " ", 16_000), {"has_header": False}),
        (shared("x" * 500_000 + " ", *[1] * 16_000), {"has_header": False}),
        (shared("x" * 500_000 + " ", 2, *[2] * 16_000), {"strip": False}),
    ],
    ids=["row", "header", "no header", "column", "as it is"],
)
async def test_one_long_text_in_many_cells_is_refused_before_it_is_copied(
    content: bytes, about: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tables, "_APART", Limited("blocks.data.tables:rows_here", "The table", megabytes=512, seconds=20)
    )
    assert len(content) < 200_000
    with pytest.raises(ValueError, match="more than 50,000,000 characters"):
        await rows(file_input=uri(content), **about)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(sheet("<row>" + "<c/>" * 3_000_000 + "</row>"), id="cells of one row"),
        pytest.param(texts("<sst>" + "<si/>" * 3_000_000 + "</sst>"), id="texts"),
    ],
)
async def test_what_the_library_holds_before_it_is_counted_is_not_the_workers(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tables, "_APART", Limited("blocks.data.tables:rows_here", "The table", megabytes=192, seconds=2)
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"more than .* MB"):
        await rows(file_input=uri(content))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 << 10


async def test_texts_that_stand_elsewhere() -> None:
    assert await rows(file_input=uri(texts("<sst><si><t>tea</t></si></sst>")), has_header=False) == [{"0": "tea"}]


async def test_a_sheet_that_boasts_of_its_size_is_read_as_it_is() -> None:
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="2"><c r="A2"><v>1</v></c></row>'
    content = sheet(cell, '<dimension ref="A1:XFD1048576"/>')
    started = time.perf_counter()
    assert await rows(file_input=uri(content)) == [{"a": "1"}]
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(sheet('<row r="99999999"><c r="A99999999"><v>1</v></c></row>'), id="far row"),
        pytest.param(sheet('<row><c r="XFD1"><v>1</v></c></row>' * 100), id="far columns"),
        pytest.param(sheet("<row><c><v>1</v></c></row>" * 600_000), id="many rows"),
        pytest.param(with_part(excel(["a"]), SHEET, b"<a>" * 100_000), id="deep"),
        pytest.param(
            with_part(excel(["a"]), SHEET, (LAUGHS + HEAD + "<sheetData>&j;</sheetData></worksheet>").encode()),
            id="laughs in a sheet",
        ),
        pytest.param(texts(LAUGHS + "<sst><si><t>&j;</t></si></sst>"), id="laughs in the texts"),
        pytest.param(
            with_part(excel(["a"]), "xl/workbook.xml", LAUGHS.encode() + b"<workbook>&j;</workbook>"),
            id="laughs in the workbook",
        ),
        pytest.param(with_part(excel(["a"]), "xl/styles.xml", bytes(limits.LARGEST_PART + 1)), id="large styles"),
        pytest.param(with_part(excel(["a"]), SHEET, bytes(limits.LARGEST_UNPACKED + 1)), id="zip bomb"),
        pytest.param(excel(["a"])[:-50], id="cut off"),
        pytest.param(b"PK\x03\x04 no archive", id="no archive"),
        pytest.param(OLD[:8] + bytes(100), id="nothing of old Excel"),
        pytest.param(OLD[:2_000], id="old Excel cut off"),
        pytest.param(OLD[:8] + b"\xff" * 10_000, id="old Excel of ones"),
        pytest.param(with_part(excel(["a"]), "xl/workbook.xml", b""), id="no workbook"),
    ],
)
@pytest.mark.timeout(60)
async def test_spreadsheets_that_are_refused(content: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"spreadsheet|table|archive") as refusal:
        await rows(file_input=uri(content), has_header=False)
    assert time.perf_counter() - started < 30
    assert len(str(refusal.value)) < 300


@given(st.integers(0, 6_000), st.binary(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
async def test_a_damaged_spreadsheet_is_refused_or_read(at: int, patch: bytes) -> None:
    content = bytearray(excel(["a", "b"], [1, "x"], [date(2026, 5, 31), None]))
    content[at : at + len(patch)] = patch
    found = await attempt(ReadSpreadsheet, {"file_input": uri(bytes(content))})
    assert isinstance(found, str) or isinstance(found[0][1], list)


# --- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "[" * 100_000 + "]" * 100_000])
@pytest.mark.timeout(20)
async def test_deeply_nested_json_is_refused_or_kept_as_text(text: str) -> None:
    """Text that is JSON by its looks alone: blocks that read JSON neither crash nor take long."""
    for block, inputs in (
        (UniversalTypeConverter, {"value": text, "type": "list"}),
        (UniversalTypeConverter, {"value": text, "type": "dictionary"}),
        (FindInDictionary, {"input": text, "key": "a"}),
    ):
        json.dumps(await attempt(block, inputs))
