"""May this user start a run now? The seam where the ledger of credits will answer.

Asked by `starting.py` after validation and before anything is stored or started.
"""

from typing import Protocol


class Balance(Protocol):
    """What is left of a user's credits."""

    async def require_positive(self, user_id: str) -> None:
        """InsufficientBalance when nothing is left (S-082)."""
        ...


class Unlimited:
    """Everybody may: there is no ledger."""

    async def require_positive(self, user_id: str) -> None:
        """Let everybody pass."""
