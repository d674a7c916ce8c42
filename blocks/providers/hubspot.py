"""HubSpot: contacts and companies of a CRM, and the mails that are noted with a contact.

For the blocks of `blocks/hubspot.py`. A record is as HubSpot tells it: `id`, `properties` and more.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected
from blocks.providers.paths import segment

_API = "https://api.hubapi.com/crm/v3/objects"
_PAGE, _MOST_PAGES = 100, 20
_COUNTS = {
    "email_opens": "hs_email_open_count",
    "email_clicks": "hs_email_click_count",
    "email_replies": "hs_email_reply_count",
}


async def create(http: Http, key: str, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A new record of a kind: `contacts`, `companies`, `emails`."""
    return _record(await _send(http, key, "POST", f"{_API}/{kind}", {"properties": dict(properties)}))


async def find(http: Http, key: str, kind: str, name: str, value: str) -> dict[str, Any] | None:
    """The first record with such a property; None when there is none."""
    asked = {"filterGroups": [{"filters": [{"propertyName": name, "operator": "EQ", "value": value}]}], "limit": 1}
    answer = await _send(http, key, "POST", f"{_API}/{kind}/search", asked)
    results = _results(answer, object_of(answer))
    return _record_of(answer, results[0]) if results else None


async def update(http: Http, key: str, kind: str, record_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The record, changed."""
    url = f"{_API}/{kind}/{segment(record_id, 'The id of the record')}"
    return _record(await _send(http, key, "PATCH", url, {"properties": dict(properties)}))


async def note_email(http: Http, key: str, to: str, subject: str, text: str, at: datetime) -> dict[str, Any]:
    """Note a mail as sent. HubSpot sends nothing by this."""
    headers = {"to": [{"email": to}]}
    properties = {
        "hs_timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "hs_email_direction": "EMAIL",
        "hs_email_status": "SENT",
        "hs_email_subject": subject,
        "hs_email_text": text,
        "hs_email_headers": json.dumps(headers),
    }
    return await create(http, key, "emails", properties)


async def engagement(http: Http, key: str, contact_id: str, since: datetime) -> dict[str, Any]:
    """How the mails with a contact since then were received: opens, clicks, replies, when the last one was, a score."""
    asked: dict[str, Any] = {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "associations.contact", "operator": "EQ", "value": contact_id},
                    {"propertyName": "hs_timestamp", "operator": "GTE", "value": str(int(since.timestamp() * 1000))},
                ]
            }
        ],
        "properties": ["hs_timestamp", *_COUNTS.values()],
        "limit": _PAGE,
    }
    told: dict[str, Any] = {**dict.fromkeys(_COUNTS, 0), "last_engagement": None, "engagement_score": 0}
    for _ in range(_MOST_PAGES):
        answer = await _send(http, key, "POST", f"{_API}/emails/search", asked)
        page = object_of(answer)
        for item in _results(answer, page):
            _count(told, _record_of(answer, item).get("properties"))
        onward = _after(page)
        if onward is None:
            break
        asked["after"] = onward
    told["engagement_score"] = told["email_opens"] + 2 * told["email_clicks"] + 3 * told["email_replies"]
    return told


def _count(told: dict[str, Any], properties: Any) -> None:
    if not isinstance(properties, dict):
        return
    for ours, theirs in _COUNTS.items():
        count = str(properties.get(theirs) or "0")
        told[ours] += int(count[:9]) if count.isascii() and count.isdigit() else 0
    at = properties.get("hs_timestamp")
    if isinstance(at, str) and at > (told["last_engagement"] or ""):
        told["last_engagement"] = at


def _after(page: Mapping[str, Any]) -> str | None:
    match page.get("paging"):
        case {"next": {"after": str() | int() as onward}}:
            return str(onward)
    return None


async def _send(http: Http, key: str, method: str, url: str, body: Mapping[str, Any]) -> Answer:
    return await http.request(method, url, headers={"Authorization": f"Bearer {key}"}, json=dict(body))


def _results(answer: Answer, told: Mapping[str, Any]) -> list[Any]:
    if not isinstance(told.get("results"), list):
        raise unexpected(answer)
    results: list[Any] = told["results"]
    return results


def _record(answer: Answer) -> dict[str, Any]:
    return _record_of(answer, object_of(answer))


def _record_of(answer: Answer, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str | int):
        raise unexpected(answer)
    return told
