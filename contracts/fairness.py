"""Whose turn it is in a task queue with a backlog: every user's in turn, however much each has in it.

Set on the start of a run by `api/` and on its activities by `workflows/`. A server without fairness ignores it.
"""

from hashlib import sha256

from temporalio.common import Priority

_LONGEST_KEY = 64
"""Bytes that the server takes."""


def fair_to(user_id: str) -> Priority:
    """The priority of work for this user."""
    raw = user_id.encode()
    return Priority(fairness_key=user_id if len(raw) <= _LONGEST_KEY else sha256(raw).hexdigest())
