"""A web request with headers that the user keeps as a credential for the host.

Registered in `catalogue.py`. The rest is `requests.py`.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from blocks.base import BlockContext, Example, Exchange, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, HostScoped
from blocks.http.host_scoped import headers_for
from blocks.web.requests import SendWebRequest, SendWebRequestInputs, outcome, send


class SendAuthenticatedWebRequestInputs(SendWebRequestInputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="Headers for the host, kept as a credential")


class SendAuthenticatedWebRequest(SendWebRequest):
    id = "fff86bcd-e001-4bad-a7f6-2eae4720c8dc"
    name = "Send authenticated web request"
    description = "Sends a request with the headers that a credential has for the host. Nothing is tried again."
    Input = SendAuthenticatedWebRequestInputs
    credentials: ClassVar = {
        "credentials": CredentialsField(("http",), (CredentialsType.HOST_SCOPED,), host_by="url", own_only=True),
    }
    examples = (
        Example(
            {
                "url": "https://tea.example/mine",
                "method": "GET",
                "credentials": {"id": "tea", "provider": "http", "type": "host_scoped"},
            },
            (("response", {"cups": 2}),),
            web=(
                Exchange("GET https://tea.example/mine", '{"cups": 2}', headers={"Content-Type": "application/json"}),
            ),
        ),
    )

    async def run(self, inputs: SendWebRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """A host that the credential is not for gets none of its headers (agent-graphs §13.5)."""
        credential = context.credentials["credentials"]
        if not isinstance(credential, HostScoped):
            raise TypeError("The credential is not for a host.")
        headers = {name: value.get_secret_value() for name, value in credential.headers.items()}
        more = headers_for(inputs.url, credential.host, headers)
        yield outcome(await send(inputs, context.services, more))
