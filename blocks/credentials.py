"""Credentials as nodes name them, as blocks ask for them, and as blocks get them (agent-graphs §13, S-241 to S-249).

A node's inputs hold the meta, which is no secret. The secret itself is fetched by the activity right before the block
runs and reaches it only in its context: it is never part of inputs, outputs, rows or history.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import to_json

SHORTEST_REDACTED = 4
"""Shorter secrets are not looked for in texts: they would be found in every other word."""


SHORTEST_REDACTED_IN_VALUES = 8
"""The same for what blocks give: there a text that merely looks like a short password would be spoilt."""

SHORTEST_PIECE = 8
"""Characters of a piece of a secret, its beginning or its end, that is taken out of texts: blocks cut what they say."""

SHORTEST_PIECE_IN_VALUES = 12
_REDACTED = "[redacted]"
_CUT = ("…", "...")
"""How a text says that it goes on, or went before."""

PLAIN_HEADERS = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"}
)
"""Headers that tell no secret, whoever keeps them as one."""


class CredentialsType(StrEnum):
    """What a credential consists of. OAuth2 is known by name only: none can be kept yet."""

    API_KEY = "api_key"
    USER_PASSWORD = "user_password"  # noqa: S105 - the name of a kind, no password
    HOST_SCOPED = "host_scoped"
    OAUTH2 = "oauth2"


class CredentialsMeta(BaseModel):
    """Which credential a node uses: the value of its credentials input, in exported files too."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(min_length=1, max_length=200)
    provider: str = Field(min_length=1, max_length=100)
    type: CredentialsType
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, or token."""

    provider: str
    key: SecretStr

    type: ClassVar[CredentialsType] = CredentialsType.API_KEY

    def secrets(self) -> Iterator[str]:
        """What nobody may see."""
        yield self.key.get_secret_value()


@dataclass(frozen=True, slots=True)
class UserPassword:
    """A name and a password."""

    provider: str
    username: SecretStr
    password: SecretStr

    type: ClassVar[CredentialsType] = CredentialsType.USER_PASSWORD

    def secrets(self) -> Iterator[str]:
        """What nobody may see; also as HTTP's basic authentication sends it."""
        name, password = self.username.get_secret_value(), self.password.get_secret_value()
        yield password
        yield base64.b64encode(f"{name}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class HostScoped:
    """Headers for requests to one host: `example.com`, `*.example.com`, either with a `:port`."""

    provider: str
    host: str
    headers: Mapping[str, SecretStr]

    type: ClassVar[CredentialsType] = CredentialsType.HOST_SCOPED

    def secrets(self) -> Iterator[str]:
        """What nobody may see: the headers' values, also without a scheme such as `Bearer`."""
        for name, value in self.headers.items():
            if name.lower() in PLAIN_HEADERS:
                continue
            text = value.get_secret_value()
            yield text
            yield from text.split()[1:]


type Credential = ApiKey | UserPassword | HostScoped


def key_of(credentials: Mapping[str, Credential], name: str = "credentials") -> str:
    """The key that a block was lent for an input that takes API keys alone. TypeError for another kind."""
    credential = credentials[name]
    if not isinstance(credential, ApiKey):
        raise TypeError("The credential is not an API key.")
    return credential.key.get_secret_value()


@dataclass(frozen=True, slots=True)
class ProviderBy:
    """The provider depends on another input: `provider_of(value)` names it, or None for a value that has none.

    `advice`: what to do about such a value, as a sentence.
    """

    field: str
    provider_of: Callable[[str], str | None]
    advice: str = ""

    def refusal(self, value: str) -> str:
        """What is said of a value that nobody provides (agent-graphs §13.4)."""
        return f"{self.field.capitalize()} {value[:100]!r} is not supported. {self.advice}".rstrip()


@dataclass(frozen=True, slots=True)
class CredentialsField:
    """What a block needs in one of its credentials inputs.

    Declared in the block's `credentials`, by the input's name (`credentials` or `…_credentials`); the input itself is a
    `CredentialsMeta`, with a default of None when `required` is false: then the block also runs without. `providers`:
    those that will do; with `provider_by` the one that another input (a model) implies. `host_by`: the input whose URL
    a host-scoped credential is for. `file_by`: the input whose file, picked from a drive, may name the credential when
    this input names none. `own_only`: the deployment's own credentials will not do. It is for blocks that send them
    where a node says (whoever draws the graph would get the deployment's secrets sent to a server of theirs), and for
    those that act as somebody's account: whoever draws the graph would act as the deployment.
    `keyless_at_endpoint`: of language models, with `required` false: none is needed where the deployment has an
    endpoint of its own for the provider, and one is anywhere else. `only_at_endpoint`: providers without another place.
    """

    providers: tuple[str, ...]
    types: tuple[CredentialsType, ...] = (CredentialsType.API_KEY,)
    required: bool = True
    provider_by: ProviderBy | None = None
    host_by: str = ""
    file_by: str = ""
    own_only: bool = False
    keyless_at_endpoint: bool = False
    only_at_endpoint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes secrets out of texts for people, errors and log lines, and out of the values that blocks give."""

    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, credentials: Mapping[str, Credential]) -> "Redaction":
        """Of all secrets of an execution, also as URLs, JSON and base 64 spell them."""
        spelled: set[str] = set()
        for credential in credentials.values():
            # Also as a service has it that was sent one with a line's end pasted along.
            for secret in {form for each in credential.secrets() for form in (each, each.strip())}:
                encoded = base64.b64encode(secret.encode("utf-8", "replace")).decode()
                spelled |= {secret, encoded, repr(secret)[1:-1], json.dumps(secret)[1:-1]}
                spelled |= {quote(secret, errors="replace"), quote(secret, "", errors="replace")}
                spelled |= {quote_plus(secret, errors="replace"), json.dumps(secret, ensure_ascii=False)[1:-1]}
        kept = {text for text in spelled if len(text) >= SHORTEST_REDACTED}
        # The longest first, so that no rest of one stays where another was part of it.
        return cls(tuple(sorted(kept, key=lambda text: (-len(text), text))))

    def __call__(self, text: str) -> str:
        """The text with `[redacted]` in place of every secret, also of one that a cut has left a piece of."""
        text = self._without_whole(text)
        return self._without_pieces(text, SHORTEST_PIECE)

    def _without_whole(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, _REDACTED)
        return text

    def of_json(self, value: Any, text: bytes) -> Any:
        """Plain JSON with `[redacted]` in place of every secret that is not short, in keys too.

        `text` is its JSON text, in which a search is quick: most values hold none, and are returned as they are.
        """
        for_values = Redaction(tuple(each for each in self.secrets if len(each) >= SHORTEST_REDACTED_IN_VALUES))
        if any(each in text for secret in for_values.secrets for each in _signs(secret)):
            return for_values._within(value)
        return value

    def _within(self, value: Any) -> Any:
        match value:
            case str():
                return self._in_value(value)
            case list():
                return [self._within(item) for item in value]
            case dict():
                return {self._in_value(key): self._within(item) for key, item in value.items()}
            case _:
                return value

    def _in_value(self, text: str) -> str:
        """Pieces only where the text is cut: elsewhere they may be what all tokens of a kind begin with."""
        return self._without_pieces(self._without_whole(text), SHORTEST_PIECE_IN_VALUES, at_cuts=True)

    def _without_pieces(self, text: str, shortest: int, *, at_cuts: bool = False) -> str:
        for secret in self.secrets:
            text = _without_beginnings(text, secret, shortest, _REDACTED, at_cuts=at_cuts)
            if secret[-shortest:] in text:
                # An end is the beginning of what is spelled backwards.
                turned = _without_beginnings(text[::-1], secret[::-1], shortest, _REDACTED[::-1], at_cuts=at_cuts)
                text = turned[::-1]
        return text


def _signs(secret: str) -> tuple[bytes, ...]:
    """What JSON text holds that may hold the secret or a piece of it."""
    if len(secret) <= SHORTEST_PIECE_IN_VALUES:
        return (to_json(secret)[1:-1],)
    return to_json(secret[:SHORTEST_PIECE_IN_VALUES])[1:-1], to_json(secret[-SHORTEST_PIECE_IN_VALUES:])[1:-1]


def _shared(text: str, start: int, secret: str) -> int:
    """How many characters the text and the secret have in common, from there on."""
    pairs = zip(text[start : start + len(secret)], secret, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _without_beginnings(text: str, secret: str, shortest: int, instead: str, *, at_cuts: bool = False) -> str:
    """Without what the secret begins with, wherever it breaks off; or only where the text does, too."""
    if len(secret) <= shortest:
        return text
    head, kept, at = secret[:shortest], list[str](), 0
    while (start := text.find(head, at)) >= 0:
        end = start + _shared(text, start, secret)
        is_taken_out = not at_cuts or end == len(text) or text.startswith(_CUT, end)
        kept += (text[at:start], instead if is_taken_out else text[start:end])
        at = end
    return "".join((*kept, text[at:])) if kept else text


NOTHING_SECRET = Redaction(())
