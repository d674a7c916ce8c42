"""ZeroBounce: whether a mail address takes mail."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, CostType, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import zerobounce
from blocks.system_credentials import paid_by_host

_JSON = {"Content-Type": "application/json"}


class ValidateEmailsInputs(Inputs):
    email: str = Field(title="Address", description="The mail address", examples=["ada@tea.example"], min_length=1)
    ip_address: str = Field("", title="IP address", description="From where its owner signed up, where that is known")
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for ZeroBounce")


class ValidateEmailsOutputs(Outputs):
    response: dict[str, Any] = Field(
        title="Response", description="What is known of the address: `status`, `sub_status`, `domain` and more"
    )


class ValidateEmails(Block[ValidateEmailsInputs]):
    id = "e3950439-fa0b-40e8-b19f-e0dca0bf5853"
    name = "Validate emails"
    description = "Asks ZeroBounce whether a mail address takes mail."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("zerobounce",))}
    costs = (Cost(150, CostType.COST_USD, filter=paid_by_host("zerobounce")),)
    Input = ValidateEmailsInputs
    Output = ValidateEmailsOutputs
    examples = (
        Example(
            {
                "email": "ada@tea.example",
                "credentials": {"id": "mine", "provider": "zerobounce", "type": "api_key"},
            },
            (("response", {"address": "ada@tea.example", "status": "valid", "sub_status": ""}),),
            web=(
                Exchange(
                    "GET https://api.zerobounce.net/v2/validate"
                    "?api_key=secret+of+mine&email=ada%40tea.example&ip_address=",
                    '{"address": "ada@tea.example", "status": "valid", "sub_status": ""}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ValidateEmailsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = key_of(context.credentials)
        response = await zerobounce.validate(context.services.http, key, inputs.email, inputs.ip_address)
        context.stats.provider_cost = zerobounce.DOLLARS
        yield "response", response
