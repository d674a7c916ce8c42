"""Apollo: looking for people and companies, and what is known of one person.

For the blocks of `blocks/knowledge/apollo.py`. What a person or company lacks is there all the same, empty: texts made
of it then say nothing rather than fail.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_API = "https://api.apollo.io/api/v1"
_PAGE, _MOST_PAGES = 100, 500
_AT_ONCE = 5
MOST = _PAGE * _MOST_PAGES
"""As many as Apollo shows of one search."""
MOST_DETAILED = 500
"""Of as many details are asked at once: a hundred rounds of a few seconds each, within the time a block has."""

_PERSON_TEXTS = (
    *("id", "first_name", "last_name", "name", "title", "headline", "email", "email_status", "linkedin_url"),
    *("twitter_url", "photo_url", "organization_id", "organization_name", "city", "state", "country", "time_zone"),
)
_COMPANY_TEXTS = (
    *("id", "name", "website_url", "blog_url", "linkedin_url", "twitter_url", "facebook_url", "phone"),
    *("sanitized_phone", "logo_url", "primary_domain"),
)


class NoSuchPerson(ValueError):
    """Apollo knows nobody of whom that much is known."""


async def search_people(http: Http, key: str, wanted: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """Up to `most` people that fit `wanted`, which is in Apollo's own words (`person_titles`, `q_keywords`, …)."""
    found = await _search(http, key, "mixed_people/api_search", "people", wanted, most)
    return [_person(person) for person in found]


async def search_organizations(http: Http, key: str, wanted: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """Up to `most` companies, as `search_people`."""
    found = await _search(http, key, "mixed_companies/search", "organizations", wanted, most)
    return [_company(company) for company in found]


async def person_detail(http: Http, key: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """All that Apollo knows of the person of whom this much is known. NoSuchPerson; else as `object_of`."""
    answer = await http.request(
        "POST", f"{_API}/people/match", headers=_headers(key), json={**known, "reveal_personal_emails": True}
    )
    match object_of(answer):
        case {"person": dict() as person}:
            return _person(person)
        case {"person": None}:
            raise NoSuchPerson("Apollo knows no such person: give more that tells the person from others.")
    raise unexpected(answer)


async def with_details(http: Http, key: str, people: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same people with all that Apollo knows of each; one whom it does not know stays as it is.

    What else goes wrong is raised, as `person_detail` does, and nobody more is asked for.
    """

    async def detailed(person: dict[str, Any]) -> dict[str, Any]:
        if not person["id"]:
            return person
        try:
            more = await person_detail(http, key, {"id": person["id"]})
        except NoSuchPerson:
            return person
        return {**person, **{name: value for name, value in more.items() if value not in ("", None, [], {})}}

    done: list[dict[str, Any]] = []
    for start in range(0, len(people), _AT_ONCE):
        asked = (detailed(person) for person in people[start : start + _AT_ONCE])
        # To the end of the round, so that none of them goes on asking when this has failed.
        for told in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(told, BaseException):
                raise told
            done.append(told)
    return done


async def _search(
    http: Http, key: str, path: str, kind: str, wanted: Mapping[str, Any], most: int
) -> list[dict[str, Any]]:
    size = min(most, _PAGE)
    found: list[dict[str, Any]] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await http.request(
            "POST", f"{_API}/{path}", headers=_headers(key), json={**wanted, "page": page, "per_page": size}
        )
        items = object_of(answer).get(kind)
        if not isinstance(items, list):
            raise unexpected(answer)
        found += [item for item in items if isinstance(item, dict)]
        if len(items) < size or len(found) >= most:
            break
    return found[:most]


def _headers(key: str) -> dict[str, str]:
    return {"X-Api-Key": key, "Accept": "application/json", "Cache-Control": "no-cache"}


def _person(told: dict[str, Any]) -> dict[str, Any]:
    person = _with_texts(told, _PERSON_TEXTS)
    company = person.get("organization")
    person["organization"] = company if isinstance(company, dict) else {}
    person["organization_name"] = person["organization_name"] or str(person["organization"].get("name") or "")
    person["name"] = person["name"] or f"{person['first_name']} {person['last_name']}".strip()
    for name in ("employment_history", "phone_numbers", "contact_emails"):
        person[name] = person.get(name) or []
    return person


def _company(told: dict[str, Any]) -> dict[str, Any]:
    company = _with_texts(told, _COMPANY_TEXTS)
    return {**company, "primary_phone": company.get("primary_phone") or {}, "languages": company.get("languages") or []}


def _with_texts(told: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {**told, **{name: "" if told.get(name) is None else str(told[name]) for name in names}}
