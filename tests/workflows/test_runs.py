"""Runs of graphs through the real server: what happens is what the rows say."""

import time
import uuid
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from contracts import search_attributes
from contracts.execution import GRAPH_EXECUTION
from engine.model import Status
from tests.support.blocks import (
    Big,
    Blocking,
    Countdown,
    Drip,
    Fail,
    Hang,
    Nap,
    Pair,
    Pass,
    PassOn,
    PassOnce,
    Raise,
    Random,
    Sink,
    Source,
    Spread,
    Wide,
)
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack


async def test_a_chain_of_pure_nodes_is_one_local_activity(stack: Stack) -> None:
    chain = graph(
        [node("in", Source, name="x"), node("a", Pass), node("b", Pass), node("out", Sink, name="y")],
        "in.result -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
    )
    outcome = await stack.run(chain, {"x": {"k": [1, None]}})
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"y": [{"k": [1, None]}]}
    assert [n.status for n in outcome.nodes] == [Status.COMPLETED] * 4
    history = await outcome.handle.fetch_history()
    assert len([e for e in history.events if e.HasField("marker_recorded_event_attributes")]) == 1
    assert not any(e.HasField("activity_task_scheduled_event_attributes") for e in history.events)


async def test_nodes_with_activities_of_their_own(stack: Stack) -> None:
    chain = graph(
        [node("in", Source, name="x"), node("a", PassOn), node("b", PassOnce), node("out", Sink, name="y")],
        "in.result -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
    )
    outcome = await stack.run(chain, {"x": 7})
    assert outcome.outputs == {"y": [7]}
    assert [n.status for n in outcome.nodes] == [Status.COMPLETED] * 4
    assert outcome.execution.stats["node_count"] == 4


async def test_a_failed_node_routes_its_error_and_the_run_completes(stack: Stack) -> None:
    failing = graph(
        [
            node("f", Fail, value=1),
            node("ok", Sink, name="ok"),
            node("bad", Sink, name="bad"),
        ],
        "f.value -> ok.value",
        "f.error -> bad.value",
    )
    outcome = await stack.run(failing)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs == {"ok": [1], "bad": ["boom"]}
    assert outcome.of("f")[0].status is Status.FAILED
    assert outcome.execution.stats["node_error_count"] == 1


async def test_a_node_that_sleeps_goes_on_after_its_timer(stack: Stack) -> None:
    napping = graph([node("nap", Nap, value=2), node("out", Sink, name="n")], "nap.value -> out.value")
    outcome = await stack.run(napping)
    assert outcome.outputs == {"n": [0, 1, 2]}
    assert outcome.of("nap")[0].status is Status.COMPLETED


async def test_a_node_that_sleeps_and_leads_nowhere_completes(stack: Stack) -> None:
    outcome = await stack.run(graph([node("nap", Nap, value=2)]))
    assert outcome.execution.status is Status.COMPLETED, outcome.execution.error
    assert len(outcome.of("nap")[0].outputs) == 3


async def test_outputs_are_routed_while_the_node_still_runs(stack: Stack) -> None:
    dripping = graph([node("drip", Drip, value=5, seconds=0.1), node("next", PassOn)], "drip.value -> next.value")
    outcome = await stack.run(dripping)
    drip_end = outcome.of("drip")[0].ended_at
    assert drip_end is not None
    before = [n for n in outcome.of("next") if n.started_at is not None and n.started_at < drip_end]
    assert len(before) >= 3
    assert [n.inputs["value"] for n in outcome.of("next")] == [{"value": i} for i in range(5)]


async def test_values_above_the_inline_limit_travel_by_reference(stack: Stack) -> None:
    big = graph(
        [node("big", Big, value=3_000_000), node("a", Pass), node("b", PassOn), node("out", Sink, name="y")],
        "big.value -> a.value",
        "a.value -> b.value",
        "b.value -> out.value",
    )
    outcome = await stack.run(big)
    assert outcome.execution.status is Status.COMPLETED
    [reference] = outcome.outputs["y"]
    assert reference["size"] == 3_000_002
    assert (await stack.store.values.get([reference]))[reference["ref"]] == "x" * 3_000_000
    history = await outcome.handle.fetch_history()
    assert len(history.to_json()) < 60_000


