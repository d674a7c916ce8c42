"""How deep JSON may be nested.

Readers and writers of JSON give up near 200 levels, and a value is wrapped some twenty times on its way through history
and rows; so whoever lets a value in looks at it here.
"""

from typing import Any

from pydantic_core import from_json

from contracts.errors import ValueTooDeep

DEEPEST = 100
"""Levels of lists and objects."""

_GIVES_UP = 201
"""Levels of which a value with something in it is not parsed any more."""
_OPEN, _CLOSE = b"[" * (_GIVES_UP - DEEPEST), b"]" * (_GIVES_UP - DEEPEST)


def parsed(text: bytes) -> Any:
    """The value of JSON text that is known to be well formed. ValueTooDeep when it is nested deeper than `DEEPEST`."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return from_json(text)
    # The parser counts levels as it goes: wrapped so far that it gives up at ours, it judges without a second walk.
    try:
        value = from_json(_OPEN + text + _CLOSE)
    except ValueError as error:
        raise ValueTooDeep(f"A value is nested deeper than {DEEPEST} levels.") from error
    for _ in _OPEN:
        [value] = value
    return value
