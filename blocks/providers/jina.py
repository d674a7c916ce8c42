"""Jina: searching the web, and checking statements against it.

For the blocks of `blocks/web_knowledge.py`.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_SEARCH = "https://s.jina.ai/"
_CHECK = "https://g.jina.ai/"
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How true a statement is (0 to 1), whether it holds, why, and by which pages."""

    factuality: float
    result: bool
    reason: str
    references: list[dict[str, Any]]


async def search(http: Http, key: str, query: str) -> str:
    """The pages found, as one text."""
    answer = await http.request(
        "GET", _SEARCH + quote(query, safe=""), headers={"Authorization": f"Bearer {key}"}, seconds=_SECONDS
    )
    return answer.checked().text()


async def check(http: Http, key: str, statement: str) -> Verdict:
    """What the web says about a statement."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    answer = await http.request("GET", _CHECK + quote(statement, safe=""), headers=headers, seconds=_SECONDS)
    match object_of(answer).get("data"):
        case {
            "factuality": int() | float() as factuality,
            "result": bool() as result,
            "reason": str() as reason,
            **rest,
        }:
            references = rest.get("references")
            known = [r for r in references if isinstance(r, dict)] if isinstance(references, list) else []
            return Verdict(
                float(factuality),
                result,
                reason,
                [
                    {
                        "url": str(reference.get("url", "")),
                        "keyQuote": str(reference.get("keyQuote", "")),
                        "isSupportive": bool(reference.get("isSupportive")),
                    }
                    for reference in known
                ],
            )
    raise unexpected(answer)
