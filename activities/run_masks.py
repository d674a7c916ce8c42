"""The masks of runs, kept: a run's masks never change, and each of its masked executions needs one of them.

Used by `run_node.py`. They lie in the run's row, since history would repeat them for every execution.
"""

import asyncio
from collections.abc import Mapping

from cachetools import LRUCache

from activities.patience import patiently
from contracts.activities import RunRef
from engine.values import Value
from store.records import Executions

type _Masks = Mapping[str, Mapping[str, Value]]

KEPT_RUNS = 64
"""A run's masks are as large as the body of its start may be."""


class RunMasks:
    """Reads a run's masks once."""

    def __init__(self, executions: Executions) -> None:
        self._executions = executions
        self._kept: LRUCache[str, _Masks] = LRUCache(maxsize=KEPT_RUNS)
        self._reading = asyncio.Lock()

    async def of(self, run: RunRef, node_id: str) -> Mapping[str, Value]:
        """The mask of a node of the run."""
        # By Temporal's run id: the same workflow id may be started once more with other masks.
        async with self._reading:
            masks = self._kept.get(run.run_id)
            if masks is None:
                row = await patiently(lambda: self._executions.get(run.user_id, run.execution_id))
                masks = row.masks if row else {}
                if row:
                    self._kept[run.run_id] = masks
        return masks.get(node_id, {})
