"""Agent files of former years, brought up to date.

Called by the API before an exported file is read. It works on parsed JSON and is told what inputs blocks have today;
what it cannot mend stays as it is, for validation to name. Source: agent-graphs §1.8, §1.9, §26.
"""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from blocks.former_pins import RENAMED_INPUTS, RENAMED_OUTPUTS
from engine.pins import base_name

LEGACY_IDS: Mapping[str, str] = {
    "b2g2c3d4-5e6f-7g8h-9i0j-k1l2m3n4o5p6": "0e50422c-6dee-4145-83d6-3a5a392f65de",  # FindInDictionary
    "31d1064e-7446-4693-o7d4-65e5ca9110d1": "cc10ff7b-7753-4ff2-9af6-9399b1a7eddc",  # Note
    "d3f4g5h6-1i2j-3k4l-5m6n-7o8p9q0r1s2t": "df06086a-d5ac-4abb-9996-2ad0acb2eff7",  # ReadDiscordMessages
    "h1i2j3k4-5l6m-7n8o-9p0q-r1s2t3u4v5w6": "d0822ab5-9f8a-44a3-8971-531dd0178b6b",  # SendDiscordMessage
    "a1234567-89ab-cdef-0123-456789abcdef": "4335878a-394e-4e67-adf2-919877ff49ae",  # SendEmail
    "f8e7d6c5-b4a3-2c1d-0e9f-8g7h6i5j4k3l": "f66a3543-28d3-4ab5-8945-9b336371e2ce",  # StepThroughItems
    "c3d4e5f6-7g8h-9i0j-1k2l-m3n4o5p6q7r8": "a0a69be1-4528-491c-a85a-a4ab6873e3f0",  # AITextSummarizer
    "c3d4e5f6-g7h8-i9j0-k1l2-m3n4o5p6q7r8": "32a87eab-381e-4dd4-bdb8-4c47151be35a",  # AIConversation
    "c6731acb-4105-4zp1-bc9b-03d0036h370g": "5ebe6768-8e5d-41e3-9134-1c7bd89a8d52",  # ReadRSSFeed
    "h5e7f8g9-1b2c-3d4e-5f6g-7h8i9j0k1l2m": "f5b0f5d0-1862-4d61-94be-3ad0fa772760",  # GetWikipediaSummary
    "b2c3d4e5-6f7g-8h9i-0j1k-l2m3n4o5p6q7": "87840993-2053-44b7-8da4-187ad4ee518c",  # SearchTheWeb
    "a1b2c3d4-5e6f-7g8h-9i0j-k1l2m3n4o5p6": "436c3984-57fd-4b85-8e9a-459b356883bd",  # ExtractWebsiteContent
    "b29c1b50-5d0e-4d9f-8f9d-1b0e6fcbf0h2": "716a67b3-6760-42e7-86dc-18645c6e00fc",  # GetCurrentDateAndTime
    "b685abf9-796b-47f5-b7ac-dcffb70635a3": "d3863944-0eaf-45c4-a0c9-63e0fe1ee8b9",  # StagehandObserve
    "97881292-a597-4410-a243-a05c6fc1e695": "86eba68b-9549-4c0b-a0db-47d85a56cc27",  # StagehandAct
    "a4b9c2d1-e5f6-4g7h-8i9j-0k1l2m3n4o5p": "e96d01ec-b55e-4a99-8ce8-c8776dce850b",  # GithubListStargazers
    "f8e7d6c5-b4a3-5c2d-9e1f-3a7b8c9d4e6f": "b79ca4cc-9d5e-47d1-9d4f-e3a2d7f28df5",  # ExaAnswer
    "d1e2f3a4-b5c6-7d8e-9f0a-1b2c3d4e5f6a": "d0204ed8-8b81-408d-8b8d-ed087a546228",  # ExaWebsetWebhook
    "a7c3b1d4-9e2f-4c5a-8f1b-3e6d7a9c2b5e": "0cda29ff-c549-4a19-8805-c982b7d4ec34",  # ExaCreateWebset
    "c9e5d3f6-2a4b-6e7c-1f3d-5a8b9c4e7d2f": "89ccd99a-3c2b-4fbf-9e25-0ffa398d0314",  # ExaUpdateWebset
    "f3h8g6i9-5d7e-9b1f-4c6g-8d2f3h7i1a5c": "1dcd8fd6-c13f-4e6f-bd4c-654428fa4757",  # ExaListWebsets
    "b8d4c2e5-1f3a-5d6b-9e2c-4f7a8b3d6c9f": "6ab8e12a-132c-41bf-b5f3-d662620fa832",  # ExaGetWebset
    "d1f6e4g7-3b5c-7f8d-2a4e-6b9c1d5f8e3a": "aa6994a2-e986-421f-8d4c-7671d3be7b7e",  # ExaDeleteWebset
    "e2g7f5h8-4c6d-8a9e-3b5f-7c1d2e6g9f4b": "e40a6420-1db8-47bb-b00a-0e6aecd74176",  # ExaCancelWebset
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
        "d67a9c52-5e4e-11e2-bcfd-0800200c9a71",
        inputs={"data": "input_message"},
        outputs={"data": "output_message", "message": "output_message"},
    ),
}
"""Removed blocks that a block of today can stand in for."""

