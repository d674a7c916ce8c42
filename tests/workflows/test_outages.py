"""An outage while nodes begin is waited out, and is not taken for a node that kills its workers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client

from activities.graphs import GraphCache
from activities.ownership import Claims
from contracts.activities import RUN_NODE
from contracts.errors import SystemFault, Unavailable
from engine.model import Graph, Status
from store.postgres import PostgresStore
from tests.support.blocks import PassOn, Random, Sink
from tests.support.graphs import graph, node
from tests.workflows.conftest import Stack, opened_stack


@pytest.fixture
async def strict(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    """A worker that begins a node once more only if the attempt before said why it ended."""
    async with opened_stack(temporal_client, store, database_url, node_max_attempts=1) as opened:
        yield opened


def one_node() -> Graph:
    return graph([node("n", PassOn, value=7), node("out", Sink, name="y")], "n.value -> out.value")


def failing_in_nodes(
    monkeypatch: pytest.MonkeyPatch, owner: type[Any], method: str, error: Exception, times: int
) -> None:
    """The method fails so often when a node's activity calls it."""
    original, left = getattr(owner, method), [times]

    async def failing(*args: Any, **named: Any) -> Any:
        if activity.info().activity_type == RUN_NODE.name and left[0]:
            left[0] -= 1
            raise error
        return await original(*args, **named)

    monkeypatch.setattr(owner, method, failing)


async def test_a_cold_worker_waits_for_the_graph(strict: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_in_nodes(monkeypatch, GraphCache, "load", Unavailable(), times=3)
    outcome = await strict.run(one_node())
    assert outcome.outputs == {"y": [7]}
    assert outcome.of("n")[0].attempt == 1, "one attempt has waited"


@pytest.mark.parametrize("error", [Unavailable(), SystemFault("a moment"), RuntimeError("unforeseen")])
async def test_an_attempt_that_ended_by_an_error_of_ours_is_not_lost(
    strict: Stack, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing_in_nodes(monkeypatch, Claims, "join", error, times=2)
    outcome = await strict.run(one_node())
    assert outcome.outputs == {"y": [7]}
    assert outcome.of("n")[0].status is Status.COMPLETED


async def test_the_masks_of_a_run_are_read_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    executions = stack.store.executions
    original, asked = executions.get, []

    async def counting(user_id: str, execution_id: str) -> Any:
        asked.append(execution_id)
        return await original(user_id, execution_id)

    monkeypatch.setattr(executions, "get", counting)
    masked = graph([node("all", Random, value=20, size=10), node("each", PassOn)], "all.value -> each.value")
    handle = await stack.start(masked, nodes_input_masks={"each": {"note": "masked"}})
    await handle.result()
    assert asked.count(handle.id) == 1
    outcome = await stack.outcome(handle)
    assert [n.inputs["note"]["value"] for n in outcome.of("each")] == ["masked"] * 20
