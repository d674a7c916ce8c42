"""Apollo: people and companies to sell to, and what is known of a person."""

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import (
    Block,
    BlockContext,
    Category,
    Cost,
    CostType,
    Example,
    Exchange,
    Inputs,
    Outputs,
    Yielded,
)
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.knowledge.limits import LONG
from blocks.providers import apollo
from blocks.system_credentials import paid_by_host

_JSON = {"Content-Type": "application/json"}
_MINE = {"id": "mine", "provider": "apollo", "type": "api_key"}
_BY_HOST = paid_by_host("apollo")
_CREDENTIALS = {"credentials": CredentialsField(("apollo",))}
_A_PERSON = (
    "`id`, `name`, `first_name`, `last_name`, `title`, `email`, `organization_name` and more, empty if not known"
)


class SenorityLevels(StrEnum):
    """How high up somebody is."""

    OWNER = "owner"
    FOUNDER = "founder"
    C_SUITE = "c_suite"
    PARTNER = "partner"
    VP = "vp"
    HEAD = "head"
    DIRECTOR = "director"
    MANAGER = "manager"
    SENIOR = "senior"
    ENTRY = "entry"
    INTERN = "intern"


class ContactEmailStatuses(StrEnum):
    """What Apollo knows of a mail address."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    LIKELY_TO_ENGAGE = "likely_to_engage"
    UNAVAILABLE = "unavailable"


class ApolloInputs(Inputs):
    """The account."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Apollo")


class SearchPeopleInputs(ApolloInputs):
    person_titles: list[str] = Field(
        default_factory=list, title="Titles", description="Any of these job titles", examples=[["marketing manager"]]
    )
    person_locations: list[str] = Field(
        default_factory=list, title="Places", description="Where they live: any of these cities, states or countries"
    )
    person_seniorities: list[SenorityLevels] = Field(
        default_factory=list, title="Seniorities", description="How high up they are: any of these"
    )
    organization_locations: list[str] = Field(
        default_factory=list, title="Places of companies", description="Where their company has its headquarters"
    )
    q_organization_domains: list[str] = Field(
        default_factory=list, title="Domains", description="Their company's domain, without `www.`", examples=[["a.co"]]
    )
    contact_email_statuses: list[ContactEmailStatuses] = Field(
        default_factory=list, title="Mail addresses", description="What is known of their mail address: any of these"
    )
    organization_ids: list[str] = Field(
        default_factory=list, title="Companies", description="Apollo's ids of their companies"
    )
    organization_num_employees_range: list[int] = Field(
        default_factory=list,
        title="Size of companies",
        description="Fewest and most employees of their company; several ranges one after the other",
        examples=[[1, 50]],
    )
    q_keywords: str = Field("", title="Keywords", description="Words that must fit them")
    max_results: int = Field(25, title="Most results", description="How many at the most", ge=1, le=apollo.MOST)
    enrich_info: bool = Field(
        False,
        title="With details",
        description=(
            "Whether to ask for all that Apollo knows of each, mail address included; Apollo charges for each. "
            f"At most {apollo.MOST_DETAILED} people then"
        ),
    )


class SearchPeopleOutputs(Outputs):
    people: list[dict[str, Any]] = Field(default_factory=list, title="People", description=f"Those found: {_A_PERSON}")


