"""Chat completions, by OpenAI's client: OpenAI itself, and all who speak as it does, local servers too.

Used by `clients.py`. The client never asks twice by itself.
"""

from collections.abc import AsyncIterator
from typing import Any

import openai
from httpx2 import AsyncClient
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.completion_usage import CompletionUsage
from pydantic import ValidationError

from blocks.language_models import Message, OnText, Reply, Request, ToolCall, Usage
from blocks.llm.models import Model
from blocks.llm.refusals import broken_off, failure

_FINISH = {"length": "length", "content_filter": "content_filter", "tool_calls": "tool_calls"}


async def complete(model: Model, url: str, http: AsyncClient, request: Request, on_text: OnText | None) -> Reply:
    """One answer, or ModelRefused or ModelUnavailable."""
    key = request.api_key.get_secret_value() if request.api_key else ""
    # The client wants a key; where there is none, it is not sent.
    client = openai.AsyncOpenAI(base_url=url, api_key=key or "none", max_retries=0, http_client=http)
    asked = _asked(model, request)
    if not key:
        asked["extra_headers"] = {"Authorization": openai.Omit()}
    try:
        if on_text is None:
            return _reply(model, await client.chat.completions.create(**asked))
        stream = await client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
        async with stream:
            return await _gathered(model, stream, on_text)
    except openai.APIStatusError as error:
        raise failure(
            model.provider, error.status_code, _told(error), error.response.headers, request.api_key
        ) from None
    except (
        openai.APIError,
        ValidationError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
    ) as error:
        # No answer, half an answer, or something that is not the JSON that was promised.
        raise broken_off(model.provider) from error


def _asked(model: Model, request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": model.name, "messages": [_message(each) for each in request.messages]}
    if request.tools:
        asked["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
        if model.provider == "openai" and not model.name.startswith("o"):
            # The reasoning models do not know it.
            asked["parallel_tool_calls"] = request.many_tool_calls
    if request.json_schema is not None:
        schema = {"name": "answer", "schema": dict(request.json_schema)}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif request.json_object:
        asked["response_format"] = {"type": "json_object"}
    if request.max_tokens:
        asked["max_completion_tokens" if model.provider == "openai" else "max_tokens"] = request.max_tokens
    if request.temperature is not None:
        asked["temperature"] = request.temperature
    return asked


def _message(message: Message) -> dict[str, Any]:
    """Without what another provider wants back."""
    return {name: value for name, value in message.items() if name != "extra_content"}


def _reply(model: Model, answer: ChatCompletion) -> Reply:
    choice = answer.choices[0]
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        for call in choice.message.tool_calls or ()
        if call.type == "function"
    )
    usage = _usage(answer.usage)
    text = choice.message.content or getattr(choice.message, "refusal", None) or ""
    return Reply(text, calls, usage, model.cost(usage), _FINISH.get(choice.finish_reason, "stop"))


async def _gathered(model: Model, chunks: AsyncIterator[ChatCompletionChunk], on_text: OnText) -> Reply:
    texts: list[str] = []
    calls: dict[int, tuple[list[str], list[str], list[str]]] = {}
    usage, finish = Usage(), None
    async for chunk in chunks:
        if chunk.usage:
            usage = _usage(chunk.usage)
        for choice in chunk.choices or ():
            finish = choice.finish_reason or finish
            if choice.delta.content:
                texts.append(choice.delta.content)
                on_text(choice.delta.content)
            for piece in choice.delta.tool_calls or ():
                ids, names, arguments = calls.setdefault(piece.index, ([], [], []))
                ids.append(piece.id or "")
                if piece.function:
                    names.append(piece.function.name or "")
                    arguments.append(piece.function.arguments or "")
    if finish is None:
        raise broken_off(model.provider)
    found = tuple(
        ToolCall(next((id for id in reversed(ids) if id), ""), "".join(names), "".join(arguments))
        for _, (ids, names, arguments) in sorted(calls.items())
    )
    return Reply("".join(texts), found, usage, model.cost(usage), _FINISH.get(finish, "stop"))


def _usage(usage: CompletionUsage | None) -> Usage:
    if usage is None:
        return Usage()
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else 0) or 0
    return Usage(
        input=max(0, (usage.prompt_tokens or 0) - cached), output=usage.completion_tokens or 0, cache_read=cached
    )


def _told(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        return f"{body.get('message') or body} {body.get('code') or ''}".strip()
    return str(body or "")
