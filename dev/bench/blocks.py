"""No-op blocks for measuring, beside those of the catalogue."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Inputs, Outputs, Yielded
from blocks.catalogue import CATALOGUE_BLOCKS, Catalogue
from engine.model import Effects


class _ValueIn(Inputs):
    value: Any = Field(description="Anything")


class _ValueOut(Outputs):
    value: Any = Field(None, description="The same")


class PureNoOp(Block[_ValueIn]):
    """Passes its value on; runs in batches."""

    id = "be9c0000-0000-4000-8000-000000000001"
    name = "BenchPure"
    description = "Passes its value on"
    effects = Effects.PURE
    Input = _ValueIn
    Output = _ValueOut

    async def run(self, inputs: _ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        """Yields the value."""
        yield "value", inputs.value


class EffectfulNoOp(PureNoOp):
    """Passes its value on; runs in an activity of its own, entered at most once."""

    id = "be9c0000-0000-4000-8000-000000000002"
    name = "BenchEffectful"
    effects = Effects.EFFECTFUL


def bench_catalogue() -> Catalogue:
    """The catalogue with the no-op blocks."""
    return Catalogue((*CATALOGUE_BLOCKS, PureNoOp, EffectfulNoOp))
