"""Keeping values for later runs, and finding them again.

Registered in `catalogue.py`. Values belong to the user whose run keeps them, for one agent or for all
(agent-graphs §17.13).
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded


class StorageScope(StrEnum):
    """Whose runs find a value again: those of this agent, or those of all agents of the user."""

    WITHIN_AGENT = "within_agent"
    ACROSS_AGENTS = "across_agents"


class PersistInformationInputs(Inputs):
    key: str = Field(description="The name under which to keep it")
    value: Any = Field(description="What to keep, in place of what was kept before")
    scope: StorageScope = Field(
        StorageScope.WITHIN_AGENT, description="Keep it for this agent (within_agent) or for all (across_agents)"
    )


class PersistInformationOutputs(Outputs):
    value: Any = Field(description="What was kept")


class PersistInformation(Block[PersistInformationInputs]):
    id = "1d055e55-a2b9-4547-8311-907d05b0304d"
    name = "Persist information"
    description = "Keeps a value for later runs."
    categories = frozenset({Category.DATA})
    Input = PersistInformationInputs
    Output = PersistInformationOutputs
    examples = (Example({"key": "last order", "value": {"tea": 2}}, (("value", {"tea": 2}),)),)

    async def run(self, inputs: PersistInformationInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        of_graph = inputs.scope is StorageScope.WITHIN_AGENT
        await context.services.key_values.put(inputs.key, inputs.value, of_graph=of_graph)
        yield "value", inputs.value


class RetrieveInformationInputs(Inputs):
    key: str = Field(description="The name under which it was kept")
    scope: StorageScope = Field(
        StorageScope.WITHIN_AGENT, description="Kept for this agent (within_agent) or for all (across_agents)"
    )
    default_value: Any = Field(None, description="What to give when nothing was kept; nothing is given without it")


class RetrieveInformationOutputs(Outputs):
    value: Any = Field(description="What was kept last")


class RetrieveInformation(Block[RetrieveInformationInputs]):
    id = "d8710fc9-6e29-481e-a7d5-165eb16f8471"
    name = "Retrieve information"
    description = "Finds a value that an earlier run kept."
    categories = frozenset({Category.DATA})
    static_output = True
    Input = RetrieveInformationInputs
    Output = RetrieveInformationOutputs
    examples = (
        Example({"key": "last order", "default_value": "none yet"}, (("value", "none yet"),)),
        Example({"key": "last order"}, ()),
    )

    async def run(self, inputs: RetrieveInformationInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        of_graph = inputs.scope is StorageScope.WITHIN_AGENT
        kept = await context.services.key_values.get(inputs.key, of_graph=of_graph)
        value = inputs.default_value if kept is None else kept[0]
        if value is not None:
            yield "value", value
