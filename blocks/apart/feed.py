"""A feed (RSS, Atom, RDF) on standard input to its entries. Run by `running.py`; the argument is its content type.

Answers a list of `{"id", "title", "link", "description", "author", "categories", "published"}` in the feed's order,
where `published` is seconds since 1970 or null; or null when the document is no feed.
"""

import calendar
import io
import json
import sys
from pathlib import Path
from typing import Any

_MOST = 1_000
_LONGEST = 100_000
_FIRST = calendar.timegm((1, 1, 1, 0, 0, 0))
_LAST = calendar.timegm((9999, 12, 31, 23, 59, 59))


def main() -> None:
    """Read, parse, answer."""
    # Late, so that the limits hold for what it does when it is loaded, too.
    import feedparser

    from blocks.apart.confinement import shut_off

    shut_off()

    # As a stream: bytes that are the name of a file or an address would be opened or fetched.
    document = io.BytesIO(sys.stdin.buffer.read())
    feed = feedparser.parse(document, response_headers={"content-type": sys.argv[1] if len(sys.argv) > 1 else ""})
    if not feed.get("version") and not feed["entries"]:
        json.dump(None, sys.stdout)
    else:
        json.dump([_entry(entry) for entry in feed["entries"][:_MOST]], sys.stdout)


def _entry(entry: Any) -> dict[str, Any]:
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    tags = entry.get("tags") or []
    return {
        "id": _text(entry, "id") or _text(entry, "link") or _text(entry, "title"),
        "title": _text(entry, "title"),
        "link": _text(entry, "link"),
        "description": _text(entry, "summary"),
        "author": _text(entry, "author"),
        "categories": [str(tag["term"])[:1000] for tag in tags[:100] if tag.get("term")],
        "published": _seconds(moment) if moment else None,
    }


def _seconds(moment: Any) -> int | None:
    """Since 1970; None for a date that is none, or of no year that dates can have."""
    try:
        seconds = calendar.timegm(moment)
    except (OverflowError, ValueError):
        return None
    return seconds if _FIRST <= seconds <= _LAST else None


def _text(entry: Any, name: str) -> str:
    return str(entry.get(name) or "")[:_LONGEST]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from blocks.apart.confinement import limit

    limit(megabytes=768, seconds=30)
    main()
