"""Blocks that ask a language model, which answers as the test says."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from activities.block_run import run_alone
from blocks.ai.asking import user
from blocks.ai.orchestrator import Orchestrator
from blocks.ai.structured import AIListGenerator, AIStructuredResponseGenerator, NoFit, parsed
from blocks.ai.summary import AITextSummarizer, chunks
from blocks.ai.texts import AICondition, AIConversation, AITextGenerator
from blocks.base import Block, BlockError, BlockInputError, CallTools
from blocks.credentials import ApiKey
from blocks.inputs import validated
from blocks.language_models import ModelRefused, ModelUnavailable, Usage
from blocks.llm.models import DEFAULT_MODEL, charged_cents, find_model, provider_of
from tests.blocks.block_runs import Scripted, context, run

ANY = {"model": "ollama/any"}
FORM = {**ANY, "prompt": "Who?", "expected_format": {"name": "a name", "age": "in years"}}
ADA = '{"name": "Ada", "age": 36}'


# --- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "provider", "known_as"),
    [
        ("gpt-4o", "openai", "gpt-4o"),
        ("claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6"),
        ("anthropic/claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6"),
        ("claude-3-5-sonnet-latest", "anthropic", "claude-sonnet-4-5-20250929"),
        ("google/gemini-2.5-flash", "open_router", "google/gemini-2.5-flash"),
        ("gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("llama3.1:405b", "ollama", "llama3.1:405b"),
        ("ollama/phi4", "ollama", "phi4"),
        ("openai_compatible/org/model", "openai_compatible", "org/model"),
    ],
)
def test_models_and_their_providers(name: str, provider: str, known_as: str) -> None:
    assert provider_of(name) == provider
    assert find_model(name).name == known_as


@pytest.mark.parametrize("name", ["gpt-99", "", "ollama/", "anthropic/gpt-4o", "openai/claude-sonnet-4-6"])
def test_models_that_nobody_knows(name: str) -> None:
    assert provider_of(name) is None
    with pytest.raises(ModelRefused, match="is not supported") as refusal:
        find_model(name)
    assert "models.csv" not in str(refusal.value), "who asks over HTTP has no files"
    assert "`GET /api/blocks` shows for the block's input `model`" in str(refusal.value)


@pytest.mark.parametrize(
    "block", [AITextGenerator, AIConversation, AICondition, AITextSummarizer, AIListGenerator, Orchestrator]
)
def test_a_block_shows_the_models_there_are(block: type[Block[Any]]) -> None:
    shown = block.Input.model_json_schema()["properties"]["model"]["examples"]
    assert {"gpt-4o", "claude-sonnet-4-6", DEFAULT_MODEL} < set(shown)
    assert all(provider_of(name) for name in shown)


def test_prices() -> None:
    claude = find_model("claude-sonnet-4-6")
    assert claude.cost(Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000)) == 450 + 2250 + 45 + 563
    assert find_model("claude-opus-4-7").cost(Usage(1, 1)) == 14, "a model without rates has a flat price"
    assert find_model("ollama/phi4").cost(Usage(1000, 1000)) == 0
    assert [charged_cents(cents) for cents in (0.0, 0.1, 1.0, 1.2)] == [0, 1, 1, 2]


# --- texts ------------------------------------------------------------------------------------


async def test_a_prompt_without_values_is_left_as_it_is_written() -> None:
    llm = Scripted("x")
    await run(AITextGenerator, {**ANY, "prompt": "What is {{a}}?", "sys_prompt": "Be brief."}, llm=llm)
    assert llm.asked[0].messages == [{"role": "system", "content": "Be brief."}, user("What is {{a}}?")]


async def test_an_empty_answer_is_asked_for_again() -> None:
    llm, steps = Scripted("", " ", "x"), list[Any]()
    outputs = await run(AITextGenerator, {**ANY, "prompt": "?"}, steps, llm=llm)
    assert outputs[0] == ("response", "x")
    assert len(steps) == 2
    with pytest.raises(BlockError, match="gave no text"):
        await run(AITextGenerator, {**ANY, "prompt": "?", "retry": 1}, llm=Scripted("", "", "x"))


async def test_pieces_of_an_answer_are_shown_meanwhile() -> None:
    pieces: list[str] = []
    await run(AITextGenerator, {**ANY, "prompt": "?"}, llm=Scripted("Hello"), progress=pieces.append)
    assert pieces == ["Hello"]


async def test_the_key_goes_to_the_model_and_nowhere_else() -> None:
    llm = Scripted("x")
    meta = {"id": "mine", "provider": "openai", "type": "api_key"}
    key = ApiKey("openai", SecretStr("sk-secret"))
    inputs = {"model": "gpt-4o", "prompt": "?", "credentials": meta, "max_tokens": 7}
    outputs = await run(AITextGenerator, inputs, llm=llm, credentials={"credentials": key})
    assert llm.asked[0].api_key is key.key
    assert llm.asked[0].max_tokens == 7
    assert "sk-secret" not in repr(outputs)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "Give messages, a prompt, or both"),
        ([{"role": "user", "content": " "}], "no content"),
        ([{"content": "x"}], "object with a `role`"),
        ([3], "object with a `role`"),
    ],
)
async def test_conversations_that_are_none(messages: list[Any], said: str) -> None:
    with pytest.raises(BlockInputError, match=said):
        await run(AIConversation, {**ANY, "messages": messages}, llm=Scripted())


@pytest.mark.parametrize(
    ("answer", "outputs"),
    [
        ("true", [("result", True), ("yes_output", 1)]),
        ("No, it is not.", [("result", False), ("no_output", "else")]),
    ],
)
async def test_conditions(answer: str, outputs: list[Any]) -> None:
    inputs = {**ANY, "input_value": 1, "condition": "is odd", "no_value": "else"}
    assert await run(AICondition, inputs, llm=Scripted(answer)) == outputs


@pytest.mark.parametrize("answer", ["perhaps", "", "true or false", "untrue"])
async def test_conditions_that_stay_open(answer: str) -> None:
    with pytest.raises(BlockError, match="neither true nor false"):
        await run(AICondition, {**ANY, "input_value": 1, "condition": "is odd"}, llm=Scripted(answer))


# --- forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [ADA, f"<json_output>{ADA}</json_output>", f"Well:\n```json\n{ADA}\n```\nDone.", f"Here you are: {ADA} Bye."],
)
def test_json_is_found_in_an_answer(text: str) -> None:
    assert parsed(text, "{") == {"name": "Ada", "age": 36}


@pytest.mark.parametrize(
    "text",
    [
        "<json_output>" * 20_000,
        "<json_output>" * 20_000 + "</json_output>",
        "```json\n" * 20_001,
        "```" + "\n" * 200_000,
        "`" * 300_000,
        ("```" + " " * 50) * 10_001,
    ],
    ids=lambda text: text[:16],
)
def test_an_answer_made_to_be_read_slowly_is_read_at_once(text: str) -> None:
    """Reading it holds up all blocks of the worker."""
    started = time.process_time()
    with pytest.raises(NoFit):
        parsed(text, "{")
    assert time.process_time() - started < 1


def test_json_in_the_second_fence_or_tag_is_found() -> None:
    assert parsed("```sh\nls\n```\n````json\n{}\n````", "{") == {}
    assert parsed("<json_output>no</json_output> sorry <json_output>[1]</json_output>", "[") == [1]
    assert parsed("``` \n[2]``` <json_output>[1]", "[") == [2]


@pytest.mark.parametrize(
    "text",
    [
        f"2 results found: {ADA}",
        f"2\n{ADA}",
        f"[1] says: {ADA}",
        f"As {{you}} wished: {ADA}",
        f'"Here" is {ADA} and {{"a": 1}}',
        f"<json_output>\nResult 1: {ADA}</json_output>",
        f"```json\n1. {ADA}\n```",
        f"null {ADA}",
    ],
)
def test_json_is_told_from_what_stands_around_it(text: str) -> None:
    assert parsed(text, "{") == {"name": "Ada", "age": 36}


@pytest.mark.parametrize("text", ['See [1]: ["a", "b"]', '3 items, {"n": 2}: ["a", "b"]', '1. ["a", "b"]'])
def test_a_list_is_told_from_what_stands_around_it(text: str) -> None:
    assert parsed(text, "[") == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    ["2", "null", "[" * 100_000, '{"a":' * 100_000, "{" * 300_000, '{"a": ' * 150 + "1" + "}" * 150],
    ids=["number", "null", "lists", "objects", "braces", "deep"],
)
def test_what_is_no_answer_is_told_so(text: str) -> None:
    """Also what could not be handed on, being nested too deeply."""
    with pytest.raises(NoFit):
        parsed(text, "{")


async def test_a_history_that_is_none_is_refused_in_words() -> None:
    for bad in ({"tool_calls": 5}, {"tool_calls": [5]}, {"tool_calls": {"id": "x"}}):
        history = [{"role": "assistant", "content": "", **bad}]
        with pytest.raises(BlockInputError, match="`tool_calls`"):
            await run(AIStructuredResponseGenerator, {**FORM, "conversation_history": history}, llm=Scripted(ADA))
        with pytest.raises(BlockInputError, match="`tool_calls`"):
            await run(AIConversation, {**ANY, "messages": history}, llm=Scripted(ADA))


async def test_a_refused_key_is_told_by_its_name() -> None:
    meta = {"id": "c1", "provider": "ollama", "type": "api_key", "title": "My ollama"}
    for status, told in ((401, True), (402, True), (403, True), (429, True), (400, False)):
        refused = ModelRefused(f"ollama refused the request ({status}): no", status=status)
        with pytest.raises(ModelRefused, match=rf"^ollama refused the request \({status}\): no") as failure:
            await run(AITextGenerator, {**ANY, "prompt": "Hi", "credentials": meta}, llm=Scripted(refused))
        assert ("The credential used is 'My ollama'." in str(failure.value)) == told
    busy = ModelUnavailable("ollama limits the rate of requests (429).", 7)
    with pytest.raises(ModelUnavailable, match="ollama limits the rate") as limited:
        await run(AITextGenerator, {**ANY, "prompt": "Hi", "credentials": meta}, llm=Scripted(busy))
    assert limited.value.retry_after == 7


async def test_an_answer_that_does_not_fit_is_sent_back_with_what_is_wrong() -> None:
    llm, steps = Scripted("Ada, 36", '{"name": "Ada"}', ADA), list[Any]()
    outputs = await run(AIStructuredResponseGenerator, FORM, steps, llm=llm)
    assert outputs[0] == ("response", {"name": "Ada", "age": 36})
    assert [m["role"] for m in llm.asked[2].messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "there is no JSON" in llm.asked[1].messages[-1]["content"] or "cannot be read" in str(llm.asked[1].messages)
    assert "keys are missing: age" in llm.asked[2].messages[-1]["content"]
    assert all(isinstance(step, CallTools) and not step.calls for step in steps)
    assert len(steps) == 2


async def test_it_is_given_up_after_some_tries() -> None:
    with pytest.raises(BlockError, match="did not fit, 2 times; the last time"):
        await run(AIStructuredResponseGenerator, {**FORM, "retry": 2}, llm=Scripted("a", "b", ADA))


async def test_a_list_of_objects() -> None:
    inputs = {**FORM, "list_result": True}
    for answer in (f"[{ADA}]", f'{{"people": [{ADA}]}}'):
        outputs = await run(AIStructuredResponseGenerator, inputs, llm=Scripted(answer))
        assert outputs[0] == ("response", [{"name": "Ada", "age": 36}])
    llm = Scripted("[1]", '["x", {}]', f"[{ADA}]")
    await run(AIStructuredResponseGenerator, inputs, llm=llm)
    assert "no object" in llm.asked[1].messages[-1]["content"]


async def test_the_provider_may_see_to_it_that_it_is_json() -> None:
    llm = Scripted(ADA)
    await run(AIStructuredResponseGenerator, {**FORM, "force_json_output": True}, llm=llm)
    assert llm.asked[0].json_object


async def test_a_prompt_that_is_too_long_is_shortened_in_its_middle() -> None:
    llm = Scripted(ADA)
    text = "begin " + "x" * 500_000 + " end"
    await run(AIStructuredResponseGenerator, {**FORM, "prompt": text}, llm=llm)
    sent = llm.asked[0].messages[-1]["content"]
    assert len(sent) < 130_000
    assert sent.startswith("begin")
    assert sent.endswith("end")
    llm = Scripted(ADA)
    await run(AIStructuredResponseGenerator, {**FORM, "prompt": text, "compress_prompt_to_fit": False}, llm=llm)
    assert llm.asked[0].messages[-1]["content"] == text


async def test_steps_follow_each_other_where_no_workflow_keeps_them() -> None:
    block = AIStructuredResponseGenerator()
    about = context(llm=Scripted("no", ADA))
    outputs = [item async for item in run_alone(block, validated(block, FORM), about)]
    assert outputs[0] == ("response", {"name": "Ada", "age": 36})
    assert about.stats.model_calls == 2


async def test_items_of_a_list_that_are_no_texts() -> None:
    outputs = await run(AIListGenerator, {**ANY, "focus": "x"}, llm=Scripted('["a", 1, {"b": 2}]'))
    assert outputs[0] == ("generated_list", ["a", "1", '{"b": 2}'])


# --- summaries --------------------------------------------------------------------------------


def test_parts_of_a_text_overlap() -> None:
    text = " ".join(map(str, range(10)))
    assert chunks(text, 4, 1) == ["0 1 2 3", "3 4 5 6", "6 7 8 9"]
    assert chunks("a", 4, 1) == ["a"]
    assert chunks("", 4, 1) == [""]


@pytest.mark.parametrize(
    "text",
    [
        "line\n" * 10_000,
        "a\tb\r\n" * 5_000,
        "x" * 200_000,
        "猫は眠る" * 3_000,
        " " * 200_000,
        "ก" * 200_000,
        "\u00a0x" * 9_000,
    ],
    ids=["lines", "tabs", "nothing between", "japanese", "blanks", "thai", "hard spaces"],
)
def test_any_text_is_cut(text: str) -> None:
    parts = chunks(text, 1_000, 10)
    assert len(parts) >= 5
    assert max(map(len, parts)) <= 32_000


@given(st.text("ab \n猫", max_size=200), st.integers(2, 9), st.integers(0, 1))
def test_no_word_is_lost(text: str, size: int, overlap: int) -> None:
    parts = chunks(text, size, overlap)
    assert all(part in text for part in parts)
    if not overlap:
        assert "".join("".join(parts).split()) == "".join(text.split())


def test_parts_that_would_not_get_on_overlap_by_half() -> None:
    assert chunks("aa bb cc dd ee ff", 4, 4) == chunks("aa bb cc dd ee ff", 4, 100) == ["aa bb cc dd", "cc dd ee ff"]
    assert chunks("aa bb", 1, 1) == ["aa", "bb"]


def test_of_a_very_long_text_the_beginning_is_summed_up() -> None:
    words = [f"w{number}" for number in range(1_000)]
    parts = chunks(" ".join(words), 3, 1)
    assert len(parts) == 100
    assert (parts[0], parts[-1]) == ("w0 w1 w2", "w198 w199 w200")
    started = time.perf_counter()
    assert len(chunks("a " * 20_000_000, 2, 1)) == 100
    assert time.perf_counter() - started < 1


async def test_summaries_are_summed_up_until_one_is_left() -> None:
    text = " ".join(f"w{number}" for number in range(9))
    llm = Scripted("a b", "c d", "e f", "abcd", "cdef", "all")
    inputs = {**ANY, "text": text, "max_tokens": 3, "chunk_overlap": 0, "style": "bullet points"}
    outputs = await run(AITextSummarizer, inputs, llm=llm)
    assert outputs[0] == ("summary", "all")
    assert all("bullet points" in request.messages[0]["content"] for request in llm.asked)
    assert "summaries of the parts" in llm.asked[-1].messages[0]["content"]


async def test_summaries_that_do_not_get_shorter() -> None:
    inputs = {**ANY, "text": "a b c d", "max_tokens": 2, "chunk_overlap": 0}
    with pytest.raises(BlockError, match="do not get shorter"):
        await run(AITextSummarizer, inputs, llm=Scripted(*["x y"] * 100))
