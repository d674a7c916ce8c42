"""Which models there are: their provider, sizes, prices and ways to think, as data (`models.csv`).

Used by the blocks of language models and by the clients of this folder. Prices are cents for a million tokens; a model
without them has a flat one for each call. A name with its provider before it means the same model (agent-graphs §13.4).
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from blocks.language_models import ModelRefused, Usage
from blocks.legacy import RENAMED_MODELS

DEFAULT_MODEL = "gpt-5.2-2025-12-11"

OPEN_PROVIDERS = ("ollama", "openai_compatible")
"""Providers of a deployment's own, whose models no table can know: `ollama/phi4` is its model `phi4`."""

DEFAULT_URLS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
    "groq": "https://api.groq.com/openai/v1",
    "open_router": "https://openrouter.ai/api/v1",
    "aiml_api": "https://api.aimlapi.com/v2",
    "llama_api": "https://api.llama.com/compat/v1",
    "v0": "https://api.v0.dev/v1",
}
"""Where providers are, unless the deployment says otherwise. Those of its own are nowhere until it says where."""

ADVICE = (
    "Choose one of the examples that `GET /api/blocks` shows for the block's input `model`, or `ollama/…` or "
    "`openai_compatible/…` for one of this deployment's own."
)
"""What to do about a model that nobody knows."""

PROVIDERS = (*DEFAULT_URLS, *OPEN_PROVIDERS)


class Thinking(StrEnum):
    """How a model is made to think at length before it answers."""

    NONE = ""
    BUDGET = "budget"
    """It is given a number of tokens for it."""
    ADAPTIVE = "adaptive"
    """It finds out itself how much."""


@dataclass(frozen=True, slots=True)
class Price:
    """Cents for a million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model: the name its provider knows it by, its context and longest answer in tokens, cents for one call."""

    name: str
    provider: str
    context: int = 32_768
    max_output: int | None = None
    flat_cents: float = 0.0
    price: Price | None = None
    thinking: Thinking = Thinking.NONE

    def cost(self, usage: Usage) -> float:
        """What an answer costs, in cents."""
        if self.price is None:
            return self.flat_cents
        price = self.price
        return (
            usage.input * price.input
            + usage.output * price.output
            + usage.cache_read * price.cache_read
            + usage.cache_write * price.cache_write
        ) / 1_000_000


def find_model(name: str) -> Model:
    """The model of this name, or of a former one. ModelRefused when nobody knows it."""
    name = RENAMED_MODELS.get(name, name)
    table = _table()
    if name in table:
        return table[name]
    provider, _, rest = name.partition("/")
    if provider in OPEN_PROVIDERS and rest:
        return table[rest] if rest in table and table[rest].provider == provider else Model(rest, provider)
    if rest in table and table[rest].provider == provider:
        return table[rest]
    raise ModelRefused(f"Model {name!r:.200} is not supported. {ADVICE}")


def provider_of(name: str) -> str | None:
    """The provider of a model, or None when nobody knows it."""
    try:
        return find_model(name).provider
    except ModelRefused:
        return None


def charged_cents(costs: float) -> int:
    """What is charged for answers that cost so much: whole cents, rounded up (agent-graphs §11.6)."""
    return math.ceil(costs - 1e-9)


def known_models() -> list[str]:
    """The models that the table has, by name."""
    return sorted(_table())


def priced_models() -> list[Model]:
    """The models that the table has, in its order."""
    return list(_table().values())


def thinking_models() -> list[str]:
    """The models that can think at length, by name."""
    return sorted(name for name, model in _table().items() if model.thinking)


@cache
def _table() -> Mapping[str, Model]:
    with (Path(__file__).parent / "models.csv").open(newline="") as file:
        return {row["model"]: _model(row) for row in csv.DictReader(file)}


def _model(row: Mapping[str, str]) -> Model:
    price = None
    if row["input_cents"]:
        # What a provider does not price apart counts as input.
        each = (row["input_cents"], row["output_cents"], row["cache_read_cents"], row["cache_write_cents"])
        price = Price(*(float(cents or row["input_cents"]) for cents in each))
    return Model(
        name=row["model"],
        provider=row["provider"],
        context=int(row["context_window"]),
        max_output=int(row["max_output"]) if row["max_output"] else None,
        flat_cents=float(row["flat_cents"]),
        price=price,
        thinking=Thinking(row["thinking"]),
    )
