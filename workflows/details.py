"""What Temporal's UI shows of a live run, in Markdown: what is under way, what waits, what it has done so far.

Called by `graph_execution.py` before it waits. It only reads the scheduler.
"""

from typing import Any

from contracts.execution import RunStats
from engine.progress import open_executions
from engine.scheduler import Scheduler

_ROWS = 20


def render_details(scheduler: Scheduler) -> str:
    """A short page; at most twenty executions are named."""
    totals = scheduler.state.totals
    lines = [
        f"{totals.node_count} nodes done, {totals.node_error_count} failed, cost {totals.cost} cents",
        "",
        "| node | block | state |",
        "|---|---|---|",
    ]
    named = open_executions(scheduler.plan, scheduler.state, most=_ROWS)
    lines += [f"| {row['title'] or row['node_id']} | {row['block']} | {_standing(row)} |" for row in named]
    if (more := len(scheduler.state.open) - _ROWS) > 0:
        lines.append(f"| … and {more} more | | |")
    if waiting := scheduler.incomplete_count:
        lines += ["", f"{waiting} waiting for inputs"]
    return "\n".join(lines)


def _standing(row: dict[str, Any]) -> str:
    """Where an execution stands, and what it waits for."""
    match row["phase"]:
        case "listening":
            return f"waits for the event {row['event']}"
        case "calling":
            return "waits for its tools"
        case "review":
            return "waits for a reviewer"
        case phase:
            return str(phase)


def progress_at_end(stats: RunStats) -> dict[str, int]:
    """What the query `progress` answers once the run is over."""
    return {
        "done": stats.node_count,
        "failed": stats.node_error_count,
        "queued": 0,
        "running": 0,
        "sleeping": 0,
        "listening": 0,
        "review": 0,
        "incomplete": stats.incomplete_count,
    }
