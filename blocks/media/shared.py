"""What the blocks of this package share: what they cost, and where their pictures stay."""

from typing import Any

from blocks.base import Cost
from blocks.credentials import CredentialsType
from blocks.files.references import open_file
from blocks.services import Services
from blocks.system_credentials import system_id


def price(cents: int, provider: str, **inputs: Any) -> Cost:
    """What a run costs with the deployment's own key, when inputs have these values."""
    credentials = {"id": system_id(provider), "provider": provider, "type": CredentialsType.API_KEY.value}
    return Cost(cents, filter={**inputs, "credentials": credentials})


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
