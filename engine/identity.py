"""Ids that are made of what they name: the same work has the same id in every replay, retry, resume and reset.

Used by the scheduler, and by the API for runs with an idempotency key; `workflow.uuid4` would change after a reset
(architecture §3).
"""

from hashlib import sha256


def node_execution_id(execution_id: str, node_id: str, ordinal: int) -> str:
    """A UUID (version 8) made of the run, the node and how many executions of this node the run opened before."""
    return _uuid(f"{execution_id}\0{node_id}\0{ordinal}")


def keyed_execution_id(user_id: str, key: str) -> str:
    """A UUID (version 8) made of the user and the key that they gave to a start."""
    return _uuid(f"start\0{user_id}\0{key}")


def _uuid(name: str) -> str:
    text = sha256(name.encode()).hexdigest()
    variant = _VARIANT[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


_VARIANT = "89ab"
