"""Jina, Perplexity, Wolfram Alpha, OpenWeatherMap, ScreenshotOne, ZeroBounce: what is asked of them, what they tell."""

import json
from typing import Any

import pytest

from blocks.base import Block, Exchange, NodeStats
from blocks.http.errors import AnswerUnreadable, StatusFailed
from blocks.knowledge.jina import JinaChunking, JinaEmbedding, SearchTheWeb
from blocks.knowledge.perplexity import Perplexity
from blocks.knowledge.screenshots import ScreenshotWebPage
from blocks.knowledge.weather import GetWeatherInformation
from blocks.knowledge.wolfram import AskWolfram
from blocks.knowledge.zerobounce import ValidateEmails
from tests.blocks.provider_runs import Everywhere, asked


def mine(provider: str) -> dict[str, Any]:
    return {"credentials": {"id": "mine", "provider": provider, "type": "api_key"}}


def answer(**body: Any) -> Exchange:
    return Exchange("", json.dumps(body))


EMBED, SEGMENT = "POST https://api.jina.ai/v1/embeddings", "POST https://segment.jina.ai/"


async def test_embeddings_are_in_the_order_of_the_texts() -> None:
    data = [{"index": 1, "embedding": [2, 0.5]}, {"index": 0, "embedding": [1.0]}]
    outputs, seen = await asked(
        JinaEmbedding, {**mine("jina"), "texts": ["a", "b"], "model": "m"}, {EMBED: answer(data=data)}
    )
    assert outputs == [("embeddings", [[1.0], [2, 0.5]])]
    assert json.loads(seen[0].body) == {"input": ["a", "b"], "model": "m"}
    assert seen[0].headers["authorization"] == "Bearer secret of mine"


