"""Gmail: sending a message.

For the block that sends with Gmail, once it can be given a token.
"""

import base64
from collections.abc import Sequence
from email.errors import MessageError
from email.message import EmailMessage

from blocks.http.client import Http
from blocks.http.errors import RequestInvalid
from blocks.providers.answers import object_of, unexpected
from blocks.services import File

_SEND = "https://gmail.googleapis.com/gmail/v1/users/me/messages/send"


def message_of(
    to: Sequence[str],
    subject: str,
    body: str,
    *,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    html: bool = False,
    attachments: Sequence[File] = (),
) -> EmailMessage:
    """The message. RequestInvalid for addresses and subjects that would be more than one line."""
    message = EmailMessage()
    try:
        for name, addresses in (("To", to), ("Cc", cc), ("Bcc", bcc)):
            if addresses:
                message[name] = ", ".join(addresses)
        message["Subject"] = subject
        message.set_content(body, subtype="html" if html else "plain")
        for file in attachments:
            kind, _, subkind = file.content_type.partition("/")
            message.add_attachment(file.content, maintype=kind, subtype=subkind, filename=file.name)
    except (ValueError, MessageError, IndexError):
        raise RequestInvalid("Recipients and subject must each be one line, and addresses valid.") from None
    return message


async def send(http: Http, token: str, message: EmailMessage) -> str:
    """Send it; the id that Gmail gave it."""
    raw = base64.urlsafe_b64encode(message.as_bytes()).decode("ascii")
    answer = await http.request("POST", _SEND, headers={"Authorization": f"Bearer {token}"}, json={"raw": raw})
    message_id = object_of(answer).get("id")
    if not isinstance(message_id, str):
        raise unexpected(answer)
    return message_id
