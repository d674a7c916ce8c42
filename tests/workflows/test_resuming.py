"""A run that was stopped, terminated or failed goes on where it was; what had ended is not run again."""

import asyncio
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from blocks.people import HumanInTheLoop, WaitForEvent
from contracts.activities import EVENT
from contracts.bulk import BULK_PROGRESS, BULK_RESUME, BulkProgress, BulkResumeInput
from contracts.execution import GRAPH_EXECUTION
from engine.model import GraphPolicy, OnNodeError, Status
from engine.values import inline
from store.postgres import PostgresStore
from store.records import Execution, NewExecution
from tests.support.blocks import (
    Countdown,
    Drip,
    FailUntil,
    FailUntilOnce,
    Hang,
    Nap,
    Pair,
    Pass,
    Sink,
    Source,
    Spread,
    Stages,
    Sub,
    Trace,
    TraceOnce,
)
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Outcome, Stack, opened_stack
from tests.workflows.test_reviews import asking, decide, shown, waiting

FAILS = GraphPolicy(on_node_error=OnNodeError.FAIL)


async def resume(stack: Stack, execution_id: str, **fields: Any) -> WorkflowHandle[Any, Any]:
    """As `temporal workflow start` would."""
    row = await row_of(stack, execution_id)
    asked = {"graph_id": row.graph_id, "user_id": USER, "resume": True, **fields}
    return await stack.client.start_workflow(
        GRAPH_EXECUTION, asked, id=execution_id, task_queue=stack.settings.task_queue
    )


async def resumed(stack: Stack, execution_id: str) -> Outcome:
    return await stack.outcome(await resume(stack, execution_id))


async def row_of(stack: Stack, execution_id: str) -> Execution:
    row = await stack.store.executions.get(USER, execution_id)
    assert row is not None
    return row


async def until(stack: Stack, execution_id: str, node_id: str, *statuses: Status, count: int = 1) -> None:
    async with asyncio.timeout(30):
        async for _ in stack.watch(execution_id):
            nodes = await stack.store.executions.nodes(execution_id)
            if len([n for n in nodes if n.node_id == node_id and n.status in statuses]) >= count:
                return


def entries(file: Path) -> Counter[str]:
    """How often each node was entered."""
    return Counter(line.split()[0] for line in file.read_text().splitlines()) if file.exists() else Counter()


def traced(log: Path, go: Path, middle: Any = Trace) -> Any:
    return graph(
        [
            node("in", Source, name="x"),
            node("first", Trace, file=str(log)),
            node("middle", middle, file=str(log), wait_for=str(go)),
            node("last", Trace, file=str(log)),
            node("out", Sink, name="y"),
        ],
        "in.result -> first.value",
        "first.value -> middle.value",
        "middle.value -> last.value",
        "last.value -> out.value",
    )


