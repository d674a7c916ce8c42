"""Runs one block outside any graph, as a Temporal workflow, so that it is bounded, seen and done by a worker.

Started by the API, or by hand. The API waits for the result; only large values and files are written to the store.
"""

from temporalio import workflow

from contracts.block_execution import BLOCK_EXECUTION, BlockExecutionInput, BlockExecutionResult, BlockRequest
from workflows.activity_calls import start_block


@workflow.defn(name=BLOCK_EXECUTION)
class BlockExecution:
    """One block, once."""

    @workflow.run
    async def run(self, asked: BlockExecutionInput) -> BlockExecutionResult:
        """A block that fails is a result too; the workflow fails only when nobody could run it."""
        return await start_block(BlockRequest(execution_id=workflow.info().workflow_id, input=asked))
