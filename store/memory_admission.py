"""The queue of runs that wait for a slot, in memory: the same rules as `migrations/0002_admission.sql`.

Used by `memory.MemoryStore` and its executions. Nothing here awaits, so each call is a transaction.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from store.slots import SlotLimits


@dataclass(slots=True)
class _Place:
    user_id: str
    graph_id: str
    limits: SlotLimits
    is_holding: bool = False
    granted_by: str | None = None


class MemoryAdmission:
    """`slots.Admission` in memory. `ended` answers the runs that are over."""

    def __init__(self, ended: Callable[[], Iterable[str]]) -> None:
        self._ended = ended
        self._places: dict[str, _Place] = {}  # in the order of arrival

    def enter(self, execution_id: str, *, user_id: str, graph_id: str, limits: SlotLimits) -> bool:
        """Whether the run may go on now; a run that has a slot keeps it."""
        if place := self._places.get(execution_id):
            place.granted_by = None
            return place.is_holding
        new = _Place(user_id, graph_id, limits)
        if self._is_full(limits) or not self._has_free(new) or any(not each.is_holding for each in self._like(new)):
            return False
        self._places[execution_id] = new
        new.is_holding = True
        return True

    async def wait(self, execution_id: str, *, user_id: str, graph_id: str, limits: SlotLimits) -> list[str]:
        """Stand in the queue; the ids of runs that may go on now."""
        place = self._places.setdefault(execution_id, _Place(user_id, graph_id, limits))
        place.limits = limits
        self._grant(execution_id, place)
        return [
            id
            for id, each in self._places.items()
            if each.granted_by == execution_id or (each is place and each.is_holding)
        ]

    async def leave(self, execution_id: str) -> list[str]:
        """Free what the run holds; the ids of runs that got it."""
        return self.left(execution_id)

    def left(self, execution_id: str) -> list[str]:
        """`leave`, for who does not await."""
        place = self._places.pop(execution_id, None)
        if place is not None and place.is_holding:
            self._grant(execution_id, place)
        return [id for id, each in self._places.items() if each.granted_by == execution_id]

    async def leave_ended(self) -> list[str]:
        """Free what runs hold that have ended; the ids of runs that got it."""
        return [admitted for id in self._ended() if id in self._places for admitted in self.left(id)]

    def _grant(self, giver: str, place: _Place) -> None:
        while not self._is_full(place.limits):
            oldest: dict[tuple[str, str], _Place] = {}
            for each in self._places.values() if place.limits.capacity else self._like(place):
                if not each.is_holding:
                    oldest.setdefault((each.user_id, each.graph_id), each)
            waiting = [each for each in oldest.values() if self._has_free(each)]
            if not waiting:
                return
            # `min` takes the first of equals: who arrived first.
            chosen = min(waiting, key=lambda each: self._holding_of(each.user_id))
            chosen.is_holding, chosen.granted_by = True, giver

    def _like(self, place: _Place) -> list[_Place]:
        return [
            each for each in self._places.values() if (each.user_id, each.graph_id) == (place.user_id, place.graph_id)
        ]

    def _has_free(self, place: _Place) -> bool:
        return sum(each.is_holding for each in self._like(place)) < place.limits.per_graph

    def _is_full(self, limits: SlotLimits) -> bool:
        return 0 < limits.capacity <= sum(each.is_holding for each in self._places.values())

    def _holding_of(self, user_id: str) -> int:
        return sum(each.is_holding for each in self._places.values() if each.user_id == user_id)
