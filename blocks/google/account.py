"""What the blocks for Google's services share: the account they act for.

Google's accounts are entered by OAuth2; until such credentials can be kept, an access token is one, as an API key.
"""

from pydantic import Field

from blocks.base import Inputs
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType

GOOGLE_TYPES = (CredentialsType.OAUTH2, CredentialsType.API_KEY)

ACCOUNT = CredentialsField(("google",), GOOGLE_TYPES, own_only=True)
"""An account at Google, without which the block does nothing. A key for Google's models is none to be lent here."""

EXAMPLE_ACCOUNT = {"id": "mine", "provider": "google", "type": "api_key"}

JSON = {"Content-Type": "application/json"}
"""The headers of the answers in examples."""


class GoogleInputs(Inputs):
    """The inputs that every such block has."""

    credentials: CredentialsMeta = Field(
        title="Credentials", description="Your Google account; as an API key, an access token"
    )