async def test_a_stopped_run_is_terminated_everywhere(stack: Stack) -> None:
    hanging = graph([node("hang", Hang, value=1), node("after", Sink, name="y")], "hang.value -> after.value")
    handle = await stack.start(hanging)
    async for _ in stack.watch(handle.id):
        nodes = await stack.store.executions.nodes(handle.id)
        if any(n.node_id == "after" and n.status is Status.COMPLETED for n in nodes):
            break
    await handle.cancel()
    outcome = await stack.outcome(handle)
    assert isinstance(outcome.failure, CancelledError)
    assert outcome.execution.status is Status.TERMINATED
    assert outcome.of("hang")[0].status is Status.TERMINATED
    assert outcome.outputs == {"y": [1]}
    description = await handle.describe()
    assert description.status is WorkflowExecutionStatus.CANCELED
    assert description.typed_search_attributes.get(search_attributes.STATUS) == "TERMINATED"


async def test_a_run_stopped_before_it_began_is_terminated(stack: Stack) -> None:
    handle = await stack.start(graph([node("hang", Hang, value=1)]), start_delay=timedelta(seconds=30))
    await handle.cancel()
    outcome = await stack.outcome(handle)
    assert outcome.execution.status is Status.TERMINATED


async def test_a_run_that_cannot_run_fails_and_says_why(stack: Stack) -> None:
    outcome = await stack.run(graph([node("in", Source, name="x")]), {"y": 1})
    assert outcome.execution.status is Status.FAILED
    assert outcome.execution.error_code == "validation_error"
    assert isinstance(outcome.failure, ApplicationError)
    assert "no input 'y'" in str(outcome.failure)


