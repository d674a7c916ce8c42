"""Brings a row into agreement with what the server says of its workflow.

Shared by the activity that looks after all rows and by the API, which looks when a single row is read. Repeating it is
harmless: what another run has taken over meanwhile, or what has ended by itself, is left alone.
"""

from contracts.latest_run import Ending
from store.ownership import Owner
from store.records import Finish, Store

NO_RUN = "none"
"""The owner of a row whose workflow the server does not know, if it had none before."""


async def repair(store: Store, execution_id: str, owner: Owner, run_id: str | None, ending: Ending) -> list[str]:
    """Write how the latest run `run_id` ended, None if there is none; `owner` was read before the server was asked.

    Answers the runs that got the slot.
    """
    run_id = run_id or owner.run_id or NO_RUN
    if owner.run_id != run_id and not await store.ownership.take_over(
        execution_id, run_id=run_id, owner=owner.run_id, standing=None, at=ending.at
    ):
        return []
    return await store.executions.end(execution_id, run_id=run_id, nodes=(), finish=_finish(ending))


def _finish(ending: Ending) -> Finish:
    return Finish(
        status=ending.status,
        # What the workflow did not live to add up stays as the row has it.
        stats=ending.stats.model_dump(mode="json") if ending.stats else {"error": ending.error},
        ended_at=ending.at,
        error=ending.error,
        error_code=ending.error_code,
    )
