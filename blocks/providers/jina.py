"""Jina: searching the web and checking statements against it; embeddings of texts, and cutting texts into chunks.

For the blocks of `blocks/knowledge/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected
from blocks.providers.paths import quoted

_SEARCH = "https://s.jina.ai/"
_CHECK = "https://g.jina.ai/"
_EMBED = "https://api.jina.ai/v1/embeddings"
_SEGMENT = "https://segment.jina.ai/"
_SECONDS = 120.0
LONGEST_STATEMENT = 8_000
"""Characters, as they are written in the address that asks."""
SEARCH_DOLLARS = 0.01
"""What a search costs by the price list; answers do not tell."""


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
        "GET", _SEARCH + quoted(query, "The query"), headers={"Authorization": f"Bearer {key}"}, seconds=_SECONDS
    )
    return answer.checked().text()


async def check(http: Http, key: str, statement: str) -> Verdict:
    """What the web says about a statement."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    path = quoted(statement, "The statement")
    if len(path) > LONGEST_STATEMENT:
        raise ValueError(
            f"The statement is too long to be checked: it may have {LONGEST_STATEMENT:,} characters, where one that is "
            "no letter or digit of English counts as 3 to 12."
        )
    answer = await http.request("GET", _CHECK + path, headers=headers, seconds=_SECONDS)
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


async def embeddings(http: Http, key: str, texts: Sequence[str], model: str) -> list[list[float]]:
    """A vector for each text, in their order."""
    asked = {"model": model, "input": list(texts)}
    answer = await http.request(
        "POST", _EMBED, headers={"Authorization": f"Bearer {key}"}, json=asked, seconds=_SECONDS
    )
    told = object_of(answer).get("data")
    if not isinstance(told, list) or len(told) != len(texts):
        raise unexpected(answer)
    vectors: dict[Any, list[float]] = {}
    for place, item in enumerate(told):
        vector = item.get("embedding") if isinstance(item, dict) else None
        if not isinstance(vector, list) or not all(type(number) in (int, float) for number in vector):
            raise unexpected(answer)
        vectors[item.get("index", place)] = vector
    if set(vectors) != set(range(len(texts))):
        raise unexpected(answer)
    return [vectors[place] for place in range(len(texts))]


async def chunks(http: Http, key: str, text: str, longest: int, *, with_tokens: bool) -> tuple[list[str], list[Any]]:
    """A text in chunks of at most so many characters; and the tokens of each, if wanted."""
    asked = {"content": text, "return_chunks": True, "return_tokens": with_tokens, "max_chunk_length": longest}
    answer = await http.request(
        "POST", _SEGMENT, headers={"Authorization": f"Bearer {key}"}, json=asked, seconds=_SECONDS
    )
    told = object_of(answer)
    pieces, tokens = told.get("chunks"), told.get("tokens", [])
    if not isinstance(pieces, list) or not isinstance(tokens, list):
        raise unexpected(answer)
    return [piece for piece in pieces if isinstance(piece, str)], tokens
