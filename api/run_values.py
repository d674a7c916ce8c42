"""Which values of a run travel inline and which by reference, on the way in; references become values on the way out.

Used by `starting.py` and by whatever shows a run. It knows sizes, not meanings (architecture §1.3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from contracts.errors import InvalidRequest, ValueMissing
from engine.values import Reference, Value
from store.records import Values

INLINE_TOTAL_BYTES = 256 * 1024
"""All inline values of a run together: Temporal warns above 256 KiB and refuses 2 MiB."""

_NAMES_TOTAL_BYTES = 1024 * 1024
_REFERENCE_BYTES = 150
"""Names and references stay in the payload whatever their values are; they get half of what Temporal takes."""


@dataclass(frozen=True, slots=True)
class Parted[KeyT]:
    """Values by key: those that travel as they are, and those that went to the store."""

    inline: dict[KeyT, Any]
    references: dict[KeyT, Reference]


async def part[KeyT](
    values: Values, execution_id: str, entries: Mapping[KeyT, Any], *, limit_bytes: int
) -> Parted[KeyT]:
    """Store what is above the limit, and, from the largest on, what would make the rest too much together."""
    if len(to_json(list(entries))) + len(entries) * _REFERENCE_BYTES > _NAMES_TOTAL_BYTES:
        raise InvalidRequest(f"The names of these {len(entries)} inputs and masked pins are too much for one run.")
    texts = {key: to_json(value) for key, value in entries.items()}
    total = sum(len(text) for text in texts.values())
    inline, references = dict(entries), dict[KeyT, Reference]()
    for key in sorted(texts, key=lambda key: len(texts[key]), reverse=True):
        size = len(texts[key])
        if size <= limit_bytes and total <= INLINE_TOTAL_BYTES:
            break
        references[key] = await values.put(execution_id, texts[key])
        del inline[key]
        total -= size
    return Parted(inline, references)


class Opened:
    """Values with their references resolved in one go; those too large, or gone, are replaced by a note."""

    def __init__(self, contents: Mapping[str, Any], largest_bytes: int | None) -> None:
        self._contents = contents
        self._largest_bytes = largest_bytes

    @classmethod
    async def of(cls, store: Values, found: Iterable[Value], *, largest_bytes: int | None = None) -> "Opened":
        """Fetch what the values refer to, each once."""
        references: dict[str, Reference] = {value["ref"]: value for value in found if "ref" in value}
        wanted = [r for r in references.values() if largest_bytes is None or r["size"] <= largest_bytes]
        return cls(await _fetch(store, wanted), largest_bytes)

    def is_gone(self, value: Value) -> bool:
        """Whether the value is no longer in the store."""
        return "ref" in value and value["ref"] not in self._contents

    def __getitem__(self, value: Value) -> Any:
        """The plain JSON value."""
        if "ref" not in value:
            return value["value"]
        if value["ref"] in self._contents:
            return self._contents[value["ref"]]
        if self._largest_bytes is not None and value["size"] > self._largest_bytes:
            return {"truncated": f"a value of {value['size']} bytes; read it from the execution's results"}
        return {"missing": f"a value of {value['size']} bytes is no longer in the store"}


async def _fetch(store: Values, references: list[Reference]) -> dict[str, Any]:
    if not references:
        return {}
    try:
        return await store.get(references)
    except ValueMissing:
        # One that is gone must not hide the others.
        found: dict[str, Any] = {}
        for reference in references:
            try:
                found |= await store.get([reference])
            except ValueMissing:
                continue
        return found
