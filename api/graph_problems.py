"""What can be wrong with a graph's *file*, beside what the engine finds in the graph itself.

Made by `graph_reading.py` and `routes/graphs.py`; `docs/errors.md` shows `MEANINGS` beside those of `engine.problems`.
Problems are JSON objects from here on: those of a sub-graph also say its `graph_id`.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from engine.model import Graph, ShapeOf
from engine.problems import Code, Level
from engine.validate import GraphLimits, check_runnable, check_structure

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1000


class FileCode(StrEnum):
    """Stable codes of problems of a file."""

    UNREADABLE_FIELD = "unreadable_field"
    UNREADABLE_NODE = "unreadable_node"
    UNREADABLE_LINK = "unreadable_link"
    GRAPH_NAME_EMPTY = "graph_name_empty"
    GRAPH_NAME_TOO_LONG = "graph_name_too_long"
    DESCRIPTION_TOO_LONG = "description_too_long"


MEANINGS: Mapping[FileCode, str] = {
    FileCode.UNREADABLE_FIELD: "A field of the file has a value of the wrong kind and was left out.",
    FileCode.UNREADABLE_NODE: "A node of the file cannot be read and was left out.",
    FileCode.UNREADABLE_LINK: "A link of the file cannot be read and was left out.",
    FileCode.GRAPH_NAME_EMPTY: "A graph that is created needs a name.",
    FileCode.GRAPH_NAME_TOO_LONG: f"The name of a graph that is created has more than {LONGEST_NAME} characters.",
    FileCode.DESCRIPTION_TOO_LONG: f"The description has more than {LONGEST_DESCRIPTION} characters.",
}
"""What each code means, for the page about errors."""


def file_problem(code: FileCode, message: str, **places: str) -> dict[str, Any]:
    """A problem of the file, in the form of `Problem.as_json`."""
    return {"code": code.value, "level": Level.SAVE.value, "message": message, **places}


def limit_problems(graph: Graph) -> Iterator[dict[str, Any]]:
    """Limits of names and descriptions for graphs that are made here (S-322); imported files keep theirs."""
    if not graph.name.strip():
        yield file_problem(FileCode.GRAPH_NAME_EMPTY, "Graph name cannot be empty")
    if len(graph.name.strip()) > LONGEST_NAME:
        yield file_problem(FileCode.GRAPH_NAME_TOO_LONG, f"Graph name too long: at most {LONGEST_NAME} characters")
    if len(graph.description) > LONGEST_DESCRIPTION:
        message = f"Description too long: at most {LONGEST_DESCRIPTION} characters"
        yield file_problem(FileCode.DESCRIPTION_TOO_LONG, message)


def graph_problems(graph: Graph, shape_of: ShapeOf, limits: GraphLimits) -> list[dict[str, Any]]:
    """All that the engine finds in the graph and in each of its sub-graphs, of every level."""
    found = [*check_structure(graph, shape_of, limits), *check_runnable(graph, shape_of)]
    return [problem.as_json() for problem in found] + sub_graph_problems(graph, shape_of, limits)


def sub_graph_problems(graph: Graph, shape_of: ShapeOf, limits: GraphLimits) -> list[dict[str, Any]]:
    """What the engine finds in the sub-graphs, with the id of each."""
    return [
        {**problem.as_json(), "graph_id": sub.id}
        for sub in graph.sub_graphs
        for problem in [*check_structure(sub, shape_of, limits), *check_runnable(sub, shape_of)]
    ]


def not_found_again(problems: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of stored problems those that looking at the stored graph cannot show: what the file lost when it was read."""
    ours = {code.value for code in Code}
    return [problem for problem in problems if problem.get("code") not in ours]


def node_errors(problems: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The problems as upstream shows them: node id → pin → message (S-083, C-35)."""
    errors: dict[str, dict[str, str]] = {}
    for problem in problems:
        if node_id := problem.get("node_id"):
            errors.setdefault(node_id, {})[problem.get("pin") or ""] = problem["message"]
    return errors
