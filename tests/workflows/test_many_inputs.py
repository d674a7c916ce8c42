"""Nodes with many inputs, each of them small and all together more than the server takes in one message."""

from typing import Any

from blocks.base import Block
from engine.model import Graph, Status
from tests.support.blocks import Pass, PassOn, Sink, Source, Sub
from tests.support.graphs import graph, node
from tests.workflows.conftest import Outcome, Stack

MANY = 180
LARGE = "x" * 15_000
"""Below the limit from which on a value travels by reference."""


def many_into(sink: Any, *arrows: str) -> Graph:
    """Many nodes in activities of their own, each with a link to a pin of the sink, then an output."""
    sources = [node(f"n{number}", PassOn, value=f"{number} {LARGE}") for number in range(MANY)]
    return graph([*sources, sink, node("out", Sink, name="y")], *arrows)


async def given(stack: Stack, outcome: Outcome) -> list[Any]:
    """What the output got, out of the store where it lies there."""
    values = [value for _, value in await stack.store.executions.agent_outputs(outcome.handle.id)]
    stored = await stack.store.values.get([value for value in values if "ref" in value])
    return [stored[value["ref"]] if "ref" in value else value["value"] for value in values]


async def test_a_node_with_many_inputs_runs(stack: Stack) -> None:
    arrows = [f"n{number}.value -> it.value_#_{number}" for number in range(MANY)]
    outcome = await stack.run(many_into(node("it", PassOn), *arrows, "it.value -> out.value"))
    assert outcome.execution.status is Status.COMPLETED
    assert await given(stack, outcome) == [{str(number): f"{number} {LARGE}" for number in range(MANY)}]


async def test_a_sub_graph_with_many_inputs_runs(stack: Stack) -> None:
    inputs = [node(f"a{number}", Source, name=f"a{number}") for number in range(MANY)]
    child_id, version = await stack.save(
        graph([*inputs, node("o", Sink, name="out")], f"a{MANY - 1}.result -> o.value")
    )
    pins = {
        "input_schema": {"properties": {f"a{number}": {} for number in range(MANY)}},
        "output_schema": {"properties": {"out": {}}},
    }
    sub = node("it", Sub, graph_id=child_id, graph_version=version, inputs={}, user_id="", **pins)
    arrows = [f"n{number}.value -> it.a{number}" for number in range(MANY)]
    outcome = await stack.run(many_into(sub, *arrows, "it.out -> out.value"))
    assert outcome.execution.status is Status.COMPLETED
    assert await given(stack, outcome) == [f"{MANY - 1} {LARGE}"]


async def test_many_pieces_of_one_value_go_to_one_node_each(stack: Stack) -> None:
    def pieces(block: type[Block[Any]]) -> Graph:
        whole = node("whole", block, value={str(number): f"{number} {LARGE}" for number in range(MANY)})
        sinks = [node(f"s{number}", Sink, name="y") for number in range(MANY)]
        return graph([whole, *sinks], *(f"whole.value_#_{number} -> s{number}.value" for number in range(MANY)))

    for block in (Pass, PassOn):
        outcome = await stack.run(pieces(block))
        assert outcome.execution.status is Status.COMPLETED
        assert sorted(await given(stack, outcome)) == sorted(f"{number} {LARGE}" for number in range(MANY))
