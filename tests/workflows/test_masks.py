"""Masks that change what running a node does: it is planned for the run as it is with them."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from temporalio.client import Client

from blocks.agent_io import AgentOutput
from blocks.data.sampling import DataSampling
from blocks.typed_inputs import AgentFileInput
from contracts.execution import GRAPH_EXECUTION
from engine.model import Graph, Status
from store.postgres import PostgresStore
from tests.support.blocks import Sink, Source
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Outcome, Stack, opened_stack

FILE = "data:text/plain,hi"


@pytest.fixture(scope="module")
async def own(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    blocks = (AgentFileInput, AgentOutput, DataSampling)
    async with opened_stack(temporal_client, store, database_url, further_blocks=blocks) as opened:
        yield opened


def file_input(**defaults: Any) -> Graph:
    return graph(
        [node("it", AgentFileInput, name="it", value=FILE, **defaults), node("out", Sink, name="out")],
        "it.result -> out.value",
    )


def sampling(**defaults: Any) -> Graph:
    about = {"sample_size": 2, "sampling_method": "top", **defaults}
    return graph(
        [node("x", Source, name="x"), node("it", DataSampling, **about), node("out", Sink, name="out")],
        "x.result -> it.data",
        "it.sampled_data -> out.value",
    )


def output(**defaults: Any) -> Graph:
    return graph([node("x", Source, name="x"), node("it", AgentOutput, name="out", **defaults)], "x.result -> it.value")


async def own_activities(outcome: Outcome) -> int:
    history = await outcome.handle.fetch_history()
    kinds = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    return kinds.count("run_node")


@pytest.mark.parametrize(
    ("asked", "inputs", "mask", "outputs"),
    [
        (file_input, {}, {"base_64": True}, ["data:text/plain;base64,aGk="]),
        (sampling, {"x": [{"a": 1}, {"a": 2}]}, {"accumulate": True}, [[{"a": 1}, {"a": 2}]]),
        (output, {"x": 3}, {"format": "It is {{ out }}"}, ["It is 3"]),
        (output, {"x": 3}, {"format": "It is {{ out }}" + " " * 100_000 + "!"}, ["It is 3" + " " * 100_000 + "!"]),
    ],
    ids=["file", "sampling", "format", "large format"],
)
async def test_a_mask_takes_a_node_out_of_the_batch(
    own: Stack, asked: Any, inputs: Mapping[str, Any], mask: Mapping[str, Any], outputs: list[Any]
) -> None:
    plain = await own.run(asked(), inputs)
    assert plain.execution.status is Status.COMPLETED
    assert await own_activities(plain) == 0
    outcome = await own.run(asked(), inputs, nodes_input_masks={"it": mask})
    assert [row.status for row in outcome.of("it")] == [Status.COMPLETED], outcome.of("it")[0].error
    assert await own_activities(outcome) == 1
    stored = outcome.of("it")[0].outputs[0].value
    assert "ref" in stored or [stored["value"]] == outputs


async def test_a_mask_may_let_a_node_into_the_batch(own: Stack) -> None:
    outcome = await own.run(file_input(base_64=True), nodes_input_masks={"it": {"base_64": False}})
    assert outcome.outputs == {"out": [FILE]}
    assert await own_activities(outcome) == 0


async def test_a_run_that_is_run_again_is_planned_with_its_masks(own: Stack) -> None:
    first = await own.run(file_input(), nodes_input_masks={"it": {"base_64": True}})
    fields = {"graph_id": first.execution.graph_id, "user_id": USER, "rerun_of": first.handle.id}
    handle = await own.client.start_workflow(
        GRAPH_EXECUTION,
        {**fields, "rerun_from_node": "it"},
        id=str(uuid.uuid4()),
        task_queue=own.settings.task_queue,
    )
    second = await own.outcome(handle)
    assert second.execution.status is Status.COMPLETED, second.execution.error
    assert second.outputs == {"out": ["data:text/plain;base64,aGk="]}
    assert await own_activities(second) == 1
