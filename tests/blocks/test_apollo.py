"""Apollo: what is asked of it, and people and companies as it tells them."""

import json
from pathlib import Path

import pytest

from blocks.base import Exchange, NodeStats
from blocks.catalogue import default_catalogue
from blocks.http.errors import StatusFailed
from blocks.knowledge.apollo import GetPersonDetail, SearchOrganizations, SearchPeople
from tests.blocks.provider_runs import asked, ran
from tests.support.web import internet

API = "POST https://api.apollo.io/api/v1"
MINE = {"credentials": {"id": "mine", "provider": "apollo", "type": "api_key"}}
PEOPLE, COMPANIES, MATCH = f"{API}/mixed_people/api_search", f"{API}/mixed_companies/search", f"{API}/people/match"


def answer(**body: object) -> Exchange:
    return Exchange("", json.dumps(body))


async def test_a_search_asks_what_was_filled_in() -> None:
    stats = NodeStats()
    (outputs, seen) = await asked(
        SearchPeople,
        {
            **MINE,
            "person_titles": ["CTO"],
            "person_seniorities": ["vp", "c_suite"],
            "contact_email_statuses": ["verified"],
            "q_organization_domains": ["tea.example"],
            "organization_num_employees_range": [1, 10, 50, 100],
            "max_results": 3,
        },
        {PEOPLE: answer(people=[{"id": "1", "first_name": "Ada", "email": None, "organization": None, "seen": 1}])},
        stats,
    )
    assert seen[0].headers["x-api-key"] == "secret of mine"
    assert json.loads(seen[0].body) == {
        "person_titles": ["CTO"],
        "person_seniorities": ["vp", "c_suite"],
        "contact_email_status": ["verified"],
        "q_organization_domains_list": ["tea.example"],
        "organization_num_employees_ranges": ["1,10", "50,100"],
        "page": 1,
        "per_page": 3,
    }
    ((name, people),) = outputs
    assert name == "people"
    assert people[0] | {"name": "Ada", "email": "", "organization": {}, "seen": 1} == people[0]
    assert stats.items == 1


async def test_a_search_turns_pages_until_there_is_enough() -> None:
    page = [{"id": str(number)} for number in range(100)]
    ((_, people),), seen = await asked(
        SearchPeople, {**MINE, "max_results": 150}, {PEOPLE: [answer(people=page), answer(people=page)]}
    )
    assert len(people) == 150
    assert [json.loads(request.body)["page"] for request in seen] == [1, 2]
    ((_, people),), seen = await asked(
        SearchPeople, {**MINE, "max_results": 150}, {PEOPLE: [answer(people=page), answer(people=[])]}
    )
    assert (len(people), len(seen)) == (100, 2)


async def test_details_are_filled_in_where_they_can_be_had() -> None:
    stats = NodeStats()
    found = [{"id": "1", "email": "locked", "city": "Kyoto"}, {"id": "2", "email": "old"}, {"first_name": "Nobody"}]
    ((_, people),), seen = await asked(
        SearchPeople,
        {**MINE, "enrich_info": True},
        {
            PEOPLE: answer(people=found),
            MATCH: [answer(person={"id": "1", "email": "ada@tea.example", "city": ""}), answer(person=None)],
        },
        stats,
    )
    told = {json.loads(request.body).get("id") for request in seen[1:]}
    assert told == {"1", "2"}
    # Which of the two is asked for first is not said.
    assert sorted(person["email"] for person in people if person["id"]) in (
        ["ada@tea.example", "old"],
        ["ada@tea.example", "locked"],
    )
    assert people[0]["city"] == "Kyoto"
    assert people[2]["name"] == "Nobody"
    assert stats.items == 3


@pytest.mark.parametrize("status", [401, 422, 429, 503])
async def test_details_that_are_refused_are_a_failure_and_asked_for_no_more(status: int) -> None:
    stats = NodeStats()
    async with internet() as net:
        net.answers = {
            PEOPLE: answer(people=[{"id": str(number)} for number in range(30)]),
            MATCH: Exchange("", "{}", status),
        }
        with pytest.raises(StatusFailed):
            await ran(net, SearchPeople, {**MINE, "max_results": 30, "enrich_info": True}, stats)
        assert 1 <= sum(request.url.endswith("/match") for request in net.seen) <= 5
    assert not stats.items


async def test_details_of_more_people_than_there_is_time_for_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 500 people"):
        await asked(SearchPeople, {**MINE, "max_results": 501, "enrich_info": True}, {})


async def test_companies_come_one_by_one_and_then_all() -> None:
    stats = NodeStats()
    outputs, seen = await asked(
        SearchOrganizations,
        {**MINE, "q_organization_name": "tea", "organizations_not_locations": ["Ireland"]},
        {COMPANIES: answer(organizations=[{"id": "1", "name": "Tea House", "phone": None}, {"id": "2"}], accounts=[])},
        stats,
    )
    assert [name for name, _ in outputs] == ["organization", "organization", "organizations"]
    assert outputs[0][1]["name"] == "Tea House"
    assert outputs[0][1]["phone"] == outputs[1][1]["name"] == ""
    assert json.loads(seen[0].body) == {
        "organization_not_locations": ["Ireland"],
        "q_organization_name": "tea",
        "page": 1,
        "per_page": 100,
    }
    assert stats.items == 2
    _, seen = await asked(
        SearchOrganizations,
        {**MINE, "organization_num_employees_range": [1, 50]},
        {COMPANIES: answer(organizations=[], accounts=[])},
    )
    assert json.loads(seen[0].body)["organization_num_employees_ranges"] == ["1,50"]


AGENTS = Path(__file__).parents[3] / "shared" / "agents"


@pytest.mark.skipif(not AGENTS.exists(), reason="no agents of other people's here")
async def test_the_agent_that_looks_for_customers_has_all_its_blocks_and_searches() -> None:
    """Its search holds a pin of former years, whose name was misspelt."""
    nodes = json.loads((AGENTS / "automated-sales-outreach.json").read_text())["nodes"]
    catalogue = default_catalogue()
    assert all(catalogue.get(node["block_id"]) for node in nodes)
    (node,) = [node for node in nodes if node["block_id"] == SearchPeople.id]
    _, seen = await asked(
        SearchPeople, {**node["input_default"], **MINE, "q_keywords": "tea"}, {PEOPLE: answer(people=[])}
    )
    assert json.loads(seen[0].body) == {"q_keywords": "tea", "page": 1, "per_page": 10}


async def test_half_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match="fewest and the most"):
        await asked(SearchPeople, {**MINE, "organization_num_employees_range": [5]}, {})


async def test_a_person_is_asked_for_by_what_is_known() -> None:
    ((name, contact),), seen = await asked(
        GetPersonDetail,
        {**MINE, "person_id": "5f", "company": "Tea House"},
        {MATCH: answer(person={"id": "5f", "first_name": "Ada", "last_name": "Low", "organization": {"name": "Tea"}})},
    )
    assert name == "contact"
    assert (contact["name"], contact["organization_name"], contact["email"]) == ("Ada Low", "Tea", "")
    assert json.loads(seen[0].body) == {"id": "5f", "organization_name": "Tea House", "reveal_personal_emails": True}


async def test_nobody_is_no_answer() -> None:
    with pytest.raises(ValueError, match="knows no such person"):
        await asked(GetPersonDetail, {**MINE, "email": "x@y.example"}, {MATCH: answer(person=None)})
    with pytest.raises(ValueError, match="Nothing is said of the person"):
        await asked(GetPersonDetail, MINE, {})
