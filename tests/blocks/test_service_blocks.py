"""Blocks that use other people's services: each with the secret it was lent, and with nothing to show of it."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.base import Block, Exchange
from blocks.chat.discord_messages import SendDiscordMessage
from blocks.credentials import ApiKey, UserPassword
from blocks.http.errors import StatusFailed
from blocks.knowledge.google_maps import GoogleMapsSearch
from blocks.knowledge.jina import FactChecker, SearchTheWeb
from blocks.knowledge.zerobounce import ValidateEmails
from blocks.sending import PublishToMedium
from blocks.services import Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.support.web import exchanges, internet

BLOCKS: list[type[Block[Any]]] = [
    SearchTheWeb,
    FactChecker,
    GoogleMapsSearch,
    ValidateEmails,
    SendDiscordMessage,
    PublishToMedium,
]
HEADERS = {
    SearchTheWeb: ("authorization", "Bearer secret of mine"),
    FactChecker: ("authorization", "Bearer secret of mine"),
    GoogleMapsSearch: ("x-goog-api-key", "secret of mine"),
    SendDiscordMessage: ("authorization", "Bot secret of bot"),
    PublishToMedium: ("authorization", "Bearer secret of mine"),
}


@pytest.mark.parametrize("block", HEADERS, ids=lambda block: block.__name__)
async def test_the_service_gets_the_key_that_was_lent(block: type[Block[Any]]) -> None:
    (example,) = block.examples
    name, value = HEADERS[block]
    async with internet(exchanges(example.web)) as net:
        http = net.http()
        outputs = await run(block, example.inputs, services=Services(http=http))
        await http.aclose()
    assert net.seen[0].headers[name] == value
    assert "secret of" not in json.dumps(outputs)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
async def test_a_service_that_says_no_fails_the_node_without_the_key(block: type[Block[Any]]) -> None:
    (example,) = block.examples
    request = example.web[0].request
    async with internet({request: Exchange("", "bad key: secret of mine", 403)}) as net:
        http = net.http()
        with pytest.raises(StatusFailed) as failure:
            await run(block, example.inputs, services=Services(http=http))
        await http.aclose()
    assert "secret of" not in str(failure.value)
    assert len(net.seen) == 1


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
async def test_another_kind_of_credential_is_not_sent(block: type[Block[Any]]) -> None:
    other = {"credentials": UserPassword("x", SecretStr("ada"), SecretStr("s3cret"))}
    async with internet({}) as net:
        http = net.http()
        with pytest.raises(TypeError, match="not an API key"):
            await run(block, block.examples[0].inputs, services=Services(http=http), credentials=other)
        await http.aclose()
    assert net.seen == []


def test_what_others_get_to_read_is_sent_at_most_once() -> None:
    assert {block for block in BLOCKS if block.effects is Effects.EFFECTFUL} == {SendDiscordMessage, PublishToMedium}


@pytest.mark.parametrize(("block", "pin"), [(SearchTheWeb, "query"), (FactChecker, "statement")])
async def test_nothing_is_asked_for_nothing(block: type[Block[Any]], pin: str) -> None:
    key = {"credentials": ApiKey("jina", SecretStr("s3cret"))}
    with pytest.raises(ValueError, match="is empty"):
        await run(block, {**block.examples[0].inputs, pin: "  "}, credentials=key)
