"""Google Sheets: what it is asked for every block, and what is made of tables, ranges, ids and answers of any kind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks import google
from blocks.base import Block
from blocks.google import GOOGLE_BLOCKS
from blocks.google.sheets_rows import FilterOperator
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed
from blocks.providers.google_sheets import file_id
from blocks.providers.sheet_cells import (
    Area,
    area_at,
    cell_at,
    column_in,
    column_letters,
    column_number,
    in_sheet,
    parted,
    start_of,
    tidied,
)
from engine.model import Effects
from tests.blocks.web_runs import Online, answer, run_online

API = "https://sheets.googleapis.com/v4/spreadsheets/1Leaf"
DRIVE = "https://www.googleapis.com/drive/v3/files/1Leaf"
META = f"GET {API}?includeGridData=false"
CHANGE = f"POST {API}:batchUpdate"
FILE = {"id": "1Leaf", "name": "Teas", "mimeType": "application/vnd.google-apps.spreadsheet"}
MINE = {"spreadsheet": FILE, "credentials": {"id": "mine", "provider": "google", "type": "api_key"}}
BLOCKS = [block for block in GOOGLE_BLOCKS if block.__name__.startswith("GoogleSheets")]
ON_FILES = [block for block in BLOCKS if "spreadsheet" in block.Input.model_fields]
every_block = pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
ABOUT = {
    "properties": {"title": "Teas"},
    "sheets": [
        {"properties": {"sheetId": 0, "title": "Cups", "gridProperties": {"rowCount": 50, "columnCount": 3}}},
        {"properties": {"sheetId": 8, "title": "Ada's cups"}},
    ],
}
ROWS = [["Tea", "Cups", "Note"], ["Green", "2"], ["black", "10", "x"], [], ["Green", "9", ""]]


def values(range_: str) -> str:
    return f"GET {API}/values/{range_}"


ALL = values("%27Cups%27")
ALL_AS_IT_IS = f"{ALL}?valueRenderOption=UNFORMATTED_VALUE"


def as_it_is(letters: str) -> str:
    return (
        values(f"%27Cups%27%21{letters}%3A{letters}")
        + "?valueRenderOption=UNFORMATTED_VALUE&"
        + ("dateTimeRenderOption=FORMATTED_STRING")
    )


def column(cells: list[Any]) -> dict[str, Any]:
    return {"values": [[] if each is None else [each] for each in cells]}


async def ask(block: type[Block[Any]], answers: dict[str, Any] | None = None, **inputs: Any) -> Online:
    known = {META: answer(ABOUT), ALL: answer({"values": ROWS}), CHANGE: answer({"replies": [{}]})}
    known |= {ALL_AS_IT_IS: answer({"values": ROWS}), values("%27Cups%27%211%3A1"): answer({"values": ROWS[:1]})}
    known |= {as_it_is("A"): answer(column(["Tea", "Green", "black", None, "Green"]))}
    known |= {as_it_is("B"): answer(column(["Cups", 2, 10, None, 9]))}
    return await run_online(block, {**MINE, **inputs}, {**known, **(answers or {})})


AREA = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 2}
CHANGES: list[tuple[type[Block[Any]], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        google.GoogleSheetsFindReplace,
        {"find_text": "a", "replace_text": "", "match_case": True},
        {},
        {
            "findReplace": {
                "find": "a",
                "replacement": "",
                "matchCase": True,
                "matchEntireCell": False,
                "allSheets": True,
            }
        },
    ),
    (
        google.GoogleSheetsFindReplace,
        {"find_text": "a", "replace_text": "b", "sheet_id": 0},
        {},
        {"findReplace": {"find": "a", "replacement": "b", "matchCase": False, "matchEntireCell": False, "sheetId": 0}},
    ),
    (
        google.GoogleSheetsSort,
        {"sort_column": "cups", "sort_order": "descending", "secondary_column": "A"},
        {values("%27Cups%27%211%3A1"): answer({"values": ROWS[:1]})},
        {
            "sortRange": {
                "range": {**AREA, "startRowIndex": 1, "endRowIndex": 50, "endColumnIndex": 3},
                "sortSpecs": [
                    {"dimensionIndex": 1, "sortOrder": "DESCENDING"},
                    {"dimensionIndex": 0, "sortOrder": "ASCENDING"},
                ],
            }
        },
    ),
    (
        google.GoogleSheetsDeleteColumn,
        {"column": "Note"},
        {values("%27Cups%27%211%3A1"): answer({"values": ROWS[:1]})},
        {"deleteDimension": {"range": {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 2, "endIndex": 3}}},
    ),
    (
        google.GoogleSheetsManageSheet,
        {"operation": "copy", "source_sheet_id": 8},
        {},
        {"duplicateSheet": {"sourceSheetId": 8, "newSheetName": "Copy of 8"}},
    ),
    (google.GoogleSheetsManageSheet, {"operation": "create"}, {}, {"addSheet": {"properties": {"title": "New Sheet"}}}),
    (
        google.GoogleSheetsManageSheet,
        {"operation": "delete", "sheet_name": "Ada's cups"},
        {},
        {"deleteSheet": {"sheetId": 8}},
    ),
    (
        google.GoogleSheetsCreateNamedRange,
        {"name": "Teas", "range": "'Ada''s cups'!a1:b2"},
        {},
        {"addNamedRange": {"namedRange": {"name": "Teas", "range": {**AREA, "sheetId": 8}}}},
    ),
    (
        google.GoogleSheetsAddDropdown,
        {"range": "A1:B2", "options": ["x"], "strict": False},
        {},
        {
            "setDataValidation": {
                "range": AREA,
                "rule": {
                    "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "x"}]},
                    "strict": False,
                    "showCustomUi": True,
                },
            }
        },
    ),
    (
        google.GoogleSheetsProtectRange,
        {},
        {},
        {
            "addProtectedRange": {
                "protectedRange": {
                    "range": {"sheetId": 0},
                    "description": "Protected by automation",
                    "warningOnly": False,
                }
            }
        },
    ),
    (
        google.GoogleSheetsFormat,
        {"range": "A1:B2", "background_color": {"red": 1.0}, "italic": True, "font_size": 12},
        {},
        {
            "repeatCell": {
                "range": AREA,
                "cell": {
                    "userEnteredFormat": {
                        "backgroundColor": {"red": 1.0},
                        "textFormat": {"italic": True, "fontSize": 12},
                    }
                },
                "fields": "userEnteredFormat.textFormat.italic,userEnteredFormat.textFormat.fontSize,"
                "userEnteredFormat.backgroundColor",
            }
        },
    ),
    (
        google.GoogleSheetsAddNote,
        {"cell": "AB12", "note": "hot"},
        {},
        {
            "updateCells": {
                "rows": [{"values": [{"note": "hot"}]}],
                "fields": "note",
                "start": {"sheetId": 0, "rowIndex": 11, "columnIndex": 27},
            }
        },
    ),
]


@pytest.mark.parametrize(("block", "inputs", "answers", "wanted"), CHANGES)
async def test_a_change_is_asked_for_as_documented(
    block: type[Block[Any]], inputs: dict[str, Any], answers: dict[str, Any], wanted: dict[str, Any]
) -> None:
    ran = await ask(block, answers, **inputs)
    assert ran.asked()[-1] == CHANGE
    assert ran.sent() == {"requests": [wanted]}
    assert all(seen.headers["authorization"] == "Bearer secret of mine" for seen in ran.seen)


async def test_rows_are_written_as_documented() -> None:
    ran = await ask(
        google.GoogleSheetsWrite,
        {
            f"PUT {API}/values/%27Ada%27%27s%20cups%27%21A1%3AB1?valueInputOption=USER_ENTERED": answer(
                {"updatedCells": 2}
            )
        },
        range='"Ada\'s cups"!A1:B1',
        values=[["=A2", 5]],
    )
    assert ran.sent() == {"values": [["=A2", "5"]]}
    assert ran["result"] == {"updatedCells": 2}
    put = f"PUT {API}/values/%27Cups%27%21B2?valueInputOption=RAW"
    ran = await ask(
        google.GoogleSheetsImportCsv,
        {put: answer({}), f"POST {API}/values/%27Cups%27:clear": answer({})},
        csv_data='a,"b\nc"\r\n=1,\n',
        start_cell="B2",
        clear_existing=True,
    )
    assert ran.asked() == [META, f"POST {API}/values/%27Cups%27:clear", put]
    assert ran.sent() == {"values": [["a", "b\nc"], ["=1", ""]]}
    assert ran["rows_imported"] == 2


async def test_a_row_is_appended_as_it_is_when_asked() -> None:
    url = f"POST {API}/values/%27Ada%27%27s%20cups%27%21A1:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
    ran = await ask(
        google.GoogleSheetsAppendRow,
        {url: answer({"updates": {"updatedCells": "two"}})},
        row=["=1"],
        value_input_option="RAW",
        sheet_name="Ada's cups",
    )
    assert ran.sent() == {"values": [["=1"]]}
    assert ran["result"] == {"updatedCells": 0, "updatedRows": 0, "updatedColumns": 0}


async def test_rows_are_deleted_from_the_last_up_in_runs() -> None:
    ran = await ask(google.GoogleSheetsDeleteRows, row_indices=[2, 7, 3, 2, 10])
    runs = [each["deleteDimension"]["range"] for each in ran.sent()["requests"]]
    assert [(run["startIndex"], run["endIndex"]) for run in runs] == [(9, 10), (6, 7), (1, 3)]
    assert ran["deleted_count"] == 4
    assert (await ask(google.GoogleSheetsDeleteRows, row_indices=[])).seen == []
    with pytest.raises(ValueError, match="begin with 1"):
        await ask(google.GoogleSheetsDeleteRows, row_indices=[0])


@pytest.mark.parametrize(
    ("inputs", "runs", "left"),
    [
        ({"columns": ["Tea"]}, [(4, 5)], 4),
        ({"columns": ["Tea"], "keep": "last"}, [(1, 2)], 4),
        ({}, [], 5),
        ({"columns": ["Note"]}, [(4, 5)], 4),
    ],
)
async def test_the_same_rows_are_removed(inputs: dict[str, Any], runs: list[Any], left: int) -> None:
    ran = await ask(google.GoogleSheetsRemoveDuplicates, **inputs)
    asked = ran.sent()["requests"] if runs else []
    ranges = [each["deleteDimension"]["range"] for each in asked]
    assert [(each["startIndex"], each["endIndex"]) for each in ranges] == runs
    assert ran["remaining_rows"] == left
    assert ran["removed_count"] == 5 - left


async def test_rows_are_the_same_by_what_is_in_their_cells_and_blank_ones_stay() -> None:
    cells = [["Tea", "Grams"], ["Green", 1.001], [], ["Green", 1.002], [" "], ["green", 1.001], [], ["Green", True]]
    shown = [["Tea", "Grams"], ["Green", "1"], [], ["Green", "1"], [" "], ["green", "1"], [], ["Green", "TRUE"]]
    answers = {ALL: answer({"values": shown}), ALL_AS_IT_IS: answer({"values": cells})}
    ran = await ask(google.GoogleSheetsRemoveDuplicates, answers)
    runs = [each["deleteDimension"]["range"] for each in ran.sent()["requests"]]
    assert [(run["startIndex"], run["endIndex"]) for run in runs] == [(5, 6)]
    assert ran["removed_count"] == 1


async def test_a_heading_is_found_as_it_is_shown_where_rows_are_compared_as_they_are() -> None:
    answers = {
        values("%27Cups%27%211%3A1"): answer({"values": [["Tea", "Jan 2026"]]}),
        ALL_AS_IT_IS: answer({"values": [["Tea", 46023], ["Green", 1], ["Black", 1]]}),
    }
    ran = await ask(google.GoogleSheetsRemoveDuplicates, answers, columns=["Jan 2026"])
    assert ran["removed_count"] == 1


async def test_a_row_or_column_beyond_the_end_is_appended() -> None:
    write = f"PUT {API}/values/%27Cups%27%21A51?valueInputOption=USER_ENTERED"
    ran = await ask(google.GoogleSheetsInsertRow, {write: answer({})}, row=["x"], row_index=51)
    assert ran.sent(1)["requests"] == [{"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 1}}]
    write = f"PUT {API}/values/%27Cups%27%21D1?valueInputOption=USER_ENTERED"
    ran = await ask(google.GoogleSheetsAddColumn, {write: answer({})}, header="New", default_value="y")
    assert ran.sent(2)["requests"] == [{"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 1}}]
    assert ran.sent() == {"values": [["New"], ["y"], ["y"], ["y"], ["y"]]}
    assert (ran["column_letter"], ran["column_index"]) == ("D", 3)


async def test_some_cells_of_a_row_are_written_and_no_other() -> None:
    """Others may hold formulas, which their values would replace."""
    answers = {
        values("%27Cups%27%211%3A1"): answer({"values": ROWS[:1]}),
        f"POST {API}/values:batchUpdate": answer({}),
    }
    ran = await ask(google.GoogleSheetsUpdateRow, answers, row_index=3, dict_values={"note": "n", "TEA": "t"})
    assert ran.sent() == {
        "valueInputOption": "USER_ENTERED",
        "data": [{"range": "'Cups'!C3", "values": [["n"]]}, {"range": "'Cups'!A3", "values": [["t"]]}],
    }
    with pytest.raises(ValueError, match="has no column 'Milk'"):
        await ask(google.GoogleSheetsUpdateRow, answers, row_index=3, dict_values={"Tea": "t", "Milk": "m"})
    with pytest.raises(ValueError, match="nothing to write"):
        await ask(google.GoogleSheetsUpdateRow, answers, row_index=3)


@pytest.mark.parametrize(
    ("operator", "value", "numbers"),
    [
        (FilterOperator.EQUALS, "10", [3]),
        (FilterOperator.NOT_EQUALS, "10", [2, 4, 5]),
        (FilterOperator.CONTAINS, "1", [3]),
        (FilterOperator.NOT_CONTAINS, "1", [2, 4, 5]),
        (FilterOperator.GREATER_THAN, "2", [3, 5]),
        (FilterOperator.LESS_THAN, "9", [2, 4]),
        (FilterOperator.GREATER_THAN_OR_EQUAL, "9.0", [3, 5]),
        (FilterOperator.LESS_THAN_OR_EQUAL, "2", [2, 4]),
        (FilterOperator.IS_EMPTY, "", [4]),
        (FilterOperator.IS_NOT_EMPTY, "", [2, 3, 5]),
    ],
)
async def test_rows_are_kept_whose_cell_fits(operator: FilterOperator, value: str, numbers: list[int]) -> None:
    ran = await ask(google.GoogleSheetsFilterRows, filter_column="Cups", operator=operator.value, filter_value=value)
    assert ran["row_indices"] == numbers
    assert ran["rows"] == [ROWS[0], *(ROWS[number - 1] for number in numbers)]
    assert ran["count"] == len(numbers)


PRICED = {
    ALL: answer(
        {"values": [["Tea", "Price"], ["a", "1,200"], ["b", "$600.00"], ["c", "90"], ["d", "50%"], ["e", "x"]]}
    ),
    as_it_is("B"): answer(column(["Price", 1200, 600, 90, 0.5, "x"])),
}


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        (FilterOperator.GREATER_THAN, "500", ["1,200", "$600.00", "x"]),
        (FilterOperator.LESS_THAN, "500", ["90", "50%"]),
        (FilterOperator.EQUALS, "1200", ["1,200"]),
        (FilterOperator.EQUALS, "1,200", ["1,200"]),
        (FilterOperator.EQUALS, "0.5", ["50%"]),
        (FilterOperator.CONTAINS, "$", ["$600.00"]),
        (FilterOperator.CONTAINS, "120", ["1,200"]),
        (FilterOperator.NOT_EQUALS, "600", ["1,200", "90", "50%", "x"]),
    ],
)
async def test_numbers_are_compared_as_they_are_and_given_as_they_are_shown(
    operator: FilterOperator, value: str, found: list[str]
) -> None:
    inputs = {"filter_column": "Price", "operator": operator.value, "filter_value": value, "include_header": False}
    assert [row[1] for row in (await ask(google.GoogleSheetsFilterRows, PRICED, **inputs))["rows"]] == found


async def test_a_number_is_looked_up_as_it_is_or_as_it_is_shown() -> None:
    for value in ("600", "$600.00"):
        ran = await ask(google.GoogleSheetsLookupRow, PRICED, lookup_column="Price", lookup_value=value)
        assert (ran["row"], ran["row_index"]) == (["b", "$600.00"], 3)


async def test_capitals_count_when_they_are_to() -> None:
    async def found(**inputs: Any) -> Any:
        return (await ask(google.GoogleSheetsFilterRows, filter_column="Tea", filter_value="Black", **inputs))["count"]

    assert await found() == 1
    assert await found(match_case=True) == 0
    with pytest.raises(ValueError, match="has no column 'tea'"):
        await ask(google.GoogleSheetsFilterRows, filter_column="tea", match_case=True)


async def test_an_empty_sheet_has_nothing_in_it() -> None:
    empty = {ALL: answer({"range": "Cups!A1:C50"}), ALL_AS_IT_IS: answer({"range": "Cups!A1:C50"})}
    assert (await ask(google.GoogleSheetsFilterRows, empty, filter_column="Tea"))["rows"] == []
    assert (await ask(google.GoogleSheetsGetColumn, empty, column="Tea"))["column_index"] == -1
    assert not (await ask(google.GoogleSheetsLookupRow, empty, lookup_column="Tea", lookup_value="x"))["found"]
    assert (await ask(google.GoogleSheetsGetUniqueValues, empty, column="Tea"))["values"] == []
    assert (await ask(google.GoogleSheetsGetRowCount, empty))["last_row"] == 0
    assert (await ask(google.GoogleSheetsRemoveDuplicates, empty, columns=["Tea"]))["removed_count"] == 0
    assert (await ask(google.GoogleSheetsExportCsv, empty))["csv_data"] == ""


@pytest.mark.parametrize(
    ("inputs", "counted"),
    [
        ({}, (3, 2, 3)),
        ({"include_header": False}, (2, 2, 3)),
        ({"count_empty": True}, (4, 3, 4)),
    ],
)
async def test_rows_are_counted(inputs: dict[str, Any], counted: tuple[int, int, int]) -> None:
    rows = {ALL: answer({"values": [["Tea"], [], ["Green", "2"], [" "]]})}
    ran = await ask(google.GoogleSheetsGetRowCount, rows, **inputs)
    assert (ran["total_rows"], ran["data_rows"], ran["last_row"], ran["column_count"]) == (*counted, 2)


async def test_texts_are_found_in_all_sheets_or_in_one() -> None:
    both = {values("%27Ada%27%27s%20cups%27"): answer({"values": [[], ["", "green"]]})}
    found = (await ask(google.GoogleSheetsFind, both, find_text="GREEN"))["locations"]
    assert [(each["sheet"], each["address"], each["row"], each["column"]) for each in found] == [
        ("Cups", "A2", 2, 1),
        ("Cups", "A5", 5, 1),
        ("Ada's cups", "B2", 2, 2),
    ]
    one = await ask(google.GoogleSheetsFind, both, find_text="green", sheet_id=8)
    assert one["count"] == 1
    first = await ask(google.GoogleSheetsFind, both, find_text="e", find_all=False)
    assert [each["address"] for each in first["locations"]] == ["A1"]
    assert (await ask(google.GoogleSheetsFind, both, find_text="ree", match_entire_cell=True))["count"] == 0
    assert (await ask(google.GoogleSheetsFind, both, find_text="green", match_case=True))["count"] == 1
    with pytest.raises(ValueError, match="no sheet with the id 5"):
        await ask(google.GoogleSheetsFind, both, find_text="green", sheet_id=5)


async def test_a_row_beyond_the_grid_is_empty() -> None:
    header = {values("%27Cups%27%211%3A1"): answer({"values": ROWS[:1]})}
    refused = {values("%27Cups%27%2151%3A51"): answer({"error": {"message": "exceeds grid limits"}}, 400)}
    ran = await ask(google.GoogleSheetsGetRow, {**header, **refused}, row_index=51)
    assert ran["row"] == []
    assert ran["row_dict"] == {"Tea": "", "Cups": "", "Note": ""}


async def test_a_looked_up_row_gives_the_columns_asked_for() -> None:
    ran = await ask(google.GoogleSheetsLookupRow, lookup_column="Cups", lookup_value="2", return_columns=["C", "tea"])
    assert (ran["row"], ran["row_dict"], ran["row_index"]) == (["", "Green"], {"Note": "", "Tea": "Green"}, 2)


async def test_named_ranges_are_told_also_those_without_an_end() -> None:
    named = [
        {"name": "All", "namedRangeId": "1", "range": {"sheetId": 8}},
        {"name": "Columns", "namedRangeId": "2", "range": {"startColumnIndex": 1, "endColumnIndex": 28}},
        {"name": 5, "range": []},
    ]
    ran = await ask(google.GoogleSheetsListNamedRanges, {META: answer({**ABOUT, "namedRanges": [*named, 7]})})
    assert [each["range"] for each in ran["named_ranges"]] == ["Ada's cups!A1", "Cups!B1:AB", "Cups!A1"]


async def test_sharing_names_one_address_and_a_role() -> None:
    url = f"POST {DRIVE}/permissions?sendNotificationEmail=true&emailMessage=Look"
    ran = await ask(
        google.GoogleSheetsShareSpreadsheet, {url: answer({})}, email="a@tea.example", role="writer", message="Look"
    )
    assert ran.sent() == {"type": "user", "role": "writer", "emailAddress": "a@tea.example"}
    everybody = await ask(google.GoogleSheetsShareSpreadsheet, {f"POST {DRIVE}/permissions": answer({})}, role="writer")
    assert everybody.sent() == {"type": "anyone", "role": "reader"}
    for hostile in (
        "nobody",
        "a@tea.example, b@tea.example",
        "Ada <a@tea.example>",
        "a@tea.example\nx",
        "(" * 1_000 + ")" * 1_000,
    ):
        with pytest.raises(ValueError, match="one mail address"):
            await ask(google.GoogleSheetsShareSpreadsheet, email=hostile)


async def test_everybody_is_shut_out_on_every_page() -> None:
    page = {"permissions": [{"id": "o/w", "type": "user"}, {"id": "../x", "type": "anyone"}], "nextPageToken": "p2"}
    ran = await ask(
        google.GoogleSheetsSetPublicAccess,
        {
            f"GET {DRIVE}/permissions": answer(page),
            f"GET {DRIVE}/permissions?pageToken=p2": answer({"permissions": []}),
            f"DELETE {DRIVE}/permissions/..%2Fx": answer("", 204),
        },
        public=False,
    )
    assert ran.asked()[1] == f"DELETE {DRIVE}/permissions/..%2Fx"
    assert len(ran.seen) == 3
    assert ran["result"] == {"success": True, "is_public": False}


async def test_several_ranges_are_changed_at_once() -> None:
    answers = {f"POST {API}/values:batchUpdate": answer({}), f"POST {API}/values:batchClear": answer({})}
    operations = [
        {"type": "clear", "range": "My sheet!A1"},
        {"type": "update", "range": "B1", "values": [["x"]]},
        {"type": "clear", "range": "C1"},
    ]
    ran = await ask(google.GoogleSheetsBatchOperations, answers, operations=operations)
    assert ran.sent(0)["data"] == [{"range": "B1", "values": [["x"]]}]
    assert ran.sent(1) == {"ranges": ["'My sheet'!A1", "C1"]}


async def test_a_sheet_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no sheet 'Milk'\. It has: Cups, Ada's cups"):
        await ask(google.GoogleSheetsExportCsv, sheet_name="Milk")


# Files, and who may open them.


@pytest.mark.parametrize("block", ON_FILES, ids=lambda block: block.__name__)
async def test_what_is_handed_on_names_the_credential_it_was_opened_with(block: type[Block[Any]]) -> None:
    (name, file) = block.examples[0].outputs[-1]
    assert name == "spreadsheet"
    assert file["_credentials_id"] == "mine"
    with pytest.raises(ValueError, match="Authentication missing for 'Teas' in field 'spreadsheet'") as failure:
        await run_online(block, block.examples[0].inputs, {}, credentials={})
    assert failure.value.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text/csv", "a CSV file"),
        ("application/vnd.ms-excel", "an Excel file"),
        ("application/pdf", "of the type application/pdf"),
        (5, "of the type 5"),
    ],
)
async def test_what_is_no_spreadsheet_is_not_opened(kind: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"'Teas' is no Google spreadsheet but {words}"):
        await ask(google.GoogleSheetsRead, spreadsheet={**FILE, "mimeType": kind}, range="A1")


HOSTILE = ["../x", "..", "", "1Leaf/values/A1", "1Leaf?x", "1Leaf:batchUpdate", "é", "x" * 201, None, 7, ["1Leaf"]]
HOSTILE += [
    "https://evil.example/spreadsheets/d/1Leaf/edit",
    "http://docs.google.com/spreadsheets/d/1Leaf/edit",
    "https://docs.google.com/document/d/1Leaf/edit",
    "https://docs.google.com.evil.example/spreadsheets/d/1Leaf",
    "https://[",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
async def test_an_id_leads_nowhere_else(hostile: Any) -> None:
    with pytest.raises(ValueError, match="is not the id of a spreadsheet") as failure:
        await ask(google.GoogleSheetsMetadata, spreadsheet={"id": hostile})
    assert failure.value.seen == []  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="is not the id of a spreadsheet"):
        await ask(
            google.GoogleSheetsCopyToSpreadsheet,
            source_spreadsheet=FILE,
            destination_spreadsheet_id=hostile if isinstance(hostile, str) else "",
        )


def test_an_address_names_a_spreadsheet() -> None:
    assert file_id("https://docs.google.com/spreadsheets/d/1_Le-af/edit#gid=0") == "1_Le-af"
    assert file_id("https://docs.google.com/spreadsheets/u/0/d/1Leaf") == "1Leaf"


@pytest.mark.parametrize("range_", ["..", ".", "../../x", "A1?alt=media", "A1/../..", "A1:clear", "x!../..", "%2e%2e"])
async def test_a_range_leads_nowhere_else(range_: str) -> None:
    with pytest.raises(ValueError, match=r"404|range is empty") as failure:
        await ask(google.GoogleSheetsRead, range=range_)
    for seen in failure.value.seen:  # type: ignore[attr-defined]
        assert seen.url.startswith(f"{API}/values/")
        assert "/" not in seen.url.removeprefix(f"{API}/values/")
        assert "?" not in seen.url


BAD = ["<html>secret of mine</html>", "null", "3", "[1]"]


@pytest.mark.parametrize("body", BAD)
@every_block
async def test_answers_of_other_shapes_fail_in_words_of_ours(block: type[Block[Any]], body: str) -> None:
    with pytest.raises(AnswerUnreadable) as failure:
        await run_online(block, block.examples[0].inputs, answer(body))
    assert "secret of" not in str(failure.value)


STRANGE = [
    {"values": 3},
    {"values": [3]},
    {"values": [[None, 5, {"x": 1}]], "sheets": [{"properties": {"sheetId": 0, "title": "Cups"}}]},
    {"sheets": [{"properties": 3}, 5], "permissions": 7, "replies": {}, "spreadsheetId": "../x"},
    {"sheets": [{"properties": {"sheetId": 0, "title": "Cups", "gridProperties": 5}, "data": [{"rowData": [3, {}]}]}]},
    {"sheets": [{"properties": {"sheetId": 0, "title": "Cups"}, "data": [{"rowData": 3, "startRow": "x"}]}]},
    {"spreadsheetId": "1", "namedRanges": [{"range": {"endColumnIndex": "x"}}], "updates": 7, "sheetId": "x"},
]


@pytest.mark.parametrize("told", STRANGE, ids=repr)
@every_block
async def test_strange_answers_are_read_or_refused(block: type[Block[Any]], told: dict[str, Any]) -> None:
    try:
        ran = await run_online(block, block.examples[0].inputs, answer(told))
    except ValueError as error:
        assert str(error)  # noqa: PT017 - any other error is one that nobody foresaw
    else:
        assert json.dumps(ran.outputs)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@every_block
async def test_statuses_that_say_no(block: type[Block[Any]], status: int) -> None:
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await run_online(block, block.examples[0].inputs, answer('{"error": "secret of mine"}', status))
    assert "secret of" not in str(failure.value)
    assert len(failure.value.seen) == 1  # type: ignore[attr-defined]


def test_what_only_reads_may_be_begun_again() -> None:
    reading = {block.__name__.removeprefix("GoogleSheets") for block in BLOCKS if block.effects is Effects.IDEMPOTENT}
    assert reading == {
        *("Read", "Find", "ExportCsv", "Metadata", "ListNamedRanges", "GetNotes"),
        *("GetRow", "GetColumn", "GetRowCount", "GetUniqueValues", "FilterRows", "LookupRow"),
    }
    for block in BLOCKS:
        asked = {exchange.request.split()[0] for example in block.examples for exchange in example.web}
        assert (asked == {"GET"}) == (block.effects is Effects.IDEMPOTENT)


# Cells and ranges.


@given(st.integers(0, 18_277))
def test_columns_have_letters(number: int) -> None:
    assert column_number(column_letters(number)) == number


def test_cells_and_areas() -> None:
    assert (column_letters(0), column_letters(25), column_letters(26), column_letters(701)) == ("A", "Z", "AA", "ZZ")
    assert cell_at(" $ab$12 ") == (11, 27)
    assert area_at("B2:A1") == area_at("A1:B2") == Area(0, 0, 2, 2)
    assert area_at("C3") == Area(2, 2, 3, 3)
    assert [start_of(text) for text in ("B3:D9", "B:D", "2:5", "", "?")] == [(2, 1), (0, 1), (1, 0), (0, 0), (0, 0)]
    for text in ("", "A", "1", "A0", "A1:", ":A1", "A1:B2:C3", "A1\n", "ABCD1", "A123456789", "é1"):
        with pytest.raises(ValueError, match="is no range of cells"):
            area_at(text if text != "A1\n" else "A\n1")


@given(st.text(min_size=1, max_size=30).filter(lambda name: "!" not in name))
def test_a_sheets_name_comes_through_quoting(name: str) -> None:
    assert parted(in_sheet(name, "A1:B2")) == (name, "A1:B2")


@pytest.mark.parametrize(
    ("written", "tidy"),
    [
        ("A1:B2", "A1:B2"),
        ("", "A:Z"),
        ("Cups!A1", "Cups!A1"),
        ("Cups!", "Cups!A:Z"),
        ("My cups!A1", "'My cups'!A1"),
        ("'My cups'!A1", "'My cups'!A1"),
        ("'Ada''s'!A1", "'Ada''s'!A1"),
        ("2024!A1", "'2024'!A1"),
        ("Teas", "Teas"),
    ],
)
def test_ranges_are_tidied(written: str, tidy: str) -> None:
    assert tidied(written) == tidy


def test_columns_are_found_by_heading_before_letters() -> None:
    header = ["B", "Tea", "to"]
    assert [column_in(header, name) for name in ("b", "C", "TO", "tea")] == [0, 2, 2, 1]
    with pytest.raises(ValueError, match=r"no column 'D'\. It has: B, Tea, to"):
        column_in(header, "D")
