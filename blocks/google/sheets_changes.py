"""Changing a sheet as a table: its rows and columns. Headings stand in the first row.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`. All are entered at most once.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.google.sheets_rows import cell
from blocks.google.sheets_values import OPTION, ValueInputOption
from blocks.google.spreadsheets import (
    EXAMPLE_SHEETS,
    META,
    SHEET_API,
    ResultOutputs,
    SheetInputs,
    SpreadsheetBlock,
    example,
    said,
)
from blocks.providers.google_sheets import Sheet, Sheets
from blocks.providers.sheet_cells import column_in, column_letters, column_number, in_sheet
from engine.model import Effects

_DONE = {"success": True}
_LAST_ROW = 10_000_000
_CHANGE = said(f"POST {SHEET_API}:batchUpdate", '{"replies": [{}]}')
_HEADER = said(f"GET {SHEET_API}/values/%27Cups%27%211%3A1", '{"values": [["Tea", "Cups"]]}')


class GoogleSheetsUpdateRowInputs(SheetInputs):
    row_index: int = Field(title="Row", description="Its number, from 1", ge=1, le=_LAST_ROW)
    values: list[str] = Field(default_factory=list, title="Cells", description="The cells from the first column on")
    dict_values: dict[str, str] = Field(
        default_factory=dict, title="By heading", description="Or cells by the headings of their columns"
    )


class GoogleSheetsUpdateRow(SpreadsheetBlock[GoogleSheetsUpdateRowInputs]):
    id = "b8a934d5-fca0-4be3-9fc2-a99bf63bd385"
    name = "Update Google Sheets row"
    description = "Writes the cells of one row of a sheet, or some of them by their headings."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsUpdateRowInputs
    Output = ResultOutputs
    examples = (
        example(
            {"row_index": 2, "dict_values": {"cups": "3"}},
            {"result": {"success": True, "updatedCells": 1}},
            said(META, EXAMPLE_SHEETS),
            _HEADER,
            said(f"POST {SHEET_API}/values:batchUpdate", '{"totalUpdatedCells": 1}'),
        ),
        example(
            {"row_index": 2, "values": ["Green", "3"]},
            {"result": {"success": True, "updatedCells": 2}},
            said(META, EXAMPLE_SHEETS),
            said(f"PUT {SHEET_API}/values/%27Cups%27%21A2?valueInputOption=USER_ENTERED", '{"updatedCells": 2}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsUpdateRowInputs) -> Mapping[str, Any]:
        if not (inputs.values or inputs.dict_values):
            raise ValueError("There is nothing to write: give `values` or `dict_values`.")
        sheet = await sheets.sheet(inputs.sheet_name)
        if inputs.dict_values:
            header = [heading.lower() for heading in await sheets.row(sheet, 1)]
            data = []
            # Only these cells are written: what stands in others may be a formula, which reading would not show.
            for name, value in inputs.dict_values.items():
                if name.lower() not in header:
                    raise ValueError(f"The sheet has no column {name!r:.100}. It has: {', '.join(header):.1000}.")
                place = f"{column_letters(header.index(name.lower()))}{inputs.row_index}"
                data.append({"range": in_sheet(sheet.name, place), "values": [[value]]})
            await sheets.write_many(data)
            return {"result": {**_DONE, "updatedCells": len(data)}}
        await sheets.write(in_sheet(sheet.name, f"A{inputs.row_index}"), [inputs.values])
        return {"result": {**_DONE, "updatedCells": len(inputs.values)}}


class GoogleSheetsInsertRowInputs(SheetInputs):
    row: list[str] = Field(title="Row", description="The cells of the row", min_length=1)
    row_index: int = Field(
        title="Number", description="Its number, from 1; rows from there on move down", ge=1, le=_LAST_ROW
    )
    value_input_option: ValueInputOption = OPTION


class GoogleSheetsInsertRow(SpreadsheetBlock[GoogleSheetsInsertRowInputs]):
    id = "03eda5df-8080-4ed1-bfdf-212f543d657e"
    name = "Insert Google Sheets row"
    description = "Puts a row between the others of a sheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsInsertRowInputs
    Output = ResultOutputs
    examples = (
        example(
            {"row": ["White", "1"], "row_index": 3},
            {"result": _DONE},
            said(META, EXAMPLE_SHEETS),
            _CHANGE,
            said(f"PUT {SHEET_API}/values/%27Cups%27%21A3?valueInputOption=USER_ENTERED", '{"updatedCells": 2}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsInsertRowInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        await sheets.change(_insertion(sheet, "ROWS", inputs.row_index - 1))
        place = in_sheet(sheet.name, f"A{inputs.row_index}")
        await sheets.write(place, [inputs.row], inputs.value_input_option.value)
        return {"result": _DONE}


class GoogleSheetsDeleteRowsInputs(SheetInputs):
    row_indices: list[int] = Field(title="Rows", description="Their numbers, from 1", examples=[[2, 5]])


class GoogleSheetsDeleteRowsOutputs(ResultOutputs):
    deleted_count: int = Field(title="Count", description="How many rows were deleted")


class GoogleSheetsDeleteRows(SpreadsheetBlock[GoogleSheetsDeleteRowsInputs]):
    id = "24bcd490-b02d-44c6-847d-b62a2319f5eb"
    name = "Delete Google Sheets rows"
    description = "Deletes rows of a sheet by their numbers; those below move up."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsDeleteRowsInputs
    Output = GoogleSheetsDeleteRowsOutputs
    examples = (
        example({"row_indices": [2, 5]}, {"result": _DONE, "deleted_count": 2}, said(META, EXAMPLE_SHEETS), _CHANGE),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsDeleteRowsInputs) -> Mapping[str, Any]:
        rows = set(inputs.row_indices)
        if not all(1 <= row <= _LAST_ROW for row in rows):
            raise ValueError("The numbers of rows begin with 1.")
        if rows:
            sheet = await sheets.sheet(inputs.sheet_name)
            await sheets.change(*_deletions(sheet, rows))
        return {"result": _DONE, "deleted_count": len(rows)}


class GoogleSheetsRemoveDuplicatesInputs(SheetInputs):
    columns: list[str] = Field(
        default_factory=list, title="Columns", description="What is compared, by headings or letters; none: all"
    )
    keep: str = Field("first", title="Keep", description="`first` or `last`")
    match_case: bool = Field(False, title="Match case", description="Tell capitals from small letters")


class GoogleSheetsRemoveDuplicatesOutputs(ResultOutputs):
    removed_count: int = Field(title="Removed", description="How many rows were deleted")
    remaining_rows: int = Field(title="Left", description="How many rows there are now, with the headings")


class GoogleSheetsRemoveDuplicates(SpreadsheetBlock[GoogleSheetsRemoveDuplicatesInputs]):
    id = "6eb50ff7-205b-400e-8ecc-1ce8d50075be"
    name = "Remove Google Sheets duplicates"
    description = (
        "Deletes the rows of a sheet that are the same as another, in all columns or in some; blank ones stay."
    )
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsRemoveDuplicatesInputs
    Output = GoogleSheetsRemoveDuplicatesOutputs
    examples = (
        example(
            {"columns": ["Tea"]},
            {"result": _DONE, "removed_count": 1, "remaining_rows": 3},
            said(META, EXAMPLE_SHEETS),
            said(
                f"GET {SHEET_API}/values/%27Cups%27?valueRenderOption=UNFORMATTED_VALUE",
                '{"values": [["Tea", "Cups"], ["Green"], ["Black"], ["green"]]}',
            ),
            _HEADER,
            _CHANGE,
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsRemoveDuplicatesInputs) -> Mapping[str, Any]:
        if inputs.keep not in ("first", "last"):
            raise ValueError(f"What is kept is the `first` or the `last`, not {inputs.keep!r:.60}.")
        sheet = await sheets.sheet(inputs.sheet_name)
        rows = await sheets.rows_as_they_are(sheet)
        # Headings are named as they are shown.
        header = await sheets.row(sheet, 1) if inputs.columns and rows else []
        # All columns, too, that have no heading.
        every = range(max(map(len, rows), default=0))
        compared = [column_in(header, name) for name in inputs.columns] if inputs.columns and rows else every
        kept: dict[tuple[str, ...], int] = {}
        doubles: set[int] = set()
        for number, row in enumerate(rows[1:], 2):
            if not any(map(str.strip, row)):
                continue
            key = tuple(cell(row, each) if inputs.match_case else cell(row, each).lower() for each in compared)
            if key in kept:
                doubles.add(number if inputs.keep == "first" else kept[key])
            if key not in kept or inputs.keep == "last":
                kept[key] = number
        if doubles:
            await sheets.change(*_deletions(sheet, doubles))
        return {"result": _DONE, "removed_count": len(doubles), "remaining_rows": len(rows) - len(doubles)}


class SortOrder(StrEnum):
    """Which comes first."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


