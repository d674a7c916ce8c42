"""Reading a sheet as a table: rows and columns by their headings, which stand in the first row.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Exchange
from blocks.google.spreadsheets import (
    EXAMPLE_SHEETS,
    META,
    SHEET_API,
    SheetInputs,
    SpreadsheetBlock,
    SpreadsheetOutputs,
    example,
    said,
)
from blocks.providers.google_sheets import Row, Sheets
from blocks.providers.sheet_cells import column_in

_COLUMN = "its heading, or its letters"
_TABLE = (
    said(META, EXAMPLE_SHEETS),
    said(
        f"GET {SHEET_API}/values/%27Cups%27",
        '{"values": [["Tea", "Cups"], ["Green", "2"], ["Black", "10"], ["Green"]]}',
    ),
)


def _column(letters: str, cells: str) -> Exchange:
    """A column by what is in its cells."""
    options = "valueRenderOption=UNFORMATTED_VALUE&dateTimeRenderOption=FORMATTED_STRING"
    return said(f"GET {SHEET_API}/values/%27Cups%27%21{letters}%3A{letters}?{options}", f'{{"values": {cells}}}')


def cell(row: Sequence[str], column: int) -> str:
    """A cell of a row, which ends with its last one that is not empty."""
    return row[column] if column < len(row) else ""


class GoogleSheetsGetRowInputs(SheetInputs):
    row_index: int = Field(title="Row", description="Its number, from 1", ge=1)


class GoogleSheetsGetRowOutputs(SpreadsheetOutputs):
    row: list[str] = Field(title="Row", description="Its cells")
    row_dict: dict[str, str] = Field(title="By heading", description="Its cells by the headings of their columns")


class GoogleSheetsGetRow(SpreadsheetBlock[GoogleSheetsGetRowInputs]):
    id = "c4be9390-2431-4682-9769-7025b22a5fa7"
    name = "Get Google Sheets row"
    description = "Gives one row of a sheet."
    Input = GoogleSheetsGetRowInputs
    Output = GoogleSheetsGetRowOutputs
    examples = (
        example(
            {"row_index": 2},
            {"row": ["Green"], "row_dict": {"Tea": "Green", "Cups": ""}},
            said(META, EXAMPLE_SHEETS),
            said(f"GET {SHEET_API}/values/%27Cups%27%211%3A1", '{"values": [["Tea", "Cups"]]}'),
            said(f"GET {SHEET_API}/values/%27Cups%27%212%3A2", '{"values": [["Green"]]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsGetRowInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        header = await sheets.row(sheet, 1)
        row = await sheets.row(sheet, inputs.row_index)
        return {"row": row, "row_dict": {name: cell(row, number) for number, name in enumerate(header)}}


class GoogleSheetsGetColumnInputs(SheetInputs):
    column: str = Field(title="Column", description=f"The column: {_COLUMN}")
    include_header: bool = Field(False, title="With heading", description="Give the heading, too")
    skip_empty: bool = Field(False, title="Without empty ones", description="Leave empty cells out")


class GoogleSheetsGetColumnOutputs(SpreadsheetOutputs):
    values: list[str] = Field(title="Cells", description="The cells of the column")
    count: int = Field(title="Count", description="How many there are")
    column_index: int = Field(title="Number", description="The number of the column, from 0; -1 in an empty sheet")


class GoogleSheetsGetColumn(SpreadsheetBlock[GoogleSheetsGetColumnInputs]):
    id = "108d911f-e109-47fb-addc-2259792ee850"
    name = "Get Google Sheets column"
    description = "Gives the cells of one column of a sheet."
    Input = GoogleSheetsGetColumnInputs
    Output = GoogleSheetsGetColumnOutputs
    examples = (
        example({"column": "cups"}, {"values": ["2", "10", ""], "count": 3, "column_index": 1}, *_TABLE),
        example({"column": "B", "skip_empty": True}, {"values": ["2", "10"], "count": 2, "column_index": 1}, *_TABLE),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsGetColumnInputs) -> Mapping[str, Any]:
        rows = await sheets.rows(await sheets.sheet(inputs.sheet_name))
        if not rows:
            return {"values": [], "count": 0, "column_index": -1}
        column = column_in(rows[0], inputs.column)
        values = [cell(row, column) for row in (rows if inputs.include_header else rows[1:])]
        if inputs.skip_empty:
            values = [value for value in values if value.strip()]
        return {"values": values, "count": len(values), "column_index": column}


class GoogleSheetsGetRowCountInputs(SheetInputs):
    include_header: bool = Field(True, title="With headings", description="Count the first row, too")
    count_empty: bool = Field(False, title="With empty rows", description="Count empty rows at the end, too")


class GoogleSheetsGetRowCountOutputs(SpreadsheetOutputs):
    total_rows: int = Field(title="Rows", description="How many rows there are")
    data_rows: int = Field(title="Rows below the headings", description="How many there are without the first")
    last_row: int = Field(title="Last row", description="The number of the last row, from 1")
    column_count: int = Field(title="Columns", description="How many columns there are")


class GoogleSheetsGetRowCount(SpreadsheetBlock[GoogleSheetsGetRowCountInputs]):
    id = "080cc84b-a94a-4fb4-90e3-dcc55ee783af"
    name = "Count Google Sheets rows"
    description = "Tells how many rows and columns of a sheet are in use."
    Input = GoogleSheetsGetRowCountInputs
    Output = GoogleSheetsGetRowCountOutputs
    examples = (example({}, {"total_rows": 4, "data_rows": 3, "last_row": 4, "column_count": 2}, *_TABLE),)

    async def work(self, sheets: Sheets, inputs: GoogleSheetsGetRowCountInputs) -> Mapping[str, Any]:
        rows = await sheets.rows(await sheets.sheet(inputs.sheet_name))
        used = [number for number, row in enumerate(rows, 1) if inputs.count_empty or any(map(str.strip, row))]
        last = used[-1] if used else 0
        below = max(last - 1, 0)
        return {
            "total_rows": last if inputs.include_header else below,
            "data_rows": below,
            "last_row": last,
            "column_count": max(map(len, rows), default=0),
        }


class GoogleSheetsGetUniqueValuesInputs(SheetInputs):
    column: str = Field(title="Column", description=f"The column: {_COLUMN}")
    include_count: bool = Field(False, title="With counts", description="Give how often each stands there")
    sort_by_count: bool = Field(False, title="By count", description="The most frequent first, not by the alphabet")


class GoogleSheetsGetUniqueValuesOutputs(SpreadsheetOutputs):
    values: list[str] = Field(title="Values", description="Each value once")
    counts: dict[str, int] = Field(title="Counts", description="How often each stands there, if asked for")
    total_unique: int = Field(title="Count", description="How many values there are")


class GoogleSheetsGetUniqueValues(SpreadsheetBlock[GoogleSheetsGetUniqueValuesInputs]):
    id = "0f296c0b-6b6e-4280-b96e-ae1459b98dff"
    name = "Get Google Sheets unique values"
    description = "Gives the values of a column, each once, without empty ones."
    Input = GoogleSheetsGetUniqueValuesInputs
    Output = GoogleSheetsGetUniqueValuesOutputs
    examples = (
        example(
            {"column": "Tea", "include_count": True, "sort_by_count": True},
            {"values": ["Green", "Black"], "counts": {"Green": 2, "Black": 1}, "total_unique": 2},
            *_TABLE,
        ),
        example({"column": "Tea"}, {"values": ["Black", "Green"], "counts": {}, "total_unique": 2}, *_TABLE),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsGetUniqueValuesInputs) -> Mapping[str, Any]:
        rows = await sheets.rows(await sheets.sheet(inputs.sheet_name))
        column = column_in(rows[0], inputs.column) if rows else 0
        counted = Counter(value for row in rows[1:] if (value := cell(row, column)).strip())
        values = [value for value, _ in counted.most_common()] if inputs.sort_by_count else sorted(counted)
        return {
            "values": values,
            "counts": dict(counted) if inputs.include_count else {},
            "total_unique": len(values),
        }


class FilterOperator(StrEnum):
    """What must hold of a cell."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal"
    LESS_THAN_OR_EQUAL = "less_than_or_equal"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


