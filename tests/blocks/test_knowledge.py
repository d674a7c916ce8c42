"""Blocks that look things up at services: what all of them owe, whatever the service answers."""

import csv
import json
import re
from typing import Any

import pytest

from activities.records import stats_json
from api.schemas.blocks import Price
from api.showing_blocks import Search, describe
from blocks.base import Block, CostType, Exchange, NodeStats
from blocks.credentials import CredentialsType
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed
from blocks.knowledge import KNOWLEDGE_BLOCKS
from blocks.knowledge.apollo import SearchOrganizations
from blocks.knowledge.exa import ExaSearch
from blocks.knowledge.perplexity import PerplexityModel
from blocks.system_credentials import system_id
from engine.model import Effects
from tests.blocks.provider_runs import HOSTILE, Everywhere, asked
from tests.blocks.test_upstream_pins import TABLE

every_block = pytest.mark.parametrize("block", KNOWLEDGE_BLOCKS, ids=lambda block: block.__name__)

TEXTS = {"SearchTheWeb", "AskWolfram"}
"""Those whose service answers with a text, which any answer is."""
LENIENT = {
    "GoogleMapsSearch": {
        "an empty object",
        "numbers beyond measure",
        "lists where objects belong",
        "objects where texts belong",
    }
}
"""Where an answer without places is one that found none."""
MODELS: dict[str, Any] = {f"PerplexityModel.{model.name}": model.value for model in PerplexityModel}
BEGINS = {"ExaCreateResearch"}
"""Those that leave something at the service."""


@pytest.mark.parametrize("what", HOSTILE)
@every_block
async def test_answers_of_other_shapes_fail_the_node_in_words_of_ours(
    block: type[Block[Any]], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blocks.jobs._MOST_FAILURES", 0)
    answer = Exchange("", HOSTILE[what])
    if block.__name__ in TEXTS or what in LENIENT.get(block.__name__, ()):
        await asked(block, block.examples[0].inputs, Everywhere(answer))
        return
    with pytest.raises(AnswerUnreadable) as failure:
        await asked(block, block.examples[0].inputs, Everywhere(answer))
    assert "secret of" not in str(failure.value)
    assert len(str(failure.value)) < 200


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500])
@every_block
async def test_statuses_that_say_no(block: type[Block[Any]], status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blocks.jobs._MOST_FAILURES", 0)
    answer = Exchange("", '{"error": "bad key secret of mine"}', status)
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await asked(block, block.examples[0].inputs, Everywhere(answer))
    assert failure.value.status == status
    assert "secret of" not in str(failure.value)


def test_only_what_leaves_something_there_is_entered_once() -> None:
    assert {block.__name__ for block in KNOWLEDGE_BLOCKS if block.effects is Effects.EFFECTFUL} == BEGINS


@pytest.mark.skipif(not TABLE.exists(), reason="the table of upstream's blocks is not here")
@every_block
def test_costs_are_upstreams(block: type[Block[Any]]) -> None:
    with TABLE.open(newline="") as file:
        told = next(row["cost"] for row in csv.DictReader(file) if row["id"] == block.id)
    assert [
        (cost.amount, cost.type, cost.divisor, json.loads(json.dumps(dict(cost.filter)))) for cost in block.costs
    ] == ([_cost(part) for part in told.split(" | ")] if told != "0" else [])


def test_what_a_provider_takes_is_no_free_block() -> None:
    free, paid = Search(price=Price.FREE), Search(price=Price.PAID)
    assert (free.finds(ExaSearch()), paid.finds(ExaSearch())) == (False, True)
    (cost,) = describe(ExaSearch()).costs
    assert cost.model_dump() == {"cost_amount": 100, "cost_type": "cost_usd", "cost_filter": {}, "cost_divisor": 1}
    assert describe(SearchOrganizations()).costs[0].cost_divisor == 2


def test_schemas_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the list of all blocks they take long, and the API answers nobody else meanwhile."""
    first = describe(ExaSearch())
    for schema in (ExaSearch.Input, ExaSearch.Output):
        monkeypatch.setattr(schema, "model_json_schema", lambda: pytest.fail("it was made anew"))
    assert describe(ExaSearch()) == first


def test_rows_tell_what_a_provider_took() -> None:
    told = stats_json(NodeStats(items=3, provider_cost=0.00500000001))
    assert (told["items"], told["provider_cost"]) == (3, 0.005)
    assert not {"items", "provider_cost"} & set(stats_json(NodeStats()))


def _cost(text: str) -> tuple[int, CostType, int, dict[str, Any]]:
    match = re.fullmatch(r"(\d+) (\w+)(?:/(\d+))?(?: if (.*)| \(.*\))?", text)
    assert match, text
    wanted: dict[str, Any] = {}
    for name, value in re.findall(r"(\w+)=([^,]+)", match[4] or ""):
        if provider := value.removeprefix("system:") if value.startswith("system:") else "":
            wanted[name] = {"id": system_id(provider), "provider": provider, "type": CredentialsType.API_KEY.value}
        else:
            wanted[name] = {"True": True, "False": False, **MODELS}.get(value, value)
    return int(match[1]), CostType(match[2].lower()), int(match[3] or 1), wanted
