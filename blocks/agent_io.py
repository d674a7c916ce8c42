"""Where a run's inputs enter a graph and its outputs leave it: the plain agent input and the agent output.

Registered in `catalogue.py`. The engine finds inputs and outputs by their kind and reads their `name`; results are read
from what reached an output, before any `format` (agent-graphs §10.1, §17.1, §17.2). Typed inputs: `typed_inputs.py`.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, BlockSchema, Category, Example, Inputs, Yielded
from blocks.text.jinja import TemplateError, render
from engine.model import BlockKind, Effects


class NamedInputs(Inputs):
    """What every input and output of an agent has beside its value."""

    name: str = Field(description="The name under which a run gives or gets the value")
    title: str | None = Field(None, description="What people see instead of the name")
    description: str | None = Field(None, description="What the value is for")
    advanced: bool = Field(False, description="Show it among the advanced settings")
    secret: bool = Field(False, description="Hint for who shows the input: its value is kept and shown as any other")


class AgentInputBlock[InputT: NamedInputs](Block[InputT]):
    """Base of agent inputs: gives on its `value`, and nothing when it has none."""

    categories = frozenset({Category.INPUT, Category.BASIC})
    kind = BlockKind.INPUT
    effects = Effects.PURE
    static_output = True

    async def run(self, inputs: InputT, context: BlockContext) -> AsyncIterator[Yielded]:
        value = self.result(inputs)
        if value is not None:
            yield "result", value

    def result(self, inputs: InputT) -> Any:
        """The value as plain JSON, or None."""
        return getattr(inputs, "value", None)


class AgentInputInputs(NamedInputs):
    value: Any = Field(None, description="The value when a run gives none")


class AgentInputOutputs(BlockSchema):
    result: Any = Field(description="The value")


class AgentInput(AgentInputBlock[AgentInputInputs]):
    id = "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b"
    name = "Agent input"
    description = "Takes a value of any type from whoever starts the run."
    Input = AgentInputInputs
    Output = AgentInputOutputs
    examples = (
        Example({"name": "topic", "value": "tea"}, (("result", "tea"),)),
        Example({"name": "topic"}, ()),
    )


class AgentOutputInputs(NamedInputs):
    value: Any = Field(None, description="The value to hand out")
    format: str = Field(
        "", description="A template for the value, such as `Total: {{total}}` for an output named total"
    )
    escape_html: bool = Field(False, description="Escape HTML in what the template fills in")


class AgentOutputOutputs(BlockSchema):
    output: Any = Field(description="The value, formatted when there is a format")
    name: Any = Field(description="The name of the output; not given when there is a format")


class AgentOutput(Block[AgentOutputInputs]):
    id = "363ae599-353e-4804-937e-b2ee3cef3da4"
    name = "Agent output"
    description = "Hands a value out of the run under a name."
    categories = frozenset({Category.OUTPUT, Category.BASIC})
    kind = BlockKind.OUTPUT
    effects = Effects.PURE
    static_output = True
    Input = AgentOutputInputs
    Output = AgentOutputOutputs
    examples: ClassVar[tuple[Example, ...]] = (
        Example({"name": "total", "value": 3}, (("output", 3), ("name", "total"))),
        Example({"name": "total", "value": 3, "format": "Total: {{ total }}"}, (("output", "Total: 3"),)),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """A format is somebody's template: not for batches."""
        return Effects.IDEMPOTENT if input_default.get("format") else self.effects

    async def run(self, inputs: AgentOutputInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.format:
            yield "output", inputs.value
            yield "name", inputs.name
            return
        try:
            text = await render(inputs.format, {inputs.name: inputs.value}, escape_html=inputs.escape_html)
        except TemplateError as error:
            text = f"Error: {error}, {inputs.value}"
        yield "output", text
