"""Sending one e-mail through somebody's SMTP server, under the same guard as web requests.

For the block of `sending.py`. Always over TLS, save to servers that the deployment
names itself; the server's address is judged before it is connected to. Nothing is tried again: a mail may have left.
"""

import asyncio
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import aiosmtplib

from blocks.http.client import Http
from blocks.http.errors import DestinationRefused, RequestFailed, RequestInvalid, RequestTimedOut
from blocks.mail.addresses import addresses_of, is_too_deep

_PORTS = frozenset({25, 465, 587, 2525})
_IMPLICIT_TLS = 465
_MOST_RECIPIENTS = 50
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server and who sends there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain e-mail. `recipients` is one address or several with commas between."""

    sender: str
    recipients: str
    subject: str
    body: str

    def message(self) -> EmailMessage:
        """The mail with its headers. RequestInvalid for addresses that are none and headers that would be several."""
        recipients = addresses_of([self.recipients])
        if not recipients or not all("@" in address for address in recipients):
            raise RequestInvalid("The recipient is not a mail address; it is like somebody@example.com.")
        if len(recipients) > _MOST_RECIPIENTS:
            raise RequestInvalid(f"There are {len(recipients)} recipients; at most {_MOST_RECIPIENTS} are possible.")
        message = EmailMessage()
        try:
            if is_too_deep(self.sender):
                raise ValueError
            message["From"], message["To"], message["Subject"] = self.sender, self.recipients, self.subject
            message["Date"], message["Message-ID"] = (
                formatdate(),
                make_msgid(domain=self.sender.rpartition("@")[2] or None),
            )
            message.set_content(self.body)
        except (ValueError, MessageError, IndexError):
            raise RequestInvalid("Sender, recipient and subject must each be one line, and addresses valid.") from None
        return message


async def send_mail(http: Http, server: MailServer, mail: Mail, *, seconds: float = _SECONDS) -> None:
    """Send it. RequestFailed says why it could not be, and never holds the password or the server's own words."""
    message = mail.message()
    host = server.host.strip().lower().removesuffix(".")
    named = http.allowed.names(host, server.port)
    if server.port not in _PORTS and not named:
        raise DestinationRefused(f"Port {server.port} of {host} is not for sending mail.", host=host)
    try:
        async with asyncio.timeout(seconds):
            sock = await http.dialer.connect_socket(host, server.port)
            client = aiosmtplib.SMTP(
                hostname=host,
                sock=sock,
                use_tls=server.port == _IMPLICIT_TLS,
                # Its own servers may do without; to others the password travels encrypted or not at all.
                start_tls=None if named or server.port == _IMPLICIT_TLS else True,
                tls_context=http.trust,
                username=server.user or None,
                password=server.password or None,
                timeout=seconds,
                local_hostname="heddle",
            )
            async with client:
                await client.send_message(message)
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        raise RequestTimedOut(f"{host} did not take the mail within {seconds:g} seconds.", host=host) from None
    except aiosmtplib.SMTPAuthenticationError:
        raise RequestFailed(f"{host} does not accept the user name or the password.", host=host) from None
    except aiosmtplib.SMTPRecipientsRefused:
        raise RequestFailed(f"{host} does not take mail for the recipient.", host=host) from None
    except aiosmtplib.SMTPSenderRefused:
        raise RequestFailed(f"{host} does not take mail from the sender.", host=host) from None
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        raise RequestFailed(f"{host} did not take the mail{_why(error)}.", host=host) from None


def _why(error: Exception) -> str:
    """The kind of failure as far as it can be told without repeating the server."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f": it answered {error.code}"
    if "STARTTLS" in str(error):
        return ": it does not offer TLS"
    return ""