@pytest.mark.parametrize(
    "data",
    [
        [{"embedding": [1]}],
        [{"embedding": [1]}] * 3,
        [{"index": 0, "embedding": [1]}] * 2,
        [{"index": 5, "embedding": [1]}, {"embedding": [1]}],
        [{"embedding": ["1"]}, {"embedding": [1]}],
        [{"embedding": [True]}, {"embedding": [1]}],
        [{"embedding": [1]}, 3],
    ],
)
async def test_embeddings_that_fit_no_text(data: list[Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        await asked(JinaEmbedding, {**mine("jina"), "texts": ["a", "b"]}, {EMBED: answer(data=data)})


async def test_texts_are_cut_one_by_one() -> None:
    answers = {SEGMENT: [answer(chunks=["a", 3], tokens=[[["a", [1]]]]), answer(chunks=["b"], tokens=[[["b", [2]]]])]}
    outputs, seen = await asked(
        JinaChunking, {**mine("jina"), "texts": ["x", "y"], "max_chunk_length": 5, "return_tokens": True}, answers
    )
    assert outputs == [("chunks", ["a", "b"]), ("tokens", [[["a", [1]]], [["b", [2]]]])]
    assert [json.loads(request.body) for request in seen] == [
        {"content": text, "return_chunks": True, "return_tokens": True, "max_chunk_length": 5} for text in ("x", "y")
    ]


@pytest.mark.parametrize("block", [JinaEmbedding, JinaChunking])
@pytest.mark.parametrize("texts", [[], [3], [None], ["a"] * 1_001])
async def test_only_texts_are_sent(block: type[Block[Any]], texts: list[Any]) -> None:
    with pytest.raises(ValueError, match="texts"):
        await asked(block, {**mine("jina"), "texts": texts}, {})


CHAT = "POST https://openrouter.ai/api/v1/chat/completions"


async def test_perplexity_is_asked_and_tells_what_it_took() -> None:
    stats = NodeStats()
    told = answer(
        choices=[{"message": {"content": "Yes.", "annotations": [{"type": "url_citation"}, 3]}}],
        usage={"prompt_tokens": 7, "completion_tokens": 2, "cost": 0.0123},
    )
    outputs, seen = await asked(
        Perplexity,
        {
            **mine("open_router"),
            "prompt": "Tea?",
            "system_prompt": "Be brief.",
            "model": "perplexity/sonar-pro",
            "max_tokens": 9,
        },
        {CHAT: told},
        stats,
    )
    assert outputs == [("response", "Yes."), ("annotations", [{"type": "url_citation"}])]
    assert json.loads(seen[0].body) == {
        "model": "perplexity/sonar-pro",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea?"}],
        "usage": {"include": True},
        "max_tokens": 9,
    }
    assert (stats.model_calls, stats.input_tokens, stats.output_tokens, stats.provider_cost) == (1, 7, 2, 0.0123)


@pytest.mark.parametrize("model", ["gpt-4o", "", 5, "perplexity/sonar"])
async def test_another_model_counts_as_the_first(model: Any) -> None:
    _, seen = await asked(
        Perplexity,
        {**mine("open_router"), "prompt": "Tea?", "model": model},
        {CHAT: answer(choices=[{"message": {"content": None}}], usage={"cost": -1})},
    )
    assert json.loads(seen[0].body)["model"] == "perplexity/sonar"


@pytest.mark.parametrize("choices", [[], {}, [3], [{"message": {"content": 3}}], [{"message": None}]])
async def test_perplexity_says_nothing(choices: Any) -> None:
    with pytest.raises(AnswerUnreadable):
        await asked(Perplexity, {**mine("open_router"), "prompt": "Tea?"}, {CHAT: answer(choices=choices)})


async def test_wolfram_does_not_understand() -> None:
    with pytest.raises(ValueError, match="does not understand the question"):
        await asked(AskWolfram, {**mine("wolfram"), "question": "?"}, Everywhere(Exchange("", "Wolfram|Alpha", 501)))


async def test_the_weather_in_fahrenheit() -> None:
    url = "https://api.openweathermap.org/data/2.5/weather?q=S%C3%A3o+Paulo%26appid%3Dx&appid=secret+of+mine&units=imperial"
    outputs, _ = await asked(
        GetWeatherInformation,
        {**mine("openweathermap"), "location": "São Paulo&appid=x", "use_celsius": False},
        {f"GET {url}": answer(main={"temp": 70, "humidity": 5.5}, weather=[{"description": "sun"}])},
    )
    assert outputs == [("temperature", "70"), ("humidity", "5.5"), ("condition", "sun")]


@pytest.mark.parametrize("block", [GetWeatherInformation, AskWolfram, ScreenshotWebPage])
async def test_a_key_in_a_query_is_not_taken_elsewhere(block: type[Block[Any]]) -> None:
    moved = Exchange("", "", 302, {"Location": "https://evil.example/"})
    with pytest.raises(StatusFailed) as failure:
        await asked(block, block.examples[0].inputs, Everywhere(moved))
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("jpeg", b"\xff\xd8\xff\xe0"), ("webp", b"RIFF\x00\x00\x00\x00WEBP"), ("png", b"\x89PNG\r\n\x1a\n")],
)
async def test_a_picture_is_kept_as_what_it_is(kind: str, begins: bytes) -> None:
    inputs = {**mine("screenshotone"), "url": "https://a.example/?b=c&d", "format": kind, "full_page": True}
    ((name, uri),), seen = await asked(ScreenshotWebPage, inputs, Everywhere(Exchange("", begins + b"more")))
    assert name == "image"
    assert uri.endswith(f"/screenshot.{kind}")
    assert "url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&" in seen[0].url
    assert f"&format={kind}&full_page=true&" in seen[0].url
    with pytest.raises(AnswerUnreadable):
        await asked(ScreenshotWebPage, inputs, Everywhere(Exchange("", b"GIF89a")))


async def test_prices_that_answers_do_not_tell() -> None:
    for block, dollars in ((SearchTheWeb, 0.01), (ValidateEmails, 0.008)):
        stats = NodeStats()
        (example,) = block.examples
        await asked(block, example.inputs, {exchange.request: exchange for exchange in example.web}, stats)
        assert stats.provider_cost == dollars
