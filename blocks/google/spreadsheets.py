"""What the blocks for Google Sheets share: the spreadsheet they work on, and the account that it is opened with.

A spreadsheet is a file of Google Drive as its picker describes it: `id`, `name`, `mimeType`, … It may name the
credential it is opened with, `_credentials_id`, and then every block that it is handed on to is let in, too; imported
agents name none, so a run gives `credentials`.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsMeta, key_of
from blocks.google.account import ACCOUNT, EXAMPLE_ACCOUNT, JSON
from blocks.providers.google_sheets import Sheets, file_id

KIND = "application/vnd.google-apps.spreadsheet"
ICON = "https://www.gstatic.com/images/branding/product/1x/sheets_48dp.png"
_EXCEL = "an Excel file; save it as a Google spreadsheet"
_REFUSED = {
    "text/csv": "a CSV file; read it with a block for files, or import it into a spreadsheet",
    "application/vnd.ms-excel": _EXCEL,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _EXCEL,
}
ACCOUNT_BY_FILE = replace(ACCOUNT, required=False, file_by="spreadsheet")

SHEET_API = "https://sheets.googleapis.com/v4/spreadsheets/1Leaf"
EXAMPLE_INPUTS = {
    "spreadsheet": {"id": "1Leaf", "name": "Teas", "mimeType": KIND},
    "credentials": EXAMPLE_ACCOUNT,
}
EXAMPLE_FILE = {
    "id": "1Leaf",
    "name": "Teas",
    "mimeType": KIND,
    "url": "https://docs.google.com/spreadsheets/d/1Leaf/edit",
    "iconUrl": ICON,
    "isFolder": False,
    "_credentials_id": "mine",
}
EXAMPLE_SHEETS = (
    '{"properties": {"title": "Teas"}, "sheets": [{"properties": {"sheetId": 0, "title": "Cups", "gridProperties": '
    '{"rowCount": 100, "columnCount": 26}}}]}'
)
META = f"GET {SHEET_API}?includeGridData=false"
"""The spreadsheet of the examples."""


class SpreadsheetInputs(Inputs):
    """The inputs that blocks for spreadsheets have."""

    spreadsheet: dict[str, Any] = Field(
        title="Spreadsheet", description="The spreadsheet, as Google's picker or another block gives it: at least `id`"
    )
    credentials: CredentialsMeta | None = Field(
        None,
        title="Credentials",
        description="Your Google account, unless the spreadsheet names it; as an API key, an access token",
    )


class SheetInputs(SpreadsheetInputs):
    """The same, with the sheet."""

    sheet_name: str = Field("", title="Sheet", description="The name of the sheet; empty: the first")


class SpreadsheetOutputs(Outputs):
    """The outputs that blocks for spreadsheets have."""

    spreadsheet: dict[str, Any] = Field(title="Spreadsheet", description="The spreadsheet, for further blocks")


class ResultOutputs(SpreadsheetOutputs):
    """The same, with what was done."""

    result: dict[str, Any] = Field(title="Result", description="What was done")


class SpreadsheetBlock[InputT: SpreadsheetInputs](Block[InputT]):
    """Base of blocks that work on one spreadsheet, and hand it on."""

    categories = frozenset({Category.DATA})
    credentials: ClassVar = {"credentials": ACCOUNT_BY_FILE}

    async def run(self, inputs: InputT, context: BlockContext) -> AsyncIterator[Yielded]:
        """Yields what `work` gives, and the spreadsheet."""
        done = await self.work(opened(inputs, context), inputs)
        for name, value in done.items():
            yield name, value
        yield "spreadsheet", as_file(inputs.spreadsheet, inputs.credentials)

    @abstractmethod
    async def work(self, sheets: Sheets, inputs: InputT) -> Mapping[str, Any]:
        """Do it; the outputs by name, in their order."""


def said(request: str, body: str) -> Exchange:
    """An answer of Google's in an example."""
    return Exchange(request, body, headers=JSON)


def example(inputs: Mapping[str, Any], outputs: Mapping[str, Any], *web: Exchange) -> Example:
    """An example with the spreadsheet of the examples."""
    return Example({**EXAMPLE_INPUTS, **inputs}, (*outputs.items(), ("spreadsheet", EXAMPLE_FILE)), web)


def opened(inputs: SpreadsheetInputs, context: BlockContext) -> Sheets:
    """The spreadsheet of the inputs. ValueError when it is none, or nobody is named who may open it."""
    return sheets_of(inputs.spreadsheet, "spreadsheet", context)


def sheets_of(file: dict[str, Any], field: str, context: BlockContext) -> Sheets:
    """The spreadsheet that a file is. ValueError when it is none, or nobody is named who may open it (S-247)."""
    name = str(file.get("name") or "selected file")
    kind = file.get("mimeType")
    if kind and kind != KIND:
        what = _REFUSED.get(str(kind), f"of the type {kind!s:.100}")
        raise ValueError(f"{name!r:.100} is no Google spreadsheet but {what}.")
    spreadsheet_id = file_id(file.get("id"))
    if "credentials" not in context.credentials:
        raise ValueError(
            f"Authentication missing for {name!r:.100} in field {field!r}: give the block your Google `credentials`, "
            "or a file that names them."
        )
    return Sheets(context.services.http, key_of(context.credentials), spreadsheet_id)


def as_file(file: dict[str, Any], credentials: CredentialsMeta | None) -> dict[str, Any]:
    """A spreadsheet as Google's picker describes it."""
    spreadsheet_id = file_id(file.get("id"))
    return {
        "id": spreadsheet_id,
        "name": file.get("name"),
        "mimeType": KIND,
        "url": f"https://docs.google.com/spreadsheets/d/{spreadsheet_id}/edit",
        "iconUrl": ICON,
        "isFolder": False,
        "_credentials_id": credentials.id if credentials else file.get("_credentials_id"),
    }
