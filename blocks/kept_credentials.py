"""What of a credential is sealed into its row, and back: JSON by type.

The API writes it, activities read it. A further type (OAuth2) is one more case in both.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from blocks.credentials import ApiKey, Credential, CredentialsType, HostScoped, UserPassword


def secret_of(credential: Credential) -> dict[str, Any]:
    """All that the row's open columns do not say."""
    match credential:
        case ApiKey():
            return {"key": credential.key.get_secret_value()}
        case UserPassword():
            name, password = credential.username, credential.password
            return {"username": name.get_secret_value(), "password": password.get_secret_value()}
        case HostScoped():
            headers = {name: value.get_secret_value() for name, value in credential.headers.items()}
            return {"host": credential.host, "headers": headers}


def credential_of(provider: str, type: str, secret: Mapping[str, Any]) -> Credential:
    """The credential of a row. ValueError when it is of a type that is not known here, or not what `secret_of` gave."""
    try:
        match type:
            case CredentialsType.API_KEY:
                return ApiKey(provider, SecretStr(secret["key"]))
            case CredentialsType.USER_PASSWORD:
                return UserPassword(provider, SecretStr(secret["username"]), SecretStr(secret["password"]))
            case CredentialsType.HOST_SCOPED:
                headers = {name: SecretStr(value) for name, value in secret["headers"].items()}
                return HostScoped(provider, secret["host"], headers)
    except (KeyError, AttributeError):
        pass
    raise ValueError(f"Credentials of the type {type!r} cannot be read here.")
