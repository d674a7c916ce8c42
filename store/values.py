"""Values above the inline limit, in Postgres: stored once per run and content, read back by reference.

Used by activities, and by the API for large inputs. Keys are `<execution id>/<SHA-256 of the JSON text>`; whoever holds
one may read.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from contracts.errors import ValueMissing
from engine.values import JsonKind, Reference
from store.calls import Pool, execute, fetch
from store.pool import COMMAND_SECONDS
from store.sql import statement

_PUT = statement("put_value")
_GET = statement("get_values")

SLOWEST_BYTES_PER_SECOND = 1_000_000
"""A value may take as long as over a line this slow, on top of the usual time limit."""

_KINDS: dict[int, JsonKind] = {
    ord("n"): "null",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord('"'): "string",
    ord("["): "array",
    ord("{"): "object",
}


def text_kind(json_text: bytes) -> JsonKind:
    """The JSON kind of JSON text, by its first character."""
    start = json_text[:64].lstrip(b" \t\r\n") or json_text.lstrip(b" \t\r\n")
    return _KINDS.get(start[0], "number")


def reference_to(execution_id: str, json_text: bytes) -> Reference:
    """The reference under which this text is kept for this run."""
    digest = hashlib.sha256(json_text).hexdigest()
    return Reference(ref=f"{execution_id}/{digest}", kind=text_kind(json_text), size=len(json_text))


def read_key(ref: str) -> tuple[str, bytes]:
    """Execution id and digest of a reference's key. Raises ValueMissing when it is none of ours."""
    execution_id, _, digest = ref.rpartition("/")
    try:
        return execution_id, bytes.fromhex(digest)
    except ValueError:
        raise ValueMissing(f"{ref} is not the key of a stored value.") from None


class Values:
    """`records.Values` in Postgres."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, execution_id: str, json_text: bytes) -> Reference:
        """Store JSON text; the same text in the same run gives the same reference."""
        # In a thread: hashing 50 MB takes as long as several heartbeats of a busy loop, and needs no interpreter lock.
        reference = await asyncio.to_thread(reference_to, execution_id, json_text)
        _, digest = read_key(reference["ref"])
        await execute(self._pool, _PUT, execution_id, digest, json_text, seconds=_seconds(reference["size"]))
        return reference

    async def get(self, references: Sequence[Reference]) -> dict[str, Any]:
        """The parsed values by their `ref`. Raises ValueMissing when one is gone."""
        by_ref = {reference["ref"]: reference for reference in references}
        if not by_ref:
            return {}
        keys = [read_key(ref) for ref in by_ref]
        rows = await fetch(
            self._pool,
            _GET,
            [execution_id for execution_id, _ in keys],
            [digest for _, digest in keys],
            seconds=_seconds(sum(reference["size"] for reference in by_ref.values())),
        )
        bodies = {row["place"]: row["body"] for row in rows}
        for place, ref in enumerate(by_ref, start=1):
            if place not in bodies:
                raise ValueMissing(f"The stored value {ref} is gone.")
        return {ref: from_json(bodies[place]) for place, ref in enumerate(by_ref, start=1)}


def _seconds(size: int) -> float:
    return COMMAND_SECONDS + size / SLOWEST_BYTES_PER_SECOND
