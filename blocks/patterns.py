"""Regular expressions that users wrote, searched within limits of size and time and off the event loop.

Used by `text_patterns.py` and `github/checks.py`. It must not trust a pattern: one line can ask for more time or memory
than there is.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import islice

import regex

from blocks.limits import (
    LARGEST_PATTERN,
    LONGEST_MATCH,
    LONGEST_PATTERN,
    LONGEST_SEARCHED_TEXT,
    MOST_MATCHES,
    PATTERN_SECONDS,
)

_PIECE = regex.compile(
    r"(?P<skip>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\{(?P<least>\d{1,9})(?:,\d*)?\}|(?P<open>\()|(?P<close>\))|.",
    regex.DOTALL,
)


async def contains(pattern: str, text: str, *, case_sensitive: bool, dot_all: bool) -> bool:
    """Whether the pattern is found anywhere. ValueError for a bad pattern, one that takes too long, or a long text."""
    return await _off_the_loop(
        lambda: _compiled(pattern, len(text), case_sensitive, dot_all).search(text, timeout=PATTERN_SECONDS) is not None
    )


async def find_all(
    pattern: str, text: str, group: int, *, case_sensitive: bool, dot_all: bool, most: int = MOST_MATCHES
) -> list[str]:
    """The texts of a group in up to `most` matches, each cut to 10,000 characters; none where the pattern lacks it."""

    def search() -> list[str]:
        compiled = _compiled(pattern, len(text), case_sensitive, dot_all)
        if not 0 <= group <= compiled.groups:
            return []
        matches = islice(compiled.finditer(text, timeout=PATTERN_SECONDS), MOST_MATCHES)
        found = (match.group(group) for match in matches)
        return [part[:LONGEST_MATCH] for part in islice((part for part in found if part is not None), most)]

    return await _off_the_loop(search)


async def lines_with(pattern: str, lines: Sequence[str], *, most: int = MOST_MATCHES) -> list[int]:
    """Which of the lines, by their place from 0, the pattern is found in, large and small letters alike; up to `most`.

    ValueError as `contains`; the limits are for all lines together.
    """

    def search() -> list[int]:
        compiled = _compiled(pattern, sum(map(len, lines)), case_sensitive=False, dot_all=False)
        end = time.monotonic() + PATTERN_SECONDS

        def fits(line: str) -> bool:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            return compiled.search(line, timeout=left) is not None

        return list(islice((place for place, line in enumerate(lines) if fits(line)), most))

    return await _off_the_loop(search)


async def _off_the_loop[T](search: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(search)
    except TimeoutError:
        raise ValueError(f"The pattern took longer than {PATTERN_SECONDS:g} seconds on this text.") from None
    except regex.error as error:
        raise ValueError(f"The pattern is not valid: {error}") from None


def _compiled(pattern: str, length: int, case_sensitive: bool, dot_all: bool) -> regex.Pattern[str]:
    if length > LONGEST_SEARCHED_TEXT:
        raise ValueError(f"The text has {length:,} characters; at most {LONGEST_SEARCHED_TEXT:,} can be searched.")
    if len(pattern) > LONGEST_PATTERN or _written_out(pattern) > LARGEST_PATTERN:
        raise ValueError("The pattern is too large: it repeats parts of itself too often.")
    flags = (0 if case_sensitive else regex.IGNORECASE) | (regex.DOTALL if dot_all else 0)
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
