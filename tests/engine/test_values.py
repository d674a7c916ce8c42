"""Values as they travel, and the file format of graphs where it forgives."""

from typing import Any

import pytest

from engine.model import Graph, Link, Node, Status
from engine.values import Reference, inline, is_null, is_reference, json_kind, same_json

REFERENCE: Reference = {"ref": "key", "kind": "array", "size": 20_000}


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, {"ref": "a user's own"}])
def test_inline_values(value: Any) -> None:
    assert inline(value) == {"value": value}
    assert not is_reference(inline(value))
    assert is_null(inline(value)) is (value is None)


def test_a_reference_is_never_null() -> None:
    assert is_reference(REFERENCE)
    assert not is_null(REFERENCE)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "array"),
        ((), "array"),
        ({}, "object"),
    ],
)
def test_json_kind(value: Any, kind: str) -> None:
    assert json_kind(value) == kind


def test_json_values_are_compared_by_value() -> None:
    assert same_json({"a": [1, 1e22, None, "x"]}, {"a": [1.0, 10**22, None, "x"]})
    assert same_json([1e300, -1e23], [10**300, -(10**23)]), "as Postgres gives them back"
    assert not same_json(1e300, 10**400)
    for one, other in [(1, True), (0, False), (0, None), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ("1", 1), ([], {})]:
        assert not same_json(one, other)


def test_final_statuses() -> None:
    assert {status for status in Status if status.is_final} == {Status.COMPLETED, Status.FAILED, Status.TERMINATED}


def test_files_may_say_null_and_more_than_is_known() -> None:
    graph = Graph.model_validate(
        {
            "name": None,
            "description": None,
            "user_id": "computed",
            "input_schema": {"computed": True},
            "nodes": [{"block_id": "b", "input_default": None, "metadata": None, "input_links": ["redundant"]}],
            "links": [
                {"source_id": "a", "sink_id": "b", "source_name": "o", "sink_name": "i", "is_static": None},
            ],
            "sub_graphs": [{"id": "child"}],
        }
    )
    assert (graph.name, graph.description, graph.version, graph.is_active) == ("", "", 1, True)
    assert graph.nodes == [Node(block_id="b")]
    assert (graph.links[0].is_static, graph.links[0].id) == (False, "")
    assert graph.sub_graphs == [Graph(id="child")]


@pytest.mark.parametrize(("metadata", "title"), [({"customized_name": "Mine"}, "Mine"), ({"customized_name": 5}, "")])
def test_the_title_of_a_node(metadata: dict[str, Any], title: str) -> None:
    assert Node(block_id="b", metadata=metadata).title == title


def test_a_link_reads_as_people_draw_it() -> None:
    assert str(Link(source_id="a", sink_id="b", source_name="o", sink_name="i")) == "a.o -> b.i"
