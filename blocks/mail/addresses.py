"""Mail addresses as they stand in headers and inputs, read without trusting whoever wrote them.

Used by every block that reads or names one. The standard library follows comments in comments by calling itself, as
deep as they go; what is nested deeper than anybody writes is not read at all.
"""

import re
from collections.abc import Sequence
from email.utils import getaddresses, parseaddr

_DEEPEST = 50
_BRACKET = re.compile(r"\\.|[()]", re.DOTALL)


def addresses_of(texts: Sequence[str]) -> list[str]:
    """The bare address of each that is named in the texts, several in one with commas; empty for what is none."""
    return [""] if is_too_deep(", ".join(texts)) else [address for _, address in getaddresses(texts, strict=True)]


def address_of(text: str) -> str:
    """The one bare address in a text; empty when there is none, or more than one."""
    return "" if is_too_deep(text) else parseaddr(text, strict=True)[1]


def is_too_deep(text: str) -> bool:
    """Whether comments are nested so deep in it that reading it would never end well."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        match bracket[0]:
            case "(":
                depth += 1
            case ")":
                depth = max(depth - 1, 0)
        if depth > _DEEPEST:
            return True
    return False
