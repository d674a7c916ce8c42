"""Workflows that Temporal starts again and again: their schedules, made when a worker starts.

Called by `worker.py` with what is to recur. Any number of workers may do so at once; a schedule that is there already
is brought up to date, and stays paused if somebody paused it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)


@dataclass(frozen=True, slots=True)
class Recurring:
    """A workflow without input that is started every so often, never beside itself."""

    id: str
    workflow: str
    every: timedelta
    note: str


async def ensure_schedules(client: Client, task_queue: str, recurring: Iterable[Recurring]) -> None:
    """Make each schedule, or bring it up to date."""
    for each in recurring:
        schedule = _schedule(each, task_queue)
        try:
            await client.create_schedule(each.id, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(each.id).update(partial(_renewed, schedule))


def _schedule(recurring: Recurring, task_queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(recurring.workflow, id=recurring.id, task_queue=task_queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=recurring.every)]),
        # What was missed while nobody worked is not made up for: the next time does all that is to be done.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        state=ScheduleState(note=recurring.note),
    )


def _renewed(wanted: Schedule, input: ScheduleUpdateInput) -> ScheduleUpdate | None:
    """The schedule in place of the one found, with what people set by hand: whether it is paused, and why.

    None if it is as wanted. The server takes in a pause before an update that it got earlier, so that the update, made
    from a state of before, would undo the pause: a worker that starts must not send one without need.
    """
    found = input.description.schedule
    if _definition(found) == _definition(wanted):
        return None
    return ScheduleUpdate(replace(wanted, state=found.state))


def _definition(schedule: Schedule) -> tuple[object, ...]:
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    return action.workflow, action.id, action.task_queue, schedule.spec.intervals, schedule.policy