_AGENT_EXECUTOR = "e189baac-8c20-45a1-94a7-55177ea42565"
_MCP_TOOL = "a0a4b1c2-d3e4-4f56-a7b8-c9d0e1f2a3b4"
_DROPDOWN = "655d6fdf-a334-421c-b733-520549c07cd1"
_PERPLEXITY = "c8a5f2e9-8b3d-4a7e-9f6c-1d5e3c9b7a4f"
_TEMPLATED = frozenset(
    {
        "363ae599-353e-4804-937e-b2ee3cef3da4",  # agent output
        "db7d8f02-2f44-4c55-ab7a-eae0941f0c30",  # fill text template
        "1f292d4a-41a4-4977-9684-7c8d560b9f91",  # AI text generator
        "ed55ac19-356e-4243-a6cb-bc599e9b716f",  # AI structured response generator
    }
)
_TEMPLATE_FIELDS = ("format", "prompt", "sys_prompt")
_SINGLE_BRACES = re.compile(r"(?<!\{)\{\s*(texts\[\d+\]|[a-zA-Z_]\w*)\s*\}(?!\})")
_DOUBLE_BRACES = re.compile(r"\{\{\s*[a-zA-Z_]|\{%")
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
_OPEN = frozenset({_AGENT_EXECUTOR, _MCP_TOOL})
"""Blocks whose pins are the inputs of what they call, whatever these are named."""

type InputsOf = Callable[[str], Container[str] | None]
"""The names of a block's inputs, by its id of today; None when nobody knows the block."""

