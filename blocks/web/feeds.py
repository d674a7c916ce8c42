"""Reading feeds, once or for as long as a run goes on.

Registered in `catalogue.py`. A feed that is watched holds no worker: each look ends its activity with a `Sleep`, which
the workflow keeps as a timer. What it remembers of entries it has given is in the sleep's state, bounded and small.
"""

import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from blocks.apart.running import Apart
from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Sleep, Yielded
from blocks.services import Services

_LEAST_SECONDS_BETWEEN = 10
_LONGEST_BETWEEN = 365 * 24 * 60 * 60
_MOST_FAILURES = 10
_MOST_GONE = 100
_LONGEST_PERIOD = 100 * 365 * 24 * 60


class RssEntry(BaseModel):
    """An entry of a feed."""

    title: str = Field(description="Its title")
    link: str = Field(description="Where it is")
    description: str = Field(description="Its summary, often HTML")
    pub_date: str = Field(description="When it was published, ISO 8601 in UTC")
    author: str = Field(description="Who wrote it")
    categories: list[str] = Field(description="What it is about")


class ReadRssFeedInputs(Inputs):
    rss_url: str = Field(title="RSS URL", description="The address of the feed", examples=["https://example.com/rss"])
    time_period: int = Field(
        1440, title="Time period", description="How many minutes old an entry may be", ge=0, le=_LONGEST_PERIOD
    )
    polling_rate: int = Field(
        title="Polling rate",
        description="Seconds between two looks at the feed; at least 10",
        examples=[300],
        ge=0,
        le=_LONGEST_BETWEEN,
    )
    run_continuously: bool = Field(True, title="Run continuously", description="Look again and again for new entries")


class ReadRssFeedOutputs(Outputs):
    entry: dict[str, Any] = Field(
        title="Entry", description="Each entry: title, link, description, pub_date, author, categories"
    )
    entries: list[dict[str, Any]] = Field(
        title="Entries", description="All entries of one look; of later looks only new ones"
    )


@dataclass(slots=True)
class _Watch:
    """What is remembered from one look to the next: since when, what was given, how often in a row it failed."""

    since: float
    seen: list[str]
    failures: int = 0

    def state(self) -> dict[str, Any]:
        return {"since": self.since, "seen": self.seen, "failures": self.failures}


_FIRST = {
    "title": "First flush",
    "link": "https://tea.example/1",
    "description": "It is spring.",
    "pub_date": "2024-03-01T08:00:00+00:00",
    "author": "",
    "categories": ["harvest"],
}


class ReadRssFeed(Block[ReadRssFeedInputs]):
    id = "5ebe6768-8e5d-41e3-9134-1c7bd89a8d52"
    name = "Read RSS feed"
    description = "Reads the recent entries of a feed, and goes on watching it for new ones if asked to."
    categories = frozenset({Category.INPUT})
    Input = ReadRssFeedInputs
    Output = ReadRssFeedOutputs
    examples = (
        Example(
            {
                "rss_url": "https://tea.example/rss",
                "time_period": _LONGEST_PERIOD,
                "polling_rate": 300,
                "run_continuously": False,
            },
            (
                ("entry", _FIRST),
                ("entries", [_FIRST]),
            ),
            web=(
                Exchange(
                    "GET https://tea.example/rss",
                    '<rss version="2.0"><channel><title>Tea</title><item><title>First flush</title>'
                    "<link>https://tea.example/1</link><description>It is spring.</description>"
                    "<category>harvest</category><pubDate>Fri, 01 Mar 2024 08:00:00 GMT</pubDate></item></channel>"
                    "</rss>",
                    headers={"Content-Type": "application/rss+xml"},
                ),
            ),
        ),
    )

    def __init__(self) -> None:
        self._apart = Apart("feed.py")

    async def run(self, inputs: ReadRssFeedInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """The context's `resume` is what was remembered. A watched feed may fail ten times in a row, not at first."""
        first = context.resume is None
        watch = _Watch(time.time() - inputs.time_period * 60, []) if first else _Watch(**context.resume)
        try:
            found = await self._entries(inputs.rss_url, context.services)
            watch.failures = 0
        except ValueError:
            watch.failures += 1
            if first or watch.failures > _MOST_FAILURES:
                raise
            found = []
        new = _new(found, watch)
        for entry in new:
            yield "entry", entry
        if new or first:
            yield "entries", new
        if inputs.run_continuously:
            yield Sleep(timedelta(seconds=max(inputs.polling_rate, _LEAST_SECONDS_BETWEEN)), watch.state())

    async def _entries(self, url: str, services: Services) -> list[dict[str, Any]]:
        accept = "application/rss+xml,application/atom+xml,application/rdf+xml,application/xml;q=0.9,*/*;q=0.5"
        answer = await services.http.request("GET", url, headers={"Accept": accept})
        content_type = str(answer.checked().headers.get("Content-Type", ""))[:200]
        entries: list[dict[str, Any]] | None = await self._apart.read(answer.body, [content_type])
        if entries is None:
            raise ValueError(f"What {answer.host} sent is no feed: neither RSS nor Atom.")
        return entries


def _new(found: list[dict[str, Any]], watch: _Watch) -> list[dict[str, Any]]:
    """The entries that are recent enough and were not given before, each once. What was given is remembered."""
    known, looked = set(watch.seen), time.time()
    new = []
    for entry in found:
        key = _key(entry)
        # Some feeds give no dates; then what was not seen before is new now.
        published = looked if entry["published"] is None else entry["published"]
        if published <= watch.since or key in known:
            continue
        known.add(key)
        new.append(
            RssEntry(
                **{name: entry[name] for name in ("title", "link", "description", "author", "categories")},
                pub_date=datetime.fromtimestamp(int(published), UTC).isoformat(),
            ).model_dump()
        )
    # What the feed still shows must be known, of the rest a few: a feed may show less for a while.
    shown = {_key(entry) for entry in found}
    watch.seen = [*[key for key in watch.seen if key not in shown][-_MOST_GONE:], *sorted(shown & known)]
    return new


def _key(entry: dict[str, Any]) -> str:
    return hashlib.sha256(str(entry["id"]).encode()).hexdigest()[:12]
