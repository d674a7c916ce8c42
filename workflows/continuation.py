"""When a run's workflow is to continue as new, so that no history grows past what the server takes.

Asked by `graph_execution.py`. Continuing ends pending activities, so it waits for a moment at which none runs. From the
soft limit on any such moment will do and nothing is held back; from the hard one nothing new starts until it has come.
"""

from temporalio import workflow

from contracts.activities import RunLimits


class History:
    """How long the current history has become."""

    def __init__(self) -> None:
        self._signals = 0

    def count_signal(self) -> None:
        """The server counts signals too, but does not suggest to continue because of them."""
        self._signals += 1

    def is_long(self, limits: RunLimits) -> bool:
        """Past the soft limit: continue at the next quiet moment."""
        info = workflow.info()
        return (
            info.is_continue_as_new_suggested()
            or self._signals >= limits.continue_after_signals
            or 0 < limits.continue_after_events <= info.get_current_history_length()
        )

    def is_too_long(self, limits: RunLimits) -> bool:
        """Past the hard limit: start nothing new, so that a quiet moment comes."""
        info = workflow.info()
        return (
            info.get_current_history_length() >= limits.hold_after_events
            or info.get_current_history_size() >= limits.hold_after_bytes
            or self._signals >= limits.hold_after_signals
        )
