"""The block that sends mail: who it is from, to whom it goes, and what it says when the server does not take it."""

from typing import Any

import pytest
from pydantic import SecretStr

from blocks.credentials import ApiKey, UserPassword
from blocks.http.errors import RequestFailed
from blocks.mail.sending import SendEmail
from blocks.services import Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.support.mail import Server, serving

ACCOUNT = {"credentials": UserPassword("smtp", SecretStr("ada@mail.example"), SecretStr("s3cret"))}


async def send(server: Server, credentials: Any = ACCOUNT, **changed: Any) -> list[tuple[str, Any]]:
    async with serving(server, "mail.example") as (_, http_that_may):
        http = http_that_may(f"mail.example:{server.port}")
        config = {"smtp_server": "mail.example", "smtp_port": server.port}
        inputs = {**SendEmail.examples[0].inputs, "config": config, **changed}
        try:
            return await run(SendEmail, inputs, services=Services(http=http), credentials=credentials)
        finally:
            await http.aclose()


async def test_a_mail_is_from_the_account_and_to_all_recipients() -> None:
    server = Server()
    assert await send(server, to_email="a@tea.example, b@tea.example") == [("status", "Email sent successfully")]
    assert "MAIL FROM:<ada@mail.example>" in [line.partition(" SIZE")[0].rstrip() for line in server.heard]
    assert [line for line in server.heard if line.startswith("RCPT")] == [
        "RCPT TO:<a@tea.example>",
        "RCPT TO:<b@tea.example>",
    ]
    assert "Subject: Tea" in server.heard
    assert "It is ready." in server.heard


async def test_a_server_that_says_no_fails_the_node_without_the_password() -> None:
    with pytest.raises(RequestFailed, match="does not accept the user name or the password") as failure:
        await send(Server({"AUTH": b"535 s3cret is wrong\r\n"}))
    assert "s3cret" not in str(failure.value)


async def test_another_kind_of_credential_is_not_sent() -> None:
    server = Server()
    with pytest.raises(TypeError, match="not a name with a password"):
        await send(server, {"credentials": ApiKey("smtp", SecretStr("s3cret"))})
    assert server.heard == []


def test_it_is_sent_at_most_once_and_people_may_ask_to_see_it_before() -> None:
    assert SendEmail.effects is Effects.EFFECTFUL
    assert SendEmail.sensitive
