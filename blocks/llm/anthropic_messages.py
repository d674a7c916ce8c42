"""Anthropic's messages, by its own client.

Used by `clients.py`. The client never asks twice by itself. Anthropic takes the system's words apart from the others,
tool results as the user's, and no two messages of one side in a row. What a model thought is signed, and goes back
as it came, with all that was said around it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import anthropic
from anthropic.types import Message as Answer
from httpx2 import AsyncClient, HTTPError
from pydantic import ValidationError

from blocks.language_models import (
    Message,
    OnText,
    Reply,
    Request,
    ToolCall,
    Usage,
    arguments_of,
    calls_of,
    system_and_rest,
    text_of,
)
from blocks.llm.models import Model, Thinking
from blocks.llm.refusals import broken_off, failure

_DEFAULT_MAX_TOKENS = 8_192
_THINKING_TOKENS = 8_192
_LEAST_THINKING_TOKENS = 1_024
_FINISH = {"max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}


async def complete(model: Model, url: str, http: AsyncClient, request: Request, on_text: OnText | None) -> Reply:
    """One answer, or ModelRefused or ModelUnavailable."""
    client = anthropic.AsyncAnthropic(
        base_url=url,
        # The client wants one; where there is none, it is not sent.
        api_key=request.api_key.get_secret_value() if request.api_key else "none",
        max_retries=0,
        http_client=http,
    )
    asked = _asked(model, request)
    if request.api_key is None:
        asked["extra_headers"] = {"Authorization": anthropic.Omit()}
    try:
        if on_text is None:
            return _reply(model, await client.messages.create(**asked))
        async with client.messages.stream(**asked) as stream:
            async for text in stream.text_stream:
                on_text(text)
            answer = await stream.get_final_message()
        if answer.stop_reason is None:
            raise broken_off(model.provider)
        return _reply(model, answer)
    except anthropic.APIStatusError as error:
        raise failure(
            model.provider, error.status_code, _told(error), error.response.headers, request.api_key
        ) from None
    except (
        anthropic.AnthropicError, HTTPError, ValidationError, ValueError, TypeError, AttributeError, LookupError,
        AssertionError, RuntimeError,
    ) as error:  # fmt: skip
        raise broken_off(model.provider) from error


def _asked(model: Model, request: Request) -> dict[str, Any]:
    system, rest = system_and_rest(request.messages)
    asked: dict[str, Any] = {
        "model": model.name,
        "messages": _messages(rest, thinking=request.thinking),
        "max_tokens": request.max_tokens or min(_DEFAULT_MAX_TOKENS, model.max_output or _DEFAULT_MAX_TOKENS),
    }
    if request.thinking:
        asked |= _thinking(model, asked["max_tokens"])
    if system:
        asked["system"] = system
    if request.tools:
        asked["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
            for tool in request.tools
        ]
        asked["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": not request.many_tool_calls}
    if request.temperature is not None:
        asked["temperature"] = request.temperature
    return asked


def _thinking(model: Model, answer: int) -> dict[str, Any]:
    """How the model is told to think; its tokens are on top of those of the answer, as far as there is room."""
    most = model.max_output or _DEFAULT_MAX_TOKENS
    budget = max(_LEAST_THINKING_TOKENS, min(_THINKING_TOKENS, most - answer))
    how: dict[str, Any] = {"type": "adaptive"}
    if model.thinking is Thinking.BUDGET:
        how = {"type": "enabled", "budget_tokens": budget}
    return {"thinking": how, "max_tokens": min(answer + budget, most)}


def _messages(messages: Iterable[Message], *, thinking: bool) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.get("role") == "assistant" else "user"
        content = (_signed(message) if thinking else []) or _content(message)
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += content
        elif content:
            joined.append({"role": role, "content": content})
    return joined


def _signed(message: Message) -> list[dict[str, Any]]:
    """The answer as it came, if thoughts are in it; calls that were taken out of the message are none here either."""
    extra = message.get("extra_content")
    own = extra.get("anthropic") if isinstance(extra, Mapping) else None
    parts = own.get("content") if isinstance(own, Mapping) else None
    if message.get("role") != "assistant" or not isinstance(parts, list):
        return []
    called = [call.id for call in calls_of(message)]
    known = [dict(part) for part in parts if isinstance(part, Mapping)]
    return [part for part in known if part.get("type") != "tool_use" or part.get("id") in called]


def _content(message: Message) -> list[dict[str, Any]]:
    text = text_of(message.get("content"))
    if message.get("role") == "tool":
        return [{"type": "tool_result", "tool_use_id": str(message.get("tool_call_id") or ""), "content": text}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text.strip() else []
    for call in calls_of(message):
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call) or {}})
    return blocks


def _reply(model: Model, answer: Answer) -> Reply:
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = tuple(
        ToolCall(block.id, block.name, json.dumps(block.input)) for block in answer.content if block.type == "tool_use"
    )
    told = answer.usage
    usage = Usage(
        input=told.input_tokens or 0,
        output=told.output_tokens or 0,
        cache_read=told.cache_read_input_tokens or 0,
        cache_write=told.cache_creation_input_tokens or 0,
    )
    thought = any(block.type in ("thinking", "redacted_thinking") for block in answer.content)
    if thought and any(arguments_of(call) is None for call in calls):
        # As it came it could not be kept, and in another form it would not be taken back.
        raise broken_off(model.provider)
    signed = tuple(block.to_dict(mode="json") for block in answer.content) if thought else ()
    finish = _FINISH.get(answer.stop_reason or "", "stop")
    return Reply(text, calls, usage, model.cost(usage), finish, signed)


def _told(error: anthropic.APIStatusError) -> str:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return str(inner.get("message") or "") if isinstance(inner, dict) else str(body or "")
