"""The deployment's own credentials, one for each provider: what nodes use that name none, or name upstream's.

Made by the composition roots from the settings. Exported agents hold the ids below where they used the keys of the
place they come from; here the same ids stand for the host's own keys (agent-graphs §11.14).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from blocks.credentials import ApiKey, CredentialsMeta, CredentialsType

UPSTREAM_IDS: Mapping[str, str] = {
    "openai": "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a",
    "anthropic": "24e5d942-d9e3-4798-8151-90143ee55629",
    "groq": "4ec22295-8f97-4dd1-b42b-2c6957a02545",
    "open_router": "b5a0e27d-0c98-4df3-a4b9-10193e1f3c40",
    "ollama": "744fdc56-071a-4761-b5a5-0af0ce10a2b5",
    "llama_api": "d44045af-1c33-4833-9e19-752313214de2",
    "v0": "c4e6d1a0-3b5f-4789-a8e2-9b123456789f",
    "aiml_api": "aad82a89-9794-4ebb-977f-d736aa5260a3",
    "jina": "7f26de70-ba0d-494e-ba76-238e65e7b45f",
    "exa": "96153e04-9c6c-4486-895f-5bb683b1ecec",
    "e2b": "78d19fd7-4d59-4a16-8277-3ce310acf2b7",
    "replicate": "6b9fc200-4726-4973-86c9-cd526f5ce5db",
    "google_maps": "9aa1bde0-4947-4a70-a20c-84daa3850d52",
}
"""Provider → id of upstream's own credential."""

KEYLESS = "ollama"
"""A model server of one's own asks for no key: where its endpoint is set its credential is there, and empty."""

_OTHERS = uuid.UUID("6f1a5a5e-2c0e-4f0c-9d39-5d2f3b0c7a11")


@dataclass(frozen=True, slots=True)
class SystemCredentials:
    """Provider → key of the deployment; and the providers of language models with an endpoint of the deployment's."""

    keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    endpoints: frozenset[str] = frozenset()

    @classmethod
    def of(cls, keys: Mapping[str, SecretStr], endpoints: Iterable[str] = ()) -> "SystemCredentials":
        """Those of the given keys, and the one that needs none where its endpoint is set."""
        own = frozenset(endpoints)
        return cls({**({KEYLESS: SecretStr("")} if KEYLESS in own else {}), **keys}, own)

    def meta(self, provider: str) -> CredentialsMeta | None:
        """How a node names the deployment's credential of the provider; None when there is none."""
        if provider not in self.keys:
            return None
        return CredentialsMeta(
            id=system_id(provider),
            provider=provider,
            type=CredentialsType.API_KEY,
            title=f"This deployment's own key for {provider}",
        )

    def secret(self, provider: str) -> ApiKey:
        """The credential itself. KeyError when there is none."""
        return ApiKey(provider, self.keys[provider])

    def provider_of(self, credential_id: str) -> str | None:
        """The provider whose deployment-wide credential has this id, whether there is a key for it here or not."""
        return next((name for name in {**UPSTREAM_IDS, **self.keys} if system_id(name) == credential_id), None)


def system_id(provider: str) -> str:
    """The id of the deployment's credential of a provider: upstream's, or one made from the provider's name."""
    return UPSTREAM_IDS.get(provider) or str(uuid.uuid5(_OTHERS, provider))


def no_endpoint(provider: str) -> str:
    """What is said when a provider is nowhere until the deployment says where, and it does not."""
    return f"no endpoint of {provider} is set (HEDDLE_LLM_BASE_URLS)"


def paid_by_host(provider: str) -> dict[str, Any]:
    """The filter of a cost that only the use of the deployment's own credential has."""
    meta = {"id": system_id(provider), "provider": provider, "type": CredentialsType.API_KEY.value}
    return {"credentials": meta}