class GoogleSheetsSortInputs(SheetInputs):
    sort_column: str = Field(title="Column", description="What rows are sorted by: its heading, or its letters")
    sort_order: SortOrder = Field(SortOrder.ASCENDING, title="Order", description="`ascending` or `descending`")
    secondary_column: str = Field("", title="Second column", description="What decides among the same; empty: nothing")
    secondary_order: SortOrder = Field(SortOrder.ASCENDING, title="Its order", description="As the other")
    has_header: bool = Field(True, title="With headings", description="The first row stays where it is")


class GoogleSheetsSort(SpreadsheetBlock[GoogleSheetsSortInputs]):
    id = "a265bd84-c93b-459d-bbe0-94e6addaa38f"
    name = "Sort Google Sheets"
    description = "Sorts the rows of a sheet by one or two columns."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsSortInputs
    Output = ResultOutputs
    examples = (
        example(
            {"sort_column": "Cups", "sort_order": "descending"},
            {"result": _DONE},
            said(META, EXAMPLE_SHEETS),
            _HEADER,
            _CHANGE,
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsSortInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        header = await sheets.row(sheet, 1)
        by = [(inputs.sort_column, inputs.sort_order)]
        by += [(inputs.secondary_column, inputs.secondary_order)] if inputs.secondary_column else []
        area = {
            "sheetId": sheet.id,
            "startRowIndex": 1 if inputs.has_header else 0,
            "endRowIndex": sheet.rows,
            "startColumnIndex": 0,
            "endColumnIndex": sheet.columns,
        }
        specs = [{"dimensionIndex": column_in(header, name), "sortOrder": order.value.upper()} for name, order in by]
        await sheets.change({"sortRange": {"range": area, "sortSpecs": specs}})
        return {"result": _DONE}


class GoogleSheetsAddColumnInputs(SheetInputs):
    header: str = Field(title="Heading", description="The heading of the new column")
    position: str = Field("end", title="Place", description="`end`, or the letters of the column it comes before")
    default_value: str = Field("", title="Value", description="What stands in every row that is in use; empty: nothing")


class GoogleSheetsAddColumnOutputs(ResultOutputs):
    column_letter: str = Field(title="Letters", description="The letters of the new column")
    column_index: int = Field(title="Number", description="Its number, from 0")


class GoogleSheetsAddColumn(SpreadsheetBlock[GoogleSheetsAddColumnInputs]):
    id = "cac51050-fc9e-4e63-987a-66c2ba2a127b"
    name = "Add Google Sheets column"
    description = "Puts a column with a heading into a sheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsAddColumnInputs
    Output = GoogleSheetsAddColumnOutputs
    examples = (
        example(
            {"header": "Note", "position": "B", "default_value": "new"},
            {"result": _DONE, "column_letter": "B", "column_index": 1},
            said(META, EXAMPLE_SHEETS),
            said(f"GET {SHEET_API}/values/%27Cups%27", '{"values": [["Tea", "Cups"], ["Green"]]}'),
            _CHANGE,
            said(f"PUT {SHEET_API}/values/%27Cups%27%21B1?valueInputOption=USER_ENTERED", '{"updatedCells": 2}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsAddColumnInputs) -> Mapping[str, Any]:
        place = inputs.position.strip()
        if not (place.isascii() and place.isalpha() and len(place) <= 3):
            raise ValueError(f"A column comes at the `end` or before the column of some letters, not {place!r:.60}.")
        sheet = await sheets.sheet(inputs.sheet_name)
        rows = await sheets.rows(sheet)
        used = max(map(len, rows), default=0)
        column = used if place.lower() == "end" else column_number(place)
        if place.lower() != "end" or column >= sheet.columns:
            await sheets.change(_insertion(sheet, "COLUMNS", column))
        below = [[inputs.default_value]] * (len(rows) - 1) if inputs.default_value else []
        letters = column_letters(column)
        await sheets.write(in_sheet(sheet.name, f"{letters}1"), [[inputs.header], *below])
        return {"result": _DONE, "column_letter": letters, "column_index": column}


class GoogleSheetsDeleteColumnInputs(SheetInputs):
    column: str = Field(title="Column", description="The column: its heading, or its letters")


class GoogleSheetsDeleteColumn(SpreadsheetBlock[GoogleSheetsDeleteColumnInputs]):
    id = "59b266b6-5cce-4661-a1d3-c417e64d68e9"
    name = "Delete Google Sheets column"
    description = "Deletes a column of a sheet; those behind it move up."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsDeleteColumnInputs
    Output = ResultOutputs
    examples = (example({"column": "Cups"}, {"result": _DONE}, said(META, EXAMPLE_SHEETS), _HEADER, _CHANGE),)

    async def work(self, sheets: Sheets, inputs: GoogleSheetsDeleteColumnInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        column = column_in(await sheets.row(sheet, 1), inputs.column)
        await sheets.change({"deleteDimension": {"range": _run(sheet, "COLUMNS", column, column + 1)}})
        return {"result": _DONE}


def _insertion(sheet: Sheet, dimension: str, at: int) -> dict[str, Any]:
    """A new row or column there; as many as it takes where the sheet ends before."""
    size = sheet.rows if dimension == "ROWS" else sheet.columns
    if at >= size:
        return {"appendDimension": {"sheetId": sheet.id, "dimension": dimension, "length": at - size + 1}}
    return {"insertDimension": {"range": _run(sheet, dimension, at, at + 1), "inheritFromBefore": at > 0}}


def _deletions(sheet: Sheet, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
    """One request for each run of rows, counted from 1; the last first, so that the numbers of others stay right."""
    first = last = 0
    for row in sorted(rows, reverse=True):
        if row == first - 1:
            first = row
            continue
        if first:
            yield {"deleteDimension": {"range": _run(sheet, "ROWS", first - 1, last)}}
        first = last = row
    yield {"deleteDimension": {"range": _run(sheet, "ROWS", first - 1, last)}}


def _run(sheet: Sheet, dimension: str, start: int, end: int) -> dict[str, Any]:
    return {"sheetId": sheet.id, "dimension": dimension, "startIndex": start, "endIndex": end}
