"""Every provider's client against a real HTTP server that answers as its documentation shows."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.language_models import (
    ModelRefused,
    ModelUnavailable,
    Reply,
    Request,
    ToolCall,
    ToolSpec,
    Usage,
    calls_of,
)
from blocks.llm.clients import ProviderClients
from blocks.llm.models import thinking_models
from tests.support.model_server import (
    Answer,
    ModelServer,
    anthropic_stream,
    anthropic_thinks,
    calls,
    chat,
    chat_error,
    chat_stream,
    events,
    model_server,
    of_json,
)
from tests.support.places import ROOT

KEY = SecretStr("sk-not-to-be-seen")
HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
ADD = ToolSpec("add", "Adds", {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]})
AFTER_A_CALL = [
    *HELLO,
    {"role": "assistant", "content": "Well.", "tool_calls": calls(("add", {"a": 1}))},
    {"role": "tool", "tool_call_id": "call_0_add", "content": "2"},
]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
async def models(server: ModelServer) -> AsyncIterator[ProviderClients]:
    urls = dict.fromkeys(("openai", "groq", "ollama", "openai_compatible", "open_router"), f"{server.url}/v1")
    clients = ProviderClients({**urls, "anthropic": server.url, "google": server.url}, seconds=5)
    yield clients
    await clients.aclose()


def anthropic_answer(*content: dict[str, Any], stop: str = "end_turn") -> Answer:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 40,
    }
    return of_json(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": list(content),
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage,
        }
    )


def gemini_answer(*parts: dict[str, Any], finish: str | None = "STOP") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 40,
    }
    return {"candidates": [candidate], "usageMetadata": usage}


# --- chat completions -------------------------------------------------------------------------


async def test_a_local_endpoint_is_asked_without_any_key(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: chat("Hi.")
    reply = await models.complete(Request("ollama/phi4", HELLO))
    assert reply == Reply("Hi.", (), Usage(10, 5), 0.0, "stop")
    [asked] = server.asked
    assert asked.path == "/v1/chat/completions"
    assert "authorization" not in asked.headers
    assert asked.body == {"model": "phi4", "messages": HELLO}


async def test_openai_is_told_all(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: chat(tools=calls(("add", {"a": 1}), ("add", "{no json")), tokens=(1_000_000, 100_000))
    request = Request(
        "gpt-4o",
        AFTER_A_CALL,
        (ADD,),
        max_tokens=50,
        temperature=0.5,
        many_tool_calls=False,
        api_key=KEY,
        json_object=True,
    )
    reply = await models.complete(request)
    assert reply.tool_calls == (
        ToolCall("call_0_add", "add", '{"a": 1}'),
        ToolCall("call_1_add", "add", "{no json"),
    )
    assert reply.finish_reason == "tool_calls"
    assert reply.cost == 375 + 150
    [asked] = server.asked
    assert asked.headers["authorization"] == "Bearer sk-not-to-be-seen"
    assert asked.body == {
        "model": "gpt-4o",
        "messages": AFTER_A_CALL,
        "tools": [
            {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": ADD.parameters}}
        ],
        "parallel_tool_calls": False,
        "max_completion_tokens": 50,
        "temperature": 0.5,
        "response_format": {"type": "json_object"},
    }


async def test_a_schema_goes_along(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: chat("{}")
    await models.complete(Request("groq/llama-3.1-8b-instant", HELLO, json_schema={"type": "object"}, max_tokens=9))
    body = server.asked[0].body
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }
    assert body["model"] == "llama-3.1-8b-instant"
    assert body["max_tokens"] == 9


async def test_a_stream_is_told_piece_by_piece(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: chat_stream("Hel", "lo", "!")
    pieces: list[str] = []
    reply = await models.complete(Request("openai_compatible/any", HELLO), pieces.append)
    assert pieces == ["Hel", "lo", "!"]
    assert reply == Reply("Hello!", (), Usage(10, 5), 0.0, "stop")
    assert server.asked[0].body["stream"] is True


async def test_tool_calls_are_put_together_from_a_stream(models: ProviderClients, server: ModelServer) -> None:
    def chunk(*pieces: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": {"tool_calls": list(pieces)}, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    server.respond = lambda _: events(
        chunk({"index": 0, "id": "a", "type": "function", "function": {"name": "add", "arguments": ""}}),
        chunk({"index": 0, "function": {"arguments": '{"a":'}}),
        chunk({"index": 1, "id": "b", "type": "function", "function": {"name": "add", "arguments": "{}"}}),
        chunk({"index": 0, "function": {"arguments": " 3}"}}, finish="tool_calls"),
        end="[DONE]",
    )
    reply = await models.complete(Request("ollama/x", HELLO), lambda _: None)
    assert reply.tool_calls == (ToolCall("a", "add", '{"a": 3}'), ToolCall("b", "add", "{}"))


# --- Anthropic --------------------------------------------------------------------------------


async def test_anthropic_takes_system_and_tools_apart(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: anthropic_answer(
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 2}},
        stop="tool_use",
    )
    reply = await models.complete(
        Request("anthropic/claude-sonnet-4-6", AFTER_A_CALL, (ADD,), many_tool_calls=False, api_key=KEY)
    )
    assert reply.text == "Let me see."
    assert reply.tool_calls == (ToolCall("toolu_1", "add", '{"a": 2}'),)
    assert reply.usage == Usage(1000, 200, 30, 40)
    assert reply.cost == pytest.approx((1000 * 450 + 200 * 2250 + 30 * 45 + 40 * 563) / 1e6)
    assert reply.finish_reason == "tool_calls"
    [asked] = server.asked
    assert asked.path == "/v1/messages"
    assert asked.headers["authorization"] == "Bearer sk-not-to-be-seen"
    assert asked.body["system"] == "Be brief."
    assert asked.body["max_tokens"] == 8192
    assert asked.body["tools"] == [{"name": "add", "description": "Adds", "input_schema": ADD.parameters}]
    assert asked.body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert asked.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hello?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Well."},
                {"type": "tool_use", "id": "call_0_add", "name": "add", "input": {"a": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_0_add", "content": "2"}]},
    ]


async def test_anthropic_streams(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: anthropic_stream("Hel", "lo")
    pieces: list[str] = []
    reply = await models.complete(Request("claude-sonnet-4-6", HELLO, api_key=KEY), pieces.append)
    assert pieces == ["Hel", "lo"]
    assert (reply.text, reply.usage) == ("Hello", Usage(9, 7))


THOUGHTS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Two and two…", "signature": "c2lnbmVk"},
    {"type": "redacted_thinking", "data": "aGlkZGVu"},
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 2}},
]


@pytest.mark.parametrize("streamed", [True, False])
async def test_what_claude_thinks_goes_back_as_it_came(
    models: ProviderClients, server: ModelServer, streamed: bool
) -> None:
    server.respond = lambda _: anthropic_thinks(*THOUGHTS) if streamed else anthropic_answer(*THOUGHTS, stop="tool_use")
    pieces: list[str] = []
    on_text = pieces.append if streamed else None
    reply = await models.complete(Request("claude-opus-4-7", HELLO, (ADD,), thinking=True, api_key=KEY), on_text)
    assert (reply.text, "".join(pieces)) == ("Let me see.", "Let me see." if streamed else "")
    assert reply.tool_calls == (ToolCall("toolu_1", "add", '{"a": 2}'),)
    kept = json.loads(json.dumps(reply.message()))
    again = [*HELLO, kept, {"role": "tool", "tool_call_id": "toolu_1", "content": "4"}]
    await models.complete(Request("claude-opus-4-7", again, (ADD,), thinking=True, api_key=KEY), on_text)
    assert [part["role"] for part in server.asked[1].body["messages"]] == ["user", "assistant", "user"]
    assert server.asked[1].body["messages"][1]["content"] == THOUGHTS
    # Where nobody thinks, and where it is somebody else, it is not said.
    await models.complete(Request("claude-opus-4-7", again, (ADD,), api_key=KEY), on_text)
    assert server.asked[2].body["messages"][1]["content"] == THOUGHTS[2:]
    server.respond = lambda _: chat("Four.")
    await models.complete(Request("gpt-4o", again, (ADD,), api_key=KEY))
    assert server.asked[3].body["messages"][2].keys() == {"role", "content", "tool_calls"}


async def test_a_call_that_was_taken_out_is_not_said_again(models: ProviderClients, server: ModelServer) -> None:
    second = {"type": "tool_use", "id": "toolu_2", "name": "add", "input": {}}
    server.respond = lambda _: anthropic_answer(*THOUGHTS, second, stop="tool_use")
    reply = await models.complete(Request("claude-sonnet-4-6", HELLO, (ADD,), thinking=True, api_key=KEY))
    message = reply.message()
    message["tool_calls"] = message["tool_calls"][:1]
    again = [*HELLO, message, {"role": "tool", "tool_call_id": "toolu_1", "content": "4"}]
    await models.complete(Request("claude-sonnet-4-6", again, (ADD,), thinking=True, api_key=KEY))
    assert server.asked[1].body["messages"][1]["content"] == THOUGHTS


@pytest.mark.parametrize(
    ("model", "max_tokens", "thinking", "most"),
    [
        ("claude-opus-4-7", None, {"type": "adaptive"}, 16384),
        ("claude-opus-4-5-20251101", None, {"type": "enabled", "budget_tokens": 8192}, 16384),
        ("claude-opus-4-5-20251101", 10, {"type": "enabled", "budget_tokens": 8192}, 8202),
        ("claude-opus-4-5-20251101", 62000, {"type": "enabled", "budget_tokens": 2000}, 64000),
        ("claude-opus-4-5-20251101", 64000, {"type": "enabled", "budget_tokens": 1024}, 64000),
        ("claude-opus-4-6", 60000, {"type": "adaptive"}, 68192),
    ],
)
async def test_how_claude_is_told_to_think(
    models: ProviderClients, server: ModelServer, model: str, max_tokens: int | None, thinking: Any, most: int
) -> None:
    server.respond = lambda _: anthropic_answer({"type": "text", "text": "Hm."})
    await models.complete(Request(model, HELLO, max_tokens=max_tokens, thinking=True, api_key=KEY))
    [asked] = server.asked
    assert (asked.body["thinking"], asked.body["max_tokens"]) == (thinking, most)


@pytest.mark.parametrize("model", ["gpt-4o", "claude-3-haiku-20240307", "ollama/any"])
async def test_who_cannot_think_is_not_asked(models: ProviderClients, server: ModelServer, model: str) -> None:
    with pytest.raises(ModelRefused, match="cannot think at length"):
        await models.complete(Request(model, HELLO, thinking=True, api_key=KEY))
    assert server.asked == []


def test_every_claude_of_today_can_think() -> None:
    table = ROOT / "blocks" / "llm" / "models.csv"
    claudes = [line.split(",")[0] for line in table.read_text().splitlines() if line.startswith("claude-")]
    assert len(thinking_models()) == 9
    assert thinking_models() == sorted(name for name in claudes if not name.startswith("claude-3"))


# --- Google -----------------------------------------------------------------------------------


async def test_gemini_answers_and_calls(models: ProviderClients, server: ModelServer) -> None:
    call = {"functionCall": {"name": "add", "args": {"a": 4}}, "thoughtSignature": "c2lnbmVk"}
    server.respond = lambda _: of_json(gemini_answer({"text": "Well"}, call))
    reply = await models.complete(
        Request("google/gemini-2.5-pro".removeprefix("google/"), AFTER_A_CALL, (ADD,), api_key=KEY)
    )
    assert reply.text == "Well"
    [made] = reply.tool_calls
    assert (made.name, made.arguments, made.signature) == ("add", '{"a": 4}', "c2lnbmVk")
    assert reply.usage == Usage(60, 25, 40)
    assert reply.finish_reason == "tool_calls"
    [asked] = server.asked
    assert asked.path.startswith("/v1/models/gemini-2.5-pro:generateContent")
    assert asked.headers["x-goog-api-key"] == "sk-not-to-be-seen"
    assert asked.body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert asked.body["contents"] == [
        {"role": "user", "parts": [{"text": "Hello?"}]},
        {"role": "model", "parts": [{"text": "Well."}, {"functionCall": {"name": "add", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {"result": "2"}}}]},
    ]
    assert asked.body["tools"][0]["functionDeclarations"][0]["parameters_json_schema"] == ADD.parameters
    follow_up = Request("gemini-2.5-pro", [*HELLO, reply.message()], api_key=KEY)
    await models.complete(follow_up)
    assert server.asked[1].body["contents"][1]["parts"][1]["thoughtSignature"] == "c2lnbmVk"


async def test_gemini_streams(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: events(gemini_answer({"text": "Hel"}, finish=None), gemini_answer({"text": "lo"}))
    pieces: list[str] = []
    reply = await models.complete(Request("gemini-2.5-flash", HELLO, api_key=KEY), pieces.append)
    assert pieces == ["Hel", "lo"]
    assert reply.text == "Hello"


# --- what goes wrong --------------------------------------------------------------------------

EACH = pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-6", "gemini-2.5-flash"])


@EACH
@pytest.mark.parametrize("on_text", [None, lambda _: None], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_is_wrong_is_refused_and_asked_once(
    models: ProviderClients, server: ModelServer, model: str, status: int, on_text: Any
) -> None:
    server.respond = lambda _: chat_error(status, "this is why")
    with pytest.raises(ModelRefused, match=rf"refused the request \({status}\): this is why"):
        await models.complete(Request(model, HELLO, api_key=KEY), on_text)
    assert len(server.asked) == 1


@EACH
@pytest.mark.parametrize("before", [0, 440, 470, 480, 490, 499, 600])
async def test_a_refusal_shows_no_part_of_the_key(
    models: ProviderClients, server: ModelServer, model: str, before: int
) -> None:
    """Some providers repeat the key; a long text is cut, perhaps in the middle of it."""
    key = "k7-" + "0a1b2c3d" * 6
    server.respond = lambda _: chat_error(401, "." * before + key + " is wrong. " + "." * 600)
    with pytest.raises(ModelRefused, match=r"\(401\)") as failure:
        await models.complete(Request(model, HELLO, api_key=SecretStr(key)))
    assert len(str(failure.value)) < 600
    assert "k7-" not in str(failure.value)
    assert "0a1b" not in str(failure.value)


@EACH
async def test_what_another_wants_back_may_be_anything(
    models: ProviderClients, server: ModelServer, model: str
) -> None:
    """A conversation comes from wherever a graph takes it; what nobody can read in it is left out."""
    extra = {"google": {"thought_signature": "="}, "anthropic": {"content": [{"type": "tool_use", "id": []}, 5]}}
    asked = [dict(message) for message in AFTER_A_CALL]
    asked[2] = {**asked[2], "extra_content": extra, "tool_calls": [{**calls(("add", {}))[0], "extra_content": extra}]}
    answers = {
        "gpt-4o": chat("Two."),
        "claude-sonnet-4-6": anthropic_answer({"type": "text", "text": "Two."}),
        "gemini-2.5-flash": of_json(gemini_answer({"text": "Two."})),
    }
    server.respond = lambda _: answers[model]
    thinking = model.startswith("claude")
    assert (await models.complete(Request(model, asked, api_key=KEY, thinking=thinking))).text == "Two."


async def test_calls_get_ids_where_the_server_gives_none(models: ProviderClients, server: ModelServer) -> None:
    """Else nothing could answer them, and they would count as no calls."""
    bare = [
        {**call, "id": id} for call, id in zip(calls(("add", {}), ("add", {}), ("add", {})), (None, "", 5), strict=True)
    ]
    server.respond = lambda _: chat("", bare)
    message = (await models.complete(Request("gpt-4o", HELLO, api_key=KEY))).message()
    ids = [call.id for call in calls_of(message)]
    assert len(set(ids)) == 3
    assert all(ids)


@EACH
@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry_after": "7"}, 7),
        (429, {"retry_after": "100000"}, 600),
        (429, {}, None),
        (500, {}, None),
        (503, {"retry_after_ms": "1500"}, 1.5),
        (529, {"retry_after": "soon"}, None),
        (429, {"retry_after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        (429, {"retry_after_ms": "9" * 400}, 600),
    ],
)
async def test_what_passes_says_when_to_ask_again(
    models: ProviderClients,
    server: ModelServer,
    model: str,
    status: int,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    server.respond = lambda _: chat_error(status, "busy", **headers)
    with pytest.raises(ModelUnavailable, match=str(status)) as failure:
        await models.complete(Request(model, HELLO, api_key=KEY))
    assert failure.value.retry_after == seconds
    assert len(server.asked) == 1


async def test_a_used_up_quota_does_not_pass(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda _: chat_error(429, "You exceeded your current quota", code="insufficient_quota")
    with pytest.raises(ModelRefused, match="quota"):
        await models.complete(Request("gpt-4o", HELLO, api_key=KEY))


@EACH
@pytest.mark.parametrize("body", [b"{no json", b"", b"[]", b"{}", b"null", b'"text"'])
async def test_an_answer_that_cannot_be_read(
    models: ProviderClients, server: ModelServer, model: str, body: bytes
) -> None:
    server.respond = lambda _: Answer(body)
    with pytest.raises(ModelUnavailable, match="cannot be read or broke off"):
        await models.complete(Request(model, HELLO, api_key=KEY))


@EACH
@pytest.mark.parametrize("on_text", [None, lambda _: None], ids=["whole", "stream"])
async def test_an_answer_that_is_cut_off(
    models: ProviderClients, server: ModelServer, model: str, on_text: Any
) -> None:
    server.respond = lambda _: Answer(
        b'{"id": "x",', cut=True, content_type="text/event-stream" if on_text else "application/json"
    )
    with pytest.raises(ModelUnavailable, match="broke off"):
        await models.complete(Request(model, HELLO, api_key=KEY), on_text)


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("ollama/x", chat_stream("Hel", finish=None)),
        ("ollama/x", chat_stream("Hel", finish=None, cut=True)),
        ("claude-sonnet-4-6", anthropic_stream("Hel", whole=False)),
        ("gemini-2.5-flash", events(gemini_answer({"text": "Hel"}, finish=None))),
    ],
)
async def test_a_stream_without_an_end_is_no_answer(
    models: ProviderClients, server: ModelServer, model: str, answer: Answer
) -> None:
    server.respond = lambda _: answer
    with pytest.raises(ModelUnavailable, match="broke off"):
        await models.complete(Request(model, HELLO, api_key=KEY), lambda _: None)


@EACH
@pytest.mark.parametrize("on_text", [None, lambda _: None], ids=["whole", "stream"])
async def test_nobody_there(model: str, on_text: Any) -> None:
    provider = {"gpt-4o": "openai", "claude-sonnet-4-6": "anthropic", "gemini-2.5-flash": "google"}[model]
    models = ProviderClients({provider: "http://ann:canary@127.0.0.1:9/canary?key=canary"}, seconds=5)
    with pytest.raises(ModelUnavailable) as refusal:
        await models.complete(Request(model, HELLO), on_text)
    where = "its endpoint 127.0.0.1:9, which HEDDLE_LLM_BASE_URLS sets"
    assert str(refusal.value) == f"{provider} could not be reached: no connection to {where}."
    await models.aclose()


@EACH
async def test_nobody_there_at_the_providers_own_place(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = {"gpt-4o": "openai", "claude-sonnet-4-6": "anthropic", "gemini-2.5-flash": "google"}[model]
    monkeypatch.setattr("blocks.llm.clients.DEFAULT_URLS", {provider: "http://127.0.0.1:9/v1"})
    models = ProviderClients(seconds=5)
    said = rf"^{provider} could not be reached: no connection to 127\.0\.0\.1:9\.$"
    with pytest.raises(ModelUnavailable, match=said):
        await models.complete(Request(model, HELLO, api_key=KEY))
    await models.aclose()


async def test_an_answer_that_does_not_come(server: ModelServer) -> None:
    models = ProviderClients({"ollama": f"{server.url}/v1"}, seconds=0.2)
    await models.complete(Request("ollama/x", HELLO))
    waiting = asyncio.Event()
    loop = asyncio.get_running_loop()

    def late(_: Any) -> Answer:
        asyncio.run_coroutine_threadsafe(waiting.wait(), loop).result(10)
        return chat("late")

    server.respond = late
    with pytest.raises(ModelUnavailable, match=r"did not answer within 0\.2 seconds"):
        await models.complete(Request("ollama/x", HELLO))
    waiting.set()
    await models.aclose()


async def test_redirects_are_not_followed(models: ProviderClients, server: ModelServer) -> None:
    server.respond = lambda asked: of_json({}, 307, Location=f"{server.url}/elsewhere")
    with pytest.raises((ModelRefused, ModelUnavailable)):
        await models.complete(Request("ollama/x", HELLO))
    assert [asked.path for asked in server.asked] == ["/v1/chat/completions"]


async def test_a_provider_of_its_own_wants_a_key_and_a_place() -> None:
    models = ProviderClients()
    with pytest.raises(ModelRefused, match="These credentials are required: an API key of openai"):
        await models.complete(Request("gpt-4o", HELLO))
    with pytest.raises(ModelRefused, match=r"no endpoint of ollama is set \(HEDDLE_LLM_BASE_URLS\)"):
        await models.complete(Request("llama3", HELLO))
    with pytest.raises(ModelRefused, match="Model 'gpt-99' is not supported"):
        await models.complete(Request("gpt-99", HELLO))


@pytest.mark.parametrize(("urls", "said"), [({"nobody": "http://x"}, "no provider"), ({"openai": "x:1"}, "must begin")])
def test_settings_that_say_nothing_clear(urls: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ProviderClients(urls)


@EACH
async def test_nothing_of_what_is_asked_or_answered_is_logged(
    models: ProviderClients, server: ModelServer, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    caplog.set_level(logging.DEBUG)
    said = "the answer is a secret"
    server.respond = {
        "gpt-4o": lambda _: chat(said),
        "claude-sonnet-4-6": lambda _: anthropic_answer({"type": "text", "text": said}),
        "gemini-2.5-flash": lambda _: of_json(gemini_answer({"text": said})),
    }[model]
    request = Request(model, [{"role": "user", "content": "the question is a secret"}], api_key=KEY)
    reply = await models.complete(request)
    for text in (caplog.text, repr(request), repr(reply)):
        assert "is a secret" not in text
        assert "sk-not" not in text
    server.respond = lambda _: chat_error(500, "the answer is a secret")
    with pytest.raises(ModelUnavailable) as failure:
        await models.complete(request)
    assert "secret" not in str(failure.value)
    assert "the question is a secret" in json.dumps(server.asked[0].body)
