"""A world for other people's agents: a whole Heddle, an internet and language models on this machine, and stories.

A story says what somebody gives an agent, what the world answers, and what comes out. `World.plays` runs it through the
real stack and checks all of it: nothing else may be asked, no answer may be left over.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blocks.base import Exchange
from dev.health import until
from tests.support.model_server import (
    Answer,
    Asked,
    ModelServer,
    anthropic_message,
    anthropic_stream,
    chat,
    chat_error,
    chat_stream,
)
from tests.support.places import ROOT
from tests.support.system import System
from tests.support.web import Internet, Seen, exchanges

AGENTS = ROOT.parent / "shared" / "agents"
FILES = sorted(AGENTS.glob("*.json"))
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


def agent(name: str) -> dict[str, Any]:
    """An agent's file."""
    loaded: dict[str, Any] = json.loads(Path(AGENTS / f"{name}.json").read_text())
    return loaded


def of_json(request: str, body: Any, status: int = 200) -> Exchange:
    """An answer in JSON."""
    return Exchange(request, json.dumps(body), status, JSON)


@dataclass(frozen=True)
class Says:
    """What `model` says once, when it is asked something that has each of `heard` in it. `calls`: tools it calls."""

    model: str
    heard: Sequence[str]
    says: str = ""
    calls: Sequence[dict[str, Any]] = ()

    def fits(self, asked: Asked) -> bool:
        """Whether this is the answer."""
        texts = "\n".join(_texts([asked.body.get("system", ""), asked.body["messages"]]))
        return asked.body["model"] == self.model and all(part in texts for part in self.heard)

    def answer(self, asked: Asked) -> Answer:
        """As the provider that was asked puts it."""
        if asked.path.endswith("/messages"):
            return anthropic_stream(self.says) if asked.body.get("stream") else anthropic_message(self.says)
        return chat_stream(self.says) if asked.body.get("stream") else chat(self.says or None, tools=self.calls)


@dataclass(frozen=True)
class Holds:
    """In place of a text that comes out: any that has these parts in it."""

    parts: Sequence[str]

    def __eq__(self, text: object) -> bool:
        return isinstance(text, str) and all(part in text for part in self.parts)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Story:
    """One run of an agent. `keys`: the providers for which the user keeps a credential.

    `web` are the answers of the internet, each given once, to its own request, in which `{provider}` stands for the
    user's key; `models` those of language models. `outputs` in any order where `ordered` is false. `failed`: how many
    nodes end FAILED.
    """

    agent: str
    gives: Mapping[str, Any]
    outputs: Mapping[str, list[Any]]
    keys: Sequence[str] = ()
    web: Sequence[Exchange] = ()
    models: Sequence[Says] = ()
    masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the beginning of a node's id."""
    sent: Callable[[Sequence[Seen]], None] = lambda _: None
    """Checks what the internet was asked."""
    ordered: bool = True
    goes_on: bool = False
    """Whether the run would never end: it is then stopped."""
    failed: int = 0
    what: str = ""

    @property
    def title(self) -> str:
        """For the list of tests."""
        return f"{self.agent} {self.what}".strip()


