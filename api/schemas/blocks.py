"""Bodies about blocks; the names of a description's fields are upstream's (agent-graphs §20.5)."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class BlockCost(BaseModel):
    """A price in cents; it applies when every key of the filter equals the input's.

    `cost_type` says for what: each `run`, `byte`, `second`, each of the `items` that the block gets, each US dollar
    that the provider takes (`cost_usd`), or a language model's `tokens` by its own prices, where the amount is for a
    call whose tokens are not known; `cost_divisor` for how many seconds or items.
    """

    cost_amount: int
    cost_type: str
    cost_filter: dict[str, Any]
    cost_divisor: int


class BlockDescription(BaseModel):
    """What a block takes, gives and costs."""

    id: str
    name: str
    description: str
    categories: list[str]
    inputSchema: dict[str, Any]  # noqa: N815
    outputSchema: dict[str, Any]  # noqa: N815
    costs: list[BlockCost]
    staticOutput: bool  # noqa: N815
    uiType: str  # noqa: N815
    available: bool = Field(True, description="Whether this deployment has the block")
    unavailable_because: str | None = Field(None, description="Why it does not have it")


class BlockList(BaseModel):
    """A page of blocks, by name."""

    items: list[BlockDescription]
    next_cursor: str | None
    total_count: int


class Availability(StrEnum):
    """Which blocks to list: those that are here, those that are only known, or both."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    ALL = "all"


class Price(StrEnum):
    """Whether running the block can cost credits."""

    FREE = "free"
    PAID = "paid"
