"""What cells have besides their values: looks, choices, notes, protection.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`. What changes something is entered
at most once.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

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
from blocks.providers.google_sheets import Sheets, first_reply
from blocks.providers.sheet_cells import area_at, cell_at, column_letters, in_sheet, parted
from engine.model import Effects

_DONE = {"success": True}
_CHANGE = said(f"POST {SHEET_API}:batchUpdate", '{"replies": [{}]}')


class GoogleSheetsFormatInputs(SpreadsheetInputs):
    range: str = Field(title="Range", description="The cells, with or without a sheet: `Teas!A1:B2`, `A1:B2`")
    background_color: dict[str, float] = Field(
        default_factory=dict, title="Background", description="`red`, `green` and `blue`, each from 0 to 1"
    )
    text_color: dict[str, float] = Field(
        default_factory=dict, title="Colour of the text", description="`red`, `green` and `blue`, each from 0 to 1"
    )
    bold: bool = Field(False, title="Bold", description="Bold text")
    italic: bool = Field(False, title="Italic", description="Slanting text")
    font_size: int = Field(10, title="Size", description="The size of the text; 10 leaves it as it is", ge=1, le=400)


class GoogleSheetsFormat(SpreadsheetBlock[GoogleSheetsFormatInputs]):
    id = "270f2384-8089-4b5b-b2e3-fe2ea3d87c02"
    name = "Format Google Sheets range"
    description = "Changes how cells look; what is not named stays as it is."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsFormatInputs
    Output = ResultOutputs
    examples = (example({"range": "A1:B1", "bold": True}, {"result": _DONE}, said(META, EXAMPLE_SHEETS), _CHANGE),)

    async def work(self, sheets: Sheets, inputs: GoogleSheetsFormatInputs) -> Mapping[str, Any]:
        name, cells = parted(inputs.range)
        area = area_at(cells)
        text: dict[str, Any] = {
            **({"foregroundColor": inputs.text_color} if inputs.text_color else {}),
            **({"bold": True} if inputs.bold else {}),
            **({"italic": True} if inputs.italic else {}),
            **({"fontSize": inputs.font_size} if inputs.font_size != 10 else {}),
        }
        looks: dict[str, Any] = {
            **({"backgroundColor": inputs.background_color} if inputs.background_color else {}),
            **({"textFormat": text} if text else {}),
        }
        if not looks:
            raise ValueError("There is nothing to change: name a colour, `bold`, `italic` or a size other than 10.")
        changed = [f"userEnteredFormat.textFormat.{each}" for each in text]
        changed += ["userEnteredFormat.backgroundColor"] if inputs.background_color else []
        sheet = await sheets.sheet(name)
        request = {"range": area.of_sheet(sheet.id), "cell": {"userEnteredFormat": looks}, "fields": ",".join(changed)}
        await sheets.change({"repeatCell": request})
        return {"result": _DONE}


class GoogleSheetsAddDropdownInputs(SheetInputs):
    range: str = Field(title="Range", description="The cells: `B2:B100`")
    options: list[str] = Field(title="Choices", description="What can be chosen", min_length=1, max_length=500)
    strict: bool = Field(True, title="Nothing else", description="Refuse whatever is no choice")
    show_dropdown: bool = Field(True, title="Show the list", description="Show an arrow that opens the list")


class GoogleSheetsAddDropdown(SpreadsheetBlock[GoogleSheetsAddDropdownInputs]):
    id = "725431c9-71ba-4fce-b829-5a3e495a8a88"
    name = "Add Google Sheets dropdown"
    description = "Lets the values of cells be chosen from a list."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsAddDropdownInputs
    Output = ResultOutputs
    examples = (
        example(
            {"range": "B2:B9", "options": ["Green", "Black"]}, {"result": _DONE}, said(META, EXAMPLE_SHEETS), _CHANGE
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsAddDropdownInputs) -> Mapping[str, Any]:
        named, cells = parted(inputs.range)
        area = area_at(cells)
        sheet = await sheets.sheet(inputs.sheet_name or named)
        choices = [{"userEnteredValue": option} for option in inputs.options]
        rule = {
            "condition": {"type": "ONE_OF_LIST", "values": choices},
            "strict": inputs.strict,
            "showCustomUi": inputs.show_dropdown,
        }
        await sheets.change({"setDataValidation": {"range": area.of_sheet(sheet.id), "rule": rule}})
        return {"result": _DONE}


class GoogleSheetsProtectRangeInputs(SheetInputs):
    range: str = Field("", title="Range", description="The cells: `A1:D10`; empty: the whole sheet")
    description: str = Field("Protected by automation", title="Description", description="What people are told")
    warning_only: bool = Field(False, title="Only warn", description="Let people change the cells after a warning")


class GoogleSheetsProtectRangeOutputs(ResultOutputs):
    protection_id: int = Field(title="Id", description="The id of the protection")


class GoogleSheetsProtectRange(SpreadsheetBlock[GoogleSheetsProtectRangeInputs]):
    id = "d0e4f5d1-76e7-4082-9be8-e656ec1f432d"
    name = "Protect Google Sheets range"
    description = "Keeps cells, or a whole sheet, from being changed."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsProtectRangeInputs
    Output = GoogleSheetsProtectRangeOutputs
    examples = (
        example(
            {"range": "A1:B1"},
            {"result": _DONE, "protection_id": 5},
            said(META, EXAMPLE_SHEETS),
            said(
                f"POST {SHEET_API}:batchUpdate",
                '{"replies": [{"addProtectedRange": {"protectedRange": {"protectedRangeId": 5}}}]}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsProtectRangeInputs) -> Mapping[str, Any]:
        named, cells = parted(inputs.range)
        area = area_at(cells) if cells else None
        sheet = await sheets.sheet(inputs.sheet_name or named)
        request = {
            "range": area.of_sheet(sheet.id) if area else {"sheetId": sheet.id},
            "description": inputs.description,
            "warningOnly": inputs.warning_only,
        }
        told = await sheets.change({"addProtectedRange": {"protectedRange": request}})
        made = first_reply(told, "addProtectedRange", "protectedRange", "protectedRangeId")
        return {"result": _DONE, "protection_id": made if isinstance(made, int) else 0}


class GoogleSheetsAddNoteInputs(SheetInputs):
    cell: str = Field(title="Cell", description="The cell: `B2`")
    note: str = Field(title="Note", description="What the note says")


class GoogleSheetsAddNote(SpreadsheetBlock[GoogleSheetsAddNoteInputs]):
    id = "774ac529-74f9-41da-bbba-6a06a51a5d7e"
    name = "Add Google Sheets note"
    description = "Puts a note at a cell."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsAddNoteInputs
    Output = ResultOutputs
    examples = (example({"cell": "B2", "note": "hot"}, {"result": _DONE}, said(META, EXAMPLE_SHEETS), _CHANGE),)

    async def work(self, sheets: Sheets, inputs: GoogleSheetsAddNoteInputs) -> Mapping[str, Any]:
        named, place = parted(inputs.cell)
        row, column = cell_at(place)
        sheet = await sheets.sheet(inputs.sheet_name or named)
        request = {
            "rows": [{"values": [{"note": inputs.note}]}],
            "fields": "note",
            "start": {"sheetId": sheet.id, "rowIndex": row, "columnIndex": column},
        }
        await sheets.change({"updateCells": request})
        return {"result": _DONE}


class GoogleSheetsGetNotesInputs(SheetInputs):
    range: str = Field("A1:Z100", title="Range", description="The cells: `A1:B10`")


class GoogleSheetsGetNotesOutputs(SpreadsheetOutputs):
    notes: list[dict[str, Any]] = Field(title="Notes", description="Each with `cell` and `note`")
    count: int = Field(title="Count", description="How many there are")


class GoogleSheetsGetNotes(SpreadsheetBlock[GoogleSheetsGetNotesInputs]):
    id = "fa16834f-fff4-4d7a-9f7f-531ced90492b"
    name = "Get Google Sheets notes"
    description = "Gives the notes at the cells of a range."
    Input = GoogleSheetsGetNotesInputs
    Output = GoogleSheetsGetNotesOutputs
    examples = (
        example(
            {"range": "A1:B9"},
            {"notes": [{"cell": "B2", "note": "hot"}], "count": 1},
            said(META, EXAMPLE_SHEETS),
            said(
                f"GET {SHEET_API}?ranges=%27Cups%27%21A1%3AB9&includeGridData=true",
                '{"sheets": [{"data": [{"rowData": [{}, {"values": [{}, {"note": "hot"}]}]}]}]}',
            ),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsGetNotesInputs) -> Mapping[str, Any]:
        named, cells = parted(inputs.range)
        area_at(cells)
        sheet = await sheets.sheet(inputs.sheet_name or named)
        notes = []
        for grid in await sheets.cells(in_sheet(sheet.name, cells)):
            top, left = _start(grid, "startRow"), _start(grid, "startColumn")
            for row, told in enumerate(_list(grid.get("rowData")), top + 1):
                for column, each in enumerate(_list(told.get("values") if isinstance(told, dict) else None), left):
                    note = each.get("note") if isinstance(each, dict) else None
                    if isinstance(note, str) and note:
                        notes.append({"cell": f"{column_letters(column)}{row}", "note": note})
        return {"notes": notes, "count": len(notes)}


def _start(grid: Mapping[str, Any], name: str) -> int:
    told = grid.get(name)
    return told if isinstance(told, int) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
