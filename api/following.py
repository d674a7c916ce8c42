"""Follows a run event by event, from any number on, until it ends.

Used by the event stream and by stopping. It waits for the store to say that something changed and never polls; what it
reads are rows, so a follower that was away misses nothing.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from api.run_values import Opened
from api.schemas.executions import EventBody
from api.services import Services
from api.showing_runs import by_name
from contracts.errors import GraphNotFound
from engine.model import BlockId, Graph
from store.records import Event, Execution

LARGEST_VALUE_BYTES = 8 * 1024 * 1024
"""Larger values are left out of events (agent-graphs §22.5); the results have them."""

_EVENTS_PER_READ = 100


async def follow(app: Services, row: Execution, *, after: int) -> AsyncIterator[tuple[int, EventBody]]:
    """(number, event) of each event after `after`; ends after the run's final event."""
    names = await _Names.of(app, row)
    async for event in events(app, row, after=after):
        outputs = [(output.name, output.value) for output in event.outputs]
        opened = await Opened.of(app.store.values, [value for _, value in outputs], largest_bytes=LARGEST_VALUE_BYTES)
        yield (
            event.seq,
            EventBody(
                type=event.type,
                execution_id=row.id,
                status=event.status,
                node_execution_id=event.node_execution_id,
                node_id=event.node_id,
                block_id=event.block_id,
                block_name=names.block(event.block_id),
                title=names.title(event.node_id),
                outputs=by_name(outputs, opened),
                at=event.at,
            ),
        )


async def events(app: Services, row: Execution, *, after: int) -> AsyncIterator[Event]:
    """Each event after `after`; ends after the final one, at once when the run ended before and nothing is left."""
    after = min(after, row.last_event)

    def over() -> bool:
        """The run ended before we came, and nothing is left to tell."""
        return row.status.is_final and after >= row.last_event

    if over():
        return
    async with AsyncExitStack() as stack:
        changes = app.changes.watch(row.id)
        if hasattr(changes, "aclose"):
            stack.push_async_callback(changes.aclose)
        async for _ in changes:
            last: Event | None = None
            while found := await app.store.executions.events(row.id, after=after, limit=_EVENTS_PER_READ):
                for event in found:
                    yield event
                last, after = found[-1], found[-1].seq
            # A run that was resumed has events after a final one: only the last counts.
            if over() or (last is not None and is_end(last)):
                return


def is_end(event: Event) -> bool:
    """Whether the event says that the run has ended."""
    return event.type == "graph_execution_update" and event.status.is_final


class _Names:
    """What people call the nodes and blocks of a run's graph."""

    def __init__(self, app: Services, graph: Graph | None) -> None:
        self._app = app
        self._titles = {str(node.id): node.title for node in graph.nodes} if graph else {}

    @classmethod
    async def of(cls, app: Services, row: Execution) -> "_Names":
        try:
            version = await app.versions.get(row.user_id, row.graph_id, row.graph_version)
        except GraphNotFound:
            return cls(app, None)
        return cls(app, version.graph)

    def title(self, node_id: str | None) -> str | None:
        return self._titles.get(node_id or "") or None

    def block(self, block_id: str | None) -> str | None:
        shape = self._app.catalogue.shape(BlockId(block_id)) if block_id else None
        return shape.name if shape else None
