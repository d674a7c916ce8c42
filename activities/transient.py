"""Failures of blocks that waiting mends: the attempt ends without an end of the node, and Temporal begins another.

Used by `run_node.py`. A block declares which errors these are; how often it is begun anew is bounded.
"""

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.node_attempt import Attempt
from engine.model import Effects

_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 600.0


def pause_before_another(run: Attempt, error: Exception, most: int) -> float | None:
    """Seconds until the node is begun anew, or None when the error ends it: it does not pass, or came too often."""
    if not isinstance(error, run.placed.block.transient) or run.effects is Effects.EFFECTFUL or run.transients >= most:
        return None
    told = getattr(error, "retry_after", None)
    pause = _FIRST_PAUSE * 2**run.transients if told is None else float(told)
    return min(pause, _LONGEST_PAUSE)


def begun_anew(message: str, pause: float) -> ApplicationError:
    """What the activity raises, so that Temporal waits and tries again. The message holds no secret and is short."""
    return ApplicationError(
        message,
        type="transient",
        category=ApplicationErrorCategory.BENIGN,
        next_retry_delay=timedelta(seconds=max(pause, 0.05)),
    )
