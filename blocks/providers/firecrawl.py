"""Firecrawl: reading pages and whole sites, mapping them, searching, and extracting what a prompt asks for.

For the blocks of `blocks/knowledge/firecrawl.py`, over its second interface. A crawl and an extraction are jobs that
are asked after. Firecrawl counts credits; `CREDIT` is what one costs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.http.errors import AnswerTooLarge
from blocks.providers.answers import object_of, unexpected
from blocks.providers.paths import segment

CREDIT = 0.001
"""US dollars."""

_HOST = "https://api.firecrawl.dev/"
_API = f"{_HOST}v2"
_SECONDS = 180.0
_MOST_PARTS = 50
_PART_BYTES, _MOST_BYTES = 16 * 1024 * 1024, 64 * 1024 * 1024
_TOKENS_OF_A_CREDIT = 15
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Told:
    """What a job or request gave, and its price in credits."""

    data: Any
    credits: float


async def scrape(http: Http, key: str, url: str, options: Mapping[str, Any]) -> Told:
    """One page, as `document` describes it; `options` in Firecrawl's own words, as below."""
    answer, told = await _post(http, key, "scrape", {"url": url, **options})
    page = told.get("data")
    if not isinstance(page, dict):
        raise unexpected(answer)
    about = page.get("metadata")
    return Told(document(page), _number(about.get("creditsUsed") if isinstance(about, dict) else None) or 1)


async def search(http: Http, key: str, asked: Mapping[str, Any]) -> Told:
    """Pages for a query, under `web`, `news` and `images`."""
    answer, told = await _post(http, key, "search", asked)
    found = told.get("data")
    if not isinstance(found, dict):
        raise unexpected(answer)
    data = {name: _documents(found[name]) for name in ("web", "news", "images") if isinstance(found.get(name), list)}
    return Told(data, _number(told.get("creditsUsed")) or max(1, len(data.get("web", []))))


async def site_map(http: Http, key: str, url: str) -> Told:
    """The addresses of a site, each with its `url`, `title` and `description`."""
    answer, told = await _post(http, key, "map", {"url": url})
    links = told.get("links")
    if not isinstance(links, list):
        raise unexpected(answer)
    found = [{"url": link} if isinstance(link, str) else link for link in links]
    names = ("title", "description")
    return Told(
        [
            {"url": link["url"], **{name: _text(link.get(name)) for name in names}}
            for link in found
            if isinstance(link, dict) and isinstance(link.get("url"), str)
        ],
        1,
    )


async def begin_crawl(http: Http, key: str, url: str, limit: int, options: Mapping[str, Any]) -> str:
    """Begin to read up to `limit` pages of a site; the id of the job."""
    return await _begun(http, key, "crawl", {"url": url, "limit": limit, "scrapeOptions": options})


async def crawled(http: Http, key: str, job: str, limit: int) -> Told | None:
    """The pages of a crawl; None as long as it is not done. ValueError when it failed."""
    ended = await _ended(http, key, f"crawl/{job}")
    if ended is None:
        return None
    answer, told = ended
    pages: list[Any] = []
    size = 0
    for _ in range(_MOST_PARTS):
        if not isinstance(told.get("data"), list):
            raise unexpected(answer)
        pages += told["data"]
        size += len(answer.body)
        onward = told.get("next")
        if not isinstance(onward, str) or len(pages) >= limit:
            break
        if size > _MOST_BYTES:
            raise AnswerTooLarge("The pages are too large together: crawl fewer of them.", host=answer.host)
        if not onward.startswith(_HOST):
            raise unexpected(answer)  # the key is for Firecrawl alone
        answer = await _get(http, key, onward)
        told = object_of(answer)
    return Told(_documents(pages)[:limit], _number(told.get("creditsUsed")) or max(1, len(pages)))


async def begin_extract(http: Http, key: str, asked: Mapping[str, Any]) -> str:
    """Begin to read what a prompt or a schema asks for off some pages; the id of the job."""
    return await _begun(http, key, "extract", asked)


async def extracted(http: Http, key: str, job: str) -> Told | None:
    """What an extraction gave. As `crawled`."""
    ended = await _ended(http, key, f"extract/{job}")
    if ended is None:
        return None
    answer, told = ended
    if not isinstance(told.get("data"), dict):
        raise unexpected(answer)
    used = _number(told.get("creditsUsed")) or -(-_number(told.get("tokensUsed")) // _TOKENS_OF_A_CREDIT)
    return Told(told["data"], used)


def document(page: Mapping[str, Any]) -> dict[str, Any]:
    """A page by names of ours (`markdown`, `html`, `raw_html`, `links`, `screenshot`, `json`, `change_tracking`, …)."""
    renamed = _renamed(page)
    if isinstance(renamed.get("metadata"), dict):
        renamed["metadata"] = _renamed(renamed["metadata"])
    return renamed


def _documents(pages: Sequence[Any]) -> list[dict[str, Any]]:
    return [document(page) for page in pages if isinstance(page, dict)]


def _renamed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {_WORD.sub("_", name).lower(): value for name, value in told.items()}


async def _begun(http: Http, key: str, path: str, asked: Mapping[str, Any]) -> str:
    answer, told = await _post(http, key, path, asked)
    if not isinstance(told.get("id"), str) or not told["id"]:
        raise unexpected(answer)
    return segment(told["id"], "The id of the crawl")


async def _ended(http: Http, key: str, path: str) -> tuple[Answer, dict[str, Any]] | None:
    """A job that is done; None when it is not yet. `path` holds its id, quoted."""
    answer = await _get(http, key, f"{_API}/{path}")
    told = object_of(answer)
    if told.get("status") in ("failed", "cancelled"):
        raise ValueError(f"Firecrawl says that the job {told['status']}; its log there tells why.")
    if not isinstance(told.get("status"), str):
        raise unexpected(answer)
    return (answer, told) if told["status"] == "completed" else None


async def _get(http: Http, key: str, url: str) -> Answer:
    return await http.request(
        "GET", url, headers={"Authorization": f"Bearer {key}"}, seconds=_SECONDS, most_bytes=_PART_BYTES
    )


async def _post(http: Http, key: str, path: str, asked: Mapping[str, Any]) -> tuple[Answer, dict[str, Any]]:
    answer = await http.request(
        "POST",
        f"{_API}/{path}",
        headers={"Authorization": f"Bearer {key}"},
        json=dict(asked),
        seconds=_SECONDS,
        most_bytes=_PART_BYTES,
    )
    told = object_of(answer)
    if told.get("success") is False:
        raise ValueError("Firecrawl says that the request failed; its log there tells why.")
    return answer, told


def _number(told: Any) -> float:
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and 0 <= told < 1e12 else 0.0


def _text(told: Any) -> str | None:
    return told if isinstance(told, str) else None
