"""Exa: searching the web by meaning, reading pages, answers with their sources, and research that takes a while.

For the blocks of `blocks/knowledge/exa.py` and `exa_research.py`. Exa tells with each answer what it cost.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected
from blocks.providers.paths import segment

_API = "https://api.exa.ai"
_RESEARCH = f"{_API}/research/v1"
_SECONDS = 120.0
_ENDS = ("completed", "failed", "canceled")
_PAGE: Mapping[str, Any] = {
    "id": "",
    "url": None,
    "title": None,
    "author": None,
    "publishedDate": None,
    "text": None,
    "summary": None,
    "image": None,
    "favicon": None,
    "extras": None,
}
_CITATION = ("id", "url", "title", "author", "publishedDate", "text", "image", "favicon")


@dataclass(frozen=True, slots=True)
class Found:
    """Pages, each by Exa's own names; `rest` is the answer without them, `dollars` its price as far as it tells."""

    pages: list[dict[str, Any]]
    rest: Mapping[str, Any] = field(repr=False)
    dollars: float

    def text(self, name: str) -> str:
        """A text of the answer; empty when it has none of this name."""
        told = self.rest.get(name)
        return told if isinstance(told, str) else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a question, with the pages that it was taken from."""

    text: str
    citations: list[dict[str, Any]]
    dollars: float


@dataclass(frozen=True, slots=True)
class Research:
    """A task as Exa tells of it; `cost` by Exa's names (`total`, `numSearches`, …), None as long as it is not known."""

    id: str
    status: str
    model: str
    instructions: str
    created_at: int
    finished_at: int | None
    content: str | None
    parsed: dict[str, Any] | None
    cost: Mapping[str, float] | None
    error: str | None
    schema: dict[str, Any] | None
    events: list[dict[str, Any]]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in _ENDS

    @property
    def dollars(self) -> float:
        """The price, as far as it is known."""
        return (self.cost or {}).get("total", 0.0)


async def search(http: Http, key: str, asked: Mapping[str, Any]) -> Found:
    """Pages for a query; `asked` is in Exa's own words (`query`, `numResults`, …), as below."""
    return _found(await _post(http, key, f"{_API}/search", asked))


async def find_similar(http: Http, key: str, asked: Mapping[str, Any]) -> Found:
    """Pages that are like the one at `url`."""
    return _found(await _post(http, key, f"{_API}/findSimilar", asked))


async def contents(http: Http, key: str, asked: Mapping[str, Any]) -> Found:
    """What stands on pages."""
    return _found(await _post(http, key, f"{_API}/contents", asked))


async def answer(http: Http, key: str, query: str, *, text: bool) -> Reply:
    """The answer to a question."""
    got = await _post(http, key, f"{_API}/answer", {"query": query, "text": text, "stream": False})
    told = object_of(got)
    match told:
        case {"answer": str() as said}:
            cited = [item for item in _list(got, told, "citations") if isinstance(item, dict)]
            empty = {**dict.fromkeys(_CITATION), "id": "", "url": ""}
            return Reply(said, [{**empty, **item} for item in cited], dollars_of(told))
    raise unexpected(got)


async def code_context(http: Http, key: str, query: str, tokens: int | str) -> dict[str, Any]:
    """Pieces of code, by Exa's own names; `dollars` is the price."""
    got = await _post(http, key, f"{_API}/context", {"query": query, "tokensNum": tokens})
    told = object_of(got)
    if not isinstance(told.get("response"), str):
        raise unexpected(got)
    cost = told.get("costDollars", "")
    return {
        "requestId": str(told.get("requestId") or ""),
        "query": str(told.get("query") or query),
        "response": told["response"],
        "resultsCount": int(_number(told.get("resultsCount"))),
        "costDollars": cost if isinstance(cost, str) else json.dumps(cost),
        "searchTime": _number(told.get("searchTime")),
        "outputTokens": int(_number(told.get("outputTokens"))),
        "dollars": dollars_of(told),
    }


