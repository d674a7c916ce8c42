"""Keeps a run's state small enough for history: when it is not, its larger values move into the store.

Used at the end of a batch. A fan-out of thousands of values, each below the inline limit, would otherwise add up past
what Temporal takes in one payload.
"""

from collections.abc import Iterator
from typing import Any

from activities.values import ValueCodec, plain_json
from contracts.continuation import LARGEST_STATE
from contracts.errors import StateTooLarge
from engine.state import RunState

_WORTH_MOVING = (256, 64)
"""Bytes: larger values first; the rest only if that does not do."""

_REFUSED_BY_SERVER = 1_900_000


async def pack_state(codec: ValueCodec, state: RunState) -> str:
    """The packed state, with values moved to the store if it would be too large."""
    packed = state.pack()
    for worth_moving in _WORTH_MOVING:
        if len(packed) <= LARGEST_STATE:
            return packed
        for values, name in list(_values(state)):
            value = values[name]
            if "value" in value and len(plain_json(value["value"])[1]) > worth_moving:
                values[name] = await codec.store(state.execution_id, value["value"])
        packed = state.pack()
    if len(packed) > _REFUSED_BY_SERVER:
        raise StateTooLarge(
            f"The run holds {len(state.open):,} node executions at once, more than its history can carry. "
            "Split the work: give fewer items at a time."
        )
    return packed


def _values(state: RunState) -> Iterator[tuple[Any, Any]]:
    """Every place of the state that holds a value which waits to be used: a container, and where in it."""
    places: list[dict[str, Any]] = [execution.inputs for execution in state.open.values()]
    for node in state.nodes.values():
        places += [waiting.inputs for waiting in node.waiting]
        places.append(node.sticky)
    places += state.masks.values()
    places += [
        execution.resume.answer for execution in state.open.values() if execution.resume and execution.resume.answer
    ]
    for place in places:
        for name in place:
            yield place, name
    for kept in state.events.values():
        yield from ((kept, number) for number in range(len(kept)))
