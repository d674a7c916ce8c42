"""What the links of a node get of an output: the producing activity opens values, the workflow never does.

Used wherever activities hand outputs to the scheduler (architecture §1.3, agent-graphs §4.2).
"""

from typing import Any

from activities.graphs import PlacedBlock
from activities.spilling import TRAVELS_TOGETHER
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
        routes: list[Route] = []
        total = 0
        for links, piece in placed.selected(name, plain):
            value = whole
            if piece is not plain:
                encoded = await codec.encode(execution_id, piece)
                total += encoded.size
                # Many pieces, each of them small, may together be too much for the message that tells of the output.
                value = encoded.value if total <= TRAVELS_TOGETHER else await codec.store(execution_id, piece)
            routes.append(Route(links, value))
        return routes
    except SystemFault:
        raise
    except Exception as error:
        log.error(f"Node eval #{placed.node.id} failed: {error}")
        raise
