"""Where cells are and what ranges are called, in A1 notation.

For `google_sheets.py` and the blocks of `blocks/google/`; pure. Rows and columns of `Area` count from 0, with the first
one beyond the end; what people say counts from 1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,7})")
_COLUMN = re.compile(r"[A-Za-z]{1,3}")
_START = re.compile(r"\$?([A-Za-z]{0,3})\$?(\d{0,8})")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells."""

    top: int
    left: int
    bottom: int
    right: int

    def of_sheet(self, sheet_id: int) -> dict[str, int]:
        """As Google names it."""
        return {
            "sheetId": sheet_id,
            "startRowIndex": self.top,
            "endRowIndex": self.bottom,
            "startColumnIndex": self.left,
            "endColumnIndex": self.right,
        }


def column_number(letters: str) -> int:
    """0 for `A`, 26 for `AA`."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def column_letters(number: int) -> str:
    """`A` for 0, `AA` for 26."""
    letters = ""
    number += 1
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_at(text: str) -> tuple[int, int]:
    """Row and column of a cell. ValueError when it is none."""
    found = _CELL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r:.60} is no cell; cells are called like B2.")
    return int(found[2]) - 1, column_number(found[1])


def area_at(text: str) -> Area:
    """The area of a range like `A1:B2`, or of one cell. ValueError when it is none."""
    first, colon, last = text.strip().partition(":")
    try:
        (top, left), (bottom, right) = cell_at(first), cell_at(last if colon else first)
    except ValueError:
        raise ValueError(f"{text!r:.60} is no range of cells; they are called like A1:B2.") from None
    return Area(min(top, bottom), min(left, right), max(top, bottom) + 1, max(left, right) + 1)


def start_of(cells: str) -> tuple[int, int]:
    """Row and column where a range begins, which may be of whole rows or columns: `B:D`, `2:5`."""
    found = _START.fullmatch(cells.strip().partition(":")[0])
    if found is None:
        return 0, 0
    return max(int(found[2] or 1) - 1, 0), column_number(found[1]) if found[1] else 0


def parted(range_: str) -> tuple[str, str]:
    """The sheet's name, without quotes, and the cells of a range; the name is empty when it names none."""
    sheet, mark, cells = range_.rpartition("!")
    if not mark:
        return "", range_.strip()
    sheet = sheet.strip()
    if len(sheet) >= 2 and sheet[0] == sheet[-1] and sheet[0] in "'\"":
        sheet = sheet[1:-1].replace("''", "'")
    return sheet, cells.strip()


def in_sheet(name: str, cells: str = "") -> str:
    """The range of cells in a sheet, or of the whole sheet."""
    quoted = "'" + name.replace("'", "''") + "'"
    return f"{quoted}!{cells}" if cells else quoted


def tidied(range_: str, default: str = "A:Z") -> str:
    """A range as people write it, with the sheet's name quoted where it must be."""
    sheet, cells = parted(range_)
    if not sheet:
        return cells or default
    return f"{sheet}!{cells or default}" if _PLAIN_NAME.fullmatch(sheet) else in_sheet(sheet, cells or default)


def column_in(header: Sequence[str], name: str, *, match_case: bool = False) -> int:
    """The number of the column with this heading, or else of these letters. ValueError when there is none."""
    for number, heading in enumerate(header):
        if heading == name or (not match_case and heading.lower() == name.lower()):
            return number
    if _COLUMN.fullmatch(name) and (number := column_number(name)) < len(header):
        return number
    known = ", ".join(header)
    raise ValueError(f"The sheet has no column {name!r:.100}. It has: {known:.1000}.")
