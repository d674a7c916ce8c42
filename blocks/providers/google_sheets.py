"""Google Sheets: one spreadsheet over its REST interface.

For the blocks of `blocks/google/`. The id is checked before it becomes part of a path; ranges are parts of paths, too,
and are quoted whole. Where a cell is, and what ranges are called, is in `sheet_cells.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from blocks.http.client import Http, Params
from blocks.providers.answers import object_of, unexpected_from
from blocks.providers.paths import segment
from blocks.providers.sheet_cells import column_letters, in_sheet

_HOST = "sheets.googleapis.com"
_API = f"https://{_HOST}/v4/spreadsheets"
_DRIVE = "https://www.googleapis.com/drive/v3/files"
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_IN_PATH = re.compile(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{1,200})(?:/.*)?")
_LARGEST = 50 * 1024 * 1024
_MOST_PAGES = 20
_AS_IT_IS = {"valueRenderOption": "UNFORMATTED_VALUE"}

type Json = dict[str, Any]
type Row = list[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a spreadsheet, and its size in cells."""

    id: int
    name: str
    rows: int
    columns: int


def file_id(told: Any) -> str:
    """The id of a file at Google, or the one in a spreadsheet's address. ValueError when it is none."""
    text = told.strip() if isinstance(told, str) else ""
    if text.startswith("https://"):
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        found = _IN_PATH.fullmatch(parts.path) if parts.hostname == "docs.google.com" else None
        text = found[1] if found else ""
    if not _ID.fullmatch(text):
        raise ValueError(
            f"{told!r:.100} is not the id of a spreadsheet; it stands in its address, after "
            "https://docs.google.com/spreadsheets/d/."
        )
    return text


@dataclass(frozen=True, slots=True)
class Sheets:
    """A spreadsheet. Every method raises what `object_of` does."""

    http: Http
    token: str = field(repr=False)
    id: str

    async def about(self) -> Json:
        """The spreadsheet without its cells, as Google describes it."""
        return await self._ask("GET", "", {"includeGridData": "false"})

    async def sheets(self) -> list[Sheet]:
        """Its sheets, in their order; at least one."""
        found = [sheet for each in objects((await self.about()).get("sheets")) if (sheet := _sheet(each))]
        if not found:
            raise unexpected_from(_HOST)
        return found

    async def sheet(self, name: str) -> Sheet:
        """The sheet of this name, or the first. ValueError when there is none."""
        sheets = await self.sheets()
        if not name:
            return sheets[0]
        for sheet in sheets:
            if sheet.name == name:
                return sheet
        known = ", ".join(sheet.name for sheet in sheets)
        raise ValueError(f"The spreadsheet has no sheet {name!r:.100}. It has: {known:.1000}.")

    async def values(self, range_: str, params: Params | None = None) -> list[Row]:
        """The cells of a range as texts, row by row, without empty ones at the ends; as they are shown."""
        return rows_of(await self._ask("GET", f"/values/{_quoted(range_)}", params))

    async def rows(self, sheet: Sheet) -> list[Row]:
        """All cells of a sheet."""
        return await self.values(in_sheet(sheet.name))

    async def rows_as_they_are(self, sheet: Sheet) -> list[Row]:
        """All cells of a sheet by what is in them, for comparing: `1,200.00` is 1200, a date a number of days."""
        return await self.values(in_sheet(sheet.name), _AS_IT_IS)

    async def column_as_it_is(self, sheet: Sheet, number: int) -> list[str]:
        """The cells of a column, counted from 0, by what is in them: `1,200.00` is 1200; dates are as shown."""
        letters = column_letters(number)
        params = {**_AS_IT_IS, "dateTimeRenderOption": "FORMATTED_STRING"}
        return [
            row[0] if row else "" for row in await self.values(in_sheet(sheet.name, f"{letters}:{letters}"), params)
        ]

    async def row(self, sheet: Sheet, number: int) -> Row:
        """One row, counted from 1; empty where nothing is, beyond the end of the sheet, too."""
        if number > sheet.rows:
            return []
        return next(iter(await self.values(in_sheet(sheet.name, f"{number}:{number}"))), [])

    async def write(self, range_: str, rows: Sequence[Sequence[str]], option: str = "USER_ENTERED") -> Json:
        """Put rows into a range; what Google says of it, such as `updatedCells`."""
        body = {"values": [list(row) for row in rows]}
        return await self._ask("PUT", f"/values/{_quoted(range_)}", {"valueInputOption": option}, body)

    async def append(self, range_: str, rows: Sequence[Sequence[str]], option: str) -> Json:
        """Put rows below the table in a range; what Google says of the cells, such as `updatedCells`."""
        params = {"valueInputOption": option, "insertDataOption": "INSERT_ROWS"}
        body = {"values": [list(row) for row in rows]}
        told = (await self._ask("POST", f"/values/{_quoted(range_)}:append", params, body)).get("updates")
        return told if isinstance(told, dict) else {}

    async def clear(self, range_: str) -> Json:
        """Empty a range; what Google says of it."""
        return await self._ask("POST", f"/values/{_quoted(range_)}:clear", body={})

    async def write_many(self, data: Sequence[Json]) -> Json:
        """Put rows into several ranges, each with `range` and `values`."""
        body = {"valueInputOption": "USER_ENTERED", "data": list(data)}
        return await self._ask("POST", "/values:batchUpdate", body=body)

    async def clear_many(self, ranges: Sequence[str]) -> Json:
        """Empty several ranges."""
        return await self._ask("POST", "/values:batchClear", body={"ranges": list(ranges)})

    async def change(self, *requests: Json) -> Json:
        """Make changes, all or none of them; what Google says of them, each under `replies`."""
        return await self._ask("POST", ":batchUpdate", body={"requests": list(requests)})

    async def cells(self, range_: str) -> list[Json]:
        """The grids of a range, with all that cells have: `startRow`, `startColumn`, `rowData`."""
        told = await self._ask("GET", "", {"ranges": range_, "includeGridData": "true"})
        return [grid for sheet in objects(told.get("sheets")) for grid in objects(sheet.get("data"))]

    async def copy_sheet(self, sheet: Sheet, destination: str) -> Json:
        """Copy a sheet into another spreadsheet; what Google says of the new one: `sheetId`, `title`."""
        body = {"destinationSpreadsheetId": file_id(destination)}
        return await self._ask("POST", f"/sheets/{sheet.id}:copyTo", body=body)

    async def let_in(self, permission: Json, *, notify: bool | None = None, message: str = "") -> None:
        """Give somebody access to the file, or everybody."""
        params = {} if notify is None else {"sendNotificationEmail": "true" if notify else "false"}
        params |= {"emailMessage": message} if message else {}
        await self._drive("POST", "/permissions", params, permission)

    async def shut_out_everybody(self) -> None:
        """Take the access that everybody has, so that those alone have it who were named."""
        page = ""
        for _ in range(_MOST_PAGES):
            told = await self._drive("GET", "/permissions", {"pageToken": page} if page else None)
            for each in objects(told.get("permissions")):
                if each.get("type") == "anyone":
                    await self._drive("DELETE", f"/permissions/{segment(str(each.get('id')), 'The permission')}")
            following = told.get("nextPageToken")
            if not isinstance(following, str) or not following:
                return
            page = following

    async def _drive(self, method: str, path: str, params: Params | None = None, body: Any = None) -> Json:
        answer = await self.http.request(
            method, f"{_DRIVE}/{self.id}{path}", params=params, headers=_headers(self.token), json=body
        )
        return {} if answer.is_success and not answer.body else object_of(answer)

    async def _ask(self, method: str, path: str, params: Params | None = None, body: Any = None) -> Json:
        answer = await self.http.request(
            method,
            f"{_API}/{self.id}{path}",
            params=params,
            headers=_headers(self.token),
            json=body,
            most_bytes=_LARGEST,
        )
        return object_of(answer)


