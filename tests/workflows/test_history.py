"""What Temporal's history of a run looks like: what is in it, in which order, and what is not (T-46, T-48, T-53)."""

import asyncio
import logging
import os
from itertools import pairwise

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from contracts.execution import GraphExecutionResult
from engine.model import Status
from tests.support.blocks import Drip, Hang, Pass, PassOn, Sink
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack
from workflows.graph_execution import GraphExecution


async def test_a_run_that_only_waits_adds_no_events(stack: Stack) -> None:
    """Nothing polls: the workflow wakes when something happens (S-171)."""
    handle = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(handle.id):
        if await stack.store.executions.nodes(handle.id):
            break
    await asyncio.sleep(0.3)
    before = (await handle.describe()).history_length
    await asyncio.sleep(1)
    assert (await handle.describe()).history_length == before
    history = await handle.fetch_history()
    assert not any(event.HasField("timer_started_event_attributes") for event in history.events)
    await handle.cancel()
    await stack.outcome(handle)


async def test_activities_bear_the_ids_of_their_node_executions_and_their_worker_is_named(stack: Stack) -> None:
    outcome = await stack.run(
        graph([node("a", PassOn, value=1), node("b", PassOn)], "a.value -> b.value"),
    )
    events = (await outcome.handle.fetch_history()).events
    scheduled = [event.activity_task_scheduled_event_attributes for event in events]
    assert [each.activity_id for each in scheduled if each.activity_id] == [n.id for n in outcome.nodes]
    assert all(
        each.HasField("start_to_close_timeout") and each.HasField("heartbeat_timeout")
        for each in scheduled
        if each.activity_id
    )
    identities = {event.activity_task_started_event_attributes.identity for event in events} - {""}
    assert len(identities) == 1
    assert str(os.getpid()) in identities.pop()


async def test_what_is_routed_was_written_before(stack: Stack) -> None:
    """The event that tells of an output comes before any of the execution that it set going (S-178, T-1)."""
    outcome = await stack.run(
        graph([node("drip", Drip, value=4, seconds=0.1), node("next", PassOn)], "drip.value -> next.value")
    )
    events = await stack.store.executions.events(outcome.handle.id, after=0, limit=1000)
    told = {
        index: event.seq
        for event in events
        if event.node_id == "drip"
        for index in range(event.first_output, event.first_output + event.output_count)
    }
    for number, execution in enumerate(outcome.of("next")):
        first = min(event.seq for event in events if event.node_execution_id == execution.id)
        assert told[number] < first
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].type == "graph_execution_update"


async def test_executions_of_one_node_run_at_the_same_time(stack: Stack) -> None:
    outcome = await stack.run(
        graph(
            [*(node(name, Pass, value=1) for name in "abc"), node("each", Drip, seconds=0.3)],
            *(f"{name}.value -> each.value" for name in "abc"),
        )
    )
    runs = outcome.of("each")
    assert len(runs) == 3
    for one, following in pairwise(runs):
        assert following.started_at is not None
        assert one.ended_at is not None
        assert following.started_at < one.ended_at


async def test_the_result_says_how_it_went_and_holds_no_values(stack: Stack) -> None:
    handle = await stack.start(
        graph([node("p", Pass, value="x" * 1000), node("o", Sink, name="y")], "p.value -> o.value")
    )
    result = GraphExecutionResult.model_validate(await handle.result())
    assert (result.execution_id, result.status, result.error) == (handle.id, Status.COMPLETED, None)
    assert (result.stats.node_count, result.stats.node_error_count) == (2, 0)
    assert 0 < result.stats.walltime < 10
    assert (
        "xxx"
        not in (await handle.fetch_history())
        .events[-1]
        .workflow_execution_completed_event_attributes.result.payloads[0]
        .data.decode()
    )


async def test_replay_tells_nothing_twice(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "temporalio.workflow")
    outcome = await stack.run(graph([node("a", PassOn, value=1)]))
    [a] = outcome.nodes
    assert f"Dispatching node execution {a.id}" in caplog.text
    history: WorkflowHistory = await outcome.handle.fetch_history()
    caplog.clear()
    replayer = Replayer(
        workflows=[GraphExecution],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(history)
    assert not [record for record in caplog.records if record.name.startswith(("temporalio.workflow", "heddle"))]
