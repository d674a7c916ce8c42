"""Executions that call nodes as tools, and wait until these have ended.

Used by `scheduler.py` alone. A called node is an execution like any other: it waits for its turn, runs as its node runs
(in a batch, in an activity, as a run of its own), its outputs are routed on; only its end is told to its caller too.
"""

from collections.abc import Callable

from engine import waits
from engine.events import Ended, Slept
from engine.model import Status
from engine.plan import Mode, Plan, PlanNode
from engine.state import Called, NodeState, Open, Phase, RunState
from engine.values import Value, inline

type Queue = Callable[[int, PlanNode, NodeState, int, dict[str, Value]], None]


def begin(plan: Plan, state: RunState, caller: Open, sleep: Slept, queue: Queue) -> None:
    """Queue the nodes that an execution calls, in its order. Without any, it goes on at once."""
    if sleep.phase is not Phase.CALLING or state.cancelled or state.error is not None:
        return
    positions = {node.id: position for position, node in enumerate(plan.nodes)}
    caller.calls = []
    round = caller.resume.round if caller.resume else 0
    for index, call in enumerate(sleep.calls):
        position = positions.get(call.node)
        if position is None or plan.nodes[position].mode is Mode.NEVER:
            caller.calls.append(Called("", Status.FAILED))
            continue
        node_state = state.nodes.setdefault(position, NodeState())
        ordinal, inputs = _placed(node_state, call.inputs)
        queue(position, plan.nodes[position], node_state, ordinal, inputs)
        called = state.open[node_state.lane[-1]]
        called.caller, called.call = caller.id, f"{round}.{index}"
        caller.calls.append(Called(called.id))
    _go_on(state, caller)


def call_of(execution: Open) -> str:
    """Whose tool the execution is, for its row: the caller's id with the place of the call; empty for all others."""
    return f"{execution.caller}:{execution.call}" if execution.caller else ""


def ended(state: RunState, execution: Open, end: Ended) -> None:
    """Tell the caller, if there is one; with the last of its calls it goes on."""
    caller = state.open.get(execution.caller)
    if caller is None or caller.phase is not Phase.CALLING:
        return
    for call in caller.calls:
        if call.id == execution.id:
            call.status = end.status
    _go_on(state, caller)


def _go_on(state: RunState, caller: Open) -> None:
    if all(call.status for call in caller.calls):
        told = [{"id": call.id, "status": call.status} for call in caller.calls]
        caller.calls = []
        waits.end(state, caller, {"calls": inline(told)})


def _placed(state: NodeState, arguments: dict[str, Value]) -> tuple[int, dict[str, Value]]:
    """Which execution of the node it is, and its inputs: what other links have brought, and the call's arguments.

    It is the oldest one that waits, if that lacks all of these pins; what static links brought before stays.
    """
    arrived: dict[str, Value] = {}
    ordinal = state.opened
    if state.waiting and not arguments.keys() & state.waiting[0].inputs.keys():
        waiting = state.waiting.pop(0)
        ordinal, arrived = waiting.ordinal, waiting.inputs
        for pin, filled in state.filled.items():
            if filled:
                state.filled[pin] = filled - 1
    else:
        state.opened += 1
    sticky = {pin: value for pin, value in state.sticky.items() if pin not in arguments}
    return ordinal, {**sticky, **arrived, **arguments}
