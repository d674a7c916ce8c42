"""Rows of executions that wait, for pins or for their turn, as the workflow has them written before it waits itself.

Used by `graph_execution.py` alone.
"""

from contracts.activities import BehindRow
from engine.scheduler import Scheduler


def rows_behind(scheduler: Scheduler) -> list[BehindRow]:
    """Those whose rows do not say yet what the scheduler knows; from now on they count as written."""
    return [
        BehindRow(
            id=each.id,
            node_id=each.node.id,
            block_id=each.node.block_id,
            ordinal=each.ordinal,
            status=each.status,
            seq=each.seq,
            inputs=dict(each.inputs),
        )
        for each in scheduler.take_unrecorded()
    ]
