"""What people give as a part of a provider's path leads nowhere else."""

from typing import Any

import pytest

from blocks.base import Block
from blocks.knowledge.exa_research import ExaGetResearch
from blocks.knowledge.jina import FactChecker
from blocks.providers import hubspot, jina, medium
from tests.blocks.provider_runs import asked
from tests.support.web import internet

POST = medium.Post("Tea", "x", "html", [], "draft")


@pytest.mark.parametrize("hostile", ["..", ".", ""])
async def test_dots_do_not_climb(hostile: str) -> None:
    async with internet() as net:
        http = net.http()
        for call in (
            lambda: medium.publish(http, "k", hostile, POST),
            lambda: hubspot.update(http, "k", "contacts", hostile, {}),
            lambda: jina.search(http, "k", hostile),
            lambda: jina.check(http, "k", hostile),
        ):
            with pytest.raises(ValueError, match="empty"):
                await call()
        await http.aclose()
        assert not net.seen


@pytest.mark.parametrize(
    ("block", "provider", "inputs", "words"),
    [
        (ExaGetResearch, "exa", {"research_id": ".."}, "only dots"),
        (FactChecker, "jina", {"statement": ".."}, "only dots"),
        (FactChecker, "jina", {"statement": "Чай " * 400}, "statement is too long.*8,000 characters"),
    ],
)
async def test_what_cannot_be_asked_for_is_said(
    block: type[Block[Any]], provider: str, inputs: dict[str, Any], words: str
) -> None:
    mine = {"credentials": {"id": "mine", "provider": provider, "type": "api_key"}}
    with pytest.raises(ValueError, match=words):
        await asked(block, {**mine, **inputs}, {})
