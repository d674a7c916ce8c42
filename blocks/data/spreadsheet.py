"""Reading spreadsheets.

Registered in `catalogue.py`; the reading itself is in `tables.py` (agent-graphs §17.9).
"""

from collections.abc import AsyncIterator
from datetime import timedelta

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.data.tables import CsvMarks, TableReading, is_excel
from blocks.files.references import open_file, text_of
from blocks.services import File

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReadSpreadsheetInputs(Inputs):
    contents: str | None = Field(None, description="The table as CSV text")
    file_input: str | None = Field(
        None,
        description="The table as a CSV or Excel file (.xlsx, .xls): a data URI, an address or the URI of a file of "
        "the run; counts before `contents`",
    )
    delimiter: str = Field(",", description="The character between two cells")
    quotechar: str = Field('"', description="The character around a cell that contains others; empty for none")
    escapechar: str = Field("\\", description="The character before one that is to be taken as it is; empty for none")
    has_header: bool = Field(True, description="Whether the first line names the columns")
    skip_rows: int = Field(0, description="How many lines to leave out, after the header")
    strip: bool = Field(True, description="Cut blanks off both ends of every cell")
    skip_columns: list[str] = Field(
        default_factory=list, description="Columns to leave out: their names, or positions from 0"
    )
    produce_singular_result: bool = Field(False, description="Give the rows one by one instead of all at once")


class ReadSpreadsheetOutputs(Outputs):
    row: dict[str, str] = Field(description="One row by column, when they are given one by one")
    rows: list[dict[str, str]] = Field(description="All rows by column, when they are given at once")


class ReadSpreadsheet(Block[ReadSpreadsheetInputs]):
    id = "acf7625e-d2cb-4941-bfeb-2819fc6fc015"
    name = "Read spreadsheet"
    description = "Reads a table, from CSV or Excel, into rows by column."
    categories = frozenset({Category.TEXT, Category.DATA})
    timeout = timedelta(minutes=10)
    Input = ReadSpreadsheetInputs
    Output = ReadSpreadsheetOutputs
    examples = (
        Example(
            {"contents": "kind, cups\ngreen, 2\nblack, 1"},
            (("rows", [{"kind": "green", "cups": "2"}, {"kind": "black", "cups": "1"}]),),
        ),
        Example(
            {"contents": "kind;cups\ngreen;2", "delimiter": ";", "produce_singular_result": True},
            (("row", {"kind": "green", "cups": "2"}),),
        ),
    )

    async def run(self, inputs: ReadSpreadsheetInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        file = await open_file(inputs.file_input, context.services) if inputs.file_input else None
        if file is None and not inputs.contents:
            raise ValueError("Give the table: as `contents` or as `file_input`.")
        rows = await _rows(inputs, file)
        if not inputs.produce_singular_result:
            yield "rows", rows
            return
        for row in rows:
            yield "row", row


async def _rows(inputs: ReadSpreadsheetInputs, file: File | None) -> list[dict[str, str]]:
    reading = TableReading(
        has_header=inputs.has_header,
        skip_rows=inputs.skip_rows,
        strip=inputs.strip,
        skip_columns=frozenset(inputs.skip_columns),
    )
    marks = CsvMarks(inputs.delimiter, inputs.quotechar, inputs.escapechar)
    # A data URI has no name, and servers often call everything octet-stream: the content decides.
    if file is not None and (is_excel(file.content) or file.content_type == _EXCEL):
        return await reading.read(file.content, marks)
    return await reading.read((inputs.contents or "") if file is None else text_of(file), marks)
