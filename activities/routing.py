"""What the links of a node get of an output: the producing activity opens values, the workflow never does.

Used wherever activities hand outputs to the scheduler (architecture §1.3, agent-graphs §4.2).
"""

from typing import Any

from activities.graphs import PlacedBlock
from activities.values import ValueCodec
from engine.state import Route
from engine.values import Value


async def routes_of(
    codec: ValueCodec, execution_id: str, placed: PlacedBlock, name: str, plain: Any, whole: Value
) -> list[Route]:
    """The ways of one output: the value as a whole, and pieces of it for links that select some."""
    return [
        Route(links, whole if piece is plain else (await codec.encode(execution_id, piece)).value)
        for links, piece in placed.selected(name, plain)
    ]
