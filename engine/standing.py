"""What of a run stands at a moment: how many executions each node has had, and which of them have not ended.

Asked by the workflow after a reset, so that the rows can be brought back to where the run goes on. It only reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.events import Emitted, Ended, Event, Slept
from engine.identity import node_execution_id
from engine.model import Status
from engine.plan import Mode, Plan, PlanNode
from engine.state import NodeState, Open, Phase, RunState
from engine.values import Value


@dataclass(frozen=True, slots=True)
class Unended:
    """An execution that has not ended. `emitted` of its outputs were told; None: all that were ever stored."""

    id: str
    node: PlanNode
    ordinal: int
    status: Status
    seq: int | None
    inputs: dict[str, Value]
    emitted: int | None = 0


def opened(plan: Plan, state: RunState) -> dict[str, int]:
    """How many executions of each node there were, by the node's id."""
    return {plan.nodes[position].id: node.opened for position, node in state.nodes.items() if node.opened}


def unended(plan: Plan, state: RunState, inbox: Iterable[Event] = ()) -> list[Unended]:
    """Executions that run, sleep, are queued or wait for pins; `inbox` are events that the state does not know yet."""
    told: dict[str, int] = {}
    passed: set[str] = set()
    asleep: dict[str, Phase] = {}
    for event in inbox:
        match event:
            case Ended():
                passed.add(event.id)
            case Slept():
                asleep[event.id] = event.phase
            case Emitted() if event.outputs:
                told[event.id] = max(told.get(event.id, 0), event.outputs[-1].index + 1)
            case _:
                pass
    found = [
        _open(plan.nodes[execution.node], execution, told.get(execution.id, 0), asleep.get(execution.id))
        for execution in state.open.values()
        if not execution.ended and execution.id not in passed
    ]
    for position, node_state in state.nodes.items():
        found += _waiting(plan.nodes[position], state.execution_id, node_state)
    return found


def _open(node: PlanNode, execution: Open, told: int, asleep: Phase | None) -> Unended:
    is_begun = execution.phase is not Phase.READY or execution.resume is not None
    emitted: int | None = 0
    if is_begun:
        emitted = max(execution.received, told, execution.resume.emitted if execution.resume else 0)
        if asleep or node.mode is Mode.CHILD:
            emitted = None
    status = Status.RUNNING if is_begun else Status.QUEUED
    if Phase.REVIEW in (execution.phase, asleep):
        status = Status.REVIEW
    return Unended(
        id=execution.id,
        node=node,
        ordinal=execution.ordinal,
        status=status,
        seq=execution.seq,
        inputs=execution.inputs,
        emitted=emitted,
    )


def _waiting(node: PlanNode, execution_id: str, state: NodeState) -> Iterable[Unended]:
    for waiting in state.waiting:
        id = node_execution_id(execution_id, node.id, waiting.ordinal)
        yield Unended(id, node, waiting.ordinal, Status.INCOMPLETE, None, waiting.inputs)
