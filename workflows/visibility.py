"""What Temporal's own doors show of a run besides its history: search attributes.

Called by `graph_execution.py` when a run begins and when it ends.
"""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from contracts import search_attributes
from contracts.activities import RunRef
from engine.model import Status


def tell_search_attributes(run: RunRef, status: Status) -> None:
    """The status, and everything else where the start did not say it (a start from the CLI)."""
    known = workflow.info().typed_search_attributes
    if known.get(search_attributes.STATUS) == status.value:
        return
    pairs = search_attributes.of_run(
        user_id=run.user_id,
        graph_id=run.graph_id,
        graph_version=run.graph_version,
        status=status.value,
        root_id=run.context.root_execution_id or run.execution_id,
    )
    updates: list[SearchAttributeUpdate[Any]] = [
        pair.key.value_set(pair.value) for pair in pairs if known.get(pair.key) != pair.value
    ]
    workflow.upsert_search_attributes(updates)
