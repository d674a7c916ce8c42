"""What the logs say of runs and their nodes, in words that operators search for, and what they never say."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

import activities.graphs
from blocks.base import Block
from contracts.activities import EVENT
from contracts.execution import GRAPH_EXECUTION
from engine.model import Status
from store.execution_writes import ExecutionWrites
from store.postgres import PostgresStore
from telemetry.logging import configure_logging
from tests.support.blocks import Drip, Hang, Pair, Pass, PassOn, Sink, Source, Stubborn
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack, opened_stack


@pytest.fixture(scope="module")
async def narrow(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker that lets one run of a user and graph go on at once and waits half a second for nodes to stop."""
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        max_concurrent_graph_executions_per_user=1,
        node_stop_timeout_seconds=0.5,
    ) as opened:
        yield opened


@pytest.mark.parametrize("block", [Pass, PassOn])
async def test_the_life_of_a_node(stack: Stack, caplog: pytest.LogCaptureFixture, block: type[Block[Any]]) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await stack.run(
        graph([node("it", block, value=[1, 2]), node("out", Sink, name="y")], "it.value -> out.value")
    )
    [it] = outcome.of("it")
    expected = [
        f"Starting graph execution #{outcome.handle.id}",
        f"Start node execution {it.id}",
        "Executed node with input",
        "Node produced output",
        "Enqueue nodes for it: value",
        f"Finished node execution {it.id}",
    ]
    said = iter(caplog.messages)
    assert [line for line in expected if line in said] == expected, "all of them, in this order"
    if block is PassOn:
        assert f"Dispatching node execution {it.id} for node it" in " ".join(caplog.messages)


