"""A block by itself: a workflow with one activity, through the API's own door to Temporal."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from activities.single_block import BlockActivities
from api.runs import TemporalRuns
from blocks.base import BlockContext, BlockError
from blocks.data.sampling import DataSampling
from blocks.files.kept import FileStore
from blocks.maths import Calculator
from blocks.people import HumanInTheLoop, WaitForEvent
from blocks.persistence import PersistInformation
from contracts.block_execution import BLOCK_EXECUTION, BlockExecutionInput, BlockExecutionResult, BlockRequest
from contracts.errors import SystemFault, Unavailable
from store.postgres import PostgresStore
from tests.support.blocks import Big, Drip, Fail, Film, Hang, Nap, PassOnce, Sub
from tests.workflows.conftest import USER, Stack, opened_stack
from workflows.block_execution import BlockExecution


@pytest.fixture(scope="module")
async def alone(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        further_blocks=(Calculator, FileStore, PersistInformation, HumanInTheLoop, DataSampling),
        max_outputs_per_node=5,
    ) as opened:
        yield opened


async def run(stack: Stack, block_id: str, limit: float = 20.0, **inputs: Any) -> BlockExecutionResult:
    runs = TemporalRuns(stack.client, task_queue=stack.settings.task_queue)
    asked = BlockExecutionInput(block_id=block_id, user_id=USER, inputs=inputs, seconds=limit)
    return await runs.run_block(f"block-{uuid.uuid4()}", asked, name="A block")


async def test_inputs_are_converted_and_outputs_come_back(alone: Stack) -> None:
    result = await run(alone, Calculator.id, operation="Add", a="1.5", b=2)
    assert (result.outputs, result.error) == ({"value": {"result": [3.5]}}, None)


async def test_dynamic_pins_and_repeated_outputs(alone: Stack) -> None:
    result = await run(alone, Drip.id, value=3, seconds=0)
    assert result.outputs == {"value": {"value": [0, 1, 2]}}


async def test_a_large_output_is_stored(alone: Stack) -> None:
    result = await run(alone, Big.id, value=100_000)
    assert "ref" in result.outputs
    [value] = (await alone.store.values.get([result.outputs])).values()
    assert list(value) == ["value"]


async def test_large_inputs_come_by_reference(alone: Stack) -> None:
    reference = await alone.store.values.put("block-x", b'"7"')
    asked = BlockExecutionInput(
        block_id=Calculator.id, user_id=USER, inputs={"operation": "Add", "b": 1}, input_refs={"a": reference}
    )
    runs = TemporalRuns(alone.client, task_queue=alone.settings.task_queue)
    result = await runs.run_block(f"block-{uuid.uuid4()}", asked, name="Add")
    assert result.outputs == {"value": {"result": [8]}}


@pytest.mark.parametrize(
    ("block_id", "inputs", "code", "words"),
    [
        (Calculator.id, {"a": 1}, "invalid_input", "`operation` is required"),
        (Calculator.id, {"operation": "Guess", "a": 1, "b": 1}, "invalid_input", "operation"),
        (Fail.id, {"value": 1}, "block_failed", "boom"),
        (WaitForEvent.id, {"name": "go"}, "block_failed", "takes a graph"),
        (Nap.id, {"value": 9}, "too_many_outputs", "more than 5"),
        (Sub.id, {"graph_id": "g", "graph_version": 1}, "block_failed", "graph only"),
        (HumanInTheLoop.id, {"data": 1, "name": "x"}, "block_failed", "graph only"),
        ("nobody", {}, "block_failed", "does not have the block"),
        (Drip.id, {"value": 6, "seconds": 0}, "too_many_outputs", "more than 5"),
        (PersistInformation.id, {"key": "k", "value": 1}, "block_failed", "no agent here"),
        (DataSampling.id, {"data": [[1]], "accumulate": True}, "block_failed", "be collected here"),
    ],
)
async def test_failures_are_results(alone: Stack, block_id: str, inputs: dict[str, Any], code: str, words: str) -> None:
    result = await run(alone, block_id, **inputs)
    assert result.error_code == code, result
    assert words in (result.error or "")


async def test_what_came_before_a_failure_is_told(alone: Stack) -> None:
    result = await run(alone, Drip.id, value=6, seconds=0)
    assert result.outputs == {"value": {"value": [0, 1, 2, 3, 4]}}


async def test_a_block_has_a_limited_time(alone: Stack) -> None:
    result = await asyncio.wait_for(run(alone, Hang.id, 0.5, value=1), 20)
    assert (result.error_code, result.error) == ("timed_out", "Node execution exceeded 0.5s wall-clock cap")


async def test_a_block_that_sleeps_goes_on_with_what_it_kept(alone: Stack) -> None:
    result = await run(alone, Nap.id, value=3)
    assert (result.outputs, result.error) == ({"value": {"value": [0, 1, 2, 3]}}, None)


async def test_a_job_is_begun_once_and_looked_at(alone: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for step in ("begin", "look"):
        Path(f"{log}.{step}").touch()
    result = await run(alone, Film.id, value="tea", file=str(log))
    assert (result.outputs, result.error) == ({"value": {"value": ["begun", "tea"]}}, None)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["begin", "look", "look"]


async def test_what_came_before_a_sleep_is_told_whatever_comes_then(
    alone: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as credentials that were deleted meanwhile."""
    prepared = BlockActivities._prepared

    async def refusing(self: BlockActivities, request: BlockRequest) -> Any:
        if request.resume:
            raise BlockError("gone")
        return await prepared(self, request)

    monkeypatch.setattr(BlockActivities, "_prepared", refusing)
    result = await run(alone, Nap.id, value=3)
    assert (result.outputs, result.error) == ({"value": {"value": [0]}}, "gone")


