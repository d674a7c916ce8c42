"""Blocks that get credentials, and mishandle them in every way there is."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Inputs, Outputs, Sleep, Yielded
from blocks.credentials import ApiKey, Credential, CredentialsField, CredentialsMeta, CredentialsType, UserPassword
from engine.model import Effects
from telemetry.logging import Logger

log = Logger("tests.keyed")


class SecretLost(Exception):
    """Nobody foresaw it."""


def secret_of(credential: Credential) -> str:
    """The part that nobody may see."""
    match credential:
        case ApiKey():
            return credential.key.get_secret_value()
        case UserPassword():
            return credential.password.get_secret_value()
        case _:
            return next(iter(credential.headers.values())).get_secret_value()


def proof(secret: str) -> str:
    """By this a test knows that the block had the secret."""
    return sha256(secret.encode()).hexdigest()


class Keyed(Block[Any]):
    """Shows that it has the secret without telling it, then fails with it in the way of `how`."""

    id = "00000000-0000-4000-8000-000000000091"
    name = "TestKeyed"
    description = "For tests"
    effects = Effects.EFFECTFUL

    class Input(Inputs):
        value: Any = Field(None, description="Anything")
        how: str = Field("", description="How it fails")
        credentials: CredentialsMeta = Field(description="Whose")

    class Output(Outputs):
        proof: str = Field("", description="A hash of the secret")
        used: str = Field("", description="The id of the credentials")

    credentials: ClassVar = {
        "credentials": CredentialsField(("acme",), (CredentialsType.API_KEY, CredentialsType.USER_PASSWORD))
    }

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        credential = context.credentials["credentials"]
        secret = secret_of(credential)
        yield "proof", proof(secret)
        yield "used", inputs.credentials.id
        await asyncio.sleep(0.05)
        encoded = base64.b64encode(secret.encode()).decode()
        log.warning(f"Asked with {secret} of {credential!r}", secret=secret, url=f"https://x/?k={secret}", also=encoded)
        match inputs.how:
            case "expected":
                raise ValueError(f"401 for key {secret} ({encoded})")
            case "unforeseen":
                try:
                    raise KeyError(secret)
                except KeyError as error:
                    raise SecretLost({"Authorization": f"Bearer {secret}"}) from error
            case "output":
                yield "error", f"The other side said: {secret} is wrong"


class Either(Block[Any]):
    """Runs with credentials and without."""

    id = "00000000-0000-4000-8000-000000000092"
    name = "TestEither"
    description = "For tests"
    effects = Effects.IDEMPOTENT

    class Input(Inputs):
        value: Any = Field(None, description="Anything")
        credentials: CredentialsMeta | None = Field(None, description="Whose")

    class Output(Outputs):
        proof: str = Field("", description="A hash of the secret")

    credentials: ClassVar = {"credentials": CredentialsField(("brook",), required=False)}

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        assert (inputs.credentials is None) == ("credentials" not in context.credentials)
        credential = context.credentials.get("credentials")
        yield "proof", proof(secret_of(credential)) if credential else "without"


class Echo(Block[Any]):
    """Gives what a service answers that repeats the secret, keeps it while it waits, and gives that too."""

    id = "00000000-0000-4000-8000-000000000093"
    name = "TestEcho"
    description = "For tests"
    effects = Effects.IDEMPOTENT

    class Input(Inputs):
        wait: bool = Field(True, description="Whether it waits")
        credentials: CredentialsMeta = Field(description="Whose")

    class Output(Outputs):
        told: Any = Field(None, description="The answer")

    credentials: ClassVar = {"credentials": CredentialsField(("acme",))}

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        secret = secret_of(context.credentials["credentials"])
        if context.resume is not None:
            yield "told", context.resume
            return
        encoded = base64.b64encode(secret.encode()).decode()
        told = {"headers": {"authorization": f"Bearer {secret}"}, secret: [encoded, f"?key={secret}"]}
        yield "told", told
        # Above what history takes inline.
        yield "told", [told, "x" * 20_000]
        context.progress(f"I was asked with {secret}")
        if inputs.wait:
            yield Sleep(timedelta(seconds=0.1), {"kept": told})


KEYED_BLOCKS: tuple[type[Block[Any]], ...] = (Keyed, Either, Echo)
