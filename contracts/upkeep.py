"""What the rounds of upkeep are given and answer: pruning what is old, reconciling rows with workflows.

Imported by the references of `contracts/activities.py` and by both sides of them.
"""

from datetime import datetime

from pydantic import BaseModel


class PruneRequest(BaseModel):
    """Delete what is too old, seen from a time; how old that is, settings say."""

    at: datetime


class Pruned(BaseModel):
    """How much was deleted."""

    executions: int = 0
    values: int = 0


class ReconcileRequest(BaseModel):
    """Make rows say what the server says. Workflows started before `listed_until` were looked at before."""

    at: datetime
    listed_until: datetime | None = None


class Reconciled(BaseModel):
    """One round: silent rows that were asked about, rows repaired, rows written, workflows looked at until when."""

    asked: int = 0
    repaired: int = 0
    written: int = 0
    listed_until: datetime | None = None
