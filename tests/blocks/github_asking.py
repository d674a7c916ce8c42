"""Running blocks for GitHub in tests: what GitHub answers by path, and what is given before a failure."""

import json
from collections.abc import Mapping
from typing import Any

from blocks.base import Block, Exchange
from blocks.http.client import Http
from blocks.inputs import validated
from blocks.services import Services
from tests.blocks.block_runs import context, credentials_for, run
from tests.blocks.host import MemoryFiles
from tests.support.web import Internet

API = "https://api.github.com"
REPO = "https://github.com/ada/tea"
MINE = {"id": "mine", "provider": "github", "type": "api_key"}


async def asked(
    net: Internet, http: Http, block: type[Block[Any]], answers: Mapping[str, Any], **inputs: Any
) -> list[tuple[str, Any]]:
    """The block's outputs when GitHub answers so: JSON by `METHOD /path`."""
    for request, answer in answers.items():
        method, _, path = request.partition(" ")
        net.answers[f"{method} {API}{path}"] = (
            answer if isinstance(answer, Exchange) else Exchange("", json.dumps(answer))
        )
    return await run(block, {"credentials": MINE, **inputs}, services=Services(MemoryFiles(), http=http))


async def failing(
    block: type[Block[Any]], http: Http, inputs: Mapping[str, Any]
) -> tuple[list[tuple[str, Any]], ValueError]:
    """What the block yields before it fails, and with what."""
    ready = context(services=Services(http=http), credentials=credentials_for(block, inputs))
    given: list[tuple[str, Any]] = []
    try:
        async for output in block().run(validated(block, inputs), ready):
            given.append(output)
    except ValueError as failure:
        return given, failure
    raise AssertionError("The block did not fail.")
