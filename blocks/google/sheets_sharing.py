"""Who may see a spreadsheet.

Registered in `catalogue.py`; what Google is asked is in `providers/google_sheets.py`. All are entered at most once.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.google.spreadsheets import ResultOutputs, SpreadsheetBlock, SpreadsheetInputs, example, said
from blocks.mail.addresses import addresses_of
from blocks.providers.google_sheets import Sheets
from engine.model import Effects

_PERMISSIONS = "https://www.googleapis.com/drive/v3/files/1Leaf/permissions"
_LINK = "https://docs.google.com/spreadsheets/d/{}/edit"
_SHARED = "?usp=sharing"


class ShareRole(StrEnum):
    """What somebody may do."""

    READER = "reader"
    WRITER = "writer"
    COMMENTER = "commenter"


class SharingOutputs(ResultOutputs):
    share_link: str = Field(title="Link", description="Where the spreadsheet is")


class GoogleSheetsShareSpreadsheetInputs(SpreadsheetInputs):
    email: str = Field("", title="Address", description="Whom to share with; empty: everybody who has the link")
    role: ShareRole = Field(
        ShareRole.READER, title="Role", description="`reader`, `commenter` or `writer`; everybody may read at the most"
    )
    send_notification: bool = Field(True, title="Tell them", description="Google sends a mail")
    message: str = Field("", title="Message", description="What the mail says besides")


class GoogleSheetsShareSpreadsheet(SpreadsheetBlock[GoogleSheetsShareSpreadsheetInputs]):
    id = "3e47e8ac-511a-4eb6-89c5-a6bcedc4236f"
    name = "Share Google spreadsheet"
    description = "Lets somebody, or everybody who has the link, see a Google spreadsheet."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsShareSpreadsheetInputs
    Output = SharingOutputs
    examples = (
        example(
            {"email": "ada@tea.example"},
            {"result": {"success": True}, "share_link": _LINK.format("1Leaf")},
            said(f"POST {_PERMISSIONS}?sendNotificationEmail=true", '{"id": "7"}'),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsShareSpreadsheetInputs) -> Mapping[str, Any]:
        link, email = _LINK.format(sheets.id), inputs.email.strip()
        if email:
            _check(email)
            permission = {"type": "user", "role": inputs.role.value, "emailAddress": email}
            # A message without a mail is refused.
            message = inputs.message if inputs.send_notification else ""
            await sheets.let_in(permission, notify=inputs.send_notification, message=message)
        else:
            role = ShareRole.READER if inputs.role is ShareRole.WRITER else inputs.role
            await sheets.let_in({"type": "anyone", "role": role.value})
            link += _SHARED
        return {"result": {"success": True}, "share_link": link}


def _check(address: str) -> None:
    """ValueError unless it is one mail address."""
    if addresses_of([address]) != [address] or not all(address.rpartition("@")):
        raise ValueError("Whom to share with is one mail address, like somebody@example.com.")


class PublicAccessRole(StrEnum):
    """What everybody may do."""

    READER = "reader"
    COMMENTER = "commenter"


class GoogleSheetsSetPublicAccessInputs(SpreadsheetInputs):
    public: bool = Field(True, title="Public", description="Everybody who has the link may see it; else nobody more")
    role: PublicAccessRole = Field(PublicAccessRole.READER, title="Role", description="`reader` or `commenter`")


class GoogleSheetsSetPublicAccess(SpreadsheetBlock[GoogleSheetsSetPublicAccessInputs]):
    id = "d08d46cd-088b-4ba7-a545-45050f33b889"
    name = "Set public access of Google spreadsheet"
    description = "Lets everybody who has the link see a Google spreadsheet, or only those who were named."
    effects = Effects.EFFECTFUL
    Input = GoogleSheetsSetPublicAccessInputs
    Output = SharingOutputs
    examples = (
        example(
            {},
            {"result": {"success": True, "is_public": True}, "share_link": _LINK.format("1Leaf") + _SHARED},
            said(f"POST {_PERMISSIONS}", '{"id": "anyoneWithLink"}'),
        ),
        example(
            {"public": False},
            {"result": {"success": True, "is_public": False}, "share_link": _LINK.format("1Leaf")},
            said(
                f"GET {_PERMISSIONS}", '{"permissions": [{"id": "7", "type": "user"}, {"id": "9", "type": "anyone"}]}'
            ),
            said(f"DELETE {_PERMISSIONS}/9", ""),
        ),
    )

    async def work(self, sheets: Sheets, inputs: GoogleSheetsSetPublicAccessInputs) -> Mapping[str, Any]:
        link = _LINK.format(sheets.id)
        if inputs.public:
            await sheets.let_in({"type": "anyone", "role": inputs.role.value})
        else:
            await sheets.shut_out_everybody()
        return {
            "result": {"success": True, "is_public": inputs.public},
            "share_link": link + _SHARED if inputs.public else link,
        }
