"""Running a block in a test against answers of the web, and looking at what it asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blocks.base import Block, Exchange
from blocks.services import Services
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryFiles
from tests.support.web import Seen, internet


@dataclass
class Online:
    """What came of running a block: its outputs by name (the last of each), all of them in order, what it asked."""

    outputs: list[tuple[str, Any]]
    seen: list[Seen] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return dict(self.outputs)[name]

    def sent(self, number: int = -1) -> Any:
        """The JSON body of a request."""
        return json.loads(self.seen[number].body)

    def asked(self) -> list[str]:
        """The requests as `METHOD URL`."""
        return [f"{each.method} {each.url}" for each in self.seen]


def answer(value: Any, status: int = 200) -> Exchange:
    """A JSON answer; a text is given as it is."""
    body = value if isinstance(value, str) else json.dumps(value)
    return Exchange("", body, status, {"Content-Type": "application/json"})


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def get(self, _: str, default: Any = None) -> Any:
        return self._exchange


async def run_online(
    block: type[Block[Any]], inputs: Mapping[str, Any], answers: Mapping[str, Any] | Exchange, **about: Any
) -> Online:
    """Run it with answers by request, or with one answer for all. What it asked is on an error as `seen`."""
    async with internet() as net:
        net.answers = Everywhere(answers) if isinstance(answers, Exchange) else dict(answers)
        http = net.http()
        try:
            outputs = await run(block, inputs, services=Services(MemoryFiles(), http=http), **about)
        except Exception as error:
            error.seen = list(net.seen)  # type: ignore[attr-defined]
            raise
        finally:
            await http.aclose()
        return Online(outputs, list(net.seen))
