"""Each class of failure, and what a run makes of it (S-075, S-157, S-180, S-309)."""

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client

from activities import failures
from blocks.base import Block
from contracts.errors import SystemFault
from contracts.nesting import DEEPEST
from engine.model import Graph, Status
from store.execution_writes import ExecutionWrites
from store.postgres import PostgresStore
from tests.support.blocks import Big, Crash, CrashInBatch, Drip, Hang, Nap, Pass, PassOn, PassOnce, Sink, Slow, Spread
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack, opened_stack


@pytest.fixture(scope="module")
async def narrow(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker with small limits."""
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        max_value_bytes=100_000,
        max_outputs_per_node=3,
        max_nodes_per_graph=4,
        node_max_attempts=2,
    ) as opened:
        yield opened


def routed(block: type[Block[Any]], **defaults: Any) -> Graph:
    """The block, its error and its value, each with an output of the run."""
    return graph(
        [node("it", block, **defaults), node("ok", Sink, name="ok"), node("bad", Sink, name="bad")],
        "it.value -> ok.value",
        "it.error -> bad.value",
    )


EXPECTED = {
    "value error": "not acceptable",
    "no words": "ValueError",
    "error output": "told",
    "wrong type": "Block produced an invalid output data: `count` should be a valid integer",
    "no such pin": "Block produced an invalid output data: it has no output `nowhere`, only: count, error, value",
}
UNEXPECTED = {"unexpected": "oops", "unexpected, no words": "Unknown error occurred"}


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
@pytest.mark.parametrize("way", [*EXPECTED, *UNEXPECTED])
async def test_a_block_that_fails(stack: Stack, block: type[Block[Any]], way: str) -> None:
    outcome = await stack.run(routed(block, value=way))
    message = (EXPECTED | UNEXPECTED)[way]
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.execution.stats["node_error_count"] == 1
    [it] = outcome.of("it")
    assert (it.status, it.error, it.stats["error"]) == (Status.FAILED, message, message)
    assert it.attempt == 1, "what a block raised is not tried again"
    assert outcome.outputs == {"bad": [message]}


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
@pytest.mark.parametrize(("way", "level"), [("value error", "INFO"), ("unexpected", "ERROR"), ("exit", "WARNING")])
async def test_how_loud_a_failure_is(
    stack: Stack, caplog: pytest.LogCaptureFixture, block: type[Block[Any]], way: str, level: str
) -> None:
    caplog.set_level(logging.INFO)
    outcome = await stack.run(routed(block, value=way))
    [it] = outcome.of("it")
    start = {"INFO": "Expected failure", "ERROR": "Unexpected failure", "WARNING": "Interruption error"}[level]
    kind = {"value error": "ValueError - not acceptable", "unexpected": "RuntimeError", "exit": "SystemExit"}[way]
    said = [r for r in caplog.records if f"{start} on node execution {it.id}: {kind}" in r.getMessage()]
    assert [record.levelname for record in said] == [level]
    assert bool(said[0].exc_info) == (level == "ERROR"), "only what nobody expected has its stack in the log"


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
@pytest.mark.parametrize("way", ["exit", "interrupt"])
async def test_a_block_that_asks_for_the_end_of_the_process_ends_alone(
    stack: Stack, block: type[Block[Any]], way: str
) -> None:
    outcome = await stack.run(routed(block, value=way))
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert (it.status, it.error) == (
        Status.TERMINATED,
        {"exit": "SystemExit: 3", "interrupt": "KeyboardInterrupt: "}[way],
    )
    assert outcome.outputs == {}
    # The blocks' event loop goes on.
    again = await stack.run(routed(Drip, value=1, seconds=0))
    assert again.outputs == {"ok": [0]}


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
@pytest.mark.parametrize("next_block", [Pass, PassOn])
async def test_the_deepest_value_there_is_goes_everywhere(
    stack: Stack, block: type[Block[Any]], next_block: type[Block[Any]]
) -> None:
    nested = graph(
        [node("it", block, value=["nested", DEEPEST]), node("next", next_block), node("out", Sink, name="n")],
        "it.value -> next.value",
        "next.value -> out.value",
    )
    outcome = await stack.run(nested)
    assert outcome.execution.status is Status.COMPLETED
    assert str(outcome.outputs["n"][0]) == "[" * DEEPEST + "]" * DEEPEST


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
@pytest.mark.parametrize("way", [["nested", levels] for levels in (DEEPEST + 1, 196, 200, 5_000)] + ["in itself"])
async def test_a_value_that_is_nested_too_deep_is_an_error(stack: Stack, block: type[Block[Any]], way: Any) -> None:
    outcome = await stack.run(routed(block, value=way))
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert it.status is Status.FAILED
    [message] = outcome.outputs["bad"]
    assert message.startswith("A value is nested deeper than 100 levels")


@pytest.mark.parametrize("block", [Crash, CrashInBatch])
async def test_a_failure_of_many_words_is_cut(stack: Stack, block: type[Block[Any]]) -> None:
    outcome = await stack.run(routed(block, value="long words"))
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert it.error == "x" * 9_999 + "…"


async def test_a_block_that_takes_too_long(stack: Stack) -> None:
    started = time.monotonic()
    outcome = await stack.run(routed(Slow, value=1))
    assert time.monotonic() - started < 10
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert it.status is Status.FAILED
    # What it gave before stands.
    assert outcome.outputs == {"ok": [1], "bad": ["Node execution exceeded 0.3s wall-clock cap"]}


# --- limits -----------------------------------------------------------------------------------


async def test_a_value_that_is_too_large_fails_its_node(narrow: Stack) -> None:
    outcome = await narrow.run(routed(Big, value=200_000))
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.of("it")[0].status is Status.FAILED
    assert outcome.outputs == {"bad": ["A value of 200,002 bytes, as JSON; 100,000 are allowed."]}
    within = await narrow.run(routed(Big, value=99_998))
    assert list(within.outputs) == ["ok"]


@pytest.mark.parametrize(("block", "defaults"), [(Drip, {"seconds": 0}), (Spread, {})])
async def test_a_node_with_too_many_outputs_fails(
    narrow: Stack, block: type[Block[Any]], defaults: dict[str, Any]
) -> None:
    outcome = await narrow.run(routed(block, value=4, **defaults))
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert it.status is Status.FAILED
    assert [(output.index, output.name) for output in it.outputs] == [
        (0, "value"),
        (1, "value"),
        (2, "value"),
        (3, "error"),
    ]
    assert len(outcome.outputs["ok"]) == 3
    assert outcome.outputs["bad"] == ["A node may give 3 outputs, and this would be one more."]
    within = await narrow.run(routed(block, value=3, **defaults))
    assert within.of("it")[0].status is Status.COMPLETED


async def test_a_graph_beyond_the_limits_is_not_run(narrow: Stack) -> None:
    outcome = await narrow.run(graph([node(f"n{number}", Pass, value=1) for number in range(5)]))
    assert outcome.execution.status is Status.FAILED
    assert outcome.execution.error_code == "validation_error"
    assert "The graph has 5 nodes; 4 are allowed" in (outcome.execution.error or "")


# --- what is wrong with Heddle itself ---------------------------------------------------------


async def test_a_fault_of_ours_fails_the_node_after_a_few_attempts(
    narrow: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    async def refuse(*_: Any, **__: Any) -> bool:
        attempts.append(time.monotonic())
        raise SystemFault("The database refused a statement.")

    monkeypatch.setattr(ExecutionWrites, "enter", refuse)
    monkeypatch.setattr(failures, "ATTEMPTS", 3)
    outcome = await narrow.run(routed(PassOnce, value=1))
    assert len(attempts) == 3, "it is not taken for a node that kills its workers, which is begun twice here"
    assert outcome.execution.status is Status.COMPLETED
    [it] = outcome.of("it")
    assert (it.status, it.error) == (Status.FAILED, "The database refused a statement.")
    assert outcome.outputs == {"bad": [it.error]}


async def test_what_nobody_foresaw_ends_the_run_after_a_few_attempts(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    async def broken(*_: Any, **__: Any) -> None:
        attempts.append(time.monotonic())
        raise KeyError("a bug")

    monkeypatch.setattr(ExecutionWrites, "begin", broken)
    outcome = await stack.run(graph([node("a", Pass, value=1)]))
    assert len(attempts) == 5
    assert outcome.execution.status is Status.FAILED
    assert outcome.execution.error_code == "system_error"
    assert "a bug" in (outcome.execution.error or "")


async def test_a_graph_that_was_deleted_starts_no_run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.graphs.TRUSTED_SECONDS", 0)
    saved = graph([node("a", Pass, value=1)], id="deleted-graph")
    graph_id, version = await stack.save(saved)
    first = await stack.run(saved)
    assert first.execution.status is Status.COMPLETED
    assert await stack.store.removal.delete_graph(first.execution.user_id, graph_id) == 2
    handle = await stack.client.start_workflow(
        "GraphExecution",
        {"graph_id": graph_id, "user_id": first.execution.user_id, "graph_version": version + 1},
        id="run-of-a-deleted-graph",
        task_queue=stack.settings.task_queue,
    )
    outcome = await stack.outcome(handle)
    assert outcome.execution.status is Status.FAILED
    assert outcome.execution.error_code == "graph_not_found"
    assert outcome.execution.error == "Graph #deleted-graph not found or access denied."


async def test_a_run_that_takes_too_long_fails(
    temporal_client: Client, store: PostgresStore, database_url: str
) -> None:
    async with opened_stack(temporal_client, store, database_url, max_run_seconds=1) as hurried:
        outcome = await hurried.run(graph([node("hang", Hang, value=1), node("nap", Nap, value=1)]))
    assert outcome.execution.status is Status.FAILED
    assert outcome.execution.error_code == "run_timed_out"
    assert outcome.of("hang")[0].status is Status.TERMINATED