class SearchPeople(Block[SearchPeopleInputs]):
    id = "c2adb3aa-5aae-488d-8a6e-4eb8c23e2ed6"
    name = "Search people"
    description = "Looks for people with Apollo. Their mail addresses are told with details only."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = (
        Cost(2, CostType.ITEMS, filter={"enrich_info": True, **_BY_HOST}),
        Cost(1, CostType.ITEMS, filter={"enrich_info": False, **_BY_HOST}),
    )
    timeout = LONG
    Input = SearchPeopleInputs
    Output = SearchPeopleOutputs
    examples = (
        Example(
            {"credentials": _MINE, "person_titles": ["CTO"], "q_keywords": "tea", "max_results": 1},
            (
                (
                    "people",
                    [
                        {
                            "id": "5f",
                            "first_name": "Ada",
                            "last_name": "Low",
                            "name": "Ada Low",
                            "title": "CTO",
                            "headline": "",
                            "email": "",
                            "email_status": "",
                            "linkedin_url": "",
                            "twitter_url": "",
                            "photo_url": "",
                            "organization_id": "",
                            "organization_name": "Tea House",
                            "city": "",
                            "state": "",
                            "country": "",
                            "time_zone": "",
                            "organization": {"name": "Tea House"},
                            "employment_history": [],
                            "phone_numbers": [],
                            "contact_emails": [],
                        }
                    ],
                ),
            ),
            web=(
                Exchange(
                    "POST https://api.apollo.io/api/v1/mixed_people/api_search",
                    '{"total_entries": 7, "people": [{"id": "5f", "first_name": "Ada", "last_name": "Low", '
                    '"title": "CTO", "organization": {"name": "Tea House"}}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: SearchPeopleInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.enrich_info and inputs.max_results > apollo.MOST_DETAILED:
            raise ValueError(
                f"With details at most {apollo.MOST_DETAILED} people can be looked for at once, "
                f"not {inputs.max_results:,}."
            )
        http, key = context.services.http, key_of(context.credentials)
        wanted = {
            "person_titles": inputs.person_titles,
            "person_locations": inputs.person_locations,
            "person_seniorities": inputs.person_seniorities,
            "organization_locations": inputs.organization_locations,
            "q_organization_domains_list": inputs.q_organization_domains,
            "contact_email_status": inputs.contact_email_statuses,
            "organization_ids": inputs.organization_ids,
            "organization_num_employees_ranges": _ranges(inputs.organization_num_employees_range),
            "q_keywords": inputs.q_keywords,
        }
        people = await apollo.search_people(http, key, _said(wanted), inputs.max_results)
        if inputs.enrich_info:
            people = await apollo.with_details(http, key, people)
        context.stats.items = len(people)
        yield "people", people


_ANY_SIZE = [0, 1_000_000]
"""No range at all: said to Apollo it would leave out the companies whose size it does not know."""


class SearchOrganizationsInputs(ApolloInputs):
    organization_num_employees_range: list[int] = Field(
        default_factory=lambda: list(_ANY_SIZE),
        title="Size",
        description="Fewest and most employees; several ranges one after the other",
    )
    organization_locations: list[str] = Field(
        default_factory=list, title="Places", description="Where the headquarters are: any of these"
    )
    organizations_not_locations: list[str] = Field(
        default_factory=list, title="Not there", description="Where the headquarters are not"
    )
    q_organization_keyword_tags: list[str] = Field(
        default_factory=list, title="Keywords", description="What the company has to do with", examples=[["mining"]]
    )
    q_organization_name: str = Field("", title="Name", description="The company's name, or a part of it")
    organization_ids: list[str] = Field(
        default_factory=list, title="Companies", description="Apollo's ids of companies"
    )
    max_results: int = Field(100, title="Most results", description="How many at the most", ge=1, le=apollo.MOST)


class SearchOrganizationsOutputs(Outputs):
    organizations: list[dict[str, Any]] = Field(
        default_factory=list, title="Companies", description="Those found, behind each of them"
    )
    organization: dict[str, Any] = Field(
        title="Company", description="Each company: `id`, `name`, `website_url`, `primary_domain`, `phone` and more"
    )


class SearchOrganizations(Block[SearchOrganizationsInputs]):
    id = "3d71270d-599e-4148-9b95-71b35d2f44f0"
    name = "Search organizations"
    description = "Looks for companies with Apollo."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = (Cost(1, CostType.ITEMS, filter=_BY_HOST, divisor=2),)
    timeout = LONG
    Input = SearchOrganizationsInputs
    Output = SearchOrganizationsOutputs
    examples = (
        Example(
            {"credentials": _MINE, "q_organization_name": "Nobody", "max_results": 1},
            (("organizations", []),),
            web=(
                Exchange(
                    "POST https://api.apollo.io/api/v1/mixed_companies/search",
                    '{"organizations": [], "accounts": [], "pagination": {"page": 1, "total_entries": 0}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: SearchOrganizationsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        sizes = inputs.organization_num_employees_range
        wanted = {
            "organization_num_employees_ranges": _ranges(sizes) if sizes != _ANY_SIZE else [],
            "organization_locations": inputs.organization_locations,
            "organization_not_locations": inputs.organizations_not_locations,
            "q_organization_keyword_tags": inputs.q_organization_keyword_tags,
            "q_organization_name": inputs.q_organization_name,
            "organization_ids": inputs.organization_ids,
        }
        companies = await apollo.search_organizations(
            context.services.http, key_of(context.credentials), _said(wanted), inputs.max_results
        )
        context.stats.items = len(companies)
        for company in companies:
            yield "organization", company
        yield "organizations", companies


class GetPersonDetailInputs(ApolloInputs):
    person_id: str = Field("", title="Id", description="Apollo's id of the person, which is the surest")
    first_name: str = Field("", title="First name", description="The person's first name")
    last_name: str = Field("", title="Last name", description="The person's last name")
    name: str = Field("", title="Name", description="The whole name, in place of first and last name")
    email: str = Field("", title="Mail address", description="A mail address of the person")
    domain: str = Field("", title="Domain", description="The domain of the person's company", examples=["tea.example"])
    company: str = Field("", title="Company", description="The name of the person's company")
    linkedin_url: str = Field("", title="LinkedIn", description="The address of the person's page at LinkedIn")
    organization_id: str = Field("", title="Company's id", description="Apollo's id of the person's company")
    title: str = Field("", title="Title", description="The person's job title")


class GetPersonDetailOutputs(Outputs):
    contact: dict[str, Any] = Field(title="Person", description=f"All that is known: {_A_PERSON}")


class GetPersonDetail(Block[GetPersonDetailInputs]):
    id = "3b18d46c-3db6-42ae-a228-0ba441bdd176"
    name = "Get person detail"
    description = "Asks Apollo for all that it knows of a person, mail address included. Apollo charges for it."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = _CREDENTIALS
    costs = (Cost(1, filter=_BY_HOST),)
    Input = GetPersonDetailInputs
    Output = GetPersonDetailOutputs
    examples = (
        Example(
            {"credentials": _MINE, "first_name": "Ada", "last_name": "Low", "company": "Tea House"},
            (
                (
                    "contact",
                    {
                        **SearchPeople.examples[0].outputs[0][1][0],
                        "email": "ada@tea.example",
                        "email_status": "verified",
                    },
                ),
            ),
            web=(
                Exchange(
                    "POST https://api.apollo.io/api/v1/people/match",
                    '{"person": {"id": "5f", "first_name": "Ada", "last_name": "Low", "title": "CTO", '
                    '"email": "ada@tea.example", "email_status": "verified", "organization": {"name": "Tea House"}}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: GetPersonDetailInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        known = _said(
            {
                "id": inputs.person_id,
                "first_name": inputs.first_name,
                "last_name": inputs.last_name,
                "name": inputs.name,
                "email": inputs.email,
                "domain": inputs.domain,
                "organization_name": inputs.company,
                "linkedin_url": inputs.linkedin_url,
                "organization_id": inputs.organization_id,
                "title": inputs.title,
            }
        )
        if not known:
            raise ValueError("Nothing is said of the person: give an id, a mail address, or a name and a company.")
        yield "contact", await apollo.person_detail(context.services.http, key_of(context.credentials), known)


def _said(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in."""
    return {name: value for name, value in wanted.items() if value}


def _ranges(numbers: Sequence[int]) -> list[str]:
    """`[1, 10, 50, 100]` as Apollo writes it: `1,10` and `50,100`."""
    if len(numbers) % 2:
        raise ValueError("The number of employees is a range: give the fewest and the most.")
    return [f"{low},{high}" for low, high in zip(numbers[::2], numbers[1::2], strict=True)]
