"""Notion: pages, databases and searches over its REST interface.

For the blocks of `blocks/notion.py`. Ids are checked before they become part of a path. What a page says is made
readable in `notion_markdown.py`.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected_from

_HOST = "api.notion.com"
_API = f"https://{_HOST}/v1"
_VERSION = "2022-06-28"
_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_AT_THE_END = re.compile(r"[0-9a-f]{32}$", re.IGNORECASE)
_HOSTS = ("notion.so", "notion.site", "notion.com")
_PAGE = 100
_MOST_REQUESTS = 200
_MOST_BLOCKS = 10_000
_DEEPEST = 20
_PAGES_OF_THEIR_OWN = frozenset({"child_page", "child_database", "link_to_page"})

type Json = dict[str, Any]


def checked_id(text: str, of: str) -> str:
    """The id in a text that is one, or is the address of a page. ValueError otherwise."""
    found = text.strip()
    if found.startswith(("https://", "http://")):
        found = _in_address(found)
    if not _ID.fullmatch(found):
        raise ValueError(
            f"{text!r:.100} is not the id of a {of} at Notion; it is the end of its address, "
            "like 586edd711467478da59fe35e29a1ffab."
        )
    return str(uuid.UUID(found))


def _in_address(url: str) -> str:
    """The id at the end of an address of Notion's; empty when it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    ending = _AT_THE_END.search(parts.path.rstrip("/"))
    return ending[0] if ending and any(host == known or host.endswith(f".{known}") for known in _HOSTS) else ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a token gives access to. Every method raises what `object_of` does, and ValueError for what is no id."""

    http: Http
    token: str = field(repr=False)

    async def page(self, page_id: str) -> Json:
        """A page with its properties, as Notion describes it."""
        return await self._ask("GET", f"/pages/{checked_id(page_id, 'page')}")

    async def database(self, database_id: str) -> Json:
        """A database with its properties, as Notion describes it."""
        return await self._ask("GET", f"/databases/{checked_id(database_id, 'database')}")

    async def search(self, query: str, kind: str | None, most: int) -> list[Json]:
        """Pages and databases whose titles fit, as Notion describes them. `kind`: `page` or `database` alone."""
        body: Json = {"query": query} if query else {}
        if kind:
            body["filter"] = {"property": "object", "value": kind}
        return await self._pages("/search", body, most)

    async def query(self, database_id: str, filter_: Json | None, sorts: Sequence[Json], most: int) -> list[Json]:
        """Pages of a database, as Notion describes them."""
        body: Json = {"filter": filter_} if filter_ else {}
        if sorts:
            body["sorts"] = list(sorts)
        return await self._pages(f"/databases/{checked_id(database_id, 'database')}/query", body, most)

    async def create_page(self, page: Json) -> Json:
        """Make a page; how Notion describes it, with `id` and `url` as texts."""
        made = await self._ask("POST", "/pages", json=page)
        if not (isinstance(made.get("id"), str) and isinstance(made.get("url"), str)):
            raise unexpected_from(_HOST)
        return made

    async def append(self, block_id: str, children: Sequence[Json]) -> None:
        """Put blocks, at most a hundred, at the end of a page."""
        await self._ask("PATCH", f"/blocks/{checked_id(block_id, 'page')}/children", json={"children": list(children)})

    async def content(self, page_id: str) -> list[Json]:
        """The blocks of a page, those inside others under `children`. ValueError for a page too large to be read."""
        top: list[Json] = []
        waiting = [(checked_id(page_id, "page"), top, 0)]
        blocks = requests = 0
        while waiting:
            block_id, into, depth = waiting.pop()
            cursor: str | None = None
            while True:
                requests += 1
                if requests > _MOST_REQUESTS or blocks > _MOST_BLOCKS:
                    raise ValueError(f"The page has more parts than the {_MOST_BLOCKS:,} that can be read at once.")
                params = {"page_size": _PAGE, **({"start_cursor": cursor} if cursor else {})}
                answer = await self._ask("GET", f"/blocks/{block_id}/children", params=params)
                into += (found := objects(answer))
                blocks += len(found)
                for block in found:
                    if block.get("has_children") is True and block.get("type") not in _PAGES_OF_THEIR_OWN:
                        block["children"] = []
                        if depth < _DEEPEST:
                            waiting.append((_told_id(block), block["children"], depth + 1))
                if not (cursor := _next(answer)):
                    break
        return top

    async def _pages(self, path: str, body: Json, most: int) -> list[Json]:
        found: list[Json] = []
        cursor: str | None = None
        for _ in range(_MOST_REQUESTS):
            size = {"page_size": min(most - len(found), _PAGE)}
            answer = await self._ask(
                "POST", path, json={**body, **size, **({"start_cursor": cursor} if cursor else {})}
            )
            found += objects(answer)
            cursor = _next(answer)
            if len(found) >= most or not cursor:
                break
        return found[:most]

    async def _ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None) -> Json:
        headers = {"Authorization": f"Bearer {self.token}", "Notion-Version": _VERSION}
        return object_of(await self.http.request(method, _API + path, params=params, headers=headers, json=json))


def objects(answer: Mapping[str, Any], name: str = "results") -> list[Json]:
    """The objects that an answer lists. AnswerUnreadable when it lists nothing."""
    listed = answer.get(name)
    if not isinstance(listed, list):
        raise unexpected_from(_HOST)
    return [each for each in listed if isinstance(each, dict)]


def _next(answer: Mapping[str, Any]) -> str | None:
    cursor = answer.get("next_cursor")
    return cursor if answer.get("has_more") is True and isinstance(cursor, str) else None


def _told_id(block: Json) -> str:
    told = block.get("id")
    if not isinstance(told, str) or not _ID.fullmatch(told):
        raise unexpected_from(_HOST)
    return told