async def test_a_run_that_is_resumed(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    hanging = graph([node("hang", Hang, value=1)])
    handle = await stack.start(hanging)
    async for _ in stack.watch(handle.id):
        if await stack.store.executions.nodes(handle.id):
            break
    await handle.cancel()
    stopped = (await stack.outcome(handle)).execution
    resumed = await stack.client.start_workflow(
        GRAPH_EXECUTION,
        {"graph_id": stopped.graph_id, "user_id": stopped.user_id, "resume": True},
        id=handle.id,
        task_queue=stack.settings.task_queue,
    )
    async with asyncio.timeout(20):
        while f"Graph execution #{handle.id} was disturbed, continuing where it left off." not in caplog.messages:
            await asyncio.sleep(0.02)
    await resumed.cancel()
    assert (await stack.outcome(resumed)).execution.status is Status.TERMINATED


async def test_executions_that_wait(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pairing = graph(
        [node("d", Drip, value=2, seconds=0.2), node("h", Drip, value=1, seconds=0.3), node("join", Pair)],
        "d.value -> join.left",
        "h.value -> join.right",
    )
    outcome = await stack.run(pairing)
    [waiting] = [n for n in outcome.of("join") if n.status is Status.INCOMPLETE]
    assert f"Skipped queueing join>{waiting.id}" in caplog.messages


@pytest.mark.parametrize("block", [Pass, PassOn])
async def test_inputs_that_do_not_fit(stack: Stack, caplog: pytest.LogCaptureFixture, block: type[Block[Any]]) -> None:
    caplog.set_level(logging.INFO)
    outcome = await stack.run(graph([node("p", Pass, value="x"), node("d", block)], "p.value -> d.value_$_first"))
    [refused] = outcome.of("d")
    assert refused.status is Status.FAILED
    assert f"Skip execution, input validation error: {refused.error}" in caplog.messages


async def test_one_link_that_goes_wrong_is_not_the_others(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(output: str, value: Any, selector: str) -> Any:
        if selector.endswith("bad"):
            raise RuntimeError("cannot be read")
        return value["good"]

    monkeypatch.setattr(activities.graphs, "select", broken)
    picking = graph(
        [node("p", PassOn, value={"good": 1, "bad": 2}), node("g", Sink, name="good"), node("b", Sink, name="bad")],
        "p.value_#_bad -> b.value",
        "p.value_#_good -> g.value",
    )
    outcome = await stack.run(picking)
    assert outcome.of("p")[0].status is Status.COMPLETED
    assert outcome.outputs == {"good": [1]}
    assert "Failed to register next executions: cannot be read" in caplog.messages


@pytest.mark.parametrize("block", [Pass, PassOn])
async def test_outputs_that_cannot_be_routed_fail_their_node(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, block: type[Block[Any]]
) -> None:
    selected = activities.graphs.PlacedBlock.selected

    def broken(self: activities.graphs.PlacedBlock, name: str, value: object) -> Any:
        if (self.node.id, name) == ("p", "value"):
            raise RuntimeError("a bug")
        return selected(self, name, value)

    monkeypatch.setattr(activities.graphs.PlacedBlock, "selected", broken)
    failing = graph(
        [node("p", block, value=1), node("out", Sink, name="e")], "p.value -> out.value", "p.error -> out.value"
    )
    outcome = await stack.run(failing)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.of("p")[0].status is Status.FAILED
    assert outcome.outputs == {"e": ["a bug"]}
    assert "Node eval #p failed: a bug" in caplog.messages


async def test_a_run_that_nobody_can_go_on_with(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(ExecutionWrites, "begin", broken)
    outcome = await stack.run(graph([node("a", Pass, value=1)]))
    assert outcome.execution.status is Status.FAILED
    assert any(f"Failed graph execution {outcome.handle.id}: " in line for line in caplog.messages)


async def test_a_run_that_waits_for_its_turn(narrow: Stack, caplog: pytest.LogCaptureFixture) -> None:
    same = graph([node("hang", Hang, value=1)], id="one-at-a-time")
    first = await narrow.start(same)
    async for _ in narrow.watch(first.id):
        if await narrow.store.executions.nodes(first.id):
            break
    second = await narrow.start(same)
    async with asyncio.timeout(20):
        while "Rate limit exceeded" not in caplog.text:
            await asyncio.sleep(0.02)
    row = await narrow.store.executions.get("11111111-1111-4111-8111-111111111111", first.id)
    assert row is not None
    said = f"Rate limit exceeded for user {row.user_id} on graph one-at-a-time: 1/1 running executions"
    assert said in caplog.messages
    for handle in (first, second):
        await handle.cancel()
        assert (await narrow.outcome(handle)).execution.status is Status.TERMINATED


async def test_a_node_that_does_not_stop_in_time_is_left_behind(
    narrow: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    handle = await narrow.start(
        graph([node("s", Stubborn, value=4), node("out", Sink, name="y")], "s.value -> out.value")
    )
    async for _ in narrow.watch(handle.id):
        if await narrow.store.executions.agent_outputs(handle.id):
            break
    loop = asyncio.get_running_loop()
    stopped = loop.time()
    await handle.cancel()
    outcome = await narrow.outcome(handle)
    assert loop.time() - stopped < 3
    assert outcome.execution.status is Status.TERMINATED
    [stubborn] = outcome.of("s")
    assert stubborn.status is Status.TERMINATED
    text = "\n".join(caplog.messages)
    assert f"Stopping node execution {stubborn.id}" in text
    assert f"Node execution #{stubborn.id} did not stop in time, it may be stuck or taking too long." in text


@pytest.fixture
def debug_lines() -> Iterator[io.StringIO]:
    """Everything that a process with `HEDDLE_LOG_LEVEL=DEBUG` would log."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("DEBUG", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_values_are_never_in_the_log(stack: Stack, debug_lines: io.StringIO) -> None:
    """Not even at the most talkative level, by whatever library (T-57)."""
    nodes = [node("in", Source, name="x"), node("p", Pass), node("q", PassOn), node("o", Sink, name="y")]
    outcome = await stack.run(
        graph(nodes, "in.result -> p.value", "p.value -> q.value", "q.value -> o.value"),
        {"x": "correct horse battery"},
        nodes_input_masks={"q": {"note": "staple"}},
    )
    assert outcome.outputs == {"y": ["correct horse battery"]}
    lines = debug_lines.getvalue().splitlines()
    assert f"Start node execution {outcome.of('q')[0].id}" in debug_lines.getvalue()
    assert not [line for line in lines if "correct horse" in line or "staple" in line]


async def test_what_arrives_while_a_run_stops_does_not_put_its_end_off(narrow: Stack) -> None:
    handle = await narrow.start(
        graph([node("s", Stubborn, value=8), node("out", Sink, name="y")], "s.value -> out.value")
    )
    async for _ in narrow.watch(handle.id):
        if await narrow.store.executions.agent_outputs(handle.id):
            break

    async def talk() -> None:
        while True:
            await handle.signal(EVENT, {"name": "still", "payload": "there"})
            await asyncio.sleep(0.1)

    await handle.cancel()
    async with asyncio.timeout(6):
        with pytest.raises(RPCError, match="already completed"):
            await talk()
    assert (await narrow.outcome(handle)).execution.status is Status.TERMINATED
