"""HubSpot: the contacts and companies of a CRM, and the mails that are noted there.

Registered in `catalogue.py`; what HubSpot is asked is in `providers/hubspot.py`. What only reads may be repeated.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.http.client import Http
from blocks.providers import hubspot
from engine.model import Effects

_JSON = {"Content-Type": "application/json"}
_MINE = {"id": "mine", "provider": "hubspot", "type": "api_key"}
_CREDENTIALS = {"credentials": CredentialsField(("hubspot",), own_only=True)}
_API = "https://api.hubapi.com/crm/v3/objects"
_READING = frozenset({"get", "track_engagement"})


class HubSpotInputs(Inputs):
    """The account."""

    credentials: CredentialsMeta = Field(
        title="Credentials", description="The access token of a private app of HubSpot"
    )


def _effects_of(input_default: Mapping[str, Any], default: str) -> Effects:
    """What only the run knows counts as what changes something."""
    operation = input_default.get("operation", default)
    return Effects.IDEMPOTENT if isinstance(operation, str) and operation in _READING else Effects.EFFECTFUL


async def _outcome(
    http: Http, key: str, kind: str, operation: str, properties: Mapping[str, Any], named: tuple[str, str]
) -> tuple[dict[str, Any], str]:
    """The record, empty where there is none, and what was done: `created`, `retrieved`, `updated` or `…_not_found`."""
    if operation == "create":
        return await hubspot.create(http, key, kind, properties), "created"
    if operation not in ("get", "update"):
        raise ValueError("`operation` must be `create`, `get` or `update`.")
    name, value = named
    if not value.strip():
        raise ValueError(f"`{name}` is empty: it says which record is meant.")
    record = await hubspot.find(http, key, kind, name, value)
    if record is None:
        return {}, "retrieved" if operation == "get" else f"{_SINGULAR[kind]}_not_found"
    if operation == "get":
        return record, "retrieved"
    return await hubspot.update(http, key, kind, str(record["id"]), properties), "updated"


_SINGULAR = {"contacts": "contact", "companies": "company"}
_OPERATION = "What to do: `create`, `get` or `update`"
_STATUS = "What was done: `created`, `retrieved`, `updated`, or that there is no such record"


class HubSpotContactInputs(HubSpotInputs):
    operation: str = Field("get", title="Operation", description=_OPERATION, examples=["get", "create", "update"])
    contact_data: dict[str, Any] = Field(
        default_factory=dict, title="Data", description="The properties to set", examples=[{"firstname": "Ada"}]
    )
    email: str = Field("", title="Mail address", description="Whose record to get or update")


class HubSpotContactOutputs(Outputs):
    contact: dict[str, Any] = Field(title="Contact", description="The contact: `id`, `properties` and more")
    status: str = Field(title="Status", description=_STATUS)


class HubSpotContact(Block[HubSpotContactInputs]):
    id = "5267326e-c4c1-4016-9f54-4e72ad02f813"
    name = "HubSpot contact"
    description = "Creates, gets or updates a contact in HubSpot."
    categories = frozenset({Category.CRM})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = _CREDENTIALS
    Input = HubSpotContactInputs
    Output = HubSpotContactOutputs
    examples = (
        Example(
            {"credentials": _MINE, "email": "ada@tea.example"},
            (("contact", {"id": "51", "properties": {"firstname": "Ada"}}), ("status", "retrieved")),
            web=(
                Exchange(
                    f"POST {_API}/contacts/search",
                    '{"total": 1, "results": [{"id": "51", "properties": {"firstname": "Ada"}}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """Getting may be repeated."""
        return _effects_of(input_default, "get")

    async def run(self, inputs: HubSpotContactInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        named = ("email", inputs.email)
        contact, status = await _outcome(http, key, "contacts", inputs.operation, inputs.contact_data, named)
        yield "contact", contact
        yield "status", status


class HubSpotCompanyInputs(HubSpotInputs):
    operation: str = Field("get", title="Operation", description=_OPERATION, examples=["get", "create", "update"])
    company_data: dict[str, Any] = Field(
        default_factory=dict, title="Data", description="The properties to set", examples=[{"name": "Tea House"}]
    )
    domain: str = Field("", title="Domain", description="Of which company to get or update the record")


class HubSpotCompanyOutputs(Outputs):
    company: dict[str, Any] = Field(title="Company", description="The company: `id`, `properties` and more")
    status: str = Field(title="Status", description=_STATUS)


class HubSpotCompany(Block[HubSpotCompanyInputs]):
    id = "3ae02219-d540-47cd-9c78-3ad6c7d9820a"
    name = "HubSpot company"
    description = "Creates, gets or updates a company in HubSpot."
    categories = frozenset({Category.CRM})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = _CREDENTIALS
    Input = HubSpotCompanyInputs
    Output = HubSpotCompanyOutputs
    examples = (
        Example(
            {"credentials": _MINE, "operation": "create", "company_data": {"name": "Tea House"}},
            (("company", {"id": "7", "properties": {"name": "Tea House"}}), ("status", "created")),
            web=(
                Exchange(
                    f"POST {_API}/companies",
                    '{"id": "7", "properties": {"name": "Tea House"}}',
                    status=201,
                    headers=_JSON,
                ),
            ),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """Getting may be repeated."""
        return _effects_of(input_default, "get")

    async def run(self, inputs: HubSpotCompanyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        named = ("domain", inputs.domain)
        company, status = await _outcome(http, key, "companies", inputs.operation, inputs.company_data, named)
        yield "company", company
        yield "status", status


class HubSpotEngagementInputs(HubSpotInputs):
    operation: str = Field(
        "send_email",
        title="Operation",
        description="`send_email` notes a mail as sent, `track_engagement` tells how a contact received mails",
        examples=["send_email", "track_engagement"],
    )
    email_data: dict[str, Any] = Field(
        default_factory=dict, title="Mail", description="`recipient`, `subject` and `content` of the mail"
    )
    contact_id: str = Field("", title="Contact", description="HubSpot's id of the contact whose mails are looked at")
    timeframe_days: int = Field(30, title="Days", description="How many days back", ge=1, le=3_650)


class HubSpotEngagementOutputs(Outputs):
    result: dict[str, Any] = Field(
        title="Result",
        description="The note; or `email_opens`, `email_clicks`, `email_replies`, `last_engagement`, a score",
    )
    status: str = Field(title="Status", description="`email_sent` or `engagement_tracked`")


class HubSpotEngagement(Block[HubSpotEngagementInputs]):
    id = "c6524385-7d87-49d6-a470-248bd29ca765"
    name = "HubSpot engagement"
    description = "Notes a mail in HubSpot, which does not send it; or tells how a contact received mails."
    categories = frozenset({Category.CRM, Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = _CREDENTIALS
    Input = HubSpotEngagementInputs
    Output = HubSpotEngagementOutputs
    examples = (
        Example(
            {
                "credentials": _MINE,
                "email_data": {"recipient": "ada@tea.example", "subject": "Tea", "content": "It is ready."},
            },
            (("result", {"id": "91", "properties": {}}), ("status", "email_sent")),
            web=(Exchange(f"POST {_API}/emails", '{"id": "91", "properties": {}}', status=201, headers=_JSON),),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """Looking may be repeated."""
        return _effects_of(input_default, "send_email")

    async def run(self, inputs: HubSpotEngagementInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        now = datetime.now(UTC)
        match inputs.operation:
            case "send_email":
                mail = {name: str(inputs.email_data.get(name) or "") for name in ("recipient", "subject", "content")}
                if not mail["recipient"]:
                    raise ValueError("`email_data` names no `recipient`.")
                yield (
                    "result",
                    await hubspot.note_email(http, key, mail["recipient"], mail["subject"], mail["content"], now),
                )
                yield "status", "email_sent"
            case "track_engagement":
                if not inputs.contact_id.strip():
                    raise ValueError("`contact_id` is empty: it says whose mails are looked at.")
                since = now - timedelta(days=inputs.timeframe_days)
                yield "result", await hubspot.engagement(http, key, inputs.contact_id, since)
                yield "status", "engagement_tracked"
            case _:
                raise ValueError("`operation` must be `send_email` or `track_engagement`.")


HUBSPOT_BLOCKS: tuple[type[Block[Any]], ...] = (HubSpotContact, HubSpotCompany, HubSpotEngagement)
"""In the order in which people read them."""
