"""What validation finds: each code by the graph that produces it, and all of them at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.model import BlockId, BlockKind, BlockShape, Filled, Graph, Link, Node, Pin
from engine.problems import Code, Level, Problem, node_errors
from engine.validate import (
    GraphLimits,
    check_all,
    check_inputs,
    check_runnable,
    check_structure,
    linked_fields,
    pins_of,
    starting_nodes,
    with_static_links,
)
from tests.engine.harness import catalogue, shape

WORK = shape("work", inputs="a values", outputs="out error", required="must")
INPUT = BlockShape(
    BlockId("input"),
    "AgentInput",
    kind=BlockKind.INPUT,
    inputs={"name": Pin(required=True), "value": Pin(required=True)},
    outputs=frozenset({"result"}),
    static_output=True,
)
TOGGLE = BlockShape(
    BlockId("toggle"),
    "AgentToggleInput",
    kind=BlockKind.INPUT,
    inputs={"name": Pin(required=True), "value": Pin(optional=True)},
    outputs=frozenset({"result"}),
)
AGENT = shape("agent", inputs="inputs", required="graph_id", kind=BlockKind.AGENT)


def refusals(filled: Filled) -> Iterator[tuple[str, str]]:
    if filled.values.get("a") == "bad":
        yield "a", "it cannot be bad."
    if "b" in filled.static:
        yield "b", "it cannot stay."
    if filled.linked == {"a"}:
        yield "b", "it goes with a."


NOTE = shape("note", required="text", kind=BlockKind.NOTE)
SECRET = BlockShape(BlockId("secret"), "secret", inputs={"credentials": Pin(required=True, credentials=True)})
BLOCKS = catalogue(
    WORK,
    INPUT,
    TOGGLE,
    AGENT,
    NOTE,
    SECRET,
    shape("old", disabled=True),
    shape("far", unavailable="it needs a key"),
    shape("orchestrator", inputs="prompt", outputs="tools finished"),
    shape("picky", inputs="a b", outputs="out", refusals=refusals),
)


def node(id: str, block: str = "work", **defaults: Any) -> Node:
    if block == "work":
        defaults.setdefault("must", 1)
    return Node(id=id, block_id=block, input_default=defaults)


def link(text: str, **more: Any) -> Link:
    """A link from `A.out B.a`."""
    (source_id, source_name), (sink_id, sink_name) = (end.split(".") for end in text.split())
    return Link(id=text, source_id=source_id, source_name=source_name, sink_id=sink_id, sink_name=sink_name, **more)


def graph(*parts: Node | Link) -> Graph:
    return Graph(
        nodes=[part for part in parts if isinstance(part, Node)], links=[p for p in parts if isinstance(p, Link)]
    )


def found(*parts: Node | Link, **more: Any) -> list[tuple[Code, str | None, str | None]]:
    """Everything found in the graph of these parts: code, node, pin."""
    return [(each.code, each.node_id, each.pin) for each in check_all(graph(*parts), BLOCKS, **more)]


SOUND = (node("A"), node("B"), link("A.out B.a"))

STRUCTURE: dict[Code, tuple[list[Node | Link], tuple[Code, str | None, str | None]]] = {
    Code.DUPLICATE_NODE_ID: ([node("A"), node("A")], (Code.DUPLICATE_NODE_ID, "A", None)),
    Code.UNKNOWN_BLOCK: ([node("A", "nobody's")], (Code.UNKNOWN_BLOCK, "A", None)),
    Code.BLOCK_DISABLED: ([node("A", "old")], (Code.BLOCK_DISABLED, "A", None)),
    Code.BLOCK_UNAVAILABLE: ([node("A", "far")], (Code.BLOCK_UNAVAILABLE, "A", None)),
    Code.DANGLING_LINK: ([node("A"), link("A.out gone.a")], (Code.DANGLING_LINK, "gone", None)),
    Code.UNKNOWN_SOURCE_PIN: ([node("A"), node("B"), link("A.x B.a")], (Code.UNKNOWN_SOURCE_PIN, "A", "x")),
    Code.UNKNOWN_SINK_PIN: ([node("A"), node("B"), link("A.out B.x")], (Code.UNKNOWN_SINK_PIN, "B", "x")),
    Code.RESERVED_INPUT_NAME: (
        [node("A", "input", name="my_credentials")],
        (Code.RESERVED_INPUT_NAME, "A", "name"),
    ),
    Code.MISSING_REQUIRED_INPUT: ([node("A", must=None)], (Code.MISSING_REQUIRED_INPUT, "A", "must")),
    Code.INPUT_REFUSED: ([node("A", "picky", a="bad")], (Code.INPUT_REFUSED, "A", "a")),
    Code.NO_STARTING_NODE: ([node("A"), link("A.out A.a")], (Code.NO_STARTING_NODE, None, None)),
}
"""Code → the parts of a graph that has just this one problem, and where it is found."""

OF_A_RUN: dict[Code, tuple[list[Node | Link], dict[str, Any], tuple[Code, str | None, str | None]]] = {
    Code.UNKNOWN_INPUT: ([node("A")], {"inputs": ["x"]}, (Code.UNKNOWN_INPUT, None, "x")),
    Code.MISSING_INPUT: ([node("A", "input", name="n")], {"inputs": []}, (Code.MISSING_INPUT, "A", "n")),
    Code.UNKNOWN_MASK_NODE: (
        [node("A")],
        {"inputs": [], "masks": {"gone": {"a": 1}}},
        (Code.UNKNOWN_MASK_NODE, "gone", None),
    ),
    Code.UNKNOWN_MASK_PIN: (
        [node("A")],
        {"inputs": [], "masks": {"A": {"x": 1}}},
        (Code.UNKNOWN_MASK_PIN, "A", "x"),
    ),
}


TOO_LARGE = {
    Code.TOO_MANY_NODES: (GraphLimits(nodes=1), GraphLimits(nodes=2)),
    Code.TOO_MANY_LINKS: (GraphLimits(links=0), GraphLimits(links=1)),
}
"""Code → limits that a sound graph is beyond, and limits that it keeps."""


@pytest.mark.parametrize("code", TOO_LARGE)
def test_a_graph_that_is_too_large(code: Code) -> None:
    beyond, within = TOO_LARGE[code]
    (problem,) = check_all(graph(*SOUND), BLOCKS, limits=beyond)
    assert (problem.code, problem.level) == (code, Level.SAVE)
    assert check_all(graph(*SOUND), BLOCKS, limits=within) == []


def test_a_sound_graph_has_no_problems() -> None:
    assert found(*SOUND, inputs=[]) == []


def test_every_code_is_produced_here() -> None:
    assert {*STRUCTURE, *OF_A_RUN, *TOO_LARGE} == set(Code)


@pytest.mark.parametrize("code", STRUCTURE)
def test_a_graph_with_one_problem(code: Code) -> None:
    parts, expected = STRUCTURE[code]
    assert found(*parts) == [expected]


@pytest.mark.parametrize("code", OF_A_RUN)
def test_a_run_with_one_problem(code: Code) -> None:
    parts, more, expected = OF_A_RUN[code]
    assert found(*parts, **more) == [expected]


def test_all_problems_are_told_at_once() -> None:
    """All but one: a graph with a reserved input name has an input, and so something to start with."""
    parts: list[Node | Link] = [
        node("A"),
        node("A"),
        node("M", must=None),
        node("P", "picky", a="bad"),
        node("I", "input", name="my_credentials"),
        *(node(block, block) for block in ("nobody's", "old", "far")),
        link("A.out gone.a"),
        link("A.x M.a"),
        link("A.out M.x"),
    ]
    more: dict[str, Any] = {"inputs": ["x"], "masks": {"gone": {}, "A": {"x": 1}}, "limits": GraphLimits(1, 1)}
    codes = {code for code, _, _ in found(*parts, **more)}
    assert codes == set(Code) - {Code.NO_STARTING_NODE}


def test_levels() -> None:
    """What keeps a graph from being stored, and what only from being run."""
    run_only = {
        Code.BLOCK_UNAVAILABLE,
        Code.MISSING_REQUIRED_INPUT,
        Code.INPUT_REFUSED,
        Code.NO_STARTING_NODE,
    }
    for code, (parts, _) in STRUCTURE.items():
        (problem,) = check_all(graph(*parts), BLOCKS)
        assert problem.level is (Level.RUN if code in run_only else Level.SAVE)
    for parts, more, _ in OF_A_RUN.values():
        (problem,) = check_all(graph(*parts), BLOCKS, **more)
        assert problem.level is Level.RUN


def test_the_checks_apart() -> None:
    broken = graph(node("A", must=None), link("A.out gone.a"))
    assert [each.code for each in check_structure(broken, BLOCKS)] == [Code.DANGLING_LINK]
    assert [each.code for each in check_runnable(broken, BLOCKS)] == [Code.MISSING_REQUIRED_INPUT]
    assert [each.code for each in check_inputs(broken, BLOCKS, ["x"])] == [Code.UNKNOWN_INPUT]


# --- links ------------------------------------------------------------------------------------


def test_a_disabled_block_is_named() -> None:
    (problem,) = check_all(graph(node("A", "old")), BLOCKS)
    assert problem.message == "Block old is disabled and cannot be executed"


def test_both_ends_of_a_link_are_looked_at() -> None:
    assert [where for _, where, _ in found(node("A"), link("gone.out also_gone.a"))] == ["gone", "also_gone"]


def test_a_link_at_an_unknown_block_is_not_told_about_its_pins() -> None:
    assert [code for code, _, _ in found(node("A", "nobody's"), node("B"), link("A.x B.a"))] == [Code.UNKNOWN_BLOCK]


def test_dynamic_pins_belong_to_the_pin_of_their_base_name() -> None:
    assert found(node("A"), node("B"), link("A.out_#_k B.values_$_0_#_k")) == []
    assert [code for code, _, _ in found(node("A"), node("B"), link("A.x_#_k B.values"))] == [Code.UNKNOWN_SOURCE_PIN]


def test_tool_pins_are_exempt_at_both_ends() -> None:
    tools = [link("O.tools B.anything"), link("O.tools_^_B_~_a B.anything_else"), link("A.tools B.whatever")]
    assert found(node("A"), node("B"), node("O", "orchestrator"), *tools) == []


def test_the_message_names_what_is_allowed() -> None:
    (problem,) = check_all(graph(node("A"), node("B"), link("A.out B.x")), BLOCKS)
    assert problem.message == "Link A.out -> B.x: `x` is no input of work. Allowed fields: a, must, values"
    (problem,) = check_all(graph(node("A", "agent", graph_id="g"), node("B"), link("B.out A.x")), BLOCKS)
    assert problem.message.endswith("Allowed fields: none")


AGENT_SCHEMAS: dict[str, Any] = {
    "graph_id": "g",
    "input_schema": {"properties": {"topic name": {}, "depth": {}}},
    "output_schema": {"properties": {"report": {}}},
}


def test_the_pins_of_a_sub_graph_stand_in_its_node() -> None:
    pins = pins_of(node("G", "agent", **AGENT_SCHEMAS), AGENT)
    assert pins == (frozenset({"topic name", "depth"}), frozenset({"report", "error"}))
    sub = node("G", "agent", **AGENT_SCHEMAS)
    assert found(node("A"), sub, node("B"), link("A.out G.depth"), link("G.error B.a"), link("G.report B.a")) == []
    codes = [code for code, _, _ in found(node("A"), sub, link("A.out G.inputs"), link("G.other G.depth"))]
    assert codes == [Code.UNKNOWN_SINK_PIN, Code.UNKNOWN_SOURCE_PIN]


@pytest.mark.parametrize("schema", [None, "text", {}, {"properties": None}, {"properties": ["x"]}])
def test_a_sub_graph_without_a_proper_schema_has_no_pins(schema: Any) -> None:
    assert pins_of(node("G", "agent", input_schema=schema), AGENT) == (frozenset(), frozenset({"error"}))


def test_the_arguments_of_a_tool_are_pins_of_its_node() -> None:
    tool = shape("tool", inputs="tool_arguments", required="server_url", outputs="result", kind=BlockKind.MCP_TOOL)
    schema = {"properties": {"kind": {}, "cups": {}}}
    inputs, outputs = pins_of(node("T", "tool", tool_input_schema=schema), tool)
    assert inputs == {"tool_arguments", "server_url", "kind", "cups"}
    assert outputs == tool.outputs
    for without in (None, [], {"properties": ["kind"]}):
        assert pins_of(node("T", "tool", tool_input_schema=without), tool) == (frozenset(tool.inputs), tool.outputs)


# --- required fields --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ([node("A"), Node(id="B", block_id="work"), link("A.out B.must")], {}),
        ([node("A"), Node(id="B", block_id="work"), link("A.out B.must_#_key")], {}),
        ([Node(id="B", block_id="work", input_default={"must_$_0": 1})], {}),
        ([Node(id="B", block_id="work")], {"masks": {"B": {"must": 1}}}),
        ([node("S", "secret")], {}),
        ([node("A"), node("N", "note")], {}),
        ([node("G", "agent", graph_id="g")], {}),
        ([node("I", "input", name="n")], {}),
    ],
    ids=["link", "dynamic link", "default piece", "mask", "credentials", "note", "sub-graph", "input value"],
)
def test_required_fields_that_need_nothing_more(parts: list[Node | Link], more: dict[str, Any]) -> None:
    assert found(*parts, **more) == []


def test_a_sub_graph_node_must_say_which_graph() -> None:
    assert found(node("G", "agent")) == [(Code.MISSING_REQUIRED_INPUT, "G", "graph_id")]


def test_a_mask_of_none_fills_nothing() -> None:
    assert found(node("A", must=None), masks={"A": {"must": None}}) == [(Code.MISSING_REQUIRED_INPUT, "A", "must")]


def test_an_input_node_needs_a_name() -> None:
    assert found(node("I", "input"), inputs=[]) == [(Code.MISSING_REQUIRED_INPUT, "I", "name")]


# --- inputs of a run --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ([node("I", "input", name="n")], {"inputs": ["n"]}),
        ([node("I", "input", name="n", value=0)], {"inputs": []}),
        ([node("I", "input", name="n")], {"inputs": [], "masks": {"I": {"value": 1}}}),
        ([node("A"), node("I", "input", name="n"), link("A.out I.value")], {"inputs": []}),
        ([node("I", "toggle", name="n")], {"inputs": []}),
    ],
    ids=["given", "default", "mask", "link", "toggle"],
)
def test_inputs_that_are_not_missing(parts: list[Node | Link], more: dict[str, Any]) -> None:
    assert found(*parts, **more) == []


def test_the_message_for_an_unknown_input_names_those_there_are() -> None:
    (problem,) = check_inputs(graph(node("I", "input", name="é n", value=1)), BLOCKS, ["x"])
    assert problem.message == "The graph has no input 'x'. It has: é n."


def test_masks_of_sub_graphs_and_of_unknown_blocks() -> None:
    parts = [node("G", "agent", **AGENT_SCHEMAS), node("U", "nobody's")]
    masks = {"G": {"depth": 1, "inputs": {}, "report": 1}, "U": {"x": 1}}
    assert found(*parts, inputs=[], masks=masks)[1:] == [(Code.UNKNOWN_MASK_PIN, "G", "report")]


def test_a_mask_may_name_a_dynamic_pin() -> None:
    assert found(node("A"), inputs=[], masks={"A": {"values_#_k": 1}}) == []


# --- small questions --------------------------------------------------------------------------


def test_starting_nodes_are_those_without_incoming_links_and_all_inputs() -> None:
    loop = [node("A"), node("I", "input"), node("N", "note"), node("B"), node("U", "nobody's")]
    links = [link("A.out B.a"), link("B.out I.value")]
    assert [each.id for each in starting_nodes(graph(*loop, *links), BLOCKS)] == ["A", "I", "U"]


def test_linked_fields() -> None:
    links = [link("A.out B.values_#_x"), link("A.out B.values_#_y"), link("A.out B.a")]
    assert linked_fields(graph(*SOUND[:2], *links)) == {"B": frozenset({"values", "a"})}


def test_links_from_static_blocks_become_static_and_others_keep_what_they_say() -> None:
    before = graph(node("I", "input"), *SOUND, link("I.result B.a"), link("A.out A.a", is_static=True), link("U.x B.a"))
    after = with_static_links(before, BLOCKS)
    assert [each.is_static for each in after.links] == [False, True, True, False]
    assert [each.is_static for each in before.links] == [False, False, True, False], "the graph given stays as it was"
    assert with_static_links(after, BLOCKS) is after


def test_problems_as_the_api_shows_them() -> None:
    problem = Problem(Code.UNKNOWN_SINK_PIN, Level.SAVE, "why", node_id="A", pin="x", link_id="", block_id=None)
    assert problem.as_json() == {
        "code": "unknown_sink_pin", "level": "save", "message": "why", "node_id": "A", "pin": "x", "link_id": "",
    }  # fmt: skip


def test_problems_by_node_and_pin() -> None:
    problems = [
        Problem(Code.NO_STARTING_NODE, Level.RUN, "nowhere"),
        Problem(Code.UNKNOWN_BLOCK, Level.SAVE, "block", node_id="A"),
        Problem(Code.MISSING_REQUIRED_INPUT, Level.RUN, "field", node_id="A", pin="x"),
    ]
    assert node_errors(problems) == {"A": {"": "block", "x": "field"}}


# --- what a block refuses ---------------------------------------------------------------------


def test_a_block_may_refuse_links() -> None:
    both = (node("A"), node("P", "picky"), link("A.out P.a"), link("A.out P.b"))
    assert found(*both) == []
    assert found(*both[:3]) == [(Code.INPUT_REFUSED, "P", "b")]
    assert found(*both[:3], link("A.out P.b", is_static=True)) == [(Code.INPUT_REFUSED, "P", "b")]
    stays = (node("I", "input", name="n"), link("I.result P.b"))
    assert found(*both[:3], *stays) == [(Code.INPUT_REFUSED, "P", "b")], "that the source is static is enough"


def test_what_a_block_refuses_is_what_it_would_get() -> None:
    """A mask lies over what the node has; a value under a link is never used."""
    assert found(node("P", "picky", a="bad"), inputs=[], masks={"P": {"a": "good"}}) == []
    masked = found(node("P", "picky"), inputs=[], masks={"P": {"a": "bad"}})
    assert masked == [(Code.INPUT_REFUSED, "P", "a")]
    assert found(node("A"), node("P", "picky", a="bad"), link("A.out P.a"), link("A.out P.b")) == []
