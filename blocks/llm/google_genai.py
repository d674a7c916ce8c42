"""Google's Gemini, by its own client.

Used by `clients.py`. The client never asks twice by itself. Gemini calls the assistant `model`, takes the system's
words apart, and gives its calls no ids: they get some here, and are answered by name.
"""

import base64
import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from google import genai
from google.genai import errors, types
from httpx2 import AsyncClient, Client, HTTPError
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
from blocks.llm.models import Model
from blocks.llm.refusals import broken_off, failure

_FILTERED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"})


async def complete(
    model: Model, url: str, http: AsyncClient, request: Request, on_text: OnText | None, *, unused: Client
) -> Reply:
    """One answer, or ModelRefused or ModelUnavailable. `unused`: the client insists on one that is not asynchronous."""
    client = genai.Client(
        enterprise=False,
        api_key=request.api_key.get_secret_value() if request.api_key else "none",
        http_options=types.HttpOptions(
            base_url=url,
            httpx_async_client=http,
            httpx_client=unused,
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )
    system, rest = system_and_rest(request.messages)
    contents: Any = _contents(rest)
    config = _config(request, system)
    gathered = _Gathered()
    try:
        if on_text is None:
            gathered.add(await client.aio.models.generate_content(model=model.name, contents=contents, config=config))
        else:
            stream = await client.aio.models.generate_content_stream(model=model.name, contents=contents, config=config)
            async for answer in stream:
                if text := gathered.add(answer):
                    on_text(text)
        return gathered.reply(model)
    except errors.APIError as error:
        headers = getattr(error.response, "headers", None) or {}
        raise failure(model.provider, error.code or 500, str(error.message or ""), headers, request.api_key) from None
    except (
        errors.UnknownApiResponseError, HTTPError, ValidationError, ValueError, TypeError, AttributeError, LookupError,
        RecursionError,
    ) as error:  # fmt: skip
        raise broken_off(model.provider) from error


def _config(request: Request, system: str) -> types.GenerateContentConfig:
    asked: dict[str, Any] = {}
    if system:
        asked["system_instruction"] = system
    if request.tools:
        functions = [
            types.FunctionDeclaration(
                name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
            )
            for tool in request.tools
        ]
        asked["tools"] = [types.Tool(function_declarations=functions)]
        asked["automatic_function_calling"] = types.AutomaticFunctionCallingConfig(disable=True)
    if request.json_object or request.json_schema is not None:
        asked["response_mime_type"] = "application/json"
    if request.json_schema is not None:
        asked["response_json_schema"] = dict(request.json_schema)
    return types.GenerateContentConfig(max_output_tokens=request.max_tokens, temperature=request.temperature, **asked)


def _contents(messages: Iterable[Message]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    contents: list[dict[str, Any]] = []
    for message in messages:
        names |= {call.id: call.name for call in calls_of(message)}
        role = "model" if message.get("role") == "assistant" else "user"
        parts = _parts(message, names)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    text = text_of(message.get("content"))
    if message.get("role") == "tool":
        name = names.get(str(message.get("tool_call_id")), "unknown")
        return [{"function_response": {"name": name, "response": {"result": text}}}]
    parts: list[dict[str, Any]] = [{"text": text}] if text else []
    for call in calls_of(message):
        part: dict[str, Any] = {"function_call": {"name": call.name, "args": arguments_of(call) or {}}}
        with suppress(ValueError):
            # A conversation may come from anywhere; what is no signature is left out.
            if call.signature:
                part["thought_signature"] = base64.b64decode(call.signature)
        parts.append(part)
    return parts


class _Gathered:
    """An answer, put together from one piece or many."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage = Usage()
        self._finish: str | None = None

    def add(self, answer: types.GenerateContentResponse) -> str:
        """Take a piece; its text."""
        if told := answer.usage_metadata:
            cached = told.cached_content_token_count or 0
            self._usage = Usage(
                input=max(0, (told.prompt_token_count or 0) - cached),
                output=(told.candidates_token_count or 0) + (told.thoughts_token_count or 0),
                cache_read=cached,
            )
        if answer.prompt_feedback and answer.prompt_feedback.block_reason:
            self._finish = "SAFETY"
        if not answer.candidates:
            return ""
        candidate = answer.candidates[0]
        if candidate.finish_reason:
            self._finish = candidate.finish_reason.name
        pieces = []
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.text and not part.thought:
                pieces.append(part.text)
            if part.function_call and part.function_call.name:
                id = part.function_call.id or f"call_{uuid.uuid4().hex[:24]}"
                arguments = json.dumps(part.function_call.args or {})
                signature = base64.b64encode(part.thought_signature or b"").decode()
                self._calls.append(ToolCall(id, part.function_call.name, arguments, signature))
        text = "".join(pieces)
        self._texts.append(text)
        return text

    def reply(self, model: Model) -> Reply:
        """The whole; ModelUnavailable when its end never came."""
        if self._finish is None:
            raise broken_off(model.provider)
        finish = "length" if self._finish == "MAX_TOKENS" else "stop"
        if self._finish in _FILTERED:
            finish = "content_filter"
        elif self._calls:
            finish = "tool_calls"
        text = "".join(self._texts)
        return Reply(text, tuple(self._calls), self._usage, model.cost(self._usage), finish)
