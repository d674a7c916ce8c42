"""What the blocks of this package share: how they are let in, what they cost, and where their pictures stay."""

from typing import Any

from pydantic import Field

from blocks.base import Cost, Exchange, Inputs
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType
from blocks.file_references import open_file
from blocks.services import Services
from blocks.system_credentials import system_id

REPLICATE = CredentialsField(("replicate",))


class ReplicateInputs(Inputs):
    """Inputs of a block that runs a model at Replicate."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A token for Replicate")


def price(cents: int, provider: str, **inputs: Any) -> Cost:
    """What a run costs with the deployment's own key, when inputs have these values."""
    credentials = {"id": system_id(provider), "provider": provider, "type": CredentialsType.API_KEY.value}
    return Cost(cents, filter={**inputs, "credentials": credentials})


def made(model: str, answer: str) -> Exchange:
    """How an example makes Replicate answer: the prediction has ended well, with this JSON as its output."""
    return Exchange(
        f"POST https://api.replicate.com/v1/models/{model}/predictions",
        f'{{"id": "p1", "status": "succeeded", "output": {answer}}}',
        status=201,
        headers={"Content-Type": "application/json"},
    )


async def kept(reference: str, services: Services) -> str:
    """The URI of a file of the run with what lies at an address, or in a data URI.

    A picture that was paid for is not lost when it cannot be read or kept here: then it is the address itself.
    """
    try:
        return await services.files.store(await open_file(reference, services))
    except ValueError:
        if reference.startswith("https://"):
            return reference
        raise
