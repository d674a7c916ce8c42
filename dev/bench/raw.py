"""What one would write with Temporal's SDK alone: chains and fan-outs of no-op activities."""

from datetime import timedelta

from temporalio import activity, workflow

_LIMIT = timedelta(seconds=30)


@activity.defn(name="bench_no_op")
async def no_op(value: int) -> int:
    """Does nothing."""
    return value


@workflow.defn(name="BenchActivities")
class Activities:
    """So many activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """The last one's result."""
        value = 0
        for _ in range(count):
            value = await workflow.execute_activity(no_op, value, start_to_close_timeout=_LIMIT)
        return value


@workflow.defn(name="BenchLocalActivities")
class LocalActivities:
    """So many local activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """The last one's result."""
        value = 0
        for _ in range(count):
            value = await workflow.execute_local_activity(no_op, value, start_to_close_timeout=_LIMIT)
        return value


RAW_WORKFLOWS = (Activities, LocalActivities)