@dataclass
class World:
    """What a story is played in."""

    system: System
    net: Internet
    models: ModelServer
    kept: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)

    async def credential(self, provider: str) -> tuple[dict[str, Any], str]:
        """The user's credential of a provider, as runs name it, and its secret."""
        if provider not in self.kept:
            secret = f"key-of-{provider}-{uuid.uuid4().hex}"
            body = {"provider": provider, "type": "api_key", "api_key": secret}
            answer = await self.system.http.post("/api/integrations/credentials", json=body)
            assert answer.status_code == 201, answer.text
            self.kept[provider] = {name: answer.json()[name] for name in ("id", "provider", "type")}, secret
        return self.kept[provider]

    async def plays(self, story: Story) -> dict[str, Any]:
        """Import the agent, run it, check what was asked and what came out; the run's results."""
        imported = await self.system.import_agent(agent(story.agent))
        assert imported["problems"] == []
        left, unforeseen = list(story.models), list[str]()
        web = [await self._with_keys(exchange, story.keys) for exchange in story.web]
        foreseen = Counter(exchange.request for exchange in web)
        self.net.answers, self.net.seen = exchanges(web), []
        self.models.asked.clear()
        self.models.respond = lambda asked: _next(left, unforeseen, asked)
        execution_id = await self.system.execute(
            imported["id"],
            story.gives,
            credentials_inputs=await self._credentials(imported["id"], story.keys),
            nodes_input_masks={
                new: mask
                for node, mask in story.masks.items()
                for old, new in imported["node_ids"].items()
                if old.startswith(node)
            },
        )
        if story.goes_on:
            await self._stop(
                f"/api/graphs/{imported['id']}/executions/{execution_id}/stop",
                lambda: not left and self._asked() == foreseen,
            )
        result = await self.system.ended(execution_id)
        shown, asked = json.dumps(result, indent=1), self._asked()
        assert not unforeseen, f"nobody said what a model answers to {unforeseen} {shown}"
        assert asked == foreseen, f"too much: {asked - foreseen}, not asked: {foreseen - asked} {shown}"
        assert not left, f"a model was not asked {[says.heard for says in left]}: {shown}"
        assert result["status"] == ("TERMINATED" if story.goes_on else "COMPLETED"), shown
        outputs = result["outputs"] if story.ordered else {name: sorted(v) for name, v in result["outputs"].items()}
        assert outputs == story.outputs, f"{outputs} {shown}"
        failed = sum(node["status"] == "FAILED" for node in result["nodes"])
        assert failed == story.failed, f"{failed} nodes failed: {shown}"
        story.sent(self.net.seen)
        await self._uses_keys(story.keys)
        return result

    def _asked(self) -> Counter[str]:
        return Counter(f"{seen.method} {seen.url}" for seen in self.net.seen)

    async def _stop(self, path: str, is_told: Callable[[], bool]) -> None:
        """Stop the run once all of its story is told; what is missing after a while is for the checks to say."""

        async def told() -> bool:
            return is_told()

        await until(told, 40)
        answer = await self.system.http.post(path)
        assert answer.is_success, answer.text

    async def _with_keys(self, exchange: Exchange, providers: Sequence[str]) -> Exchange:
        request = exchange.request
        for provider in providers:
            request = request.replace("{" + provider + "}", (await self.credential(provider))[1])
        return replace(exchange, request=request)

    async def _credentials(self, graph_id: str, providers: Sequence[str]) -> dict[str, Any]:
        """The kept credentials under the keys by which the graph asks for them; all must be asked for."""
        asked = (await self.system.http.get(f"/api/graphs/{graph_id}")).json()["credentials_input_schema"]
        given = {
            key: (await self.credential(provider))[0]
            for provider in providers
            for key, about in asked["properties"].items()
            if provider in about["credentials_provider"]
        }
        assert set(asked["required"]) <= set(given), asked
        assert {meta["provider"] for meta in given.values()} == set(providers)
        return given

    async def _uses_keys(self, providers: Sequence[str]) -> None:
        """Each key went where it belongs."""
        sent = [f"{seen.url} {seen.headers} {seen.body!r}" for seen in self.net.seen]
        sent += [f"{asked.headers}" for asked in self.models.asked]
        for provider in providers:
            _, secret = await self.credential(provider)
            assert any(secret in each for each in sent), f"the key of {provider} was not used"


def _texts(value: Any) -> Iterator[str]:
    """All that is said, however deep it lies."""
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case {"content": told} | {"text": told}:
            yield from _texts(told)


def _next(left: list[Says], unforeseen: list[str], asked: Asked) -> Answer:
    for says in left:
        if says.fits(asked):
            left.remove(says)
            return says.answer(asked)
    unforeseen.append(f"{asked.path} {asked.body['model']}: {asked.texts}")
    return chat_error(400, "unforeseen")