async def test_a_bad_input_from_the_command_line_fails_with_a_readable_error(stack: Stack) -> None:
    handle = await stack.client.start_workflow(
        GRAPH_EXECUTION, {"graph": "x"}, id=str(uuid.uuid4()), task_queue=stack.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert "graph_id: Field required" in str(caught.value.cause)


async def test_a_loop_ends_and_every_pass_has_its_row(stack: Stack) -> None:
    loop = graph(
        [node("count", Countdown, value=50), node("out", Sink, name="n")],
        "count.again -> count.value",
        "count.done -> out.value",
    )
    outcome = await stack.run(loop, nodes_input_masks={})
    assert outcome.execution.status is Status.FAILED  # nothing starts it: its only pin is linked
    started = graph(
        [node("in", Source, name="n"), node("count", Countdown), node("out", Sink, name="n")],
        "in.result -> count.value",
        "count.again -> count.value",
        "count.done -> out.value",
    )
    outcome = await stack.run(started, {"n": 3000})
    assert outcome.outputs == {"n": ["done"]}
    assert len(outcome.of("count")) == 3001
    assert (await outcome.handle.query("progress"))["done"] == 3003


async def test_a_block_that_blocks_its_loop_stalls_no_other_run(stack: Stack) -> None:
    blocking = await stack.start(graph([node("b", Blocking, value=1)]))
    started = time.monotonic()
    quick = await stack.run(graph([node("a", Pass, value=1), node("out", Sink, name="y")], "a.value -> out.value"))
    assert quick.outputs == {"y": [1]}
    assert time.monotonic() - started < 1
    assert (await stack.outcome(blocking)).execution.status is Status.COMPLETED


async def test_node_executions_that_wait_are_in_the_rows(stack: Stack) -> None:
    waiting = graph(
        [node("a", Pass, value=1), node("b", Fail, value=1), node("join", Pair)],
        "a.value -> join.left",
        "b.nothing -> join.right",
    )
    outcome = await stack.run(waiting)
    assert outcome.execution.status is Status.COMPLETED
    [join] = outcome.of("join")
    assert join.status is Status.INCOMPLETE
    assert join.inputs == {"left": {"value": 1}}
    assert outcome.execution.stats["incomplete_count"] == 1


async def test_queries_tell_how_far_a_run_is(stack: Stack) -> None:
    handle = await stack.start(graph([node("hang", Hang, value=1)]))
    async for _ in stack.watch(handle.id):
        if await stack.store.executions.nodes(handle.id):
            break
    assert (await handle.query("progress"))["running"] == 1
    [running] = await handle.query("node_executions")
    assert running["node_id"] == "hang"
    await handle.cancel()
    await stack.outcome(handle)
    assert (await handle.query("progress"))["running"] == 0


async def test_a_fan_out_larger_than_any_payload_goes_through(stack: Stack) -> None:
    # 1,500 values of 8,000 characters: twelve megabytes would be in the state between two batches.
    spread = graph(
        [node("all", Spread, value=1500), node("each", Pass), node("slow", PassOn, value=1), node("join", Pair)],
        "all.value -> each.value",
        "each.value -> join.left",
        "slow.value -> join.right",
    )
    outcome = await stack.run(spread)
    assert outcome.execution.status is Status.COMPLETED, outcome.execution.error
    assert len(outcome.of("each")) == 1500
    assert {n.status for n in outcome.of("each")} == {Status.COMPLETED}
    assert sorted(n.status for n in outcome.of("join")) == ["COMPLETED", *["INCOMPLETE"] * 1499]


async def test_a_workflow_id_that_is_no_execution_id_is_refused(stack: Stack) -> None:
    handle = await stack.client.start_workflow(
        GRAPH_EXECUTION, {"graph_id": "g", "user_id": "u"}, id="no spaces", task_queue=stack.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert "no spaces" in str(caught.value.cause)


async def test_a_stop_is_heard_in_a_long_loop_of_pure_nodes(stack: Stack) -> None:
    loop = graph(
        [node("in", Source, name="n"), node("count", Countdown)],
        "in.result -> count.value",
        "count.again -> count.value",
    )
    handle = await stack.start(loop, {"n": 1_000_000})
    async for _ in stack.watch(handle.id):
        if len(await stack.store.executions.events(handle.id, after=2000, limit=1)):
            break
    stopped = time.monotonic()
    await handle.cancel()
    outcome = await stack.outcome(handle)
    assert outcome.execution.status is Status.TERMINATED
    assert time.monotonic() - stopped < 10


async def test_a_wide_fan_out_of_activities_with_many_large_values_goes_through(stack: Stack) -> None:
    # Fifty values of 15 KB to four pins each: more than one message to the server may hold.
    arrows = [f"all.value -> wide.p{i}" for i in range(4)]
    wide = graph([node("all", Random, value=50, size=15_000), node("wide", Wide)], *arrows)
    outcome = await stack.run(wide)
    assert outcome.execution.status is Status.COMPLETED, outcome.execution.error
    assert [n.status for n in outcome.of("wide")] == [Status.COMPLETED] * 50


async def test_a_burst_larger_than_any_message_goes_through(stack: Stack) -> None:
    burst = graph([node("all", Random, value=1500, size=2_000), node("each", Pass)], "all.value -> each.value")
    outcome = await stack.run(burst)
    assert outcome.execution.status is Status.COMPLETED, outcome.execution.error
    assert [n.status for n in outcome.of("each")] == [Status.COMPLETED] * 1500


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
async def test_an_error_text_that_cannot_be_stored_is_cleaned(stack: Stack, text: str) -> None:
    bad = graph(
        [node("p", Raise, value=text.encode("utf-16", "surrogatepass").hex()), node("out", Sink, name="e")],
        "p.error -> out.value",
    )
    outcome = await stack.run(bad)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.of("p")[0].status is Status.FAILED
    [message] = outcome.outputs["e"]
    assert message.startswith("a")


async def test_a_mask_stays_in_the_row(stack: Stack) -> None:
    masked = graph([node("all", Random, value=20, size=10), node("wide", PassOn)], "all.value -> wide.value")
    outcome = await stack.run(masked, nodes_input_masks={"wide": {"note": "y" * 10_000}})
    assert [len(n.inputs["note"]["value"]) for n in outcome.of("wide")] == [10_000] * 20
    assert len((await outcome.handle.fetch_history()).to_json()) < 300_000
