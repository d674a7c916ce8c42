"""Bodies about blocks; the names are upstream's (agent-graphs §20.5)."""

from typing import Any

from pydantic import BaseModel


class BlockCost(BaseModel):
    """A price in cents; it applies when every key of the filter equals the input's."""

    cost_amount: int
    cost_type: str
    cost_filter: dict[str, Any]


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
