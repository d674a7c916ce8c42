"""What the links of a node get of an output: the producing activity opens values, the workflow never does.

Used wherever activities hand outputs to the scheduler (architecture §1.3, agent-graphs §4.2).
"""

from typing import Any

from activities.graphs import PlacedBlock
from activities.values import ValueCodec
from contracts.errors import SystemFault
from engine.state import Route
from engine.values import Value
from telemetry.logging import Logger

log = Logger("heddle.nodes")


async def routes_of(
    codec: ValueCodec, execution_id: str, placed: PlacedBlock, name: str, plain: Any, whole: Value
) -> list[Route]:
    """The ways of one output: the value as a whole, and pieces of it for links that select some (S-193, S-204).

    What goes wrong besides our own store fails the node, so that nobody waits for what never comes (S-172).
    """
    log.debug(f"Enqueue nodes for {placed.node.id}: {name}")
    try:
        return [
            Route(links, whole if piece is plain else (await codec.encode(execution_id, piece)).value)
            for links, piece in placed.selected(name, plain)
        ]
    except SystemFault:
        raise
    except Exception as error:
        log.error(f"Node eval #{placed.node.id} failed: {error}")
        raise
