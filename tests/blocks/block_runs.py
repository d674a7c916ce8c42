"""Running a block in a test as an activity does, timers included."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import randrange
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.base import WAITS, AskReview, AwaitEvent, Block, BlockContext, CallTools, Example, Sleep, Wait
from blocks.credentials import ApiKey, Credential, CredentialsType, HostScoped, UserPassword
from blocks.files.fetched import FetchedFiles
from blocks.inputs import assemble, check_output, validated
from blocks.language_models import LanguageModels, OnText, Reply, Request, ToolCall, Usage
from blocks.limits import LARGEST_FILE
from blocks.llm.models import find_model
from blocks.services import Services
from tests.blocks.host import MemoryCollecting, MemoryFiles, MemoryKeyValues
from tests.support.gateway import gateway
from tests.support.mail import Server, serving
from tests.support.web import exchanges, internet


def context(
    resume: Any = None,
    timezone: str = "UTC",
    services: Services | None = None,
    llm: LanguageModels | None = None,
    **about: Any,
) -> BlockContext:
    services = services or Services(MemoryFiles(), MemoryKeyValues(), MemoryCollecting())
    return BlockContext(
        user_id="user",
        graph_id="graph",
        graph_version=1,
        graph_execution_id="run",
        node_id="node",
        node_execution_id="node-run",
        timezone=timezone,
        resume=resume,
        services=replace(services, llm=llm) if llm else services,
        **about,
    )


def credentials_for(block: Block[Any], inputs: Mapping[str, Any]) -> dict[str, Credential]:
    """A credential for each that the inputs name, as an activity would lend it."""
    made: dict[str, Credential] = {}
    for name in block.credentials:
        meta = inputs.get(name)
        if not isinstance(meta, Mapping):
            continue
        secret = SecretStr(f"secret of {meta['id']}")
        match meta["type"]:
            case CredentialsType.HOST_SCOPED:
                made[name] = HostScoped(meta["provider"], "*.example", {"X-Secret": secret})
            case CredentialsType.USER_PASSWORD:
                made[name] = UserPassword(meta["provider"], SecretStr("ada"), secret)
            case _:
                made[name] = ApiKey(meta["provider"], secret)
    return made


class Scripted:
    """Language models that answer what a test says, in turn: texts, or lists of (tool, arguments)."""

    def __init__(self, *replies: Any) -> None:
        self._left = list(replies)
        self.asked: list[Request] = []

    async def complete(self, request: Request, on_text: OnText | None = None) -> Reply:
        self.asked.append(request)
        reply = self._left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        usage = Usage(input=10, output=5)
        cost = find_model(request.model).cost(usage)
        if isinstance(reply, str):
            if on_text:
                on_text(reply)
            return Reply(reply, usage=usage, cost=cost)
        calls = [
            ToolCall(f"call_{len(self.asked)}_{number}", name, args if isinstance(args, str) else json.dumps(args))
            for number, (name, args) in enumerate(reply)
        ]
        return Reply("", tuple(calls), usage, cost, "tool_calls")

    def needs_key(self, model: str) -> bool:
        return False


def answer_to(wait: Wait) -> dict[str, Any] | None:
    """What comes of a wait in tests: every event, every approval."""
    match wait:
        case AwaitEvent():
            return {"payload": "waited"}
        case AskReview():
            return {"approved": True, "message": "", "reviewer": "ann"}
        case CallTools():
            done = {"id": "x", "status": "COMPLETED", "error": None}
            return {"calls": [{**done, "outputs": {"did": [dict(call.inputs)]}} for call in wait.calls]}
    return None


def passing_time(monkeypatch: pytest.MonkeyPatch) -> list[Wait]:
    """Waits of `run`, to be given to it: for blocks that wait for a job, so much time passes as these last."""
    waits: list[Wait] = []
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def now() -> datetime:
        return start + sum((wait.duration for wait in waits if isinstance(wait, Sleep)), timedelta())

    monkeypatch.setattr("blocks.jobs.now", now)
    return waits


async def run_example(block: type[Block[Any]], example: Example) -> list[tuple[str, Any]]:
    """What the block yields for the example's inputs, when the network answers as the example says and no more."""
    if example.mail_server:
        return await _run_with_mail(block, example)
    if not example.web and not example.gateway:
        return await run(block, example.inputs, llm=Scripted(*example.replies))
    async with internet(exchanges(example.web)) as net, gateway(net, example.gateway):
        http = net.http()
        services = Services(MemoryFiles(), MemoryKeyValues(), fetch=FetchedFiles(http, LARGEST_FILE), http=http)
        outputs = await run(block, example.inputs, services=services)
        await http.aclose()
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [exchange.request for exchange in example.web]
    return outputs


async def _run_with_mail(block: type[Block[Any]], example: Example) -> list[tuple[str, Any]]:
    port = int(example.mail_server.rpartition(":")[2])
    # Tests that run beside this one have addresses of their own, since the port is given.
    host = f"127.{randrange(1, 255)}.{randrange(255)}.{randrange(1, 255)}"
    async with serving(Server(), host=host, port=port) as (server, http_that_may):
        http = http_that_may(example.mail_server)
        outputs = await run(block, example.inputs, services=Services(http=http))
        await http.aclose()
    assert server.heard.count("DATA") == 1
    return outputs


async def run(
    block: type[Block[Any]] | Block[Any], inputs: Mapping[str, Any], sleeps: list[Wait] | None = None, **about: Any
) -> list[tuple[str, Any]]:
    """The block's outputs, checked; every wait is noted and waited through at once."""
    block = block() if isinstance(block, type) else block
    about.setdefault("credentials", credentials_for(block, inputs))
    data = assemble(block, {}, inputs, {})
    outputs: list[tuple[str, Any]] = []
    slept = True
    while slept:
        slept = False
        async for item in block.run(validated(block, data), context(**about)):
            assert not slept, "nothing may follow a wait"
            if isinstance(item, WAITS):
                slept = True
                about |= {"resume": item.state, "answer": answer_to(item)}
                if sleeps is not None:
                    sleeps.append(item)
            else:
                check_output(block, *item)
                outputs.append(item)
    return outputs
