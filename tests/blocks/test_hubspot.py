"""HubSpot: what is asked of it, records as it tells them, and what may be repeated."""

import json
from typing import Any

import pytest

from blocks.base import Block, Exchange
from blocks.credentials import CredentialsMeta
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed
from blocks.hubspot import HUBSPOT_BLOCKS, HubSpotCompany, HubSpotContact, HubSpotEngagement
from engine.model import Effects
from tests.blocks.provider_runs import HOSTILE, Everywhere, asked

API = "https://api.hubapi.com/crm/v3/objects"
META = {"id": "mine", "provider": "hubspot", "type": "api_key"}
MINE = {"credentials": META}
every_block = pytest.mark.parametrize("block", HUBSPOT_BLOCKS, ids=lambda block: block.__name__)


def answer(**body: Any) -> Exchange:
    return Exchange("", json.dumps(body))


async def test_a_record_is_found_by_what_names_it() -> None:
    outputs, seen = await asked(
        HubSpotContact, {**MINE, "email": "a@b.example"}, {f"POST {API}/contacts/search": answer(results=[{"id": "5"}])}
    )
    assert outputs == [("contact", {"id": "5"}), ("status", "retrieved")]
    assert json.loads(seen[0].body) == {
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "a@b.example"}]}],
        "limit": 1,
    }
    assert seen[0].headers["authorization"] == "Bearer secret of mine"
    outputs, _ = await asked(
        HubSpotContact, {**MINE, "email": "a@b.example"}, {f"POST {API}/contacts/search": answer(results=[])}
    )
    assert outputs == [("contact", {}), ("status", "retrieved")]


async def test_a_record_is_changed_by_its_id() -> None:
    inputs = {**MINE, "operation": "update", "domain": "tea.example", "company_data": {"name": "Tea"}}
    search = f"POST {API}/companies/search"
    outputs, seen = await asked(
        HubSpotCompany,
        inputs,
        {search: answer(results=[{"id": "5/6"}]), f"PATCH {API}/companies/5%2F6": answer(id="5/6", properties={})},
    )
    assert outputs[1] == ("status", "updated")
    assert json.loads(seen[1].body) == {"properties": {"name": "Tea"}}
    outputs, _ = await asked(HubSpotCompany, inputs, {search: answer(results=[])})
    assert outputs == [("company", {}), ("status", "company_not_found")]


async def test_a_record_is_created() -> None:
    _, seen = await asked(
        HubSpotContact,
        {**MINE, "operation": "create", "contact_data": {"email": "a@b.example"}},
        {f"POST {API}/contacts": answer(id="1")},
    )
    assert json.loads(seen[0].body) == {"properties": {"email": "a@b.example"}}


async def test_a_mail_is_noted() -> None:
    _, seen = await asked(
        HubSpotEngagement,
        {**MINE, "email_data": {"recipient": "a@b.example", "subject": "Tea"}},
        {f"POST {API}/emails": answer(id="1")},
    )
    sent = json.loads(seen[0].body)["properties"]
    assert sent.pop("hs_timestamp").endswith("Z")
    assert json.loads(sent.pop("hs_email_headers")) == {"to": [{"email": "a@b.example"}]}
    assert sent == {
        "hs_email_direction": "EMAIL",
        "hs_email_status": "SENT",
        "hs_email_subject": "Tea",
        "hs_email_text": "",
    }


async def test_how_mails_were_received_is_counted_over_pages() -> None:
    def mail(at: str, opens: Any, clicks: Any, replies: Any) -> dict[str, Any]:
        counts = {"hs_email_open_count": opens, "hs_email_click_count": clicks, "hs_email_reply_count": replies}
        return {"id": "1", "properties": {"hs_timestamp": at, **counts}}

    pages = [
        answer(results=[mail("2025-02-01T00:00:00Z", "2", "1", None)], paging={"next": {"after": "100"}}),
        answer(results=[mail("2025-01-01T00:00:00Z", "1", "x", "1"), {"id": "2", "properties": None}]),
    ]
    outputs, seen = await asked(
        HubSpotEngagement,
        {**MINE, "operation": "track_engagement", "contact_id": "51"},
        {f"POST {API}/emails/search": pages},
    )
    assert dict(outputs)["result"] == {
        "email_opens": 3,
        "email_clicks": 1,
        "email_replies": 1,
        "last_engagement": "2025-02-01T00:00:00Z",
        "engagement_score": 8,
    }
    assert [json.loads(request.body).get("after") for request in seen] == [None, "100"]
    assert json.loads(seen[0].body)["filterGroups"][0]["filters"][0]["value"] == "51"


async def test_pages_that_never_end_are_left() -> None:
    endless = answer(results=[], paging={"next": {"after": "1"}})
    _, seen = await asked(
        HubSpotEngagement, {**MINE, "operation": "track_engagement", "contact_id": "51"}, Everywhere(endless)
    )
    assert len(seen) == 20


@pytest.mark.parametrize(
    ("block", "inputs", "why"),
    [
        (HubSpotContact, {"operation": "delete"}, "`operation` must be"),
        (HubSpotCompany, {"operation": "update"}, "`domain` is empty"),
        (HubSpotContact, {}, "`email` is empty"),
        (HubSpotEngagement, {}, "no `recipient`"),
        (HubSpotEngagement, {"operation": "track_engagement"}, "`contact_id` is empty"),
        (HubSpotEngagement, {"operation": "call"}, "`operation` must be"),
    ],
)
async def test_what_cannot_be_done_is_not_asked(block: type[Block[Any]], inputs: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        await asked(block, {**MINE, **inputs}, {})


@pytest.mark.parametrize("what", HOSTILE)
@every_block
async def test_answers_of_other_shapes(block: type[Block[Any]], what: str) -> None:
    with pytest.raises(AnswerUnreadable):
        await asked(block, block.examples[0].inputs, Everywhere(Exchange("", HOSTILE[what])))


@every_block
async def test_records_without_ids(block: type[Block[Any]]) -> None:
    for told in ({"id": {}}, {"results": [{"id": []}]}, {"results": [3]}, {"results": [None]}):
        with pytest.raises(AnswerUnreadable):
            await asked(block, block.examples[0].inputs, Everywhere(answer(**told)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
@every_block
async def test_statuses_that_say_no(block: type[Block[Any]], status: int) -> None:
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await asked(block, block.examples[0].inputs, Everywhere(Exchange("", "secret of mine", status)))
    assert "secret of" not in str(failure.value)


def test_only_what_reads_may_be_repeated() -> None:
    meta = {"credentials": CredentialsMeta.model_validate(META)}
    assert HubSpotContact().effects_for(meta) is Effects.IDEMPOTENT
    assert HubSpotEngagement().effects_for(meta) is Effects.EFFECTFUL
    assert HubSpotEngagement().effects_for({"operation": "track_engagement"}) is Effects.IDEMPOTENT
    for operation in ("create", "update", ..., None, "GET", [], {}):
        assert HubSpotCompany().effects_for({"operation": operation}) is Effects.EFFECTFUL
