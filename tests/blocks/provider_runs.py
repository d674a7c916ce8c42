"""Running a block against a provider that answers what a test says, and answers that no provider should give."""

from collections.abc import Mapping
from typing import Any

from blocks.base import Block, Exchange, NodeStats, Wait
from blocks.services import Services
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryFiles
from tests.support.web import Internet, Raw, Seen, internet

HOSTILE: Mapping[str, str | bytes] = {
    "a page": "<html>secret of mine</html>",
    "nothing": "",
    "null": "null",
    "a number": "3",
    "a text": '"secret of mine"',
    "a list": "[1, null, []]",
    "an empty object": "{}",
    "NULs": b"\0\0\0",
    "another encoding": '{"a": "é"}'.encode("utf-16")[:-1],
    "deep": "[" * 100_000,
    "numbers beyond measure": '{"data": 1e999, "results": NaN}',
    "lists where objects belong": '{"data": [[]], "results": {}, "people": {"a": 1}, "answer": [], "person": []}',
    "objects where texts belong": '{"answer": {}, "response": {}, "researchId": {}, "id": {}, "chunks": {}, "main": 1}',
}


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get(self, _: str, default: Any = None) -> Any:
        return self._exchange


async def asked(
    block: type[Block[Any]],
    inputs: Mapping[str, Any],
    answers: Mapping[str, Exchange | Raw | list[Exchange]],
    stats: NodeStats | None = None,
    waits: list[Wait] | None = None,
) -> tuple[list[tuple[str, Any]], list[Seen]]:
    """What the block gives, with what it asked. `answers` by `METHOD URL`; `waits` get those of the block."""
    async with internet() as net:
        net.answers = answers if isinstance(answers, Everywhere) else dict(answers)
        outputs = await ran(net, block, inputs, stats or NodeStats(), waits)
        return outputs, net.seen


async def ran(
    net: Internet,
    block: type[Block[Any]],
    inputs: Mapping[str, Any],
    stats: NodeStats,
    waits: list[Wait] | None = None,
) -> list[tuple[str, Any]]:
    """What the block gives, over a network of the caller's own."""
    http = net.http()
    try:
        return await run(block, inputs, waits, services=Services(MemoryFiles(), http=http), stats=stats)
    finally:
        await http.aclose()
