"""Filling values into a text template.

Registered in `catalogue.py`. The template is the user's: never in a batch, always within the limits of `jinja.py`
(agent-graphs §17.7, §17.8).
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.text.jinja import render


class FillTextTemplateInputs(Inputs):
    values: dict[str, Any] = Field(description="What to fill in; link single values to `values_#_<name>`")
    format: str = Field(description="The template, such as `Dear {{name}}`: Jinja, with its loops and conditions")
    escape_html: bool = Field(False, description="Escape HTML in what is filled in")


class FillTextTemplateOutputs(Outputs):
    output: str = Field(description="The filled text")


class FillTextTemplate(Block[FillTextTemplateInputs]):
    id = "db7d8f02-2f44-4c55-ab7a-eae0941f0c30"
    name = "Fill text template"
    description = "Fills values into a template."
    categories = frozenset({Category.TEXT})
    Input = FillTextTemplateInputs
    Output = FillTextTemplateOutputs
    examples = (
        Example({"values": {"name": "Ada"}, "format": "Dear {{ name }}"}, (("output", "Dear Ada"),)),
        Example(
            {"values": {"items": ["a", "b"]}, "format": "{% for item in items %}- {{ item }}\n{% endfor %}"},
            (("output", "- a\n- b\n"),),
        ),
    )

    async def run(self, inputs: FillTextTemplateInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", await render(inputs.format, inputs.values, escape_html=inputs.escape_html)
