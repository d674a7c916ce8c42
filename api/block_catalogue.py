"""What the API asks of the catalogue of blocks.

`blocks/catalogue.py` fulfils it. The API describes blocks and validates against them; it never runs one.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from blocks.base import Block, BlockSchema
from blocks.unavailable import UnavailableBlock
from engine.model import BlockId, BlockShape


class Catalogue(Protocol):
    """Blocks by id."""

    def get(self, block_id: str, /) -> Block[BlockSchema] | None:
        """The block, also under a legacy id; None when nobody knows it."""
        ...

    def unavailable(self, block_id: str, /) -> UnavailableBlock | None:
        """The block that is known but not here."""
        ...

    def all_unavailable(self) -> Sequence[UnavailableBlock]:
        """All of them."""
        ...

    def shape(self, block_id: BlockId, /) -> BlockShape | None:
        """What validation needs to know of it."""
        ...

    def __iter__(self) -> Iterator[Block[BlockSchema]]: ...
