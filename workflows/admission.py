"""A run's wait for a slot: woken by whoever frees one, or by a timer should that have been lost.

Used by `graph_execution.py` alone. Being woken means to ask again: whether the run may begin is `begin_run`'s word.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow


class Turn:
    """Whether this run was told that its turn has come."""

    def __init__(self) -> None:
        self._has_come = False

    def come(self) -> None:
        """A slot was given to this run."""
        self._has_come = True

    async def wait(self, seconds: float) -> bool:
        """Until the turn comes or so many seconds have passed; False when the run is cancelled meanwhile."""
        workflow.set_current_details("**QUEUED**: waits for a slot, since as many runs go on as are allowed at once")
        try:
            await workflow.wait_condition(
                lambda: self._has_come, timeout=timedelta(seconds=seconds), timeout_summary="ask for a slot again"
            )
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            return False
        self._has_come = False
        return True
