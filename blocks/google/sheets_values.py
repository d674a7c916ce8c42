"""Reading and writing the cells of a spreadsheet.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`. What changes cells is entered at
most once.
"""

import csv
import io
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from blocks.google.spreadsheets import (
    EXAMPLE_SHEETS,
    META,
    SHEET_API,
    ResultOutputs,
    SheetInputs,
    SpreadsheetBlock,
    SpreadsheetInputs,
    SpreadsheetOutputs,
    example,
    said,
)
from blocks.providers.google_sheets import Sheets
from blocks.providers.sheet_cells import cell_at, in_sheet, parted, tidied
from engine.model import Effects

_COUNTS = ("updatedCells", "updatedRows", "updatedColumns")
_RANGE = "The range, with or without a sheet: `Teas!A1:B2`, `A1:B2`"


class ValueInputOption(StrEnum):
    """How a value is taken: as if it was typed, so that `=A1` is a formula, or as it is."""

    RAW = "RAW"
    USER_ENTERED = "USER_ENTERED"


OPTION = Field(
    ValueInputOption.USER_ENTERED,
    title="How values are taken",
    description="`USER_ENTERED`: as if they were typed, `=A1` is a formula; `RAW`: as they are",
)


def counts(told: Mapping[str, Any]) -> dict[str, int]:
    """How much was changed."""
    return {name: told[name] if isinstance(told.get(name), int) else 0 for name in _COUNTS}


class GoogleSheetsReadInputs(SpreadsheetInputs):
    range: str = Field(title="Range", description=f"{_RANGE}; empty: the first columns of the first sheet")


class GoogleSheetsReadOutputs(SpreadsheetOutputs):
    result: list[list[str]] = Field(title="Cells", description="The cells, row by row, as texts")


