"""Regular expressions that users wrote, searched within limits of size and time in a process apart.

Used by `patterns.py` and `github/checks.py`. It must not trust a pattern: one line can ask for more time or memory
than there is, or make the library that compiles it fail in ways of its own.
"""

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import regex

from blocks.apart.limited import Limited
from blocks.limits import (
    LARGEST_PATTERN,
    LONGEST_MATCH,
    LONGEST_PATTERN,
    LONGEST_SEARCHED_TEXT,
    MOST_MATCHES,
    PATTERN_SECONDS,
)

_APART = Limited("blocks.text.searching:searched_here", "The pattern", megabytes=256, seconds=PATTERN_SECONDS + 2)
_PIECE = regex.compile(
    r"(?P<skip>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\{(?P<least>\d{1,9})(?:,\d*)?\}|(?P<open>\()|(?P<close>\))|.",
    regex.DOTALL,
)


async def contains(pattern: str, text: str, *, case_sensitive: bool, dot_all: bool) -> bool:
    """Whether the pattern is found anywhere. ValueError for a bad pattern, one that takes too long, or a long text."""
    return bool(await find_all(pattern, text, 0, case_sensitive=case_sensitive, dot_all=dot_all, most=1))


async def find_all(
    pattern: str, text: str, group: int, *, case_sensitive: bool, dot_all: bool, most: int = MOST_MATCHES
) -> list[str]:
    """The texts of a group in up to `most` matches, each cut to 10,000 characters; none where the pattern lacks it."""
    _refuse_long(len(text))
    flags = (0 if case_sensitive else int(regex.IGNORECASE)) | (int(regex.DOTALL) if dot_all else 0)
    found: list[str] = await _APART.call(pattern, flags, PATTERN_SECONDS, most, text, group)
    return found


async def lines_with(pattern: str, lines: Sequence[str], *, most: int = MOST_MATCHES) -> list[int]:
    """Which of the lines, by their place from 0, the pattern is found in, large and small letters alike; up to `most`.

    ValueError as `contains`; the limits are for all lines together.
    """
    _refuse_long(sum(map(len, lines)))
    places: list[int] = await _APART.call(pattern, int(regex.IGNORECASE), PATTERN_SECONDS, most, list(lines))
    return places


def _refuse_long(length: int) -> None:
    if length > LONGEST_SEARCHED_TEXT:
        raise ValueError(f"The text has {length:,} characters; at most {LONGEST_SEARCHED_TEXT:,} can be searched.")


def searched_here(
    pattern: str, flags: int, seconds: float, most: int, where: str | list[str], group: int = 0
) -> list[Any]:
    """What `find_all` gives for a text and `lines_with` for lines, in this process and thread."""
    try:
        compiled = _compiled(pattern, flags)
        if isinstance(where, list):
            return _places(compiled, where, seconds, most)
        if not 0 <= group <= compiled.groups:
            return []
        matches = islice(compiled.finditer(where, timeout=seconds), MOST_MATCHES)
        found = (match.group(group) for match in matches)
        return [part[:LONGEST_MATCH] for part in islice((part for part in found if part is not None), most)]
    except TimeoutError:
        raise ValueError(f"The pattern took longer than {seconds:g} seconds on this text.") from None
    except RecursionError:
        raise ValueError("The pattern is not valid: its parts are nested too deeply.") from None
    except regex.error as error:
        raise ValueError(f"The pattern is not valid: {error}") from None


def _places(compiled: regex.Pattern[str], lines: list[str], seconds: float, most: int) -> list[int]:
    end = time.monotonic() + seconds

    def fits(line: str) -> bool:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return compiled.search(line, timeout=left) is not None

    return list(islice((place for place, line in enumerate(lines) if fits(line)), most))


def _compiled(pattern: str, flags: int) -> regex.Pattern[str]:
    if len(pattern) > LONGEST_PATTERN or _written_out(pattern) > LARGEST_PATTERN:
        raise ValueError("The pattern is too large: it repeats parts of itself too often.")
    return regex.compile(pattern, flags)


def _written_out(pattern: str) -> int:
    """About how large the pattern is once its repetitions are written out, as compiling does."""
    outer: list[int] = []
    total, last = 0, 0
    for piece in _PIECE.finditer(pattern):
        if piece["open"]:
            outer.append(total)
            total, last = 0, 0
        elif piece["close"] and outer:
            last = total
            total += outer.pop()
        elif piece["least"]:
            grown = last * max(int(piece["least"]) - 1, 0)
            total, last = total + grown, last + grown
        else:
            total, last = total + 1, 1
    return total + sum(outer)
