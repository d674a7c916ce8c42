"""Blocks that installed packages bring, through entry points of the group `heddle.blocks`.

Read by `catalogue.py` when a process starts. An entry point names a block's class, or a tuple or list of them. What
cannot be used is logged and left out: a broken package must not keep a worker from running everything else.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

from pydantic import BaseModel

from blocks.base import Block, BlockSchema, Category
from blocks.legacy import LEGACY_IDS
from engine.model import BlockKind, Effects

GROUP = "heddle.blocks"

_logger = logging.getLogger(__name__)

type BlockClass = type[Block[Any]]


def installed_blocks(taken: Iterable[BlockClass], entries: Iterable[EntryPoint] | None = None) -> list[BlockClass]:
    """The blocks of installed packages that can be used, beside those that are taken already.

    Entry points come in the order of their names, so that the same packages give the same catalogue everywhere.
    """
    found = list(taken)
    own = len(found)
    for entry in sorted(entry_points(group=GROUP) if entries is None else entries, key=lambda entry: entry.name):
        for block in _loaded(entry):
            if reason := refusal(block, found):
                _logger.error("Block %s of %s is left out: %s", _name(block), _origin(entry), reason)
            else:
                found.append(block)
    return found[own:]


def _loaded(entry: EntryPoint) -> Iterator[Any]:
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:
        _logger.error("Blocks of %s cannot be loaded: %s: %s", _origin(entry), type(error).__name__, str(error)[:500])
        return
    if isinstance(loaded, tuple | list):
        yield from loaded
    else:
        yield loaded


def refusal(block: Any, taken: Collection[BlockClass]) -> str:
    """Why this cannot be a block of the catalogue beside those, in words for its author; empty when it can."""
    if not (isinstance(block, type) and issubclass(block, Block)):
        return "it is not a subclass of blocks.base.Block"
    if isabstract(block):
        return f"it does not define {', '.join(sorted(block.__abstractmethods__))}"
    for name, kind in _ATTRIBUTES.items():
        if not isinstance(getattr(block, name, None), kind):
            return f"its `{name}` is missing or not of type {kind.__name__}"
    if not block.id or not block.name:
        return "its `id` or `name` is empty"
    for name in ("Input", "Output"):
        if not issubclass(getattr(block, name), BlockSchema):
            return f"its `{name}` is not a subclass of blocks.base.Inputs or Outputs"
    if not all(isinstance(category, Category) for category in block.categories):
        return "its `categories` are not all of blocks.base.Category"
    for other in taken:
        if other.id == block.id:
            return f"{other.__name__} has the same id {block.id}"
    if block.id in LEGACY_IDS:
        return f"its id {block.id} is a former id of another block"
    try:
        block().shape()
        block.Input.model_json_schema()
        block.Output.model_json_schema()
    except Exception as error:
        return f"it cannot be made or described: {type(error).__name__}: {str(error)[:500]}"
    return ""


_ATTRIBUTES: dict[str, type] = {
    "id": str,
    "name": str,
    "description": str,
    "categories": frozenset,
    "kind": BlockKind,
    "effects": Effects,
    "Input": type(BaseModel),
    "Output": type(BaseModel),
}


def _name(block: Any) -> str:
    return str(getattr(block, "__name__", None) or repr(block))[:100]


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else "an unnamed package"
    return f"{package} ({entry.name} = {entry.value})"
