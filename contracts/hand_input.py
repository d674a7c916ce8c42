"""What is wrong with JSON that people write by hand: for the `temporal` CLI, for the API, for settings.

Used wherever such input is read; how it is refused is the reader's to say.
"""

import json
import re
from typing import Any

from pydantic import ValidationError

from contracts.errors import ValueTooDeep
from contracts.nesting import DEEPEST, parsed

_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def wrong_fields(error: ValidationError, whole: str) -> str:
    """Each field with what is wrong about it; `whole` names the input where no field is to blame."""
    found = ((".".join(map(str, e["loc"])) or whole, e["msg"].removeprefix("Value error, ")) for e in error.errors())
    return "; ".join(f"{place}: {message}" for place, message in found)


def unstorable(given: Any) -> str | None:
    """Why JSON cannot be kept in the database, or None when it can."""
    text = _text(given)
    if text is None:
        return _TOO_DEEP
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half of a surrogate pair, which cannot be stored"
    return "a text holds the character NUL, which cannot be stored" if _ESCAPED_NUL.search(text) else None


def nested_too_deep(given: Any) -> str | None:
    """That JSON is nested so deep that nothing can hold it, or None."""
    return _TOO_DEEP if _text(given) is None else None


def _text(given: Any) -> str | None:
    """The JSON; None when it is nested too deep."""
    try:
        text = json.dumps(given, ensure_ascii=False)
        parsed(text.encode(errors="replace"))
    except (ValueTooDeep, RecursionError):
        return None
    return text
