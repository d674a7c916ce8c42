"""The sub-graph: a node that is another agent (agent-graphs §14).

Listed in `catalogue.py`. It has no code of its own: the workflow runs the sub-graph and passes its outputs on.
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import BlockKind


class AgentExecutorInputs(Inputs):
    """Which graph, and what it needs. The node's pins are the sub-graph's agent inputs and outputs."""

    user_id: str = Field(description="Owner of the graph; runs always belong to who runs the outer agent")
    graph_id: str = Field(description="The agent to run")
    graph_version: int = Field(description="Its version")
    agent_name: str | None = Field(None, description="Its name, for people")
    inputs: dict[str, Any] = Field(description="Values of the agent's inputs that nothing is linked to")
    input_schema: dict[str, Any] = Field(description="The agent's inputs, which are the node's input pins")
    output_schema: dict[str, Any] = Field(description="The agent's outputs, which are the node's output pins")
    nodes_input_masks: dict[str, dict[str, Any]] | None = Field(
        None, description="Values laid over inputs of the agent's nodes"
    )


class AgentExecutor(Block[AgentExecutorInputs]):
    """Runs another agent and gives its outputs as they come."""

    id = "e189baac-8c20-45a1-94a7-55177ea42565"
    name = "AgentExecutor"
    description = "Runs another agent of yours and gives its outputs as they come."
    categories = frozenset({Category.AGENT})
    kind = BlockKind.AGENT
    Input = AgentExecutorInputs
    Output = Outputs
    examples = (
        Example(
            {
                "user_id": "",
                "graph_id": "7b0c5f5e-6d0f-4f0c-9a51-5b1a0f5d1c01",
                "graph_version": 1,
                "inputs": {"topic": "wool"},
                "input_schema": {"properties": {"topic": {}}},
                "output_schema": {"properties": {"lines": {}}},
            },
            (("error", "An agent can only run inside a graph."),),
        ),
    )

    async def run(self, inputs: AgentExecutorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """Only reached outside of a graph, where there is no run to be a part of."""
        yield "error", "An agent can only run inside a graph."
