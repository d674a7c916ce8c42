"""Agents that name a model which nobody provides any more (agent-graphs §1.8)."""

from typing import Any

import pytest

from blocks.ai.orchestrator import Orchestrator
from blocks.ai.texts import AITextGenerator
from blocks.catalogue import default_catalogue
from blocks.llm.models import DEFAULT_MODEL, RENAMED_MODELS
from blocks.retired_models import with_known_models
from blocks.text.plain import TextReplace
from engine.model import Graph
from tests.support.graphs import graph, node

OPENAI = {"id": "a", "provider": "openai", "type": "api_key"}
ANTHROPIC = {"id": "b", "provider": "anthropic", "type": "api_key"}


def after(block: Any, **defaults: Any) -> dict[str, Any]:
    given = graph([node("n", block, **defaults)])
    before = given.model_dump()
    made = with_known_models(given, default_catalogue().get)
    assert given.model_dump() == before
    return made.nodes[0].input_default


@pytest.mark.parametrize("block", [AITextGenerator, Orchestrator])
@pytest.mark.parametrize("model", ["claude-3-5-sonnet-20240620", "o1-preview", "llama-3.1-70b-versatile"])
def test_a_model_of_the_past_gives_way_to_the_default(block: Any, model: str) -> None:
    assert after(block, model=model, prompt="p") == {"model": DEFAULT_MODEL, "prompt": "p"}


@pytest.mark.parametrize("model", ["gpt-4o", "ollama/phi4", "openai/gpt-4o", *RENAMED_MODELS])
def test_a_model_of_today_stays(model: str) -> None:
    assert after(AITextGenerator, model=model)["model"] == model


@pytest.mark.parametrize("model", [None, 3, ["gpt-4o"]])
def test_what_names_no_model_stays(model: Any) -> None:
    assert after(AITextGenerator, model=model) == {"model": model}


def test_credentials_of_another_provider_go_with_their_model() -> None:
    assert after(AITextGenerator, model="o1-preview", credentials=OPENAI)["credentials"] == OPENAI
    assert "credentials" not in after(AITextGenerator, model="claude-1", credentials=ANTHROPIC)
    assert after(AITextGenerator, model="claude-sonnet-4-5-20250929", credentials=ANTHROPIC)["credentials"] == ANTHROPIC


def test_only_blocks_of_language_models_and_in_sub_graphs_too() -> None:
    inner = graph([node("n", AITextGenerator, model="o1-preview")], id="inner")
    outer = graph([node("n", TextReplace, model="o1-preview"), node("x", TextReplace)], sub_graphs=[inner])
    made: Graph = with_known_models(outer, default_catalogue().get)
    assert made.nodes[0].input_default == {"model": "o1-preview"}
    assert made.sub_graphs[0].nodes[0].input_default == {"model": DEFAULT_MODEL}
