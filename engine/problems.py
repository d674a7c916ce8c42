"""What can be wrong with a graph or with the inputs of a run: stable codes, found all at once.

Made by `validate.py`, shown by the API, documented in `docs/errors.md` (a test demands every code there).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """`SAVE`: the graph's structure is broken. `RUN`: it can be kept, but not run as it is."""

    SAVE = "save"
    RUN = "run"


class Code(StrEnum):
    """The stable codes of problems; each has a line in `docs/errors.md`."""

    TOO_MANY_NODES = "too_many_nodes"
    TOO_MANY_LINKS = "too_many_links"
    DUPLICATE_NODE_ID = "duplicate_node_id"
    UNKNOWN_BLOCK = "unknown_block"
    BLOCK_DISABLED = "block_disabled"
    BLOCK_UNAVAILABLE = "block_unavailable"
    DANGLING_LINK = "dangling_link"
    UNKNOWN_SOURCE_PIN = "unknown_source_pin"
    UNKNOWN_SINK_PIN = "unknown_sink_pin"
    RESERVED_INPUT_NAME = "reserved_input_name"
    MISSING_REQUIRED_INPUT = "missing_required_input"
    INPUT_REFUSED = "input_refused"
    NO_STARTING_NODE = "no_starting_node"
    UNKNOWN_INPUT = "unknown_input"
    MISSING_INPUT = "missing_input"
    UNKNOWN_MASK_NODE = "unknown_mask_node"
    UNKNOWN_MASK_PIN = "unknown_mask_pin"


class CredentialsCode(StrEnum):
    """The same, of problems that only who knows the user's credentials can find (`blocks/credential_checks.py`)."""

    MISSING_CREDENTIALS = "missing_credentials"
    UNKNOWN_CREDENTIALS = "unknown_credentials"
    INVALID_CREDENTIALS = "invalid_credentials"
    CREDENTIALS_NOT_AVAILABLE = "credentials_not_available"
    UNKNOWN_CREDENTIALS_INPUT = "unknown_credentials_input"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what, where, and how to mend it (in the message)."""

    code: Code | CredentialsCode
    level: Level
    message: str
    node_id: str | None = None
    pin: str | None = None
    link_id: str | None = None
    block_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The body that the API shows; absent places are left out."""
        body: dict[str, Any] = {"code": self.code.value, "level": self.level.value, "message": self.message}
        for name in ("node_id", "pin", "link_id", "block_id"):
            place = getattr(self, name)
            if place is not None:
                body[name] = place
        return body


def node_errors(problems: list[Problem]) -> dict[str, dict[str, str]]:
    """The problems as upstream shows them: node id → pin → message (S-083, C-35)."""
    errors: dict[str, dict[str, str]] = {}
    for problem in problems:
        if problem.node_id is not None:
            errors.setdefault(problem.node_id, {})[problem.pin or ""] = problem.message
    return errors
