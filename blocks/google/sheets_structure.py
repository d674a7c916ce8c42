"""Spreadsheets as a whole: which sheets they have, making them, copying them, names for ranges.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`. What changes something is entered
at most once.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Yielded
from blocks.credentials import CredentialsMeta, key_of
from blocks.google.account import ACCOUNT, EXAMPLE_ACCOUNT, GoogleInputs
from blocks.google.spreadsheets import (
    EXAMPLE_FILE,
    EXAMPLE_INPUTS,
    EXAMPLE_SHEETS,
    META,
    SHEET_API,
    ResultOutputs,
    SheetInputs,
    SpreadsheetBlock,
    SpreadsheetInputs,
    SpreadsheetOutputs,
    as_file,
    example,
    said,
    sheets_of,
)
from blocks.providers.google_sheets import Sheets, create, first_reply, objects
from blocks.providers.sheet_cells import area_at, column_letters, parted
from engine.model import Effects

_DONE = {"success": True}


class GoogleSheetsMetadata(SpreadsheetBlock[SpreadsheetInputs]):
    id = "6a0be6ee-7a0d-4c92-819b-500630846ad0"
    name = "Describe Google spreadsheet"
    description = "Tells the title of a Google spreadsheet and its sheets."
    Input = SpreadsheetInputs
    Output = ResultOutputs
    examples = (
        example(
            {},
            {
                "result": {
                    "title": "Teas",
                    "sheets": [{"title": "Cups", "sheetId": 0, "gridProperties": {"rowCount": 100, "columnCount": 26}}],
                }
            },
            said(META, EXAMPLE_SHEETS),
        ),
    )

    async def work(self, sheets: Sheets, inputs: SpreadsheetInputs) -> Mapping[str, Any]:
        about = await sheets.about()
        title = about.get("properties")
        return {
            "result": {
                "title": title.get("title") if isinstance(title, dict) else None,
                "sheets": [
                    {
                        "title": known.get("title"),
                        "sheetId": known.get("sheetId"),
                        "gridProperties": known.get("gridProperties") or {},
                    }
                    for each in objects(about.get("sheets"))
                    if isinstance(known := each.get("properties"), dict)
                ],
            }
        }


class GoogleSheetsCreateSpreadsheetInputs(GoogleInputs):
    title: str = Field(title="Title", description="The title of the spreadsheet")
    sheet_names: list[str] = Field(
        default_factory=lambda: ["Sheet1"], title="Sheets", description="The names of its sheets", max_length=200
    )


class GoogleSheetsCreateSpreadsheetOutputs(ResultOutputs):
    spreadsheet_id: str = Field(title="Id", description="The id of the spreadsheet")
    spreadsheet_url: str = Field(title="URL", description="Where it is")


class GoogleSheetsCreateSpreadsheet(Block[GoogleSheetsCreateSpreadsheetInputs]):
    id = "c8d4c0d3-c76e-4c2a-8c66-4119817ea3d1"
    name = "Create Google spreadsheet"
    description = "Makes a Google spreadsheet with empty sheets."
    categories = frozenset({Category.DATA})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GoogleSheetsCreateSpreadsheetInputs
    Output = GoogleSheetsCreateSpreadsheetOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "title": "Teas", "sheet_names": ["Cups", "Leaves"]},
            (
                ("spreadsheet", EXAMPLE_FILE),
                ("spreadsheet_id", "1Leaf"),
                ("spreadsheet_url", "https://docs.google.com/spreadsheets/d/1Leaf/edit"),
                ("result", _DONE),
            ),
            web=(said("POST https://sheets.googleapis.com/v4/spreadsheets", '{"spreadsheetId": "1Leaf"}'),),
        ),
    )

    async def run(self, inputs: GoogleSheetsCreateSpreadsheetInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        names = inputs.sheet_names or ["Sheet1"]
        made, url = await create(context.services.http, key_of(context.credentials), inputs.title, names)
        yield "spreadsheet", as_file({"id": made, "name": inputs.title}, inputs.credentials) | {"url": url}
        yield "spreadsheet_id", made
        yield "spreadsheet_url", url
        yield "result", _DONE


class SheetOperation(StrEnum):
    """What is done with a sheet."""

    CREATE = "create"
    DELETE = "delete"
    COPY = "copy"


class GoogleSheetsManageSheetInputs(SheetInputs):
    operation: SheetOperation = Field(title="Operation", description="`create`, `delete` or `copy`")
    source_sheet_id: int = Field(0, title="Sheet id", description="For `copy`: the id of the sheet that is copied")
    destination_sheet_name: str = Field("", title="Name of the copy", description="For `copy`; empty: `Copy of` its id")


class GoogleSheetsManageSheet(SpreadsheetBlock[GoogleSheetsManageSheetInputs]):
    id = "7940189d-b137-4ef1-aa18-3dd9a5bde9f3"
    name = "Manage Google sheet"
    description = "Makes, deletes or copies a sheet of a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsManageSheetInputs
    Output = ResultOutputs
    examples = (
        example(
            {"operation": "create", "sheet_name": "Leaves"},
            {"result": {"success": True, "result": {"replies": [{"addSheet": {"properties": {"sheetId": 7}}}]}}},
            said(f"POST {SHEET_API}:batchUpdate", '{"replies": [{"addSheet": {"properties": {"sheetId": 7}}}]}'),
        ),
        example(
            {"operation": "delete", "sheet_name": "Cups"},
            {"result": {"success": True, "result": {"replies": [{}]}}},
            said(META, EXAMPLE_SHEETS),
            said(f"POST {SHEET_API}:batchUpdate", '{"replies": [{}]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsManageSheetInputs) -> Mapping[str, Any]:
        request: dict[str, Any]
        match inputs.operation:
            case SheetOperation.CREATE:
                request = {"addSheet": {"properties": {"title": inputs.sheet_name or "New Sheet"}}}
            case SheetOperation.DELETE:
                request = {"deleteSheet": {"sheetId": (await sheets.sheet(inputs.sheet_name)).id}}
            case SheetOperation.COPY:
                name = inputs.destination_sheet_name or f"Copy of {inputs.source_sheet_id}"
                request = {"duplicateSheet": {"sourceSheetId": inputs.source_sheet_id, "newSheetName": name}}
        return {"result": {**_DONE, "result": await sheets.change(request)}}


class GoogleSheetsCopyToSpreadsheetInputs(Inputs):
    source_spreadsheet: dict[str, Any] = Field(
        title="From", description="The spreadsheet, as Google's picker or another block gives it: at least `id`"
    )
    source_sheet_name: str = Field("", title="Sheet", description="The name of the sheet; empty: the first")
    destination_spreadsheet_id: str = Field(title="To", description="The id or the address of the other spreadsheet")
    credentials: CredentialsMeta | None = Field(
        None,
        title="Credentials",
        description="Your Google account, unless the spreadsheet names it; as an API key, an access token",
    )


class GoogleSheetsCopyToSpreadsheetOutputs(ResultOutputs):
    new_sheet_id: int = Field(title="Id", description="The id of the new sheet")
    new_sheet_name: str = Field(title="Name", description="The name of the new sheet")


class GoogleSheetsCopyToSpreadsheet(Block[GoogleSheetsCopyToSpreadsheetInputs]):
    id = "740eec3f-2b51-4e95-b87f-22ce2acafdfa"
    name = "Copy Google sheet to spreadsheet"
    description = "Copies a sheet of a Google spreadsheet into another spreadsheet."
    categories = frozenset({Category.DATA})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": replace(ACCOUNT, required=False, file_by="source_spreadsheet")}
    Input = GoogleSheetsCopyToSpreadsheetInputs
    Output = GoogleSheetsCopyToSpreadsheetOutputs
    examples = (
        Example(
            {
                "source_spreadsheet": EXAMPLE_INPUTS["spreadsheet"],
                "destination_spreadsheet_id": "2Leaf",
                "credentials": EXAMPLE_ACCOUNT,
            },
            (
                ("result", _DONE),
                ("new_sheet_id", 9),
                ("new_sheet_name", "Copy of Cups"),
                ("spreadsheet", EXAMPLE_FILE),
            ),
            web=(
                said(META, EXAMPLE_SHEETS),
                said(f"POST {SHEET_API}/sheets/0:copyTo", '{"sheetId": 9, "title": "Copy of Cups"}'),
            ),
        ),
    )

    async def run(self, inputs: GoogleSheetsCopyToSpreadsheetInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        sheets = sheets_of(inputs.source_spreadsheet, "source_spreadsheet", context)
        sheet = await sheets.sheet(inputs.source_sheet_name)
        made = await sheets.copy_sheet(sheet, inputs.destination_spreadsheet_id)
        yield "result", _DONE
        yield "new_sheet_id", made["sheetId"] if isinstance(made.get("sheetId"), int) else 0
        yield "new_sheet_name", str(made.get("title") or "")
        yield "spreadsheet", as_file(inputs.source_spreadsheet, inputs.credentials)


class GoogleSheetsCreateNamedRangeInputs(SheetInputs):
    name: str = Field(title="Name", description="What the range is called", examples=["Teas"])
    range: str = Field(title="Range", description="The cells: `A1:D10`")


class GoogleSheetsCreateNamedRangeOutputs(ResultOutputs):
    named_range_id: str = Field(title="Id", description="The id of the name")


class GoogleSheetsCreateNamedRange(SpreadsheetBlock[GoogleSheetsCreateNamedRangeInputs]):
    id = "a2707376-8016-494b-98c4-d0e2752ab9cb"
    name = "Name Google Sheets range"
    description = "Gives a range of cells a name."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsCreateNamedRangeInputs
    Output = GoogleSheetsCreateNamedRangeOutputs
    examples = (
        example(
            {"name": "Teas", "range": "A1:B9"},
            {"result": _DONE, "named_range_id": "n1"},
            said(META, EXAMPLE_SHEETS),
            said(
                f"POST {SHEET_API}:batchUpdate",
                '{"replies": [{"addNamedRange": {"namedRange": {"namedRangeId": "n1"}}}]}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsCreateNamedRangeInputs) -> Mapping[str, Any]:
        named, cells = parted(inputs.range)
        area = area_at(cells)
        sheet = await sheets.sheet(inputs.sheet_name or named)
        request = {"name": inputs.name, "range": area.of_sheet(sheet.id)}
        told = await sheets.change({"addNamedRange": {"namedRange": request}})
        made = first_reply(told, "addNamedRange", "namedRange", "namedRangeId")
        return {"result": _DONE, "named_range_id": made if isinstance(made, str) else ""}


class GoogleSheetsListNamedRangesOutputs(SpreadsheetOutputs):
    named_ranges: list[dict[str, Any]] = Field(title="Ranges", description="Each with `name`, `id` and `range`")
    count: int = Field(title="Count", description="How many there are")


class GoogleSheetsListNamedRanges(SpreadsheetBlock[SpreadsheetInputs]):
    id = "b81a9d27-3997-4860-9303-cc68086db13a"
    name = "List Google Sheets named ranges"
    description = "Gives the ranges of a Google spreadsheet that have names."
    Input = SpreadsheetInputs
    Output = GoogleSheetsListNamedRangesOutputs
    examples = (
        example(
            {},
            {"named_ranges": [{"name": "Teas", "id": "n1", "range": "Cups!A1:B9"}], "count": 1},
            said(
                META,
                EXAMPLE_SHEETS[:-1] + ', "namedRanges": [{"name": "Teas", "namedRangeId": "n1", "range": '
                '{"sheetId": 0, "startRowIndex": 0, "endRowIndex": 9, "startColumnIndex": 0, "endColumnIndex": 2}}]}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: SpreadsheetInputs) -> Mapping[str, Any]:
        about = await sheets.about()
        titles = {
            known.get("sheetId", 0): known.get("title")
            for each in objects(about.get("sheets"))
            if isinstance(known := each.get("properties"), dict) and isinstance(known.get("sheetId", 0), int)
        }
        named = [_named_range(each, titles) for each in objects(about.get("namedRanges"))]
        return {"named_ranges": named, "count": len(named)}


def _named_range(told: dict[str, Any], titles: dict[int, Any]) -> dict[str, Any]:
    """A named range as blocks give it. A range that has no end in Google's words goes to the end of its sheet."""
    where = told.get("range")
    grid = {key: value for key, value in where.items() if isinstance(value, int)} if isinstance(where, dict) else {}
    first = f"{column_letters(grid.get('startColumnIndex', 0))}{grid.get('startRowIndex', 0) + 1}"
    last = column_letters(grid["endColumnIndex"] - 1) if "endColumnIndex" in grid else ""
    last += str(grid["endRowIndex"]) if "endRowIndex" in grid else ""
    cells = f"{first}:{last}" if last else first
    title = titles.get(grid.get("sheetId", 0), "")
    return {"name": str(told.get("name") or ""), "id": str(told.get("namedRangeId") or ""), "range": f"{title}!{cells}"}
