"""Values between blocks, history and the store: plain JSON, inline while small, a reference when large.

Used by every activity that runs blocks. Rules: architecture §1.3, agent-graphs §3.6.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from activities.patience import patiently
from contracts.errors import TooManyOutputs, ValueTooDeep, ValueTooLarge
from contracts.nesting import DEEPEST, parsed
from engine.values import Reference, Value, inline
from store.records import Values

_SIMPLE = (str, int, bool, type(None))
_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n\r"} | {127: None}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value three ways: as blocks see it, as it travels, and for its row (None when that holds a reference)."""

    plain: Any
    value: Value
    json_text: str | None
    size: int

    @property
    def reference(self) -> Reference | None:
        """Where the value lies, when it is large."""
        return self.value if "ref" in self.value else None


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """The largest value that a node may give, in bytes of JSON, and how many outputs one execution may have."""

    value_bytes: int
    per_node: int


class ValueCodec:
    """Encodes and decodes the values of runs; those above `inline_limit` bytes of JSON go to the store."""

    def __init__(self, values: Values, inline_limit: int, limits: OutputLimits) -> None:
        self._values = values
        self._inline_limit = inline_limit
        self._limits = limits

    @property
    def inline_limit(self) -> int:
        """Bytes of JSON up to which a value travels inline."""
        return self._inline_limit

    async def encode_output(self, execution_id: str, index: int, name: str, value: Any) -> Encoded:
        """A node's output, by its index. TooManyOutputs and ValueTooLarge when it is beyond the limits.

        The message of a node that failed has none: it tells, among other things, that a limit was reached.
        """
        if name == "error":
            return await self.encode(execution_id, value)
        if index >= self._limits.per_node:
            raise TooManyOutputs(f"A node may give {self._limits.per_node:,} outputs, and this would be one more.")
        return await self._encode(execution_id, value, self._limits.value_bytes)

    async def encode(self, execution_id: str, value: Any) -> Encoded:
        """Any value, made plain JSON and stored if it is large."""
        return await self._encode(execution_id, value, None)

    async def _encode(self, execution_id: str, value: Any, largest: int | None) -> Encoded:
        plain, text = plain_json(value)
        if largest is not None and len(text) > largest:
            raise ValueTooLarge(f"A value of {len(text):,} bytes, as JSON; {largest:,} are allowed.")
        if len(text) <= self._inline_limit:
            return Encoded(plain, inline(plain), text.decode(), len(text))
        reference = await patiently(lambda: self._values.put(execution_id, text))
        return Encoded(plain, reference, None, len(text))

    async def store(self, execution_id: str, value: Any) -> Reference:
        """A plain value put into the store, whatever its size."""
        return await patiently(lambda: self._values.put(execution_id, plain_json(value)[1]))

    async def decode(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """The plain values by name; references are fetched in one go. ValueMissing when one is gone."""
        references = [value for value in values.values() if "ref" in value]
        fetched = await patiently(lambda: self._values.get(references)) if references else {}
        return {name: fetched[value["ref"]] if "ref" in value else value["value"] for name, value in values.items()}

    async def encode_inputs(
        self, execution_id: str, data: Mapping[str, Any], arrived: Mapping[str, Value], decoded: Mapping[str, Any]
    ) -> tuple[dict[str, str | Reference], int]:
        """A node's resolved inputs for its row, and their size in bytes of JSON (S-188).

        What arrived as a reference and was not converted keeps its reference.
        """
        stored: dict[str, str | Reference] = {}
        total = 2 + max(0, len(data) - 1)  # braces and commas
        for name, value in data.items():
            total += len(to_json(name)) + 1
            came = arrived.get(name)
            if came is not None and "ref" in came and decoded.get(name) is value:
                stored[name] = came
                total += came["size"]
                continue
            encoded = await self.encode(execution_id, value)
            stored[name] = encoded.reference or encoded.json_text or "null"
            total += encoded.size
        return stored, total


def plain_json(value: Any) -> tuple[Any, bytes]:
    """A value as plain JSON, and its text. What JSON cannot hold becomes `str()`; control characters are dropped.

    NaN and the infinities become the texts that `float()` reads back; bytes become base 64. ValueTooDeep when it is
    nested deeper than what it travels in can hold.
    """
    try:
        text = to_json(value, fallback=str, inf_nan_mode="strings", bytes_mode="base64")
    except (ValueError, UnicodeError):
        # Lone surrogates, or what only Python's own encoder forgives; or too deep for either.
        try:
            value = _clean(json.loads(json.dumps(value, default=str, skipkeys=True)))
            text = to_json(value, inf_nan_mode="strings")
        except (RecursionError, ValueError) as error:
            raise ValueTooDeep(f"A value is nested deeper than {DEEPEST} levels, or holds itself.") from error
        return parsed(text), text
    if b"\\u00" in text or b"\x7f" in text:
        value = _clean(parsed(text))
        return value, to_json(value)
    return (value if type(value) in _SIMPLE else parsed(text)), text


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.translate(_CONTROL).encode("utf-8", "replace").decode()
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case _:
            return value
