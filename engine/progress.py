"""How far a run is, for people: counts, and the executions that are queued, under way or waiting.

Asked by queries and by the details that Temporal's UI shows. It only reads.
"""

from itertools import islice
from typing import Any

from engine.plan import Plan
from engine.state import Phase, RunState


def progress(state: RunState) -> dict[str, int]:
    """Counts of executions by where they stand."""
    phases = [execution.phase for execution in state.open.values() if not execution.ended]
    return {
        "done": state.totals.node_count,
        "failed": state.totals.node_error_count,
        "queued": phases.count(Phase.READY),
        "running": sum(map(phases.count, (Phase.RUNNING, Phase.BATCHED, Phase.CALLING))),
        "sleeping": phases.count(Phase.SLEEPING),
        "listening": phases.count(Phase.LISTENING),
        "review": phases.count(Phase.REVIEW),
        "incomplete": sum(len(node.waiting) for node in state.nodes.values()),
    }


def open_executions(plan: Plan, state: RunState, *, most: int | None = None) -> list[dict[str, Any]]:
    """Executions that are queued, under way or waiting, in queue order; `event` is what one listens for."""
    going_on = (execution for execution in state.open.values() if not execution.ended)
    return [
        {
            "id": execution.id,
            "node_id": node.id,
            "block": node.block_name,
            "title": node.title,
            "phase": execution.phase.value,
            "outputs": execution.received,
            **({"event": execution.event} if execution.phase is Phase.LISTENING else {}),
        }
        for execution in islice(going_on, most)
        for node in (plan.nodes[execution.node],)
    ]