@pytest.mark.parametrize(("step", "code", "looks"), [("begin", "outcome_unknown", 0), ("look", None, 3)])
async def test_a_look_is_repeated_and_a_beginning_is_not(
    alone: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: str | None, looks: int
) -> None:
    """After an attempt whose worker could not tell what came of it."""
    collect, lost = BlockActivities._collect, list[int]()

    async def losing(self: BlockActivities, block: Any, inputs: Any, context: BlockContext, *more: Any) -> Any:
        slept = await collect(self, block, inputs, context, *more)
        if (context.resume is None) == (step == "begin") and not lost:
            lost.append(1)
            raise SystemFault("the worker is gone")
        return slept

    monkeypatch.setattr(BlockActivities, "_collect", losing)
    log = tmp_path / "log"
    for name in ("begin", "look"):
        Path(f"{log}.{name}").touch()
    result = await run(alone, Film.id, value="tea", file=str(log))
    assert (len(lost), result.error_code) == (1, code)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["begin", *["look"] * looks]


async def test_a_block_sleeps_no_longer_than_its_caller_waits(alone: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    Path(f"{log}.begin").touch()
    result = await asyncio.wait_for(run(alone, Film.id, 5, value="tea", file=str(log), seconds=6), 20)
    assert result.error_code == "timed_out"
    assert "longer than the 5 seconds" in str(result.error)
    assert result.outputs == {"value": {"value": ["begun"]}}, "what it gave is told"
    assert log.read_text().count("\n") == 1


async def test_time_runs_on_while_a_block_sleeps(alone: Stack, tmp_path: Path) -> None:
    """A look has only what the sleep has left of the caller's time."""
    log = tmp_path / "log"
    Path(f"{log}.begin").touch()
    result = await asyncio.wait_for(run(alone, Film.id, 3, value="tea", file=str(log), seconds=1), 20)
    assert result.error_code == "timed_out"
    cap = float(str(result.error).removeprefix("Node execution exceeded ").partition("s ")[0])
    assert 0 < cap < 2
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["begin", "look"]


async def test_an_effectful_block_runs(alone: Stack) -> None:
    result = await run(alone, PassOnce.id, value=4)
    assert result.outputs == {"value": {"value": [4]}}


async def test_it_can_be_started_by_hand(alone: Stack) -> None:
    handle = await alone.client.start_workflow(
        BLOCK_EXECUTION,
        {"block_id": FileStore.id, "user_id": USER, "inputs": {"file_in": "data:,tea", "base_64": True}},
        id=f"block-{uuid.uuid4()}",
        task_queue=alone.settings.task_queue,
        result_type=BlockExecutionResult,
    )
    assert (await handle.result()).outputs == {"value": {"file_out": ["data:text/plain;base64,dGVh"]}}


async def test_its_history_replays(alone: Stack) -> None:
    handle = await alone.client.start_workflow(
        BLOCK_EXECUTION,
        BlockExecutionInput(block_id=PassOnce.id, user_id=USER, inputs={"value": 1}),
        id=f"block-{uuid.uuid4()}",
        task_queue=alone.settings.task_queue,
    )
    await handle.result()
    replayer = Replayer(
        workflows=[BlockExecution],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(await handle.fetch_history())


async def test_nobody_there(temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.runs.BLOCK_GRACE_SECONDS", 1.0)
    runs = TemporalRuns(temporal_client, task_queue=f"nobody-{uuid.uuid4()}")
    asked = BlockExecutionInput(block_id=Calculator.id, user_id=USER, seconds=0.5)
    with pytest.raises(Unavailable, match="No worker"):
        await runs.run_block(f"block-{uuid.uuid4()}", asked, name="Add")
