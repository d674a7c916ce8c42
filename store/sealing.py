"""Encryption at rest: AES-256-GCM under keys with ids, each text bound to the row it belongs to.

Made by the composition roots from the settings; `credentials` seals and opens with it. It knows no rows.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import CredentialKeysMissing, CredentialsUnusable

KEY_BYTES = 32
_NONCE_BYTES = 12
_SETTING = "HEDDLE_CREDENTIAL_KEYS"
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,50}\Z")


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted text, and by which key; the tag that authenticates it is at its end."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by id: the first encrypts, all decrypt. So a new one is put in front, and the old ones stay."""

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """`ID:KEY,ID:KEY`, each key 32 bytes in base 64. ValueError says which id is wrong, and never shows a key."""
        keys: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
            key_id, colon, encoded = part.partition(":")
            if not colon or not _KEY_ID.match(key_id):
                raise ValueError(f"{_SETTING}: key {number} has no id; write ID:KEY, the id of letters, digits, `._-`.")
            if key_id in keys:
                raise ValueError(f"{_SETTING}: two keys have the id {key_id!r}.")
            keys[key_id] = _decoded(key_id, encoded)
        return cls(keys)

    def seal(self, plain: bytes, bound_to: Sequence[str]) -> Sealed:
        """Encrypt with the first key; only with the same `bound_to` can it be opened. CredentialKeysMissing."""
        for key_id, key in self.keys.items():
            nonce = os.urandom(_NONCE_BYTES)
            return Sealed(key_id, nonce, AESGCM(key).encrypt(nonce, plain, _associated(bound_to)))
        raise CredentialKeysMissing

    def open(self, sealed: Sealed, bound_to: Sequence[str]) -> bytes:
        """The text. CredentialsUnusable when the key is not here, or the text is not what was sealed for this row."""
        key = self.keys.get(sealed.key_id)
        if key is None:
            raise CredentialsUnusable(
                f"Credentials not available: they are encrypted with the key {sealed.key_id!r}, which is not set here."
            )
        try:
            return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _associated(bound_to))
        except (InvalidTag, ValueError):
            raise CredentialsUnusable("Credentials not available: they cannot be decrypted.") from None


def new_key() -> str:
    """A fresh key, in base 64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _decoded(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{_SETTING}: {key_id!r} is not {KEY_BYTES} bytes in base 64 (`openssl rand -base64 32`).")
    return key


def _associated(parts: Sequence[str]) -> bytes:
    """The parts as one text in which none can be mistaken for another."""
    return json.dumps(list(parts), ensure_ascii=False).encode()