async def create_research(
    http: Http, key: str, instructions: str, model: str, schema: Mapping[str, Any] | None
) -> Research:
    """Begin a task."""
    asked = {"instructions": instructions, "model": model, **({"outputSchema": schema} if schema else {})}
    return _research(await _post(http, key, _RESEARCH, asked))


async def get_research(http: Http, key: str, research_id: str, *, events: bool = False) -> Research:
    """A task as it is now."""
    if not research_id.strip():
        raise ValueError("The id of the research is empty.")
    answer = await http.request(
        "GET",
        f"{_RESEARCH}/{segment(research_id, 'The id of the research')}",
        params={"events": "true"} if events else None,
        headers=_headers(key),
    )
    return _research(answer)


async def list_research(
    http: Http, key: str, cursor: str | None, limit: int
) -> tuple[list[Research], bool, str | None]:
    """A page of tasks, the newest first; whether there are more; and the cursor to ask for them with."""
    params: dict[str, str | int] = {"limit": limit, **({"cursor": cursor} if cursor else {})}
    answer = await http.request("GET", _RESEARCH, params=params, headers=_headers(key))
    told = object_of(answer)
    tasks = [_research_of(answer, task) for task in _list(answer, told, "data")]
    onward = told.get("nextCursor")
    return tasks, bool(told.get("hasMore")), onward if isinstance(onward, str) else None


def dollars_of(told: Mapping[str, Any]) -> float:
    """What an answer cost: `costDollars` is a number, an object with a `total`, or either written as a text."""
    cost = told.get("costDollars")
    if isinstance(cost, str):
        try:
            cost = json.loads(cost)
        except (ValueError, RecursionError):
            return 0.0
    return max(0.0, _number(cost.get("total") if isinstance(cost, dict) else cost))


async def _post(http: Http, key: str, url: str, asked: Mapping[str, Any]) -> Answer:
    return await http.request("POST", url, headers=_headers(key), json=dict(asked), seconds=_SECONDS)


def _headers(key: str) -> dict[str, str]:
    return {"X-Api-Key": key, "Accept": "application/json"}


def _found(answer: Answer) -> Found:
    told = object_of(answer)
    if not isinstance(told.get("results"), list):
        raise unexpected(answer)
    pages = [
        {**_PAGE, "highlights": [], "highlightScores": [], "subpages": [], **page}
        for page in told["results"]
        if isinstance(page, dict)
    ]
    return Found(pages, {name: value for name, value in told.items() if name != "results"}, dollars_of(told))


def _research(answer: Answer) -> Research:
    return _research_of(answer, object_of(answer))


def _research_of(answer: Answer, told: Any) -> Research:
    if not isinstance(told, dict) or not isinstance(told.get("researchId"), str):
        raise unexpected(answer)
    output: Any = told.get("output") if isinstance(told.get("output"), dict) else {}
    cost = told.get("costDollars")
    finished, content, error = told.get("finishedAt"), output.get("content"), told.get("error")
    return Research(
        id=told["researchId"],
        status=str(told.get("status") or "pending"),
        model=str(told.get("model") or ""),
        instructions=str(told.get("instructions") or ""),
        created_at=int(_number(told.get("createdAt"))),
        finished_at=int(_number(finished)) if finished is not None else None,
        content=content if content is None or isinstance(content, str) else json.dumps(content),
        parsed=output.get("parsed") if isinstance(output.get("parsed"), dict) else None,
        cost={name: _number(value) for name, value in cost.items()} if isinstance(cost, dict) else None,
        error=error if error is None else str(error),
        schema=told.get("outputSchema") if isinstance(told.get("outputSchema"), dict) else None,
        events=[event for event in told.get("events") or [] if isinstance(event, dict)]
        if isinstance(told.get("events"), list)
        else [],
    )


def _list(answer: Answer, told: Mapping[str, Any], name: str) -> list[Any]:
    items = told.get(name)
    if not isinstance(items, list):
        raise unexpected(answer)
    return items


def _number(told: Any) -> float:
    """A finite number; 0 for what is none."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return 0.0
    try:
        return float(told) if math.isfinite(told) else 0.0
    except OverflowError:
        return 0.0
