"""Places in lists that are ordered newest first, as opaque text: the last item's time of creation and id.

Used by both forms of the store. It knows nothing of what is listed.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from contracts.errors import InvalidRequest
from store.pages import Page


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """What is less than it comes after it in the list."""

    created_at: datetime
    id: str

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.created_at.isoformat()} {self.id}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `str(cursor)` back. Raises InvalidRequest for anything else."""
        try:
            plain = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            time, _, id = plain.partition(" ")
            created_at = datetime.fromisoformat(time)
            # In UTC a time near the ends of the calendar may not exist; Postgres would be asked in vain.
            created_at = created_at.astimezone(UTC) if created_at.tzinfo else created_at
        except (ValueError, OverflowError, binascii.Error):
            raise InvalidRequest("The cursor is not one of ours.") from None
        if created_at.tzinfo is None or "\x00" in id:
            raise InvalidRequest("The cursor is not one of ours.")
        return cls(created_at, id)


NEWEST = Cursor(datetime(9999, 1, 1, tzinfo=UTC), "")
"""Before everything."""


def page_of[ItemT](
    items: Sequence[ItemT], *, limit: int, total_count: int, key: Callable[[ItemT], tuple[datetime, str]]
) -> Page[ItemT]:
    """A page of at most `limit` items. Given are those that follow the cursor, one more than `limit` if there are."""
    shown = list(items[:limit])
    more = len(items) > limit and bool(shown)
    return Page(shown, str(Cursor(*key(shown[-1]))) if more else None, total_count)
