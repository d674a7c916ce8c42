"""Agent files of former years, brought up to date.

Called by the API before an exported file is read. It works on parsed JSON alone and knows no catalogue: what it cannot
mend stays as it is, for validation to name. Source: agent-graphs §1.8, §1.9, §26.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LEGACY_IDS: Mapping[str, str] = {
    "b2g2c3d4-5e6f-7g8h-9i0j-k1l2m3n4o5p6": "0e50422c-6dee-4145-83d6-3a5a392f65de",
}
"""Former id of a block → its id today; pins are the same."""


@dataclass(frozen=True, slots=True)
class Successor:
    """A block that took another's place, and what its pins are called now."""

    block_id: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


SUCCESSORS: Mapping[str, Successor] = {
    # CreateList of 2024
    "aeb08fc1-2fc1-4141-bc8e-f758f183a812": Successor(
        "a912d5c7-6e00-4542-b2a9-8034136930e4", inputs={"items": "values"}
    ),
    # Wait of 2024
    "d67a9c52-5e4e-11e2-bcfd-0770200c9c61": Successor(
        "d67a9c52-5e4e-11e2-bcfd-0800200c9a71", inputs={"data": "input_message"}, outputs={"data": "output_message"}
    ),
}
"""Removed blocks that a block of today can stand in for."""

_AGENT_EXECUTOR = "e189baac-8c20-45a1-94a7-55177ea42565"
_DROPDOWN = "655d6fdf-a334-421c-b733-520549c07cd1"
_PERPLEXITY = "@PERPLEXITY@"
_TEMPLATED = frozenset(
    {
        "363ae599-353e-4804-937e-b2ee3cef3da4",  # agent output
        "db7d8f02-2f44-4c55-ab7a-eae0941f0c30",  # fill text template
        "1f292d4a-41a4-4977-9684-7c8d560b9f91",  # AI text generator
        "ed55ac19-356e-4243-a6cb-bc599e9b716f",  # AI structured response generator
    }
)
_TEMPLATE_FIELDS = ("format", "prompt", "sys_prompt")
_SINGLE_BRACES = re.compile(r"(?<!\{)\{\s*([a-zA-Z_]\w*)\s*\}(?!\})")
_DROPPED = frozenset(
    {
        "api_key",
        "discord_bot_token",
        "creds",
        "smtp_username",
        "smtp_password",
        "client_id",
        "client_secret",
        "username",
        "password",
    }
)
_MODELS: Mapping[str, str] = {
    "claude-3-5-sonnet-latest": "claude-sonnet-4-5-20250929",
    "claude-3-7-sonnet-20250219": "claude-sonnet-4-5-20250929",
    "claude-3-5-haiku-latest": "claude-haiku-4-5-20251001",
    "llama3-70b-8192": "llama-3.3-70b-versatile",
    "llama3-8b-8192": "llama-3.1-8b-instant",
    "google/gemini-flash-1.5": "google/gemini-2.5-flash",
    "deepseek-r1-distill-llama-70b": "gpt-5-chat-latest",
    "gemma2-9b-it": "gpt-5-chat-latest",
    "google/gemini-3-pro-preview": "google/gemini-3.1-pro-preview",
}
