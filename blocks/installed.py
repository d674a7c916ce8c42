"""Blocks that installed packages bring, through entry points of the group `heddle.blocks`.

Read by `catalogue.py` when a process starts. An entry point names a block's class, or a tuple or list of them. What
cannot be used is logged and left out: a broken package must not keep a worker from running everything else.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from blocks.base import Block, BlockSchema, Category, Cost, Example
from blocks.credentials import CredentialsField
from blocks.legacy import LEGACY_IDS
from engine.model import BlockKind, BlockShape, Effects, Filled

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
    for name, declared in _ATTRIBUTES.items():
        try:
            declared.validate_python(getattr(block, name, None))
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = "".join(f", at {part}" for part in wrong["loc"])
            return f"its `{name}` is missing or not what it must be: {wrong['msg'][:500]}{place}"
    if not block.id or not block.name:
        return "its `id` or `name` is empty"
    for other in taken:
        if other.id == block.id:
            return f"{other.__name__} has the same id {block.id}"
    if block.id in LEGACY_IDS:
        return f"its id {block.id} is a former id of another block"
    try:
        return _refusal_of_described(block)
    except (Exception, SystemExit) as error:
        return f"it cannot be made or described: {type(error).__name__}: {str(error)[:500]}"


def _refusal_of_described(block: BlockClass) -> str:
    """The same of a block whose attributes are of the right types: all that the API and a worker will ask is asked."""
    if not isinstance(block().shape(), BlockShape):
        return "its `shape` gives something else"
    if not isinstance(block().effects_for({}), Effects):
        return "its `effects_for` gives something else"
    list(block.refusals(Filled({})))
    schemas = [block.Input.model_json_schema(), block.Output.model_json_schema()]
    if not all(isinstance(schema, dict) and isinstance(schema.get("properties"), dict) for schema in schemas):
        return "its inputs or outputs have no JSON Schema of an object"
    inputs = schemas[0]["properties"]
    for name, wanted in block.credentials.items():
        if not name.endswith("credentials"):
            return f"its input `{name}` for credentials must be named `credentials` or `…_credentials`"
        by = wanted.provider_by.field if wanted.provider_by else ""
        for needed in (name, by, wanted.host_by, wanted.file_by):
            # By both names: schemas have the alias, nodes are read by the field.
            if needed and not (needed in inputs and needed in block.Input.model_fields):
                return f"its `credentials` need it, but it has no input `{needed}`"
    if any(cost.divisor < 1 for cost in block.costs):
        return "its `costs` are for less than one"
    to_json([block.id, block.name, block.description, schemas, [dict(cost.filter) for cost in block.costs]])
    return ""


_AS_DECLARED = ConfigDict(strict=True, arbitrary_types_allowed=True)
_TO_THE_LAST = ConfigDict(strict=True, arbitrary_types_allowed=True, revalidate_instances="always")
"""What is in dataclasses is looked at, too: making one checks nothing."""

_ATTRIBUTES: dict[str, TypeAdapter[Any]] = {
    "id": TypeAdapter(str),
    "name": TypeAdapter(str),
    "description": TypeAdapter(str),
    "categories": TypeAdapter(frozenset[Category], config=_AS_DECLARED),
    "kind": TypeAdapter(BlockKind, config=_AS_DECLARED),
    "effects": TypeAdapter(Effects, config=_AS_DECLARED),
    "Input": TypeAdapter(type[BlockSchema], config=_AS_DECLARED),
    "Output": TypeAdapter(type[BlockSchema], config=_AS_DECLARED),
    "credentials": TypeAdapter(Mapping[str, CredentialsField], config=_TO_THE_LAST),
    "costs": TypeAdapter(Sequence[Cost], config=_TO_THE_LAST),
    "examples": TypeAdapter(Sequence[Example], config=_AS_DECLARED),
    "transient": TypeAdapter(tuple[type[Exception], ...], config=_AS_DECLARED),
    "timeout": TypeAdapter(timedelta | None, config=_AS_DECLARED),
    "task_queue": TypeAdapter(str),
    **dict.fromkeys(("static_output", "disabled", "sensitive", "calls_tools"), TypeAdapter(bool, config=_AS_DECLARED)),
}
"""What a block says of itself; the types are those of `blocks.base.Block`."""


def _name(block: Any) -> str:
    return str(getattr(block, "__name__", None) or repr(block))[:100]


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else "an unnamed package"
    return f"{package} ({entry.name} = {entry.value})"
