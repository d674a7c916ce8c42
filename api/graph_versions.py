"""Versions of graphs, checked once and remembered: a version never changes once it is stored.

Used by whatever starts a run or shows node titles. A second execution of a version costs no validation, and no query
either when it names the version. It keeps no secrets: a version is remembered under its owner.
"""

from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from api.graph_problems import not_found_again, sub_graph_problems
from contracts.errors import GraphNotFound
from engine.model import Graph, ShapeOf
from engine.problems import Problem
from engine.validate import GraphLimits, Masks, check_inputs, check_runnable, check_structure
from store.graph_records import GraphRow
from store.records import Store

_REMEMBERED_PARTS = 200_000
"""Nodes and links of all remembered versions together; a few hundred megabytes at the most."""


@dataclass(frozen=True, slots=True)
class GraphVersion:
    """A version with what is wrong with it, whatever a run's inputs are."""

    graph: Graph
    graph_id: str
    version: int
    name: str
    structure: list[Problem]
    runnable: list[Problem]
    others: list[dict[str, Any]]
    """Problems of its file that cannot be seen in the graph any more, and those of its sub-graphs."""

    def problems_of_run(self, shape_of: ShapeOf, inputs: dict[str, Any], masks: Masks) -> list[dict[str, Any]]:
        """All that keeps the version from running with these inputs."""
        # A mask may fill a required field, so with masks the second check has to be made anew.
        runnable = check_runnable(self.graph, shape_of, masks) if masks else self.runnable
        found = [*self.structure, *runnable, *check_inputs(self.graph, shape_of, inputs, masks)]
        return [problem.as_json() for problem in found] + self.others


class GraphVersions:
    """The remembered versions of one process."""

    def __init__(self, store: Store, shape_of: ShapeOf, limits: GraphLimits) -> None:
        self._store = store
        self._shape_of = shape_of
        self._limits = limits
        self._remembered: LRUCache[tuple[str, str, int], GraphVersion] = LRUCache(_REMEMBERED_PARTS, getsizeof=_parts)

    async def get(self, user_id: str, graph_id: str, version: int | None = None) -> GraphVersion:
        """The version, the active one by default. GraphNotFound when absent or another user's (S-117)."""
        if version is not None:
            known = self._remembered.get((user_id, graph_id, version))
            if known is not None:
                return known
        row = await self._store.graphs.get(user_id, graph_id, version)
        if row is None:
            raise GraphNotFound(f"Graph #{graph_id} not found or access denied.")
        key = (user_id, graph_id, row.version)
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = self._checked(row)
        return found

    def forget(self, user_id: str, graph_id: str) -> None:
        """The graph has been deleted. Other processes remember it still: there a run is refused when it begins."""
        for key in [key for key in self._remembered if key[:2] == (user_id, graph_id)]:
            del self._remembered[key]

    def _checked(self, row: GraphRow) -> GraphVersion:
        graph, shape_of = row.graph, self._shape_of
        return GraphVersion(
            graph=graph,
            graph_id=row.id,
            version=row.version,
            name=row.name,
            structure=check_structure(graph, shape_of, self._limits),
            runnable=check_runnable(graph, shape_of),
            others=not_found_again(row.problems) + sub_graph_problems(graph, shape_of, self._limits),
        )


def _parts(version: GraphVersion) -> int:
    return min(_REMEMBERED_PARTS, 1 + len(version.graph.nodes) + len(version.graph.links))
