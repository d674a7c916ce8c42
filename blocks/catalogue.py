"""Stand-in until the real catalogue is here; to be overwritten."""

from collections.abc import Iterable, Iterator

from blocks.base import Block, BlockSchema
from engine.model import BlockShape


class Catalogue:
    def __init__(self, blocks: Iterable[type[Block]]) -> None:
        self._blocks = {block.id: block() for block in blocks}
        self._shapes = {block.id: block.shape() for block in self._blocks.values()}

    def get(self, block_id: str) -> Block[BlockSchema] | None:
        return self._blocks.get(block_id)

    def shape(self, block_id: str) -> BlockShape | None:
        return self._shapes.get(block_id)

    def __iter__(self) -> Iterator[Block[BlockSchema]]:
        return iter(self._blocks.values())


def default_catalogue() -> Catalogue:
    return Catalogue(())
