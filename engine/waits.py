"""Executions that wait for more than their turn: for a time, an event or a decision.

Used by `scheduler.py` alone. They hold no worker and do not count against the limit of concurrent nodes.
"""

from collections.abc import Mapping

from engine.events import EventCame, Slept
from engine.state import Open, Phase, Resume, RunState
from engine.values import Value

PHASES = (Phase.SLEEPING, Phase.LISTENING, Phase.REVIEW)

MOST_EVENTS = 1_000
"""Unclaimed events that a run keeps; of more, the oldest of the oldest name go."""


def begin(state: RunState, execution: Open, sleep: Slept, *, is_stopping: bool) -> None:
    """The execution waits, unless an event has come for it before."""
    execution.phase = sleep.phase
    execution.event = sleep.event
    rounds = execution.resume.round if execution.resume else 0
    execution.resume = Resume(rounds + 1, sleep.emitted, sleep.state)
    if is_stopping:
        return
    if sleep.seconds is not None:
        state.due_timers[execution.id] = sleep.seconds
    if sleep.phase is Phase.LISTENING:
        state.listening.setdefault(sleep.event, []).append(execution.id)
        if sleep.event in state.events:
            end(state, execution, {"payload": _first(state.events, sleep.event)})


def take_event(state: RunState, event: EventCame) -> None:
    """The event is the execution's that has listened for it longest; when none does, it is kept."""
    if event.name in state.listening:
        end(state, state.open[state.listening[event.name][0]], {"payload": event.payload})
        return
    state.events.setdefault(event.name, []).append(event.payload)
    if sum(map(len, state.events.values())) > MOST_EVENTS:
        _first(state.events, next(iter(state.events)))


def end(state: RunState, execution: Open, answer: Mapping[str, Value] | None) -> None:
    """Its time has come, or what it waits for: then its timer, if it has one, is of no more use."""
    assert execution.resume is not None
    if execution.phase is Phase.LISTENING:
        _remove(state.listening, execution.event, execution.id)
    if execution.phase is not Phase.SLEEPING:
        execution.resume.answer = dict(answer or {})
        if answer is not None and state.due_timers.pop(execution.id, None) is None:
            state.due_stops.append(execution.id)
    execution.phase = Phase.READY
    state.ready.append(execution.id)


def only_reviews(state: RunState) -> bool:
    """Whether something goes on, and all of it waits for decisions."""
    found = False
    for execution in state.open.values():
        # Whoever called a tool waits for what that waits for.
        if not execution.ended and execution.phase is not Phase.CALLING:
            if execution.phase is not Phase.REVIEW:
                return False
            found = True
    return found


def _first[ItemT](lists: dict[str, list[ItemT]], name: str) -> ItemT:
    """Take the first of a list, and the list away with its last."""
    first = lists[name].pop(0)
    if not lists[name]:
        del lists[name]
    return first


def _remove(lists: dict[str, list[str]], name: str, item: str) -> None:
    lists[name].remove(item)
    if not lists[name]:
        del lists[name]
