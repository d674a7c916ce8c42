"""Perplexity: answers by models that search the web, over OpenRouter.

For the block of `blocks/knowledge/perplexity.py`.
"""

import math
from dataclasses import dataclass
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_CHAT = "https://openrouter.ai/api/v1/chat/completions"
_SECONDS = 1_200.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the pages it cites, in OpenRouter's form; and what it used, `dollars` as far as that is told."""

    text: str
    annotations: list[dict[str, Any]]
    input_tokens: int
    output_tokens: int
    dollars: float


async def ask(http: Http, key: str, model: str, prompt: str, *, system: str, most_tokens: int | None) -> Reply:
    """The model's answer. The most thorough one takes minutes."""
    messages = [*([{"role": "system", "content": system}] if system else []), {"role": "user", "content": prompt}]
    asked = {
        "model": model,
        "messages": messages,
        "usage": {"include": True},
        **({"max_tokens": most_tokens} if most_tokens else {}),
    }
    answer = await http.request("POST", _CHAT, headers={"Authorization": f"Bearer {key}"}, json=asked, seconds=_SECONDS)
    told = object_of(answer)
    match told.get("choices"):
        case [{"message": {"content": str() | None as text, **rest}}, *_]:
            cited = rest.get("annotations")
            used: Any = told.get("usage") if isinstance(told.get("usage"), dict) else {}
            return Reply(
                text or "",
                [item for item in cited if isinstance(item, dict)] if isinstance(cited, list) else [],
                int(_number(used.get("prompt_tokens"))),
                int(_number(used.get("completion_tokens"))),
                _number(used.get("cost")),
            )
    raise unexpected(answer)


def _number(told: Any) -> float:
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and 0 <= told < 1e15 and math.isfinite(told) else 0.0
