"""Writing mails for `gmail_sending.py`: what they say, what is attached, which conversation they belong to."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from blocks.files.references import open_file
from blocks.providers.gmail import Mailbox, message_of
from blocks.providers.gmail_reading import addresses_in, headers_of, sender_in
from blocks.services import File, Services

_MOST_ATTACHED = 10 * 1024 * 1024
"""Bytes; encoded twice, for mail and for JSON, they fit into the largest request."""
_MOST_REFERENCES = 20
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")

type Form = Literal["auto", "plain", "html"]
"""How a body is written; `auto`: as it looks."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets a mail, each entry an address or several with commas between."""

    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()

    def nobody(self) -> bool:
        """Whether nobody is named."""
        return not any(each.strip() for each in (*self.to, *self.cc, *self.bcc))


@dataclass(frozen=True, slots=True)
class Answering:
    """Whom an answer is for, what it is called, and the headers that tie it to its conversation."""

    to: Sequence[str]
    subject: str
    headers: Mapping[str, str]


async def answering(
    mailbox: Mailbox, message_id: str, named: Recipients, subject: str, *, all_of_them: bool
) -> Answering:
    """How to answer a message; those who are named get it, or else who wrote it. ValueError when that is nobody."""
    asked = ("Subject", "References", "Message-ID", "From", "To", "Cc", "Reply-To")
    parent = headers_of(await mailbox.message(message_id, headers=asked))
    to = named.to
    if named.nobody():
        sender = sender_in(parent.get("reply-to") or parent.get("from", ""))
        if all_of_them:
            sender = sender_in(parent.get("from", ""))
            others = [*addresses_in(parent.get("to", "")), *addresses_in(parent.get("cc", ""))]
            to = list(dict.fromkeys(each for each in (sender, *others) if each))
        else:
            to = [sender] if sender else []
        if not to:
            raise ValueError("The mail does not say whom to answer; name somebody in `to`.")
    original = parent.get("subject", "")
    if not subject:
        subject = original if original.lower().startswith("re:") else f"Re: {original}".strip()
    own = _MESSAGE_ID.findall(parent.get("message-id", ""))[:1]
    references = [*_MESSAGE_ID.findall(parent.get("references", "")), *own][-_MOST_REFERENCES:]
    headers = {"In-Reply-To": " ".join(own), "References": " ".join(references)}
    return Answering(to, subject, {name: value for name, value in headers.items() if value})


async def written(
    services: Services,
    recipients: Recipients,
    subject: str,
    body: str,
    form: Form | None,
    attachments: Sequence[str],
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """A mail with the files that the references name."""
    files = Attached()
    for reference in attachments:
        files.add(await open_file(reference, services))
    return message_of(
        recipients.to,
        subject,
        body,
        cc=recipients.cc,
        bcc=recipients.bcc,
        html=is_html(body, form),
        attachments=files.files,
        headers=headers,
    )


class Attached:
    """Files of one mail. ValueError as soon as they are too large together."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self._size = 0

    def add(self, file: File) -> None:
        """One more."""
        self._size += len(file.content)
        if self._size > _MOST_ATTACHED:
            raise ValueError(f"The files of a mail can have {_MOST_ATTACHED:,} bytes together; attach fewer.")
        self.files.append(file)


def is_html(body: str, form: Form | None) -> bool:
    """Whether a body is HTML."""
    if form in (None, "auto"):
        return "<" in body[:500] and ">" in body[:500]
    return form == "html"


def forwarded(foreword: str, headers: Mapping[str, str], body: str, as_html: bool) -> str:
    """The text of a mail that is sent on; what strangers wrote is text in HTML, too."""
    head = [f"{name}: {headers.get(name.lower(), 'Unknown')}" for name in ("From", "Date", "Subject", "To")]
    text = "\n".join(["---------- Forwarded message ---------", *head, "", body])
    if as_html:
        text = html.escape(text).replace("\n", "<br>\n")
        return f"{foreword}<br><br>\n{text}" if foreword else text
    return f"{foreword}\n\n{text}" if foreword else text