async def create(http: Http, token: str, title: str, sheet_names: Sequence[str]) -> tuple[str, str]:
    """Make a spreadsheet with these sheets; its id and its address."""
    body = {"properties": {"title": title}, "sheets": [{"properties": {"title": name}} for name in sheet_names]}
    told = object_of(await http.request("POST", _API, headers=_headers(token), json=body))
    made = told.get("spreadsheetId")
    if not isinstance(made, str) or not _ID.fullmatch(made):
        raise unexpected_from(_HOST)
    url = told.get("spreadsheetUrl")
    return made, url if isinstance(url, str) else f"https://docs.google.com/spreadsheets/d/{made}/edit"


def rows_of(answer: Mapping[str, Any]) -> list[Row]:
    """The rows of an answer; cells become texts. No rows mean that nothing is there."""
    rows = answer.get("values", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise unexpected_from(_HOST)
    return [[_text(cell) for cell in row] for row in rows]


def objects(value: Any) -> list[Json]:
    """The objects of a list; none when it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def first_reply(told: Mapping[str, Any], *names: str) -> Any:
    """What stands under these names in the first reply to a change; None when nothing does."""
    value: Any = next(iter(objects(told.get("replies"))), None)
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _sheet(told: Json) -> Sheet | None:
    match told.get("properties"):
        case {"sheetId": int() as sheet_id, "title": str() as title, **rest}:
            grid = rest.get("gridProperties")
            size = grid if isinstance(grid, dict) else {}
            rows, columns = size.get("rowCount"), size.get("columnCount")
            return Sheet(
                sheet_id,
                title,
                rows if isinstance(rows, int) else 1000,
                columns if isinstance(columns, int) else 26,
            )
    return None


def _text(cell: Any) -> str:
    match cell:
        case str():
            return cell
        case None:
            return ""
        case bool():
            return str(cell).upper()
        case float() if cell.is_integer():
            return str(int(cell))
    return str(cell)


def _quoted(range_: str) -> str:
    if not range_.strip() or range_.strip() in (".", ".."):
        raise ValueError("The range is empty; it is like Sheet1!A1:B2.")
    return quote(range_, safe="")


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
