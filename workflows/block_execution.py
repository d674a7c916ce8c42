"""Runs one block outside any graph, as a Temporal workflow, so that it is bounded, seen and done by a worker.

Started by the API, or by hand. The API waits for the result; only large values and files are written to the store.
"""

from datetime import timedelta

from temporalio import workflow

from contracts.block_execution import (
    BLOCK_EXECUTION,
    BlockExecutionInput,
    BlockExecutionResult,
    BlockRequest,
    BlockResume,
)
from workflows.activity_calls import start_block

_MOST_ROUNDS = 1_000
"""A history has an end: a block that sleeps for moments only is not run for an hour."""


@workflow.defn(name=BLOCK_EXECUTION)
class BlockExecution:
    """One block, once. While it sleeps it holds no worker."""

    @workflow.run
    async def run(self, asked: BlockExecutionInput) -> BlockExecutionResult:
        """A block that fails is a result too; the workflow fails only when nobody could run it."""
        request = BlockRequest(execution_id=workflow.info().workflow_id, input=asked)
        until = workflow.now() + timedelta(seconds=asked.seconds)
        for _ in range(_MOST_ROUNDS):
            ended = await start_block(request)
            if ended.sleep is None:
                return BlockExecutionResult(outputs=ended.outputs, error=ended.error, error_code=ended.error_code)
            left = (until - workflow.now()).total_seconds() - ended.sleep.seconds
            if left <= 0:
                break
            await workflow.sleep(ended.sleep.seconds)
            request = BlockRequest(
                execution_id=request.execution_id,
                input=asked.model_copy(update={"seconds": left}),
                resume=BlockResume(state=ended.sleep.state, outputs=ended.outputs),
            )
        return BlockExecutionResult(
            outputs=ended.outputs,
            error=f"The block would wait for longer than the {asked.seconds:g} seconds that it has here; what it began "
            "elsewhere may go on. In a graph it may wait.",
            error_code="timed_out",
        )