class GoogleSheetsRead(SpreadsheetBlock[GoogleSheetsReadInputs]):
    id = "5724e902-3635-47e9-a108-aaa0263a4988"
    name = "Read Google Sheets"
    description = "Gives the cells of a range of a Google spreadsheet."
    Input = GoogleSheetsReadInputs
    Output = GoogleSheetsReadOutputs
    examples = (
        example(
            {"range": "Cups!A1:B2"},
            {"result": [["Tea", "Cups"], ["Green", "2"]]},
            said(f"GET {SHEET_API}/values/Cups%21A1%3AB2", '{"values": [["Tea", "Cups"], ["Green", "2"]]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsReadInputs) -> Mapping[str, Any]:
        return {"result": await sheets.values(tidied(inputs.range))}


class GoogleSheetsWriteInputs(SpreadsheetInputs):
    range: str = Field(title="Range", description=_RANGE)
    values: list[list[str]] = Field(title="Cells", description="The cells, row by row; `=A1` is a formula")


class GoogleSheetsWrite(SpreadsheetBlock[GoogleSheetsWriteInputs]):
    id = "d9291e87-301d-47a8-91fe-907fb55460e5"
    name = "Write Google Sheets"
    description = "Writes rows into a range of a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsWriteInputs
    Output = ResultOutputs
    examples = (
        example(
            {"range": "A1:B1", "values": [["Green", "2"]]},
            {"result": {"updatedCells": 2}},
            said(f"PUT {SHEET_API}/values/A1%3AB1?valueInputOption=USER_ENTERED", '{"updatedCells": 2}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsWriteInputs) -> Mapping[str, Any]:
        return {"result": await sheets.write(tidied(inputs.range, ""), inputs.values)}


class GoogleSheetsAppendRowInputs(SheetInputs):
    row: list[str] = Field(title="Row", description="The cells of the row", min_length=1)
    value_input_option: ValueInputOption = OPTION


class GoogleSheetsAppendRow(SpreadsheetBlock[GoogleSheetsAppendRowInputs]):
    id = "531d50c0-d6b9-4cf9-a013-7bf783d313c7"
    name = "Append row to Google Sheets"
    description = "Puts a row below the last one of a sheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsAppendRowInputs
    Output = ResultOutputs
    examples = (
        example(
            {"row": ["Green", "2"]},
            {"result": {"updatedCells": 2, "updatedRows": 1, "updatedColumns": 2}},
            said(META, EXAMPLE_SHEETS),
            said(
                f"POST {SHEET_API}/values/%27Cups%27%21A1:append"
                "?valueInputOption=USER_ENTERED&insertDataOption=INSERT_ROWS",
                '{"updates": {"updatedCells": 2, "updatedRows": 1, "updatedColumns": 2}}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsAppendRowInputs) -> Mapping[str, Any]:
        sheet = await sheets.sheet(inputs.sheet_name)
        told = await sheets.append(in_sheet(sheet.name, "A1"), [inputs.row], inputs.value_input_option.value)
        return {"result": counts(told)}


class GoogleSheetsUpdateCellInputs(SpreadsheetInputs):
    cell: str = Field(title="Cell", description="The cell, with or without a sheet: `A1`, `Teas!B2`")
    value: str = Field(title="Value", description="What to write into it")
    value_input_option: ValueInputOption = OPTION


class GoogleSheetsUpdateCell(SpreadsheetBlock[GoogleSheetsUpdateCellInputs]):
    id = "df521b68-62d9-42e4-924f-fb6c245516fc"
    name = "Update Google Sheets cell"
    description = "Writes one cell of a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsUpdateCellInputs
    Output = ResultOutputs
    examples = (
        example(
            {"cell": "B2", "value": "3"},
            {"result": {"updatedCells": 1, "updatedRows": 1, "updatedColumns": 1}},
            said(
                f"PUT {SHEET_API}/values/B2?valueInputOption=USER_ENTERED",
                '{"updatedCells": 1, "updatedRows": 1, "updatedColumns": 1}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsUpdateCellInputs) -> Mapping[str, Any]:
        cell_at(parted(inputs.cell)[1])
        told = await sheets.write(tidied(inputs.cell), [[inputs.value]], inputs.value_input_option.value)
        return {"result": counts(told)}


class GoogleSheetsClearInputs(SpreadsheetInputs):
    range: str = Field(title="Range", description=_RANGE)


class GoogleSheetsClear(SpreadsheetBlock[GoogleSheetsClearInputs]):
    id = "84938266-0fc7-46e5-9369-adb0f6ae8015"
    name = "Clear Google Sheets"
    description = "Empties a range of a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsClearInputs
    Output = ResultOutputs
    examples = (
        example(
            {"range": "A1:B2"},
            {"result": {"clearedRange": "Cups!A1:B2"}},
            said(f"POST {SHEET_API}/values/A1%3AB2:clear", '{"clearedRange": "Cups!A1:B2"}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsClearInputs) -> Mapping[str, Any]:
        return {"result": await sheets.clear(tidied(inputs.range, ""))}


class BatchOperationType(StrEnum):
    """What is done to a range."""

    UPDATE = "update"
    CLEAR = "clear"


class BatchOperation(BaseModel):
    """One of several operations."""

    type: BatchOperationType = Field(title="Operation", description="`update` or `clear`")
    range: str = Field(title="Range", description=_RANGE, min_length=1)
    values: list[list[str]] = Field(default_factory=list, title="Cells", description="For `update`: the cells")


class GoogleSheetsBatchOperationsInputs(SpreadsheetInputs):
    operations: list[BatchOperation] = Field(
        title="Operations", description="Objects with `type` (`update` or `clear`), `range` and, for `update`, `values`"
    )


class GoogleSheetsBatchOperations(SpreadsheetBlock[GoogleSheetsBatchOperationsInputs]):
    id = "a4078584-6fe5-46e0-997e-d5126cdd112a"
    name = "Change many Google Sheets ranges"
    description = "Writes and empties several ranges of a Google spreadsheet: first all writing, then all emptying."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsBatchOperationsInputs
    Output = ResultOutputs
    examples = (
        example(
            {"operations": [{"type": "update", "range": "A1", "values": [["Tea"]]}, {"type": "clear", "range": "B1"}]},
            {"result": {"updateResult": {"totalUpdatedCells": 1}, "clearResult": {"clearedRanges": ["Cups!B1"]}}},
            said(f"POST {SHEET_API}/values:batchUpdate", '{"totalUpdatedCells": 1}'),
            said(f"POST {SHEET_API}/values:batchClear", '{"clearedRanges": ["Cups!B1"]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsBatchOperationsInputs) -> Mapping[str, Any]:
        by_type: dict[BatchOperationType, list[BatchOperation]] = {kind: [] for kind in BatchOperationType}
        for each in inputs.operations:
            by_type[each.type].append(each)
        result: dict[str, Any] = {}
        if updates := by_type[BatchOperationType.UPDATE]:
            data = [{"range": tidied(each.range, ""), "values": each.values} for each in updates]
            result["updateResult"] = await sheets.write_many(data)
        if clears := by_type[BatchOperationType.CLEAR]:
            result["clearResult"] = await sheets.clear_many([tidied(each.range, "") for each in clears])
        return {"result": result}


class GoogleSheetsExportCsvInputs(SheetInputs):
    include_headers: bool = Field(True, title="With headings", description="Give the first row, too")


class GoogleSheetsExportCsvOutputs(SpreadsheetOutputs):
    csv_data: str = Field(title="CSV", description="The sheet as CSV")
    row_count: int = Field(title="Rows", description="How many rows there are")


class GoogleSheetsExportCsv(SpreadsheetBlock[GoogleSheetsExportCsvInputs]):
    id = "2617e68a-43b3-441f-8b11-66bb041105b8"
    name = "Export Google Sheets as CSV"
    description = "Gives a sheet of a Google spreadsheet as CSV."
    Input = GoogleSheetsExportCsvInputs
    Output = GoogleSheetsExportCsvOutputs
    examples = (
        example(
            {},
            {"csv_data": 'Tea,Note\r\nGreen,"mild, fresh"\r\n', "row_count": 2},
            said(META, EXAMPLE_SHEETS),
            said(f"GET {SHEET_API}/values/%27Cups%27", '{"values": [["Tea", "Note"], ["Green", "mild, fresh"]]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsExportCsvInputs) -> Mapping[str, Any]:
        rows = await sheets.rows(await sheets.sheet(inputs.sheet_name))
        rows = rows if inputs.include_headers else rows[1:]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return {"csv_data": text.getvalue(), "row_count": len(rows)}


class GoogleSheetsImportCsvInputs(SheetInputs):
    csv_data: str = Field(title="CSV", description="The rows, as CSV")
    start_cell: str = Field("A1", title="First cell", description="Where the rows begin")
    clear_existing: bool = Field(False, title="Clear before", description="Empty the sheet first")


class GoogleSheetsImportCsvOutputs(ResultOutputs):
    rows_imported: int = Field(title="Rows", description="How many rows were written")


class GoogleSheetsImportCsv(SpreadsheetBlock[GoogleSheetsImportCsvInputs]):
    id = "cb992884-1ff2-450a-8f1b-7650d63e3aa0"
    name = "Import CSV into Google Sheets"
    description = "Writes the rows of a CSV text into a sheet, as they are."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsImportCsvInputs
    Output = GoogleSheetsImportCsvOutputs
    examples = (
        example(
            {"csv_data": 'Tea,Note\nGreen,"mild, fresh"\n', "sheet_name": "Cups"},
            {"result": {"success": True}, "rows_imported": 2},
            said(META, EXAMPLE_SHEETS),
            said(f"PUT {SHEET_API}/values/%27Cups%27%21A1?valueInputOption=RAW", '{"updatedCells": 4}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsImportCsvInputs) -> Mapping[str, Any]:
        cell_at(inputs.start_cell)
        try:
            rows = list(csv.reader(io.StringIO(inputs.csv_data, newline=""), strict=False))
        except csv.Error as error:
            raise ValueError(f"The text is no CSV: {error}.") from None
        sheet = await sheets.sheet(inputs.sheet_name)
        if rows and inputs.clear_existing:
            await sheets.clear(in_sheet(sheet.name))
        if rows:
            await sheets.write(in_sheet(sheet.name, inputs.start_cell.strip()), rows, ValueInputOption.RAW.value)
        return {"result": {"success": True}, "rows_imported": len(rows)}
