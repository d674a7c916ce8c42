"""Bodies about credentials. What is secret comes in and never goes out; no message repeats it."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from blocks.credentials import ApiKey, Credential, CredentialsMeta, CredentialsType, HostScoped, UserPassword
from blocks.http.host_scoped import plain_scope

LONGEST_SECRET = 20_000
MOST_HEADERS = 50

_Secret = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_SECRET)]
_PROVIDER = r"^[a-z0-9][a-z0-9_.-]{0,99}$"


def _provider(name: str) -> str:
    """ValueError, which does not repeat it, for what is no name of a provider."""
    if re.fullmatch(_PROVIDER[1:-1], name):
        return name
    if re.fullmatch(_PROVIDER[1:-1], name.lower()):
        raise ValueError("the name of a provider is written in lower case, as blocks name it: `openai`, `http`, …")
    raise ValueError("the name of a provider has letters in lower case, digits, `_`, `.` and `-`, 100 at the most")


_Provider = Annotated[str, AfterValidator(_provider), Field(json_schema_extra={"pattern": _PROVIDER})]
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}\Z")
_PARTS = {
    CredentialsType.API_KEY: ("api_key",),
    CredentialsType.USER_PASSWORD: ("username", "password"),
    CredentialsType.HOST_SCOPED: ("host", "headers"),
}
_ALL_PARTS = [part for parts in _PARTS.values() for part in parts]


class NewCredentials(BaseModel):
    """Credentials to keep: the fields of their type and no others. The names are upstream's."""

    model_config = ConfigDict(extra="forbid")

    provider: _Provider = Field(description="Whom they are for, as blocks name it: `openai`, `http`, …")
    type: CredentialsType = Field(description="`api_key`, `user_password` or `host_scoped`.")
    title: str = Field("", max_length=200, description="By what you will know them.")
    api_key: _Secret | None = Field(None, description="Of an `api_key`.")
    username: _Secret | None = Field(None, description="Of a `user_password`.")
    password: _Secret | None = Field(None, description="Of a `user_password`.")
    host: str | None = Field(
        None, max_length=300, description="Of a `host_scoped`: `example.com`, `*.example.com`, perhaps with a `:port`."
    )
    headers: dict[str, _Secret] | None = Field(
        None, description="Of a `host_scoped`: the headers that requests to the host get."
    )

    @field_validator("api_key", mode="after")
    @classmethod
    def _one_line(cls, value: SecretStr | None) -> SecretStr | None:
        """A key is sent in a header, and often pasted with a line's end."""
        if value is None:
            return None
        text = value.get_secret_value().strip()
        if not text or not text.isprintable():
            raise ValueError("the key must be one line of printable characters")
        return SecretStr(text)

    @field_validator("host", mode="after")
    @classmethod
    def _plain_host(cls, value: str | None) -> str | None:
        return None if value is None else plain_scope(value)

    @field_validator("headers", mode="after")
    @classmethod
    def _sendable(cls, value: dict[str, SecretStr] | None) -> dict[str, SecretStr] | None:
        if value is None:
            return None
        if not 0 < len(value) <= MOST_HEADERS or len({name.lower() for name in value}) < len(value):
            raise ValueError(f"there must be 1 to {MOST_HEADERS} headers, each once")
        for number, (name, text) in enumerate(value.items(), start=1):
            if not _HEADER.match(name) or not text.get_secret_value().replace("\t", " ").isprintable():
                raise ValueError(f"header {number} has a name or value that cannot be sent")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "NewCredentials":
        parts = _PARTS.get(self.type)
        if parts is None:
            raise ValueError(f"credentials of the type {self.type.value} cannot be kept yet")
        if any((getattr(self, part) is None) == (part in parts) for part in _ALL_PARTS):
            raise ValueError(f"credentials of the type {self.type.value} have exactly: {', '.join(parts)}")
        return self

    def credential(self) -> Credential:
        """What is to be kept."""
        if self.api_key is not None:
            return ApiKey(self.provider, self.api_key)
        if self.username is not None and self.password is not None:
            return UserPassword(self.provider, self.username, self.password)
        return HostScoped(self.provider, self.host or "", self.headers or {})


class CredentialsBody(BaseModel):
    """Credentials as they may be seen. `id`, `provider`, `type` and `title` are what a node or a run names them by."""

    id: str
    provider: str
    type: CredentialsType
    title: str
    host: str | None = Field(None, description="The host that they are for, if they are for one.")
    created_at: datetime


class CredentialsList(BaseModel):
    """A page of credentials, newest first, and those that the deployment has for everybody."""

    items: list[CredentialsBody]
    next_cursor: str | None
    total_count: int
    system: list[CredentialsMeta] = Field(
        description="The deployment's own, by provider: nodes that name none use these."
    )
