"""Tables out of CSV text and Excel files, within limits of cells and characters.

Used by `spreadsheet.py`. Sheets come from anywhere: no number that a file gives is trusted before it is counted, and
nothing is copied before. What the libraries hold before there is anything to count is bounded by the process apart in
which a table is read.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from typing import Any

import openpyxl
import xlrd

from blocks.apart.limited import Limited
from blocks.files.zip_files import open_zip
from blocks.limits import LARGEST_PART, LARGEST_UNPACKED, LONGEST_TABLE, MOST_CELLS

_MOST_PARTS = 10_000
_ROWS_AND_TEXTS = ("xl/worksheets/", "xl/sharedStrings.xml")
_NO_ROWS: Sequence[str] = ()
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"

# Fields are bounded by the text they stand in; the module's own bound of 128 KiB is shorter than many an article.
csv.field_size_limit(LONGEST_TABLE)

_APART = Limited("blocks.data.tables:rows_here", "The table", megabytes=1024, seconds=60)


def is_excel(content: bytes) -> bool:
    """Whether a file begins as those of Excel do, of today (.xlsx) or before 2007 (.xls)."""
    return content.startswith((_ZIP, _OLD_EXCEL))


@dataclass(frozen=True, slots=True)
class CsvMarks:
    """The characters with a meaning in CSV text; all but the delimiter may be empty for none."""

    delimiter: str = ","
    quotechar: str = '"'
    escapechar: str = "\\"


@dataclass(slots=True)
class TableReading:
    """How rows become dictionaries (agent-graphs §17.9). `skip_columns` are names, or positions from 0."""

    has_header: bool = True
    skip_rows: int = 0
    strip: bool = True
    skip_columns: frozenset[str] = frozenset()
    cells: int = field(default=0, init=False)
    characters: int = field(default=0, init=False)

    async def read(self, content: str | bytes, marks: CsvMarks) -> list[dict[str, str]]:
        """The rows of CSV text or of an Excel file. ValueError when it is damaged or too large."""
        about = {name: value for name, value in asdict(self).items() if name not in ("cells", "characters")}
        rows: list[dict[str, str]] = await _APART.call(content, about, asdict(marks))
        return rows

    def rows(self, lines: Iterable[Sequence[str]]) -> list[dict[str, str]]:
        """One dictionary a row, by the names in the header or by position. ValueError when there is too much."""
        counted = self._counted(lines)
        header = [self._text(name) for name in next(counted, _NO_ROWS)] if self.has_header else []
        for _ in range(self.skip_rows):
            if next(counted, None) is None:
                return []
        return [self._row(header, line) for line in counted]

    def _row(self, header: Sequence[str], line: Sequence[str]) -> dict[str, str]:
        row: dict[str, str] = {}
        for position, text in enumerate(line):
            # A cell beyond the header has no name but its place.
            name = header[position] if position < len(header) else str(position)
            if name not in self.skip_columns and str(position) not in self.skip_columns:
                self._count(name)
                row[name] = self._text(text)
        return row

    def _counted(self, lines: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
        for line in lines:
            self.cells += len(line) + 1
            if self.cells > MOST_CELLS:
                raise ValueError(f"The table has more than {MOST_CELLS:,} cells.")
            yield line

    def _text(self, text: str) -> str:
        # A file names a long text once and refers to it from every cell: stripping makes a copy for each.
        self._count(text)
        return text.strip() if self.strip else text

    def _count(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > LONGEST_TABLE:
            raise ValueError(f"The table has more than {LONGEST_TABLE:,} characters.")


def rows_here(content: str | bytes, about: Mapping[str, Any], marks: Mapping[str, str]) -> list[dict[str, str]]:
    """What `TableReading.read` gives, in this process and thread."""
    return TableReading(**about).rows(_lines(content, marks))


def _lines(content: str | bytes, marks: Mapping[str, str]) -> Iterator[Sequence[str]]:
    if isinstance(content, str):
        return csv_lines(content, **marks)
    return old_excel_lines(content) if content.startswith(_OLD_EXCEL) else excel_lines(content)


def csv_lines(text: str, *, delimiter: str, quotechar: str, escapechar: str) -> Iterator[Sequence[str]]:
    """The lines of CSV text. ValueError when it is too long or not well-formed, or a mark is not one character."""
    if len(text) > LONGEST_TABLE:
        raise ValueError(f"The table has {len(text):,} characters; at most {LONGEST_TABLE:,} are possible.")
    for name, mark, may_be_empty in (
        ("delimiter", delimiter, False),
        ("quotechar", quotechar, True),
        ("escapechar", escapechar, True),
    ):
        if (len(mark) != 1 and not (may_be_empty and not mark)) or mark in ("\r", "\n"):
            raise ValueError(f"`{name}` must be one character, not {mark!r:.20}.")
    try:
        yield from csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter,
            quotechar=quotechar or None,
            escapechar=escapechar or None,
            quoting=csv.QUOTE_MINIMAL if quotechar else csv.QUOTE_NONE,
        )
    except (csv.Error, TypeError, ValueError) as error:
        raise ValueError(f"The table is not well-formed: {error}") from None


def excel_lines(content: bytes) -> Iterator[Sequence[str]]:
    """The lines of the first sheet of an Excel file (.xlsx). ValueError when it is damaged or too large."""
    with open_zip(content, most_files=_MOST_PARTS, most_bytes=LARGEST_UNPACKED) as archive:
        for entry in archive.infolist():
            if entry.file_size > LARGEST_PART and not entry.filename.startswith(_ROWS_AND_TEXTS):
                raise ValueError(f"{entry.filename!r:.100} in the spreadsheet is too large.")
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        if not workbook.worksheets:
            return
        sheet = workbook.worksheets[0]
        # What the file says of its own size may ask for billions of empty cells.
        sheet.reset_dimensions()
        width = 0
        for line in sheet.iter_rows(values_only=True):
            # Empty cells at the end of a row are not in the file.
            width = width or len(line)
            yield [_cell(value) for value in line] + [""] * (width - len(line))
    except MemoryError:
        raise
    except Exception as error:
        # Whatever a damaged file makes of the library: it raises a dozen kinds.
        raise ValueError(f"The spreadsheet cannot be read ({type(error).__name__}).") from None


def old_excel_lines(content: bytes) -> Iterator[Sequence[str]]:
    """The same of a file of Excel before 2007 (.xls)."""
    try:
        workbook = xlrd.open_workbook(
            # It remarks on oddities: to nobody.
            file_contents=content,
            logfile=io.StringIO(),
            on_demand=True,
            ragged_rows=True,
        )
        if not workbook.nsheets:
            return
        sheet = workbook.sheet_by_index(0)
        width = 0
        for number in range(sheet.nrows):
            line = sheet.row(number)
            width = width or len(line)
            yield [_old_cell(cell, workbook.datemode) for cell in line] + [""] * (width - len(line))
    except MemoryError:
        raise
    except Exception as error:
        # As above; an encrypted one, too.
        raise ValueError(f"The spreadsheet cannot be read ({type(error).__name__}).") from None


def _old_cell(cell: xlrd.sheet.Cell, datemode: int) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_DATE:
            moment: datetime = xlrd.xldate.xldate_as_datetime(cell.value, datemode)
            return _cell(moment.time() if 0 <= cell.value < 1 else moment)
        case xlrd.XL_CELL_BOOLEAN:
            return str(bool(cell.value))
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, "#N/A"))
        case _:
            return _cell(cell.value)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ")
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return str(value)
