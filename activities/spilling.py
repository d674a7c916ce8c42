"""Keeps a run's state small enough for history: when it is not, its larger values move into the store.

Used at the end of a batch. A fan-out of thousands of values, each below the inline limit, would otherwise add up past
what Temporal takes in one payload.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from activities.values import ValueCodec, plain_json
from contracts.continuation import LARGEST_STATE
from contracts.errors import StateTooLarge
from engine.state import RunState
from engine.values import Value

_WORTH_MOVING = (256, 64)
"""Bytes: larger values first; the rest only if that does not do."""

_REFUSED_BY_SERVER = 1_900_000

TRAVELS_TOGETHER = 256 * 1024
"""Bytes of values in one message: the server warns above, and refuses eight times as much."""


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


async def lightened(codec: ValueCodec, execution_id: str, *groups: Mapping[str, Value]) -> list[dict[str, Value]]:
    """The groups with values moved to the store, the largest first, until what is left may travel together."""
    left = [dict(group) for group in groups]
    sizes = {
        (place, name): len(plain_json(value["value"])[1])
        for place, group in enumerate(left)
        for name, value in group.items()
        if "value" in value
    }
    total = sum(sizes.values())
    for place, name in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if total <= TRAVELS_TOGETHER:
            break
        value = left[place][name]
        assert "value" in value
        left[place][name] = await codec.store(execution_id, value["value"])
        total -= sizes[place, name]
    return left


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
