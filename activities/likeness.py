"""What the inputs of a node execution come to, as a short text: two are alike when their texts are the same.

Used by `rebuild.py` to find the execution of an earlier run that an execution takes the place of. Values count, not how
they are kept: large ones by their hash, numbers by what they are, objects whatever the order of their keys.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from activities.graphs import PlacedBlock
from activities.values import ValueCodec, plain_json
from blocks.base import BlockInputError
from blocks.inputs import assemble
from engine.model import BlockKind
from engine.pins import merge_dynamic, tokenise
from engine.values import Value


async def of_arrived(
    codec: ValueCodec, placed: PlacedBlock, arrived: Mapping[str, Value], mask: Mapping[str, Value]
) -> str | None:
    """Of an execution that is queued: its inputs are resolved as those of one that runs. None: they cannot be."""
    defaults = placed.node.input_default
    delivered, masked = await codec.decode(arrived), await codec.decode(mask)
    try:
        if placed.block.kind is BlockKind.AGENT:
            own = defaults.get("inputs")
            data = _named(merge_dynamic({**(own if isinstance(own, Mapping) else {}), **delivered, **masked}))
        else:
            data = assemble(placed.block, defaults, delivered, masked)
    except (BlockInputError, ValueError):
        return None
    marks = {}
    for name, value in data.items():
        came = arrived.get(name)
        if came is not None and "ref" in came and came["size"] > codec.inline_limit and delivered.get(name) is value:
            marks[name] = _digest(came)
        else:
            plain, text = plain_json(value)
            marks[name] = sha256(text).hexdigest() if len(text) > codec.inline_limit else canonical(plain)
    return _text(marks)


async def of_row(codec: ValueCodec, placed: PlacedBlock, inputs: Mapping[str, Value]) -> str:
    """Of an execution that has a row."""
    small = await codec.decode({n: v for n, v in inputs.items() if "ref" not in v or v["size"] <= codec.inline_limit})
    marks = {
        name: canonical(small[name]) if name in small else _digest(value)
        for name, value in inputs.items()
        if "ref" in value or name in small
    }
    return _text(_named(marks) if placed.block.kind is BlockKind.AGENT else marks)


def canonical(value: Any) -> Any:
    """The JSON value with numbers in one form: 1.0 is 1, but true is not."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: canonical(item) for key, item in value.items()}
        case list():
            return [canonical(item) for item in value]
        case _:
            return value


def _named(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a sub-graph go by their names; pieces of dynamic pins are in them."""
    return {name: value for name, value in data.items() if tokenise(name) is None}


def _digest(reference: Value) -> str:
    assert "ref" in reference
    return reference["ref"].rpartition("/")[2]


def _text(marks: Mapping[str, Any]) -> str:
    return sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()
