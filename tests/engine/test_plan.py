"""What of a graph goes into its plan, and that the plan survives its journey through history."""

import base64
import zlib
from itertools import pairwise
from typing import Any

import pytest

from engine.model import (
    MOST_CONCURRENT_NODES,
    BlockId,
    BlockKind,
    BlockShape,
    Effects,
    Graph,
    GraphPolicy,
    Link,
    Node,
    OnNodeError,
    Pin,
)
from engine.packing import pack, unpack
from engine.plan import Mode, Plan, PlanLink, PlanNode, Required, compile_plan
from tests.engine.harness import INPUT, NOTE, PURE, catalogue, draw, shape

TEXT = """
    In.result -> Work.a
    Work.out => Work.values_#_k
    Work.out -> Note.text
    Work.out -> Work.a
"""


def compiled(**more: Any) -> Plan:
    graph, shape_of = draw(
        TEXT,
        blocks={"In": INPUT, "Note": NOTE, "Work": {"timeout_seconds": 5.0, "task_queue": "gpu"}},
        required={"Work": "values a"},
        defaults={"In": {"name": "topic"}, "Work": {"values_#_z": 1}},
        **more,
    )
    return compile_plan(graph, shape_of)


def test_a_plan() -> None:
    assert compiled() == Plan(
        nodes=(
            PlanNode("In", "In", "In", mode=Mode.BATCH, starts=True, input_name="topic"),
            PlanNode(
                "Work",
                "Work",
                "Work",
                awaited=("a", "values_#_k"),
                static=("a", "values_#_k"),
                required=(
                    Required("a"),
                    Required("values", has_default=True, pieces=("values_#_k",)),
                ),
                timeout=5.0,
                task_queue="gpu",
            ),
            PlanNode("Note", "Note", "Note", mode=Mode.NEVER),
        ),
        links=(
            PlanLink(0, 1, "a", is_static=True),
            PlanLink(1, 1, "values_#_k", is_static=True),
            PlanLink(1, 2, "text"),
            PlanLink(1, 1, "a"),
        ),
        max_concurrent_nodes=MOST_CONCURRENT_NODES,
    )


@pytest.mark.parametrize(
    ("effects", "mode", "effectful"),
    [
        (Effects.PURE, Mode.BATCH, False),
        (Effects.IDEMPOTENT, Mode.ACTIVITY, False),
        (Effects.EFFECTFUL, Mode.ACTIVITY, True),
    ],
)
def test_effects_decide_how_a_node_is_run(effects: Effects, mode: Mode, effectful: bool) -> None:
    plan = compile_plan(*draw("A", blocks={"A": {"effects": effects}}))
    assert (plan.nodes[0].mode, plan.nodes[0].effectful) == (mode, effectful)


def test_effects_may_depend_on_the_node_and_on_the_fields_that_links_lead_into() -> None:
    graph, shape_of = draw("A.out -> B.values_#_k", blocks={"A": PURE, "B": PURE})

    def effects_of(node: Node, shape: BlockShape, linked: frozenset[str]) -> Effects:
        return Effects.EFFECTFUL if "values" in linked else shape.effects

    plan = compile_plan(graph, shape_of, effects_of)
    assert [node.mode for node in plan.nodes] == [Mode.BATCH, Mode.ACTIVITY]


def test_blocks_nobody_knows_are_never_run() -> None:
    plan = compile_plan(
        Graph(nodes=[Node(id="A", block_id=BlockId("gone"), metadata={"customized_name": "Mine"})]), catalogue()
    )
    assert plan.nodes == (PlanNode("A", "gone", "", "Mine", Mode.NEVER),)


def test_what_is_not_required_of_a_run() -> None:
    """Credentials are another's business, and a sub-graph checks its own inputs."""
    secret = BlockShape(BlockId("S"), "S", inputs={"key": Pin(required=True, credentials=True)})
    agent = shape("G", required="graph_id", kind=BlockKind.AGENT)
    plan = compile_plan(Graph(nodes=[Node(id="S", block_id="S"), Node(id="G", block_id="G")]), catalogue(secret, agent))
    assert [node.required for node in plan.nodes] == [(), ()]


@pytest.mark.parametrize(
    ("default", "has_default"), [({}, False), ({"must": None}, False), ({"must": 0}, True), ({"must_$_0": 0}, True)]
)
def test_defaults_of_required_fields(default: dict[str, Any], has_default: bool) -> None:
    plan = compile_plan(*draw("A", required={"A": "must"}, defaults={"A": default}))
    assert plan.nodes[0].required == (Required("must", has_default),)


@pytest.mark.parametrize("name", [{}, {"name": None}, {"name": 5}])
def test_an_input_without_a_proper_name_takes_no_value(name: dict[str, Any]) -> None:
    plan = compile_plan(*draw("In", blocks={"In": INPUT}, defaults={"In": name}))
    assert plan.nodes[0].input_name is None


def test_a_name_makes_no_input_of_another_block() -> None:
    plan = compile_plan(*draw("A", defaults={"A": {"name": "x"}}))
    assert plan.nodes[0].input_name is None


def test_the_graphs_own_limit_comes_before_the_deployments() -> None:
    graph, shape_of = draw("A", policy=GraphPolicy(on_node_error=OnNodeError.FAIL, max_concurrent_nodes=3))
    plan = compile_plan(graph, shape_of, max_concurrent_nodes=50)
    assert (plan.max_concurrent_nodes, plan.on_node_error) == (3, OnNodeError.FAIL)
    assert compile_plan(*draw("A"), max_concurrent_nodes=50).max_concurrent_nodes == 50


def test_a_plan_survives_packing_and_is_the_same_every_time() -> None:
    plan = compiled(policy=GraphPolicy(on_node_error=OnNodeError.FAIL, max_concurrent_nodes=3))
    assert Plan.unpack(plan.pack()) == plan
    again = compiled(policy=GraphPolicy(on_node_error=OnNodeError.FAIL, max_concurrent_nodes=3))
    assert again.pack() == plan.pack()


def test_a_large_plan_is_compressed() -> None:
    nodes = [Node(id=f"node {n}", block_id="A") for n in range(200)]
    links = [Link(source_id=a.id, sink_id=b.id, source_name="out", sink_name="in") for a, b in pairwise(nodes)]
    plan = compile_plan(Graph(nodes=nodes, links=links), catalogue(shape("A", "in", "out")))
    packed = plan.pack()
    assert Plan.unpack(packed) == plan
    assert len(packed) < 5000
    assert packed.isascii()


@pytest.mark.parametrize("size", [2, 2047, 2048, 100_000])
def test_packed_text_unpacks(size: int) -> None:
    text = b'"' + b"x" * (size - 2) + b'"'
    assert unpack(pack(text)) == text
    assert pack(text).startswith("y") is (size >= 2048)


def test_text_of_the_first_histories_still_unpacks() -> None:
    assert unpack("z" + base64.b85encode(zlib.compress(b'{"a":1}', 1)).decode()) == b'{"a":1}'
