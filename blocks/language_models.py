"""What a block may ask of a language model, and what it gets: one seam over all providers.

Blocks find `LanguageModels` among their services and know no client library; `blocks/llm/` fulfils it. Messages are
plain JSON in the one form that conversations keep between nodes, that of chat completions:

    {"role": "system" | "user", "content": text}
    {"role": "assistant", "content": text, "tool_calls": [{"id": …, "type": "function", "function":
        {"name": …, "arguments": JSON text}}]}
    {"role": "tool", "tool_call_id": …, "content": text}

What a provider wants back unchanged when the conversation goes on stands beside that, under `extra_content`.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from contracts.errors import ValueTooDeep
from contracts.nesting import parsed

type Message = Mapping[str, Any]


class ModelRefused(ValueError):
    """The provider refused the request for good: it is wrong, the key is, or there is no such model.

    `status`: that of its answer, if it gave one.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ModelUnavailable(ValueError):
    """The provider cannot answer at the moment: it is busy, limits the rate, does not answer or broke off.

    `retry_after`: seconds after which it may be asked again, if it said so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that the model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is the JSON text as the model wrote it, which may be no JSON.

    `signature`: what the provider wants back with the call when the conversation goes on (Gemini).
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `json_object`: the answer is to be a JSON object, with `json_schema` one that fits it, where the
    provider can see to that. `api_key` None: none is sent (local endpoints). Tokens count what the provider counts."""

    model: str
    messages: Sequence[Message] = field(repr=False)
    tools: Sequence[ToolSpec] = ()
    json_object: bool = False
    json_schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    many_tool_calls: bool = True
    thinking: bool = False
    """Whether the model is to think at length first. ModelRefused where it cannot."""
    api_key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as the provider counted them; zeros when it did not say. `input` without cached ones."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `cost`: its price in cents by the table of models, whoever pays; 0 where that has none."""

    text: str = field(repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    cost: float = 0.0
    finish_reason: str = "stop"
    """`stop`, `length`, `tool_calls` or `content_filter`."""
    signed: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """The whole answer as Anthropic gave it, where it thought: it takes thoughts back in no other form."""

    def message(self) -> dict[str, Any]:
        """The answer as a message of the conversation."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = [_call(call) for call in self.tool_calls]
        if self.signed:
            message["extra_content"] = {"anthropic": {"content": [dict(part) for part in self.signed]}}
        return message


def _call(call: ToolCall) -> dict[str, Any]:
    """Servers leave out what they promise: a call without an id gets one, since nothing could answer it."""
    id = call.id if isinstance(call.id, str) and call.id else f"call_{uuid.uuid4().hex[:24]}"
    function = {"name": str(call.name or ""), "arguments": _text(call.arguments)}
    message: dict[str, Any] = {"id": id, "type": "function", "function": function}
    if call.signature:
        message["extra_content"] = {"google": {"thought_signature": call.signature}}
    return message


def _text(arguments: Any) -> str:
    """Arguments as JSON text; some servers give them as an object."""
    if isinstance(arguments, str):
        return arguments
    try:
        return json.dumps({} if arguments is None else arguments)
    except RecursionError:
        return "(nested too deeply)"


type OnText = Callable[[str], None]
"""Is told each piece of an answer's text as it comes."""


class LanguageModels(Protocol):
    """Asks language models."""

    async def complete(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The model's answer to one question, which is asked once: who calls decides about asking again.

        With `on_text` the answer is read as a stream. ModelRefused, ModelUnavailable; both texts are fit for people.
        """
        ...

    def needs_key(self, model: str) -> bool:
        """Whether the model's provider lets nobody in without a key."""
        ...


class NoModels:
    """Stands for language models where a host brings none."""

    async def complete(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Refuses."""
        raise ModelRefused("Language models cannot be asked here.")

    def needs_key(self, model: str) -> bool:
        """None would help."""
        return False


def system_and_rest(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """The system messages as one text, and the others in order, for providers that take them apart."""
    system = [str(message.get("content") or "") for message in messages if message.get("role") == "system"]
    return "\n\n".join(filter(None, system)), [message for message in messages if message.get("role") != "system"]


def calls_of(message: Message) -> list[ToolCall]:
    """The tool calls of an assistant's message; what is no call is passed over."""
    calls = message.get("tool_calls")
    return [
        ToolCall(call["id"], str(name or ""), _text(arguments or "{}"), _signature(call))
        for call in (calls if isinstance(calls, list) else ())
        if is_call(call)
        for name, arguments in [(call["function"].get("name"), call["function"].get("arguments"))]
    ]


def is_call(call: Any) -> bool:
    """Whether this is a tool call, as messages hold them."""
    return isinstance(call, Mapping) and isinstance(call.get("id"), str) and isinstance(call.get("function"), Mapping)


def _signature(call: Mapping[str, Any]) -> str:
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    return str(google.get("thought_signature") or "") if isinstance(google, Mapping) else ""


def arguments_of(call: ToolCall) -> dict[str, Any] | None:
    """The call's arguments, or None when they are no JSON object, or one that is nested too deeply to be handed on."""
    try:
        arguments = parsed((call.arguments or "{}").encode())
    except (ValueError, ValueTooDeep):
        return None
    return arguments if isinstance(arguments, dict) else None


def text_of(content: Any) -> str:
    """A message's content as text; parts of other kinds are passed over."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return "" if content is None else content if isinstance(content, str) else json.dumps(content)