class GoogleSheetsFilterRowsInputs(SheetInputs):
    filter_column: str = Field(title="Column", description=f"The column: {_COLUMN}")
    filter_value: str = Field("", title="Value", description="What its cells are compared with")
    operator: FilterOperator = Field(
        FilterOperator.EQUALS,
        title="Comparison",
        description="What must hold; greater and less: of numbers, else texts",
    )
    match_case: bool = Field(False, title="Match case", description="Tell capitals from small letters")
    include_header: bool = Field(True, title="With headings", description="Give the first row, too")


class GoogleSheetsFilterRowsOutputs(SpreadsheetOutputs):
    rows: list[list[str]] = Field(title="Rows", description="The rows, below the headings if asked for")
    row_indices: list[int] = Field(title="Numbers", description="Their numbers in the sheet, from 1")
    count: int = Field(title="Count", description="How many there are, without the headings")


class GoogleSheetsFilterRows(SpreadsheetBlock[GoogleSheetsFilterRowsInputs]):
    id = "582195c2-ccee-4fc2-b646-18f72eb9906c"
    name = "Filter Google Sheets rows"
    description = "Gives the rows of a sheet whose cell in a column fits."
    Input = GoogleSheetsFilterRowsInputs
    Output = GoogleSheetsFilterRowsOutputs
    examples = (
        example(
            {"filter_column": "Cups", "filter_value": "9", "operator": "greater_than"},
            {"rows": [["Tea", "Cups"], ["Black", "10"]], "row_indices": [3], "count": 1},
            *_TABLE,
            _column("B", '[["Cups"], [2], [10]]'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsFilterRowsInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        rows = await sheets.rows(sheet)
        if not rows:
            return {"rows": [], "row_indices": [], "count": 0}
        column = column_in(rows[0], inputs.filter_column, match_case=inputs.match_case)
        cells = await sheets.column_as_it_is(sheet, column)
        kept = [
            (number, row)
            for number, row in enumerate(rows[1:], 2)
            if _fits(cell(row, column), cell(cells, number - 1), inputs)
        ]
        found = [row for _, row in kept]
        return {
            "rows": [rows[0], *found] if inputs.include_header else found,
            "row_indices": [number for number, _ in kept],
            "count": len(found),
        }


def _fits(shown: str, value: str, inputs: GoogleSheetsFilterRowsInputs) -> bool:
    """Whether a cell fits: by either text, such as `$600.00` and `600`, but greater or less by what is in it alone."""
    wanted = inputs.filter_value
    if not inputs.match_case:
        shown, value, wanted = shown.lower(), value.lower(), wanted.lower()
    match inputs.operator:
        case FilterOperator.IS_EMPTY:
            return not shown.strip()
        case FilterOperator.IS_NOT_EMPTY:
            return bool(shown.strip())
        case FilterOperator.EQUALS:
            return wanted in (shown, value)
        case FilterOperator.NOT_EQUALS:
            return wanted not in (shown, value)
        case FilterOperator.CONTAINS:
            return wanted in shown or wanted in value
        case FilterOperator.NOT_CONTAINS:
            return wanted not in shown and wanted not in value
    order = _order(value, wanted)
    match inputs.operator:
        case FilterOperator.GREATER_THAN:
            return order > 0
        case FilterOperator.LESS_THAN:
            return order < 0
        case FilterOperator.GREATER_THAN_OR_EQUAL:
            return order >= 0
        case _:
            return order <= 0


def _order(one: str, other: str) -> int:
    """Whether one is greater (1), less (-1) or neither: as numbers, or as texts when one is none."""
    try:
        first, second = float(one), float(other)
    except ValueError:
        return (one > other) - (one < other)
    return (first > second) - (first < second)


class GoogleSheetsLookupRowInputs(SheetInputs):
    lookup_column: str = Field(title="Column", description=f"The column to look in: {_COLUMN}")
    lookup_value: str = Field(title="Value", description="What the cell is")
    return_columns: list[str] = Field(
        default_factory=list, title="Columns to give", description="Each by its heading or letters; none: all"
    )
    match_case: bool = Field(False, title="Match case", description="Tell capitals from small letters")


class GoogleSheetsLookupRowOutputs(SpreadsheetOutputs):
    row: list[str] = Field(title="Row", description="The cells of the first row that fits")
    row_dict: dict[str, str] = Field(title="By heading", description="The same by the headings of their columns")
    row_index: int = Field(title="Number", description="The number of the row, from 1; 0: none fits")
    found: bool = Field(title="Found", description="Whether a row fits")


class GoogleSheetsLookupRow(SpreadsheetBlock[GoogleSheetsLookupRowInputs]):
    id = "e58c0bad-6597-400c-9548-d151ec428ffc"
    name = "Look up Google Sheets row"
    description = "Gives the first row of a sheet that has a value in a column."
    Input = GoogleSheetsLookupRowInputs
    Output = GoogleSheetsLookupRowOutputs
    examples = (
        example(
            {"lookup_column": "Tea", "lookup_value": "black", "return_columns": ["Cups"]},
            {"row": ["10"], "row_dict": {"Cups": "10"}, "row_index": 3, "found": True},
            *_TABLE,
            _column("A", '[["Tea"], ["Green"], ["Black"], ["Green"]]'),
        ),
        example(
            {"lookup_column": "Tea", "lookup_value": "White"},
            {"row": [], "row_dict": {}, "row_index": 0, "found": False},
            *_TABLE,
            _column("A", '[["Tea"], ["Green"], ["Black"], ["Green"]]'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsLookupRowInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        rows = await sheets.rows(sheet)
        header: Row = rows[0] if rows else []
        if header:
            column = column_in(header, inputs.lookup_column, match_case=inputs.match_case)
            names = inputs.return_columns or None
            given = (
                [column_in(header, name, match_case=inputs.match_case) for name in names]
                if names
                else range(len(header))
            )
            wanted = inputs.lookup_value if inputs.match_case else inputs.lookup_value.lower()
            cells = await sheets.column_as_it_is(sheet, column)
            for number, row in enumerate(rows[1:], 2):
                values = (cell(row, column), cell(cells, number - 1))
                if wanted in (values if inputs.match_case else map(str.lower, values)):
                    return {
                        "row": [cell(row, each) for each in given],
                        "row_dict": {header[each]: cell(row, each) for each in given},
                        "row_index": number,
                        "found": True,
                    }
        return {"row": [], "row_dict": {}, "row_index": 0, "found": False}
