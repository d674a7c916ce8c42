"""From what arrived at a node to what its block gets, and from what the block yields to what may leave it.

Called by `activities/` around every run of a block, thousands of times a second: everything that depends on the block
alone is prepared once. It must not know graphs, stores or references: values come in as plain JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from blocks.base import Block, BlockInputError, BlockOutputError, BlockSchema
from engine.coerce import Conversion, ConversionError, compile_coercion, untouched
from engine.model import BlockKind
from engine.pins import base_name, merge_dynamic

type AnyBlock = Block[Any] | type[Block[Any]]
"""A block or its class: what is asked of it here does not depend on the instance."""

type _Check = Callable[[Any], object]

_BAD_INPUT = "Unable to execute block with invalid input data: "
_BAD_OUTPUT = "Block produced an invalid output data: "


def assemble(
    block: AnyBlock, defaults: Mapping[str, Any], delivered: Mapping[str, Any], mask: Mapping[str, Any]
) -> dict[str, Any]:
    """The data of one node execution: delivered values over defaults, the mask over both, in this order of keys.

    Pieces of dynamic pins stay under their flat names and appear merged under their base names. Each field's value is
    converted to the field's type; None stays None. No argument is changed. BlockInputError when a piece or a value
    cannot be placed or converted. Source: agent-graphs §4.3, §4.4, §8.
    """
    data = merged({**defaults, **delivered, **mask})
    for name, convert in _prepared(block).conversions:
        value = data.get(name)
        if value is None:
            continue
        try:
            data[name] = convert(value)
        except ConversionError as error:
            raise BlockInputError(f"{_BAD_INPUT}`{name}`: {error}") from None
    return data


def merged(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with the pieces of dynamic pins put together. BlockInputError when one cannot be placed."""
    try:
        return merge_dynamic(data)
    except ValueError as error:
        raise BlockInputError(_BAD_INPUT + str(error)) from None


def validated(block: AnyBlock, data: Mapping[str, Any]) -> BlockSchema:
    """The block's inputs as its own model. Keys with None count as absent, so that field defaults apply.

    BlockInputError names the fields that do not fit (agent-graphs §3.3 b and c).
    """
    present = {name: value for name, value in data.items() if value is not None}
    try:
        return block.Input.model_validate(present)
    except ValidationError as error:
        raise BlockInputError(_BAD_INPUT + _explained(error)) from None


def check_output(block: AnyBlock, name: str, value: Any) -> None:
    """Refuse an output that the block does not have or, for standard blocks, a value that does not fit it.

    BlockOutputError; the pins of sub-graphs are their graph's own and are not checked (agent-graphs §3.3 e).
    """
    checks = _prepared(block).checks
    check = checks.get(name)
    if check is None:
        if name in checks or block.kind is BlockKind.AGENT or base_name(name) in checks:
            return
        raise BlockOutputError(f"{_BAD_OUTPUT}it has no output `{name}`, only: {', '.join(sorted(checks))}")
    try:
        check(value)
    except ValidationError as error:
        raise BlockOutputError(f"{_BAD_OUTPUT}`{name}` {_reason(error.errors(include_url=False)[0])}") from None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a block's fields ask for. A check of None lets every value pass."""

    conversions: tuple[tuple[str, Conversion], ...]
    checks: Mapping[str, _Check | None]


def _prepared(block: AnyBlock) -> _Prepared:
    return _prepare(block if isinstance(block, type) else type(block))


@cache
def _prepare(block: type[Block[Any]]) -> _Prepared:
    conversions = ((name, compile_coercion(annotation)) for name, annotation in _pins(block.Input))
    strict = block.kind is BlockKind.STANDARD
    return _Prepared(
        conversions=tuple((name, convert) for name, convert in conversions if convert is not untouched),
        checks={name: _checker(annotation) if strict else None for name, annotation in _pins(block.Output)},
    )


def _pins(schema: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(info.alias or name, info.annotation) for name, info in schema.model_fields.items()]


def _checker(annotation: Any) -> _Check | None:
    """Strict, since an output is what the block made: a number is no text, whatever text could be read as."""
    if annotation is Any:
        return None
    try:
        adapter = TypeAdapter(annotation)
    except PydanticSchemaGenerationError:
        return None
    return lambda value: adapter.validate_python(value, strict=True)


def _explained(error: ValidationError) -> str:
    """Every field that is wrong, once, in words for the person who drew the graph; never the value itself."""
    reasons: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_input=False):
        field = str(problem["loc"][0]) if problem["loc"] else "inputs"
        reasons.setdefault(field, _reason(problem))
    return "; ".join(f"`{field}` {reason}" for field, reason in reasons.items())


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return "is required"
    if problem["type"] in ("dict_type", "model_type", "model_attributes_type"):
        return f"should be an object{_where(problem['loc'])}"
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if not message.startswith("Input should"):
        return f"is not acceptable: {message}"
    return f"{message.removeprefix('Input ')}{_where(problem['loc'])}"


def _where(location: tuple[str | int, ...]) -> str:
    """The item of a list or entry of a dictionary that is wrong, if that is where it is."""
    steps = [str(step) for step in location if isinstance(step, int)]
    return f" (item {' / '.join(steps)})" if steps else ""