RENAMED_MODELS: Mapping[str, str] = {
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
"""Former name of a language model → the one that took its place."""

_PERPLEXITY_MODELS = frozenset({"perplexity/sonar", "perplexity/sonar-pro", "perplexity/sonar-deep-research"})
_SYSTEM_PROVIDERS: Mapping[str, str] = {
    "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a": "openai",
    "24e5d942-d9e3-4798-8151-90143ee55629": "anthropic",
    "4ec22295-8f97-4dd1-b42b-2c6957a02545": "groq",
}
"""System credentials that were once all of the provider `llm`."""


def modernise(raw: dict[str, Any], inputs_of: InputsOf) -> dict[str, Any]:
    """The agent file in today's terms, its sub-graphs too. The argument is not changed; once is as good as twice."""
    graph = _graph(raw, inputs_of)
    subs = raw.get("sub_graphs")
    if isinstance(subs, list):
        graph["sub_graphs"] = [_graph(sub, inputs_of) if isinstance(sub, dict) else sub for sub in subs]
    return graph


def _graph(raw: dict[str, Any], inputs_of: InputsOf) -> dict[str, Any]:
    nodes, links = raw.get("nodes"), raw.get("links")
    graph = dict(raw)
    if not isinstance(nodes, list):
        return graph
    graph["nodes"] = [_node(node, inputs_of) if isinstance(node, dict) else node for node in nodes]
    if isinstance(links, list):
        former_ids = {
            node["id"]: node["block_id"]
            for node in nodes
            if isinstance(node, dict) and isinstance(node.get("id"), str) and isinstance(node.get("block_id"), str)
        }
        kept = (link for link in links if not _leads_to_dropped(link, former_ids, inputs_of))
        graph["links"] = [_link(link, former_ids) for link in kept]
    return graph


def _node(raw: dict[str, Any], inputs_of: InputsOf) -> dict[str, Any]:
    block_id = raw.get("block_id")
    if not isinstance(block_id, str):
        return raw
    node = {**raw, "block_id": _today(block_id)}
    if isinstance(raw.get("input_default"), dict):
        node["input_default"] = _defaults(block_id, raw["input_default"], inputs_of)
    return node


def _today(block_id: str) -> str:
    successor = SUCCESSORS.get(block_id)
    return successor.block_id if successor else LEGACY_IDS.get(block_id, block_id)


def _defaults(former_id: str, raw: Mapping[str, Any], inputs_of: InputsOf) -> dict[str, Any]:
    block_id = _today(former_id)
    # What stands under a pin's name of today is newer than what stands under its former one.
    here = {base_name(name) for name in raw}
    renamed = {old: new for old, new in _renamed_inputs(former_id).items() if base_name(new) not in here}
    kept = [
        (_renamed(name, renamed), value) for name, value in raw.items() if not _is_dropped(block_id, name, inputs_of)
    ]
    # A whole that came after its parts would overwrite them.
    values = dict(sorted(kept, key=lambda each: each[0] in renamed.values() and each[0] != base_name(each[0])))
    if block_id in _TEMPLATED:
        for name in _TEMPLATE_FIELDS:
            if isinstance(values.get(name), str):
                values[name] = _with_double_braces(values[name])
    if block_id == _AGENT_EXECUTOR and "data" in values:
        data = values.pop("data")
        values.setdefault("inputs", data)
    if block_id == _DROPDOWN and "placeholder_values" in values:
        options = values.pop("placeholder_values")
        values["options"] = values.get("options") or options
    if isinstance(values.get("model"), str):
        values["model"] = _model(block_id, values["model"])
    return {name: _credentials(value) for name, value in values.items()}


def _renamed_inputs(former_id: str) -> Mapping[str, str]:
    successor = SUCCESSORS.get(former_id)
    return successor.inputs if successor else RENAMED_INPUTS.get(_today(former_id), {})


def _renamed_outputs(former_id: str) -> Mapping[str, str]:
    successor = SUCCESSORS.get(former_id)
    return successor.outputs if successor else RENAMED_OUTPUTS.get(_today(former_id), {})


def _with_double_braces(template: str) -> str:
    """The template in today's form. One that has that form already may well speak of {braces}: programs, JSON."""
    return template if _DOUBLE_BRACES.search(template) else _SINGLE_BRACES.sub(r"{{\1}}", template)


def _is_dropped(block_id: str, name: str, inputs_of: InputsOf) -> bool:
    """Whether the key is a secret from before credentials had a place of their own: an input that its block lost.

    Blocks of today may have one of that name, and of a block that nobody knows nothing can be said.
    """
    if name not in _DROPPED or block_id in _OPEN:
        return False
    inputs = inputs_of(block_id)
    return inputs is not None and name not in inputs


def _model(block_id: str, model: str) -> str:
    if block_id == _PERPLEXITY and model not in _PERPLEXITY_MODELS:
        return "perplexity/sonar"
    return RENAMED_MODELS.get(model, model)


def _credentials(value: Any) -> Any:
    if not isinstance(value, dict) or value.get("provider") != "llm" or not isinstance(value.get("id"), str):
        return value
    return {**value, "provider": _SYSTEM_PROVIDERS.get(value["id"], "llm")}


def _end(link: Any, side: str, former_ids: Mapping[str, str]) -> str:
    """The former block id at one end of a link, or an empty text."""
    node_id = link.get(f"{side}_id") if isinstance(link, dict) else None
    return former_ids.get(node_id, "") if isinstance(node_id, str) else ""


def _leads_to_dropped(link: Any, former_ids: Mapping[str, str], inputs_of: InputsOf) -> bool:
    sink = _end(link, "sink", former_ids)
    if not sink or not isinstance(link.get("sink_name"), str):
        return False
    return _is_dropped(_today(sink), link["sink_name"], inputs_of)


def _link(link: Any, former_ids: Mapping[str, str]) -> Any:
    """The link under today's names of its pins."""
    outputs = _renamed_outputs(_end(link, "source", former_ids))
    inputs = _renamed_inputs(_end(link, "sink", former_ids))
    if outputs:
        link = {**link, "source_name": _renamed(link.get("source_name"), outputs)}
    if inputs:
        link = {**link, "sink_name": _renamed(link.get("sink_name"), inputs)}
    return link


def _renamed(name: Any, names: Mapping[str, str]) -> Any:
    """The pin's name today; what follows the base name of a dynamic pin stays."""
    if not isinstance(name, str):
        return name
    base = base_name(name)
    return names[base] + name[len(base) :] if base in names else name
