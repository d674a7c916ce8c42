"""Statuses as clients write them.

Used by lists that filter. `CANCELLED` is an older name of TERMINATED (S-070, C-7).
"""

from collections.abc import Iterable

from contracts.errors import InvalidRequest
from engine.model import Status


def statuses_of(texts: Iterable[str]) -> list[Status]:
    """The statuses that are meant. InvalidRequest names the first one that does not exist."""
    found: list[Status] = []
    for text in (part.strip().upper() for given in texts for part in given.split(",")):
        name = "TERMINATED" if text == "CANCELLED" else text
        try:
            found.append(Status(name))
        except ValueError:
            known = ", ".join(Status)
            raise InvalidRequest(f"There is no status {text[:50]!r}. There are: {known}.") from None
    return list(dict.fromkeys(found))
