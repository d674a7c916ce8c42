"""Short ways to write graphs in tests."""

from typing import Any

from blocks.base import Block
from engine.model import BlockId, Graph, Link, Node, NodeId


def node(node_id: str, block: type[Block[Any]], **defaults: Any) -> Node:
    """A node named after what it does in the test."""
    return Node(id=NodeId(node_id), block_id=BlockId(block.id), input_default=defaults)


def links(*arrows: str) -> list[Link]:
    """Links written as `a.out -> b.in`, or `a.out => b.in` for static ones."""
    made = []
    for arrow in arrows:
        is_static = "=>" in arrow
        source, sink = (end.strip() for end in arrow.split("=>" if is_static else "->"))
        source_id, source_name = source.split(".", 1)
        sink_id, sink_name = sink.split(".", 1)
        made.append(
            Link(
                id=arrow,
                source_id=NodeId(source_id),
                sink_id=NodeId(sink_id),
                source_name=source_name,
                sink_name=sink_name,
                is_static=is_static,
            )
        )
    return made


def graph(nodes: list[Node], *arrows: str, **fields: Any) -> Graph:
    """A graph of these nodes and links."""
    return Graph(id=fields.pop("id", ""), name="test", nodes=nodes, links=links(*arrows), **fields)
