"""Texts that people or services give as parts of an address's path.

Used by every module here that puts one into a path: none leads to another place than its own.
"""

import re
from urllib.parse import quote

LONGEST_PATH = 4_000
NO_NAME = frozenset({"", ".", ".."})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def segment(text: str, what: str) -> str:
    """A text as one segment of a path. `what` is its name in the ValueError for one that cannot be one."""
    if text in NO_NAME or len(text) > LONGEST_PATH or _CONTROL.search(text):
        raise ValueError(f"{what} is not one that there can be: it is empty, only dots, far too long or not a line.")
    return quoted(text, what)


def quoted(text: str, what: str) -> str:
    """A text of any length and of several lines as one segment of a path; otherwise as `segment`."""
    if text.strip() in NO_NAME:
        raise ValueError(f"{what} is empty, or only dots.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds characters that cannot be sent.") from None