async def test_a_stopped_run_goes_on_and_runs_nothing_twice(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    handle = await stack.start(traced(log, go), {"x": {"a": [1, 2.0]}})
    await until(stack, handle.id, "middle", Status.RUNNING)
    async with asyncio.timeout(10):
        while "middle" not in entries(log):
            await asyncio.sleep(0.02)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    assert stopped.execution.status is Status.TERMINATED
    [first] = stopped.of("first")
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.execution.status is Status.COMPLETED, again.execution.error
    assert again.outputs == {"y": [{"a": [1, 2.0]}]}
    assert entries(log) == {"first": 1, "middle": 2, "last": 1}
    assert again.of("first") == [first]
    assert [n.status for n in again.nodes] == [Status.COMPLETED] * 5
    assert again.execution.stats["node_count"] == 5
    assert again.execution.stats["walltime"] > stopped.execution.stats["walltime"]
    assert again.execution.created_at == stopped.execution.created_at
    assert (await again.handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    events = await stack.store.executions.events(handle.id, after=0, limit=99)
    ends = [e for e in events if e.node_execution_id is None and e.status.is_final]
    assert [e.status for e in ends] == [Status.COMPLETED]


async def test_a_run_that_was_terminated_goes_on(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    handle = await stack.start(traced(log, go), {"x": 1})
    await until(stack, handle.id, "first", Status.COMPLETED)
    await handle.terminate("by somebody")
    # The row does not know of it yet.
    assert (await row_of(stack, handle.id)).status is Status.RUNNING
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.outputs == {"y": [1]}
    assert entries(log)["first"] == 1


async def test_an_effectful_block_that_was_entered_is_not_entered_again(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    handle = await stack.start(traced(log, go, TraceOnce), {"x": 1})
    async with asyncio.timeout(30):
        while "middle" not in entries(log):
            await asyncio.sleep(0.02)
    await handle.cancel()
    await stack.outcome(handle)
    for _ in range(2):
        again = await resumed(stack, handle.id)
        assert again.execution.status is Status.COMPLETED
        [middle] = again.of("middle")
        assert middle.status is Status.FAILED
        assert "outcome is unknown" in str(middle.error)
    assert entries(log) == {"first": 1, "middle": 1}


@pytest.mark.parametrize("block", [FailUntil, FailUntilOnce])
async def test_a_run_that_failed_goes_on_with_the_node_that_failed(stack: Stack, tmp_path: Path, block: Any) -> None:
    there = tmp_path / "there"
    log = tmp_path / "log"
    failing = graph(
        [
            node("in", Source, name="x"),
            node("before", Trace, file=str(log)),
            node("it", block, file=str(there)),
            node("each", Sink, name="each"),
            node("done", Sink, name="done"),
            node("bad", Sink, name="bad"),
        ],
        "in.result -> before.value",
        "before.value -> it.value",
        "it.value -> each.value",
        "it.done -> done.value",
        "it.error -> bad.value",
        policy=FAILS,
    )
    failed = await stack.run(failing, {"x": 3})
    assert failed.execution.status is Status.FAILED
    for _ in range(2):
        again = await resumed(stack, failed.handle.id)
        assert again.execution.status is Status.FAILED
        assert again.execution.error == "not yet"
    there.touch()
    again = await resumed(stack, failed.handle.id)
    assert again.execution.status is Status.COMPLETED, again.execution.error
    assert (again.execution.error, again.execution.error_code) == (None, None)
    assert again.outputs == {"each": [3], "done": [3]}
    assert entries(Path(f"{there}.log")) == {"it": 4}
    assert entries(log) == {"before": 1}
    [it] = again.of("it")
    assert (it.status, it.error, [o.name for o in it.outputs]) == (Status.COMPLETED, None, ["value", "done"])
    assert again.execution.stats["node_error_count"] == 0
    # Once more: everything is kept.
    third = await resumed(stack, failed.handle.id)
    assert third.execution.status is Status.COMPLETED
    assert third.outputs == again.outputs


async def test_a_failure_that_was_routed_stays(stack: Stack, tmp_path: Path) -> None:
    there = tmp_path / "there"
    routed = graph(
        [node("it", FailUntil, value=1, file=str(there)), node("bad", Sink, name="bad"), node("hang", Hang, value=1)],
        "it.error -> bad.value",
    )
    handle = await stack.start(routed)
    await until(stack, handle.id, "bad", Status.COMPLETED)
    await handle.cancel()
    await stack.outcome(handle)
    there.touch()
    handle = await resume(stack, handle.id)
    await until(stack, handle.id, "hang", Status.RUNNING)
    await handle.cancel()
    again = await stack.outcome(handle)
    assert again.of("it")[0].status is Status.FAILED
    assert again.outputs == {"bad": ["not yet"]}
    assert entries(Path(f"{there}.log")) == {"it": 1}


async def test_outputs_of_a_stream_that_was_cut_stand_and_the_rest_follows(stack: Stack) -> None:
    dripping = graph(
        [node("drip", Drip, value=8, seconds=0.1), node("each", Pass), node("out", Sink, name="y")],
        "drip.value -> each.value",
        "each.value -> out.value",
    )
    handle = await stack.start(dripping)
    await until(stack, handle.id, "out", Status.COMPLETED, count=3)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    assert 3 <= len(stopped.outputs["y"]) < 8
    before = [n.id for n in stopped.nodes if n.status is Status.COMPLETED]
    again = await resumed(stack, handle.id)
    assert again.execution.status is Status.COMPLETED
    assert again.outputs == {"y": list(range(8))}
    assert len(again.of("drip")) == 1
    assert [o.index for o in again.of("drip")[0].outputs] == list(range(8))
    assert {n.id for n in again.nodes} >= set(before)
    ended = {n.id: n.ended_at for n in stopped.nodes}
    assert all(n.ended_at == ended[n.id] for n in again.nodes if n.id in before)


async def test_a_loop_goes_on_in_the_middle(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    loop = graph(
        [
            node("in", Source, name="n"),
            node("count", Countdown),
            node("each", Trace, file=str(log), wait_for=str(go)),
            node("out", Sink, name="n"),
        ],
        "in.result -> count.value",
        "count.again -> each.value",
        "each.value -> count.value",
        "count.done -> out.value",
    )
    go.touch()
    handle = await stack.start(loop, {"n": 40})
    await until(stack, handle.id, "each", Status.COMPLETED, count=10)
    go.unlink()
    await until(stack, handle.id, "each", Status.RUNNING)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    done = len([n for n in stopped.of("each") if n.status is Status.COMPLETED])
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.outputs == {"n": ["done"]}
    assert len(again.of("each")) == 40
    assert len(again.of("count")) == 41
    assert done >= 10
    assert entries(log)["each"] <= 41


async def test_pairs_stay_together_and_what_waits_goes_on_waiting(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    pairs = graph(
        [
            node("drip", Drip, value=4, seconds=0.02),
            node("slow", Trace, value="s", file=str(log), wait_for=str(go)),
            node("join", Pair),
            node("alone", Pair),
            node("out", Sink, name="y"),
        ],
        "drip.value -> join.left",
        "slow.value -> join.right",
        "join.value -> out.value",
        "drip.value -> alone.left",
        "slow.nothing -> alone.right",
    )
    pairs.links[-1].source_name = "error"
    handle = await stack.start(pairs)
    await until(stack, handle.id, "join", Status.INCOMPLETE, count=4)
    await until(stack, handle.id, "drip", Status.COMPLETED)
    await handle.cancel()
    await stack.outcome(handle)
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.outputs == {"y": [[0, "s"]]}
    assert Counter(n.status for n in again.of("join")) == {Status.COMPLETED: 1, Status.INCOMPLETE: 3}
    assert Counter(n.status for n in again.of("alone")) == {Status.INCOMPLETE: 4}
    assert again.execution.stats["incomplete_count"] == 7


async def test_one_that_slept_goes_on_with_what_it_asked_to_keep(stack: Stack) -> None:
    napping = graph([node("nap", Nap, value=300), node("out", Sink, name="n")], "nap.value -> out.value")
    handle = await stack.start(napping)
    await until(stack, handle.id, "out", Status.COMPLETED, count=3)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    given = stopped.outputs["n"]
    handle = await resume(stack, handle.id)
    await until(stack, handle.id, "out", Status.COMPLETED, count=len(given) + 3)
    await handle.cancel()
    again = await stack.outcome(handle)
    assert again.outputs["n"] == list(range(len(again.outputs["n"])))
    assert len(again.outputs["n"]) >= len(given) + 3


async def test_a_review_waits_as_before(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": 1})
    (review,) = await waiting(stack, handle)
    await shown(stack, handle, Status.REVIEW)
    await handle.cancel()
    assert (await stack.outcome(handle)).execution.status is Status.TERMINATED
    for _ in range(2):
        handle = await resume(stack, handle.id)
        (again,) = await waiting(stack, handle)
        await shown(stack, handle, Status.REVIEW)
        assert (again.id, again.asked_at) == (review.id, review.asked_at)
        assert len(await stack.store.reviews.of_execution(USER, handle.id)) == 1
        if not _:
            await handle.cancel()
            await stack.outcome(handle)
    await decide(handle, review.id)
    assert (await stack.outcome(handle)).outputs["yes"] == [1]
    # What was decided stays so.
    ended = await resumed(stack, handle.id)
    assert ended.outputs["yes"] == [1]


async def test_a_node_approved_for_good_stays_so(stack: Stack) -> None:
    twice = graph(
        [
            node("now", Pass, value=1),
            node("later", WaitForEvent, name="more"),
            node("ask", HumanInTheLoop, name="it"),
            node("out", Sink, name="n"),
        ],
        "now.value -> ask.data",
        "later.payload -> ask.data",
        "ask.approved_data -> out.value",
    )
    handle = await stack.start(twice)
    (review,) = await waiting(stack, handle)
    assert (await decide(handle, review.id, approve_future=True)).lasts
    await until(stack, handle.id, "out", Status.COMPLETED)
    for _ in range(2):
        await handle.cancel()
        await stack.outcome(handle)
        handle = await resume(stack, handle.id)
        await until(stack, handle.id, "later", Status.RUNNING)
    await handle.signal(EVENT, {"name": "more", "payload": 2})
    assert (await stack.outcome(handle)).outputs == {"n": [1, 2]}
    assert len(await stack.store.reviews.of_execution(USER, handle.id)) == 1


async def test_one_that_listens_listens_again(stack: Stack) -> None:
    listening = graph(
        [node("wait", WaitForEvent, name="paid"), node("out", Sink, name="y")], "wait.payload -> out.value"
    )
    handle = await stack.start(listening)
    await until(stack, handle.id, "wait", Status.RUNNING)
    async with asyncio.timeout(10):
        while (await handle.query("node_executions"))[0]["phase"] != "listening":
            await asyncio.sleep(0.02)
    await handle.cancel()
    await stack.outcome(handle)
    handle = await resume(stack, handle.id)
    await until(stack, handle.id, "wait", Status.RUNNING)
    await handle.signal(EVENT, {"name": "paid", "payload": 5})
    assert (await stack.outcome(handle)).outputs == {"y": [5]}


async def test_all_that_failed_are_resumed(stack: Stack, tmp_path: Path) -> None:
    there = tmp_path / "there"
    failing = graph(
        [node("it", FailUntil, value=1, file=str(there)), node("out", Sink, name="y")], "it.done -> out.value"
    )
    failing = failing.model_copy(update={"id": str(uuid.uuid4()), "policy": FAILS})
    since = datetime.now(UTC)
    failed = [await stack.run(failing) for _ in range(4)]
    there.touch()
    done = await stack.run(failing)
    asked = BulkResumeInput(user_id=USER, graph_id=failing.id, since=since, per_second=4)
    handle = await stack.client.start_workflow(
        BULK_RESUME, asked, id=str(uuid.uuid4()), task_queue=stack.settings.task_queue, result_type=BulkProgress
    )
    progress = await asyncio.wait_for(handle.result(), 60)
    assert (progress.total, progress.is_over) == (4, True)
    assert (progress.started, progress.refused) == (4, 0)
    assert await handle.query(BULK_PROGRESS, result_type=BulkProgress) == progress
    for outcome in failed:
        again = await stack.outcome(stack.client.get_workflow_handle(outcome.handle.id))
        assert (again.execution.status, again.outputs) == (Status.COMPLETED, {"y": [1]})
    assert entries(Path(f"{there}.log")) == {"it": 9}
    assert (await row_of(stack, done.handle.id)).run_id == done.execution.run_id


async def test_one_that_is_stopped_after_its_sleep_goes_on_from_there(stack: Stack, tmp_path: Path) -> None:
    go = tmp_path / "go"
    staged = graph([node("it", Stages, value=str(go)), node("out", Sink, name="y")], "it.value -> out.value")
    handle = await stack.start(staged)
    for _ in range(2):
        await until(stack, handle.id, "out", Status.COMPLETED, count=2)
        await handle.cancel()
        assert (await stack.outcome(handle)).outputs == {"y": [0, 1]}
        handle = await resume(stack, handle.id)
    go.touch()
    ended = await stack.outcome(handle)
    assert ended.outputs == {"y": [0, 1, 2]}
    assert [o.value["value"] for o in ended.of("it")[0].outputs if "value" in o.value] == [0, 1, 2]


async def test_a_wide_run_is_rebuilt(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    wide = graph(
        [
            node("drip", Drip, value=2000, seconds=0),
            node("slow", Trace, value=1, file=str(log), wait_for=str(go)),
            node("join", Pair),
        ],
        "drip.value -> join.left",
        "slow.value => join.right",
    )
    handle = await stack.start(wide)
    await until(stack, handle.id, "join", Status.INCOMPLETE, count=2000)
    await handle.cancel()
    await stack.outcome(handle)
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.execution.status is Status.COMPLETED
    assert Counter(n.status for n in again.of("join")) == {Status.COMPLETED: 2000}
    assert [n.inputs["left"] for n in sorted(again.of("join"), key=lambda n: n.ordinal)][:3] == [
        {"value": number} for number in range(3)
    ]


async def test_a_sub_graph_goes_on_too(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    child = traced(log, go)
    child.nodes[0].input_default["name"] = "a"
    child.nodes[-1].input_default["name"] = "out"
    child_id, version = await stack.save(child)
    pins = {"input_schema": {"properties": {"a": {}}}, "output_schema": {"properties": {"out": {}}}}
    sub = node("sub", Sub, graph_id=child_id, graph_version=version, inputs={}, user_id="", **pins)
    parent = graph(
        [node("in", Source, name="x"), sub, node("out", Sink, name="y")], "in.result -> sub.a", "sub.out -> out.value"
    )
    handle = await stack.start(parent, {"x": "v"})
    async with asyncio.timeout(30):
        while "middle" not in entries(log):
            await asyncio.sleep(0.02)
    await handle.cancel()
    await stack.outcome(handle)
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.execution.status is Status.COMPLETED, again.execution.error
    assert again.outputs == {"y": ["v"]}
    assert entries(log) == {"first": 1, "middle": 2, "last": 1}


async def test_large_values_and_conversions_are_known_again(stack: Stack, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    large = graph(
        [
            node("in", Source, name="x"),
            node("p", Pass),
            node("all", Spread, value=3),
            node("each", Trace, file=str(log)),
            node("drip", Drip, seconds=0),
            node("held", Trace, value=0, file=str(log), wait_for=str(go)),
            node("out", Sink, name="y"),
            node("out2", Sink, name="held"),
        ],
        "in.result -> p.value",
        "p.value -> each.value",
        "all.value -> each.value",
        "in.result -> drip.value",
        "each.value -> out.value",
        "held.value -> out2.value",
    )
    large.links[3].source_name = "result_$_0"
    asked = ["2", "x" * 50_000, {"b": 1.0, "a": [None, True, 1e22]}]
    handle = await stack.start(large, {"x": asked})
    await until(stack, handle.id, "out", Status.COMPLETED, count=4)
    await until(stack, handle.id, "drip", Status.COMPLETED)
    await handle.cancel()
    stopped = await stack.outcome(handle)
    go.touch()
    again = await resumed(stack, handle.id)
    assert again.execution.status is Status.COMPLETED
    assert entries(log) == {"each": 4, "held": 2}
    kept = {n.id: n for n in stopped.nodes if n.status is Status.COMPLETED}
    assert {n.id: n for n in again.nodes if n.id in kept} == kept
    assert len(again.outputs["y"]) == 4


async def test_a_run_that_never_began_begins(stack: Stack) -> None:
    chain = graph([node("a", Pass), node("in", Source, name="x"), node("out", Sink, name="y")])
    chain = graph(chain.nodes, "in.result -> a.value", "a.value -> out.value")
    graph_id, version = await stack.save(chain)
    new = NewExecution(str(uuid.uuid4()), USER, graph_id, version, {"x": inline(7)})
    await stack.store.executions.create(new)
    again = await resumed(stack, new.id)
    assert again.outputs == {"y": [7]}
    assert again.execution.trigger == "api"


async def test_a_run_that_continued_as_new_goes_on(short_histories: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    napping = graph(
        [node("nap", Nap, value=300), node("each", Trace, file=str(log)), node("out", Sink, name="n")],
        "nap.value -> each.value",
        "each.value -> out.value",
    )
    handle = await short_histories.start(napping)
    await until(short_histories, handle.id, "out", Status.COMPLETED, count=3)
    await handle.cancel()
    stopped = await short_histories.outcome(handle)
    assert (await short_histories.client.get_workflow_handle(handle.id).describe()).run_id != handle.result_run_id
    handle = await resume(short_histories, handle.id)
    await until(short_histories, handle.id, "out", Status.COMPLETED, count=len(stopped.outputs["n"]) + 2)
    await handle.cancel()
    again = await short_histories.outcome(handle)
    assert again.outputs["n"] == list(range(len(again.outputs["n"])))
    # Each stop may have met one that was under way.
    assert entries(log)["each"] <= len(again.of("each")) + 1


@pytest.mark.parametrize("kind", [0, 1])
async def test_a_resumed_run_is_reset(stack: Stack, tmp_path: Path, kind: int) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    handle = await stack.start(traced(log, go), {"x": 1})
    await until(stack, handle.id, "middle", Status.RUNNING)
    await handle.cancel()
    await stack.outcome(handle)
    go.touch()
    resumed_once = await resumed(stack, handle.id)
    assert resumed_once.outputs == {"y": [1]}
    events = (await stack.client.get_workflow_handle(handle.id).fetch_history()).events
    tasks = [e.event_id for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    answer = await stack.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stack.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="test",
            workflow_task_finish_event_id=tasks[0 if kind == 0 else len(tasks) // 2],
            request_id=str(uuid.uuid4()),
        )
    )
    again = await stack.outcome(stack.client.get_workflow_handle(handle.id, run_id=answer.run_id))
    assert again.execution.status is Status.COMPLETED, again.execution.error
    assert again.execution.run_id == answer.run_id
    assert again.outputs == {"y": [1]}
    assert entries(log)["first"] == 1
    assert [n.status for n in again.nodes] == [Status.COMPLETED] * 5


async def test_a_resumed_run_that_is_stopped_in_the_queue_is_as_before(
    temporal_client: Client, store: PostgresStore, database_url: str
) -> None:
    async with opened_stack(temporal_client, store, database_url, max_concurrent_graph_executions_per_user=1) as narrow:
        hanging = graph([node("a", Pass, value=1), node("hang", Hang)], "a.value -> hang.value")
        handle = await narrow.start(hanging)
        await until(narrow, handle.id, "hang", Status.RUNNING)
        await handle.cancel()
        stopped = await narrow.outcome(handle)
        other = await narrow.client.start_workflow(
            GRAPH_EXECUTION,
            {"graph_id": stopped.execution.graph_id, "user_id": USER},
            id=str(uuid.uuid4()),
            task_queue=narrow.settings.task_queue,
        )
        await until(narrow, other.id, "hang", Status.RUNNING)
        waiting_run = await resume(narrow, handle.id)
        async with asyncio.timeout(30):
            while (await row_of(narrow, handle.id)).status is not Status.QUEUED:
                await asyncio.sleep(0.02)
        await waiting_run.cancel()
        again = await narrow.outcome(waiting_run)
        assert again.execution.status is Status.TERMINATED
        assert again.nodes == stopped.nodes
        assert {**again.execution.stats, "error": None} == {**stopped.execution.stats, "error": None}
        await other.cancel()
        await narrow.outcome(other)
        last = await resume(narrow, handle.id)
        await until(narrow, handle.id, "hang", Status.RUNNING)
        await last.cancel()
        await narrow.outcome(last)


async def test_a_large_run_is_rebuilt_in_a_moment(stack: Stack, tmp_path: Path) -> None:
    there = tmp_path / "there"
    loop = graph(
        [
            node("in", Source, name="n"),
            node("count", Countdown),
            node("it", FailUntil, file=str(there)),
            node("out", Sink, name="y"),
        ],
        "in.result -> count.value",
        "count.again -> count.value",
        "count.done -> it.value",
        "it.done -> out.value",
        policy=FAILS,
    )
    failed = await stack.run(loop, {"n": 3000})
    assert failed.execution.status is Status.FAILED
    there.touch()
    started = time.monotonic()
    again = await resumed(stack, failed.handle.id)
    assert again.outputs == {"y": ["done"]}
    assert again.execution.stats["node_count"] == 3004
    assert time.monotonic() - started < 20


async def test_what_cannot_be_resumed(stack: Stack) -> None:
    done = await stack.run(graph([node("a", Pass, value=1), node("out", Sink, name="y")], "a.value -> out.value"))
    handle = await resume(stack, done.handle.id, graph_id="another")
    refused = await stack.outcome(handle)
    assert refused.execution.status is Status.FAILED
    assert refused.execution.error_code == "invalid_request"
    assert refused.outputs == {"y": [1]}, "what it had done stays"
    again = await resumed(stack, done.handle.id)
    assert (again.execution.status, again.outputs) == (Status.COMPLETED, {"y": [1]})
    unknown = await stack.client.start_workflow(
        GRAPH_EXECUTION,
        {"graph_id": done.execution.graph_id, "user_id": USER, "resume": True},
        id=f"unknown-{done.handle.id}",
        task_queue=stack.settings.task_queue,
    )
    assert (await stack.outcome(unknown)).execution.error_code == "execution_not_found"


async def test_a_resumed_run_waits_for_a_slot(stack: Stack) -> None:
    # One graph, one slot: see `test_admission`.
    stopped = await stack.start(graph([node("hang", Hang, value=1)]))
    await until(stack, stopped.id, "hang", Status.RUNNING)
    await stopped.cancel()
    before = await stack.outcome(stopped)
    stack_of_one = stack.settings.max_concurrent_graph_executions_per_user
    assert stack_of_one == 25
    row = before.execution
    others = [
        await stack.client.start_workflow(
            GRAPH_EXECUTION,
            {"graph_id": row.graph_id, "user_id": USER},
            id=f"{stopped.id}-{number}",
            task_queue=stack.settings.task_queue,
        )
        for number in range(stack_of_one)
    ]
    for other in others:
        await until(stack, other.id, "hang", Status.RUNNING)
    handle = await resume(stack, stopped.id)
    async with asyncio.timeout(30):
        while (await row_of(stack, stopped.id)).status is not Status.QUEUED:
            await asyncio.sleep(0.02)
    assert [n.status for n in await stack.store.executions.nodes(stopped.id)] == [Status.TERMINATED]
    await others[0].cancel()
    await until(stack, stopped.id, "hang", Status.RUNNING)
    for each in [handle, *others[1:]]:
        await each.cancel()
    for each in [handle, *others]:
        await stack.outcome(each)
    assert (await row_of(stack, stopped.id)).stats["walltime"] > row.stats["walltime"]
