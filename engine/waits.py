"""Executions that wait for more than their turn: for a time, an event or a decision.

Used by `scheduler.py` alone. They hold no worker and do not count against the limit of concurrent nodes.
"""

from collections.abc import Mapping

from engine.events import EventCame, Slept
from engine.state import Open, Phase, Resume, RunState
from engine.values import Value

PHASES = (Phase.SLEEPING, Phase.LISTENING, Phase.REVIEW)

MOST_EVENTS = 1_000
"""Unclaimed events of one name that a run keeps; of more, the oldest go."""


def begin(state: RunState, execution: Open, sleep: Slept, *, is_stopping: bool) -> None:
    """The execution waits, unless an event has come for it before."""
    execution.phase = sleep.phase
    execution.event = sleep.event
    rounds = execution.resume.round if execution.resume else 0
    execution.resume = Resume(rounds + 1, sleep.emitted, sleep.state)
    if is_stopping:
        return
    if sleep.phase is Phase.LISTENING and (kept := state.events.get(sleep.event)):
        end(state, execution, {"payload": kept.pop(0)})
        if not kept:
            del state.events[sleep.event]
    elif sleep.seconds is not None:
        state.due_timers[execution.id] = sleep.seconds


def take_event(state: RunState, event: EventCame) -> None:
    """The event is the oldest execution's that listens for it; when none does, it is kept."""
    for execution in state.open.values():
        if execution.phase is Phase.LISTENING and execution.event == event.name:
            end(state, execution, {"payload": event.payload})
            return
    kept = state.events.setdefault(event.name, [])
    kept.append(event.payload)
    del kept[:-MOST_EVENTS]


def end(state: RunState, execution: Open, answer: Mapping[str, Value] | None) -> None:
    """Its time has come, or what it waits for: then its timer, if it has one, is of no more use."""
    assert execution.resume is not None
    if execution.phase is not Phase.SLEEPING:
        execution.resume.answer = dict(answer or {})
        if answer is not None and state.due_timers.pop(execution.id, None) is None:
            state.due_stops.append(execution.id)
    execution.phase = Phase.READY
    state.ready.append(execution.id)
