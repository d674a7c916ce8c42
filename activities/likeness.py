"""What the inputs of a node execution come to, as a short text: two are alike when their texts are the same.

Used by `rebuild.py` to find the execution of an earlier run that an execution takes the place of. Values count, not how
they are kept or written: numbers by what they are, objects whatever the order of their keys, which a row does not keep.
Credentials do not count: with another key the work is the same.
"""

import asyncio
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


class Likeness:
    """Compares the inputs of executions; what large values come to is found out once for each."""

    def __init__(self, codec: ValueCodec) -> None:
        self._codec = codec
        self._known: dict[str, str] = {}
        """By the hash that a reference ends with: the same text is the same value."""

    async def of_arrived(
        self, placed: PlacedBlock, arrived: Mapping[str, Value], mask: Mapping[str, Value]
    ) -> str | None:
        """Of an execution that is queued: its inputs are resolved like those of one that runs. None: they cannot be."""
        defaults = placed.node.input_default
        delivered, masked = await self._codec.decode(arrived), await self._codec.decode(mask)
        try:
            if placed.block.kind is BlockKind.AGENT:
                own = defaults.get("inputs")
                own = own if isinstance(own, Mapping) else {}
                data = _named(merge_dynamic({**own, **delivered, **masked}))
            else:
                data = assemble(placed.block, defaults, delivered, masked)
        except (BlockInputError, ValueError):
            return None
        marks = {}
        for name, value in data.items():
            if name in placed.block.credentials:
                continue
            came = arrived.get(name)
            if came is not None and "ref" in came and delivered.get(name) is value:
                marks[name] = await self._of_large(came["ref"], value)
            else:
                plain, text = plain_json(value)
                marks[name] = await _mark(plain, is_large=len(text) > self._codec.inline_limit)
        return _together(marks)

    async def of_row(self, placed: PlacedBlock, inputs: Mapping[str, Value]) -> str:
        """Of an execution that has a row. ValueMissing when a value of it is gone."""
        unknown = {
            name: value
            for name, value in inputs.items()
            if "ref" not in value or _hash(value["ref"]) not in self._known
        }
        plain = await self._codec.decode(unknown)
        marks = {
            name: await self._of_large(value["ref"], plain.get(name))
            if "ref" in value
            else await _mark(plain[name], is_large=False)
            for name, value in inputs.items()
            if name not in placed.block.credentials
        }
        return _together(_named(marks) if placed.block.kind is BlockKind.AGENT else marks)

    async def _of_large(self, ref: str, plain: Any) -> str:
        key = _hash(ref)
        if key not in self._known:
            self._known[key] = await _mark(plain, is_large=True)
        return self._known[key]


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


async def _mark(plain: Any, *, is_large: bool) -> str:
    # In a thread when it takes its time: heartbeats must go on.
    return await asyncio.to_thread(_digest, plain) if is_large else _digest(plain)


def _digest(plain: Any) -> str:
    return sha256(json.dumps(canonical(plain), sort_keys=True).encode()).hexdigest()


def _together(marks: Mapping[str, str]) -> str:
    return sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()


def _named(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a sub-graph go by their names; pieces of dynamic pins are in them."""
    return {name: value for name, value in data.items() if tokenise(name) is None}


def _hash(ref: str) -> str:
    return ref.rpartition("/")[2]
