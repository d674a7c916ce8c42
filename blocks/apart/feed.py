"""A feed (RSS, Atom, RDF) on standard input to its entries. Run by `running.py`; the argument is its content type.

Answers a list of `{"id", "title", "link", "description", "author", "categories", "published"}` in the feed's order,
where `published` is seconds since 1970 or null; or null when the document is no feed.
"""

import calendar
import json
import resource
import sys
from typing import Any

_MOST = 1_000
_LONGEST = 100_000


def main() -> None:
    """Read, parse, answer."""
    # Late, so that the limits hold for what it does when it is loaded, too.
    import feedparser

    feed = feedparser.parse(
        sys.stdin.buffer.read(), response_headers={"content-type": sys.argv[1] if len(sys.argv) > 1 else ""}
    )
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
        "published": calendar.timegm(moment) if moment else None,
    }


def _text(entry: Any, name: str) -> str:
    return str(entry.get(name) or "")[:_LONGEST]


if __name__ == "__main__":
    for limit, most in (
        (resource.RLIMIT_AS, 768 << 20),
        (resource.RLIMIT_CPU, 30),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    main()
