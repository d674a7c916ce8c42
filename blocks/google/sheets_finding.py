"""Finding and replacing texts in a spreadsheet.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`, which can replace but not find:
texts are looked for here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from blocks.google.spreadsheets import SHEET_API, ResultOutputs, SpreadsheetBlock, SpreadsheetInputs, example, said
from blocks.providers.google_sheets import Row, Sheets
from blocks.providers.sheet_cells import column_letters, in_sheet, parted, start_of
from engine.model import Effects


class FindingInputs(SpreadsheetInputs):
    """The inputs of looking for a text."""

    find_text: str = Field(title="Text", description="What to look for", min_length=1)
    sheet_id: int = Field(-1, title="Sheet id", description="The id of the sheet to look in; -1: all sheets")
    match_case: bool = Field(False, title="Match case", description="Tell capitals from small letters")
    match_entire_cell: bool = Field(False, title="Whole cells", description="The text is all that stands in the cell")


class GoogleSheetsFindInputs(FindingInputs):
    find_all: bool = Field(True, title="All", description="Give every cell, not just the first")
    range: str = Field("", title="Range", description="The range, with or without a sheet; empty: everywhere")


class GoogleSheetsFindOutputs(ResultOutputs):
    locations: list[dict[str, Any]] = Field(
        title="Cells", description="The cells: `sheet`, `row` and `column` from 1, `address` and `value`"
    )
    count: int = Field(title="Count", description="How many there are")


class GoogleSheetsFind(SpreadsheetBlock[GoogleSheetsFindInputs]):
    id = "0f4ecc72-b958-47b2-b65e-76d6d26b9b27"
    name = "Find in Google Sheets"
    description = "Looks for a text in the cells of a Google spreadsheet."
    Input = GoogleSheetsFindInputs
    Output = GoogleSheetsFindOutputs
    examples = (
        example(
            {"find_text": "green", "range": "Cups!B2:C9"},
            {
                "count": 1,
                "locations": [{"sheet": "Cups", "row": 3, "column": 2, "address": "B3", "value": "Green tea"}],
                "result": {"success": True},
            },
            said(f"GET {SHEET_API}/values/%27Cups%27%21B2%3AC9", '{"values": [["Black"], ["Green tea"]]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsFindInputs) -> Mapping[str, Any]:
        found: list[dict[str, Any]] = []
        for name, cells in await self._places(sheets, inputs):
            rows = await sheets.values(in_sheet(name, cells))
            found += _matches(rows, name, start_of(cells), inputs)
            if found and not inputs.find_all:
                found = found[:1]
                break
        return {"count": len(found), "locations": found, "result": {"success": True}}

    async def _places(self, sheets: Sheets, inputs: GoogleSheetsFindInputs) -> list[tuple[str, str]]:
        """The sheets to look in, each with its range."""
        name, cells = parted(inputs.range)
        if name:
            return [(name, cells)]
        known = await sheets.sheets()
        if inputs.sheet_id >= 0:
            known = [sheet for sheet in known if sheet.id == inputs.sheet_id]
            if not known:
                raise ValueError(f"The spreadsheet has no sheet with the id {inputs.sheet_id}.")
        return [(sheet.name, cells) for sheet in (known[:1] if cells else known)]


def _matches(
    rows: Sequence[Row], sheet: str, start: tuple[int, int], inputs: GoogleSheetsFindInputs
) -> Iterator[dict[str, Any]]:
    wanted = inputs.find_text if inputs.match_case else inputs.find_text.lower()
    for row, cells in enumerate(rows, start[0] + 1):
        for column, value in enumerate(cells, start[1] + 1):
            text = value if inputs.match_case else value.lower()
            if text == wanted if inputs.match_entire_cell else wanted in text:
                address = f"{column_letters(column - 1)}{row}"
                yield {"sheet": sheet, "row": row, "column": column, "address": address, "value": value}


class GoogleSheetsFindReplaceInputs(FindingInputs):
    replace_text: str = Field(title="Replacement", description="What stands there afterwards")


class GoogleSheetsFindReplace(SpreadsheetBlock[GoogleSheetsFindReplaceInputs]):
    id = "accca760-8174-4656-b55e-5f0e82fee986"
    name = "Replace in Google Sheets"
    description = "Replaces a text wherever it stands in a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsFindReplaceInputs
    Output = ResultOutputs
    examples = (
        example(
            {"find_text": "Green", "replace_text": "Black"},
            {"result": {"replies": [{"findReplace": {"occurrencesChanged": 2}}]}},
            said(f"POST {SHEET_API}:batchUpdate", '{"replies": [{"findReplace": {"occurrencesChanged": 2}}]}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsFindReplaceInputs) -> Mapping[str, Any]:
        where = {"sheetId": inputs.sheet_id} if inputs.sheet_id >= 0 else {"allSheets": True}
        request = {
            "find": inputs.find_text,
            "replacement": inputs.replace_text,
            "matchCase": inputs.match_case,
            "matchEntireCell": inputs.match_entire_cell,
            **where,
        }
        return {"result": await sheets.change({"findReplace": request})}
