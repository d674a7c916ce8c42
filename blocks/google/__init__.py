"""Blocks for Google's services, which act for a user's account."""

from typing import Any

from blocks.base import Block
from blocks.google.gmail_reading import (
    GmailAddLabel,
    GmailGetProfile,
    GmailGetThread,
    GmailListLabels,
    GmailRead,
    GmailRemoveLabel,
)
from blocks.google.gmail_sending import GmailCreateDraft, GmailDraftReply, GmailForward, GmailReply, GmailSend
from blocks.google.sheets_changes import (
    GoogleSheetsAddColumn,
    GoogleSheetsDeleteColumn,
    GoogleSheetsDeleteRows,
    GoogleSheetsInsertRow,
    GoogleSheetsRemoveDuplicates,
    GoogleSheetsSort,
    GoogleSheetsUpdateRow,
)
from blocks.google.sheets_finding import GoogleSheetsFind, GoogleSheetsFindReplace
from blocks.google.sheets_looks import (
    GoogleSheetsAddDropdown,
    GoogleSheetsAddNote,
    GoogleSheetsFormat,
    GoogleSheetsGetNotes,
    GoogleSheetsProtectRange,
)
from blocks.google.sheets_rows import (
    GoogleSheetsFilterRows,
    GoogleSheetsGetColumn,
    GoogleSheetsGetRow,
    GoogleSheetsGetRowCount,
    GoogleSheetsGetUniqueValues,
    GoogleSheetsLookupRow,
)
from blocks.google.sheets_sharing import GoogleSheetsSetPublicAccess, GoogleSheetsShareSpreadsheet
from blocks.google.sheets_structure import (
    GoogleSheetsCopyToSpreadsheet,
    GoogleSheetsCreateNamedRange,
    GoogleSheetsCreateSpreadsheet,
    GoogleSheetsListNamedRanges,
    GoogleSheetsManageSheet,
    GoogleSheetsMetadata,
)
from blocks.google.sheets_values import (
    GoogleSheetsAppendRow,
    GoogleSheetsBatchOperations,
    GoogleSheetsClear,
    GoogleSheetsExportCsv,
    GoogleSheetsImportCsv,
    GoogleSheetsRead,
    GoogleSheetsUpdateCell,
    GoogleSheetsWrite,
)

GOOGLE_BLOCKS: tuple[type[Block[Any]], ...] = (
    GmailSend,
    GmailRead,
    GmailGetThread,
    GmailReply,
    GmailForward,
    GmailCreateDraft,
    GmailDraftReply,
    GmailListLabels,
    GmailAddLabel,
    GmailRemoveLabel,
    GmailGetProfile,
    GoogleSheetsRead,
    GoogleSheetsWrite,
    GoogleSheetsAppendRow,
    GoogleSheetsUpdateCell,
    GoogleSheetsClear,
    GoogleSheetsBatchOperations,
    GoogleSheetsExportCsv,
    GoogleSheetsImportCsv,
    GoogleSheetsFind,
    GoogleSheetsFindReplace,
    GoogleSheetsGetRow,
    GoogleSheetsGetColumn,
    GoogleSheetsGetRowCount,
    GoogleSheetsGetUniqueValues,
    GoogleSheetsFilterRows,
    GoogleSheetsLookupRow,
    GoogleSheetsUpdateRow,
    GoogleSheetsInsertRow,
    GoogleSheetsDeleteRows,
    GoogleSheetsRemoveDuplicates,
    GoogleSheetsSort,
    GoogleSheetsAddColumn,
    GoogleSheetsDeleteColumn,
    GoogleSheetsMetadata,
    GoogleSheetsCreateSpreadsheet,
    GoogleSheetsManageSheet,
    GoogleSheetsCopyToSpreadsheet,
    GoogleSheetsCreateNamedRange,
    GoogleSheetsListNamedRanges,
    GoogleSheetsFormat,
    GoogleSheetsAddDropdown,
    GoogleSheetsProtectRange,
    GoogleSheetsAddNote,
    GoogleSheetsGetNotes,
    GoogleSheetsShareSpreadsheet,
    GoogleSheetsSetPublicAccess,
)
"""In the order in which people read them."""
