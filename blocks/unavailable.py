"""Blocks that agents of other places use and that are not here: enough of each to keep, show and explain its nodes.

Read by `catalogue.py` from `unavailable.csv`. A row is without effect once a block of its id is registered, and may
then be deleted. Pins are separated by blanks, required ones marked by a star; a row without any is of a block whose
pins nobody remembers.
"""

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from blocks.base import Category
from engine.model import BlockId, BlockKind, BlockShape, Pin

_TABLE = Path(__file__).with_suffix(".csv")


@dataclass(frozen=True, slots=True)
class UnavailableBlock:
    """A block that is known by its pins alone. `why` goes on after `…, which this deployment does not have: `."""

    id: str
    name: str
    why: str
    categories: frozenset[Category] = frozenset()
    kind: BlockKind = BlockKind.STANDARD
    static_output: bool = False
    inputs: dict[str, Pin] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()

    def shape(self) -> BlockShape:
        """What validation needs to know of it."""
        return BlockShape(
            id=BlockId(self.id),
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            outputs=self.outputs,
            static_output=self.static_output,
            unavailable=self.why,
        )


@cache
def unavailable_blocks() -> tuple[UnavailableBlock, ...]:
    """All rows of the table, by name."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(
            UnavailableBlock(
                id=row["id"],
                name=row["name"],
                why=row["why"],
                categories=frozenset(Category(name) for name in row["categories"].split()),
                kind=BlockKind[row["kind"]],
                static_output=row["static"] == "yes",
                inputs={pin.removesuffix("*"): _pin(pin) for pin in row["inputs"].split()},
                outputs=frozenset(pin.removesuffix("*") for pin in row["outputs"].split()),
            )
            for row in csv.DictReader(file)
        )


def _pin(text: str) -> Pin:
    return Pin(required=text.endswith("*"), credentials=text.removesuffix("*").endswith("credentials"))
