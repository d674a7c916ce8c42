"""Sending mail: a real server on a real socket, with and without TLS, and servers that mean ill."""

from typing import Any

import pytest

from blocks.http.errors import DestinationRefused, RequestFailed, RequestInvalid, RequestTimedOut
from blocks.mail.smtp import Mail, MailServer, send_mail
from tests.support.mail import Server, serving

MAIL = Mail("me@example.com", "you@example.com", "Tea", "It is ready.\n.\nCome.")


DEEP = "(" * 1_000 + ")" * 1_000


def at(server: Server, host: str = "mail.example", **more: Any) -> MailServer:
    return MailServer(host, server.port, **{"user": "me", "password": "s3cret", **more})


async def test_a_mail_arrives() -> None:
    async with serving(Server(), "mail.example") as (server, http):
        await send_mail(http(f"mail.example:{server.port}"), at(server), MAIL)
    assert "STARTTLS" in server.heard
    assert server.heard.index("STARTTLS") < next(i for i, line in enumerate(server.heard) if line.startswith("AUTH"))
    for line in (
        "MAIL FROM:<me@example.com>",
        "RCPT TO:<you@example.com>",
        "Subject: Tea",
        "It is ready.",
        "..",
        "Come.",
    ):
        assert any(heard.startswith(line) for heard in server.heard), line


async def test_a_server_of_the_deployments_own_may_do_without_tls() -> None:
    async with serving(Server()) as (server, http):
        await send_mail(http(f"mail.example:{server.port}"), at(server), MAIL)
    assert "DATA" in server.heard


async def test_elsewhere_a_server_without_tls_hears_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Server()) as (server, http):
        monkeypatch.setattr("blocks.mail.smtp._PORTS", {server.port})
        with pytest.raises(RequestFailed, match=r"^mail\.example did not take the mail: it does not offer TLS\.$"):
            await send_mail(http("127.0.0.1"), at(server), MAIL)
    assert not any(line.startswith("AUTH") for line in server.heard)


async def test_a_certificate_for_another_name_hears_no_password() -> None:
    async with serving(Server(), "other.example") as (server, http):
        with pytest.raises(RequestFailed, match=r"^mail\.example did not take the mail"):
            await send_mail(http(f"mail.example:{server.port}"), at(server), MAIL)
    assert not any(line.startswith("AUTH") for line in server.heard)


async def test_inside_addresses_and_other_ports_are_refused() -> None:
    async with serving(Server()) as (server, http):
        with pytest.raises(DestinationRefused, match="is not for sending mail"):
            await send_mail(http(), at(server), MAIL)
        for port in (25, 465, 587, 2525):
            with pytest.raises(DestinationRefused, match="not on the public internet"):
                await send_mail(http(), MailServer("mail.example", port, "me", "s3cret"), MAIL)
    assert server.heard == []


@pytest.mark.parametrize(
    "mail",
    [
        Mail("me@example.com", "you@example.com", "Tea\r\nBcc: all@example.com", ""),
        Mail("me@example.com\nBcc: all@example.com", "you@example.com", "Tea", ""),
        Mail("me@example.com", "you@example.com\r\nBcc: all@example.com", "Tea", ""),
        Mail("me@example.com", "", "Tea", ""),
        Mail("me@example.com", "nobody", "Tea", ""),
        Mail("me@example.com", f"{DEEP} you@example.com", "Tea", ""),
        Mail(f"{DEEP} me@example.com", "you@example.com", "Tea", ""),
        Mail("me@example.com", ", ".join(f"u{number}@example.com" for number in range(51)), "Tea", ""),
    ],
)
def test_mails_that_would_be_something_else_are_refused(mail: Mail) -> None:
    with pytest.raises(RequestInvalid):
        mail.message()


@pytest.mark.parametrize(
    ("say", "words"),
    [
        ({"AUTH": b"535 s3cret is wrong\r\n"}, "does not accept the user name or the password"),
        ({"RCPT": b"550 s3cret\r\n"}, "does not take mail for the recipient"),
        ({"MAIL": b"550 s3cret\r\n"}, "does not take mail from the sender"),
        ({".": b"554 s3cret\r\n"}, "did not take the mail: it answered 554"),
        ({"": b"HTTP/1.1 200 s3cret\r\n"}, "did not take the mail"),
        ({"": b"220-" + b"x" * 100_000 + b"\r\n"}, "did not take the mail"),
        ({"": b"220-x\r\n" * 100_000}, "did not take the mail"),
    ],
)
async def test_servers_that_say_no(say: dict[str, bytes], words: str) -> None:
    async with serving(Server(say), "mail.example") as (server, http):
        with pytest.raises(RequestFailed) as failure:
            await send_mail(http(f"mail.example:{server.port}"), at(server), MAIL, seconds=5)
    assert str(failure.value).startswith(f"mail.example {words}")
    assert "s3cret" not in str(failure.value)
    assert "s3cret" not in repr(at(server))


async def test_a_server_that_says_nothing() -> None:
    async with serving(Server({"": b""})) as (server, http):
        with pytest.raises(RequestTimedOut, match=r"within 0\.3 seconds"):
            await send_mail(http(f"mail.example:{server.port}"), at(server), MAIL, seconds=0.3)
