"""A page of a list, whatever it lists."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page[ItemT]:
    """A page of a list. `next_cursor` is None on the last one."""

    items: list[ItemT]
    next_cursor: str | None
    total_count: int
