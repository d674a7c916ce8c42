"""Running a block in a test as an activity does, timers included."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from blocks.base import WAITS, AskReview, AwaitEvent, Block, BlockContext, Example, Wait
from blocks.credentials import ApiKey, Credential, CredentialsType, HostScoped, UserPassword
from blocks.inputs import assemble, check_output, validated
from blocks.services import Services
from tests.blocks.host import MemoryCollecting, MemoryFiles, MemoryKeyValues
from tests.support.web import exchanges, internet


def context(resume: Any = None, timezone: str = "UTC", services: Services | None = None, **about: Any) -> BlockContext:
    return BlockContext(
        user_id="user",
        graph_id="graph",
        graph_version=1,
        graph_execution_id="run",
        node_id="node",
        node_execution_id="node-run",
        timezone=timezone,
        resume=resume,
        services=services or Services(MemoryFiles(), MemoryKeyValues(), MemoryCollecting()),
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


def answer_to(wait: Wait) -> dict[str, Any] | None:
    """What comes of a wait in tests: every event, every approval."""
    match wait:
        case AwaitEvent():
            return {"payload": "waited"}
        case AskReview():
            return {"approved": True, "message": "", "reviewer": "ann"}
    return None


async def run_example(block: type[Block[Any]], example: Example) -> list[tuple[str, Any]]:
    """What the block yields for the example's inputs, when the network answers as the example says and no more."""
    if not example.web:
        return await run(block, example.inputs)
    async with internet(exchanges(example.web)) as net:
        http = net.http()
        outputs = await run(block, example.inputs, services=Services(MemoryFiles(), MemoryKeyValues(), http=http))
        await http.aclose()
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [exchange.request for exchange in example.web]
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
