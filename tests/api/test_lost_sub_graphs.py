"""Agent files whose sub-graphs bear other ids than the nodes that run them say."""

from typing import Any

import httpx
import pytest
from api_doubles import AGENT, INPUT, OUTPUT, TestCatalogue, link, node


def sub(graph_id: str, *, takes: str = "question", version: int = 7) -> dict[str, Any]:
    return {
        "id": graph_id,
        "version": version,
        "name": graph_id,
        "nodes": [node("in", INPUT, name=takes), node("out", OUTPUT, name="answer")],
        "links": [link("in.result", "out.value")],
    }


def runs(node_id: str, graph_id: str, *, takes: str = "question", version: int = 7) -> dict[str, Any]:
    """A node that runs a sub-graph."""
    return node(
        node_id,
        AGENT,
        graph_id=graph_id,
        graph_version=version,
        input_schema={"properties": {takes: {}}},
        output_schema={"properties": {"answer": {}}},
    )


async def imported(ann: httpx.AsyncClient, nodes: list[Any], subs: list[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """For each node of the main graph the graph it names then, and the new ids of graphs."""
    file = {"id": "main", "name": "Main", "nodes": nodes, "links": [], "sub_graphs": subs}
    answer = await ann.post("/api/graphs/import", json=file)
    assert answer.status_code == 201, answer.text
    stored = (await ann.get(f"/api/graphs/{answer.json()['id']}")).json()
    named = {each["id"]: each["input_default"].get("graph_id") for each in stored["nodes"]}
    return {old: named[new] for old, new in answer.json()["node_ids"].items()}, answer.json()["graph_ids"]


async def test_a_sub_graph_is_found_by_what_it_takes_and_gives(ann: httpx.AsyncClient) -> None:
    named, graph_ids = await imported(
        ann, [runs("a", "old-1"), runs("b", "old-2", takes="topic"), runs("c", "old-1")],
        [sub("new-1"), sub("new-2", takes="topic", version=8)],
    )  # fmt: skip
    assert named == {"a": graph_ids["new-1"], "b": graph_ids["new-2"], "c": graph_ids["new-1"]}


async def test_inside_of_a_sub_graph_too(ann: httpx.AsyncClient) -> None:
    outer = sub("outer", takes="topic")
    outer["nodes"].append(runs("deep", "old"))
    _, graph_ids = await imported(ann, [runs("a", "outer", takes="topic")], [outer, sub("new")])
    stored = (await ann.get(f"/api/graphs/{graph_ids['outer']}")).json()
    (deep,) = [each for each in stored["nodes"] if each["block_id"] == AGENT]
    assert deep["input_default"]["graph_id"] == graph_ids["new"]
    assert deep["input_default"]["graph_version"] == 1


async def test_the_version_decides_between_two_that_are_alike(ann: httpx.AsyncClient) -> None:
    subs = [sub("new-1"), sub("new-2", version=8)]
    named, graph_ids = await imported(ann, [runs("a", "old", version=8)], subs)
    assert named == {"a": graph_ids["new-2"]}


@pytest.mark.parametrize(
    ("nodes", "subs"),
    [
        pytest.param([runs("a", "old")], [sub("new", takes="topic")], id="another interface"),
        pytest.param([runs("a", "old")], [sub("new-1"), sub("new-2")], id="two that are alike"),
        pytest.param([runs("a", "old"), runs("b", "older")], [sub("new")], id="two that want it"),
        pytest.param([runs("a", "old"), runs("b", "new")], [sub("new")], id="one that has it already"),
        pytest.param([runs("a", "old")], [], id="none at all"),
    ],
)
async def test_where_the_file_does_not_say_all_stays_as_it_is(
    ann: httpx.AsyncClient, nodes: list[Any], subs: list[Any]
) -> None:
    """It may name a graph that is already here."""
    named, _ = await imported(ann, nodes, subs)
    assert named["a"] == "old"


@pytest.mark.parametrize("odd", [["lost"], {}, 5, True, ""])
async def test_an_id_that_is_none_means_no_sub_graph(ann: httpx.AsyncClient, odd: Any) -> None:
    none = runs("odd", "lost")
    none["input_default"]["graph_id"] = odd
    named, graph_ids = await imported(ann, [none, runs("a", "lost")], [sub("found")])
    assert named == {"odd": odd, "a": graph_ids["found"]}


async def test_many_nodes_and_sub_graphs_are_looked_through_once(
    ann: httpx.AsyncClient, catalogue: TestCatalogue
) -> None:
    nodes = [runs(f"n{number}", f"old-{number}", takes=f"t{number}") for number in range(60)]
    subs = [sub(f"new-{number}", takes=f"t{number}") for number in range(60)]
    named, graph_ids = await imported(ann, nodes, subs)
    assert named == {f"n{number}": graph_ids[f"new-{number}"] for number in range(60)}
    assert catalogue.shapes_asked < 20 * (60 + 60 * 2)
