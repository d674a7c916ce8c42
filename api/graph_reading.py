"""Turns what a client sent into a graph, keeping what can be kept and noting what cannot.

Used by `routes/graphs.py`. It checks form only; whether the graph is sound is the engine's business. Accepts the body
of S-064, an exported agent file (agent-graphs §1), and `{"graph": …}` around either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api.graph_problems import FileCode, file_problem
from contracts.errors import InvalidRequest
from engine.model import Graph, GraphPolicy, Link, Node

_LISTS = ("nodes", "links", "sub_graphs")


@dataclass(frozen=True, slots=True)
class ReadGraph:
    """A graph as far as it could be read, and what could not."""

    graph: Graph
    problems: list[dict[str, Any]]


def graph_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The graph's own object. InvalidRequest when there is nothing that could be one."""
    inner = body.get("graph")
    raw = inner if "nodes" not in body and isinstance(inner, Mapping) else body
    if not isinstance(raw.get("nodes"), list):
        raise InvalidRequest("This is no agent graph: it has no list `nodes`.", details={"location": "nodes"})
    for name in ("links", "sub_graphs"):
        if not isinstance(raw.get(name) or [], list):
            raise InvalidRequest(f"This is no agent graph: `{name}` is no list.", details={"location": name})
    return raw


def read_graph(raw: Mapping[str, Any]) -> ReadGraph:
    """Read a graph and its sub-graphs, however deep they lie, into one flat list (agent-graphs §1.4)."""
    problems: list[dict[str, Any]] = []
    graph = _read_one(raw, "", problems)
    return ReadGraph(graph.model_copy(update={"sub_graphs": _sub_graphs(raw, "", problems)}), problems)


def _sub_graphs(raw: Mapping[str, Any], where: str, problems: list[dict[str, Any]]) -> list[Graph]:
    found: list[Graph] = []
    for index, sub in enumerate(raw.get("sub_graphs") or []):
        place = f"{where}sub_graphs[{index}]"
        if not isinstance(sub, Mapping) or not all(isinstance(sub.get(name) or [], list) for name in _LISTS):
            problems.append(file_problem(FileCode.UNREADABLE_FIELD, f"{place} is no graph."))
            continue
        found.append(_read_one(sub, f"{place}.", problems))
        found.extend(_sub_graphs(sub, f"{place}.", problems))
    return found


def _read_one(raw: Mapping[str, Any], where: str, problems: list[dict[str, Any]]) -> Graph:
    named = {name: value for name, value in raw.items() if name in Graph.model_fields and name not in _LISTS}
    fields = _without_nulls(named, Graph)
    try:
        graph = Graph.model_validate(fields)
    except ValidationError as error:
        for name in {str(problem["loc"][0]): problem for problem in error.errors(include_url=False)}:
            del fields[name]
        problems.extend(
            file_problem(FileCode.UNREADABLE_FIELD, f"{where}{_place(fault['loc'])} {_fault(fault)}. It was left out.")
            for fault in error.errors(include_url=False)
        )
        graph = Graph.model_validate(fields)
    problems.extend(_unknown_policies(raw.get("policy"), where))
    nodes = _items(raw.get("nodes"), Node, f"{where}nodes", FileCode.UNREADABLE_NODE, problems)
    links = _items(raw.get("links"), Link, f"{where}links", FileCode.UNREADABLE_LINK, problems)
    return graph.model_copy(
        update={
            "id": graph.id or str(uuid4()),
            "nodes": [node if node.id else node.model_copy(update={"id": str(uuid4())}) for node in nodes],
            "links": [link if link.id else link.model_copy(update={"id": str(uuid4())}) for link in links],
        }
    )


def _unknown_policies(policy: Any, where: str) -> Iterator[dict[str, Any]]:
    """Unknown keys of a file are other people's business, but not of what only we know."""
    for name in policy if isinstance(policy, Mapping) else ():
        if name not in GraphPolicy.model_fields:
            message = f"{where}policy.{name} is unknown; there are {', '.join(GraphPolicy.model_fields)}."
            yield file_problem(FileCode.UNREADABLE_FIELD, f"{message} It was left out.")


def _items[ItemT: BaseModel](
    raw: Any, model: type[ItemT], where: str, code: FileCode, problems: list[dict[str, Any]]
) -> list[ItemT]:
    """The items that can be read, if need be without what they can do without; one problem for each place that cannot.

    Problems bear the ids that the file has.
    """
    items: list[ItemT] = []
    for index, item in enumerate(raw or []):
        cleaned = _without_nulls(item, model) if isinstance(item, Mapping) else item
        try:
            items.append(model.model_validate(cleaned))
        except ValidationError as error:
            faults = error.errors(include_url=False)
            lost = {str(fault["loc"][0]) for fault in faults if fault["loc"]}
            if lost and not any(model.model_fields[name].is_required() for name in lost):
                items.append(model.model_validate({k: v for k, v in cleaned.items() if k not in lost}))
                left_out, code_of_it = "It was", FileCode.UNREADABLE_FIELD
            else:
                left_out, code_of_it = f"The {model.__name__.lower()} was", code
            known = item.get("id") if isinstance(item, Mapping) and isinstance(item.get("id"), str) else None
            place = {} if known is None else {"node_id" if code is FileCode.UNREADABLE_NODE else "link_id": known}
            for fault in faults:
                location = ".".join([f"{where}[{index}]", *([_place(fault["loc"])] if fault["loc"] else [])])
                problems.append(file_problem(code_of_it, f"{location} {_fault(fault)}. {left_out} left out.", **place))
    return items


def _without_nulls(raw: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Files also spell null what they leave out, such as an id that is given later."""
    fields = model.model_fields
    return {name: v for name, v in raw.items() if v is not None or (name in fields and fields[name].is_required())}


_FAULTS = {
    "missing": "is missing",
    "string_type": "should be a text",
    "dict_type": "should be an object",
    "model_type": "should be an object",
}


def _fault(fault: ErrorDetails) -> str:
    """What is wrong with a place, to follow its name; in words of JSON where there are some."""
    return _FAULTS.get(fault["type"]) or fault["msg"].replace("Input should", "should")


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
