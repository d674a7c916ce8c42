"""Gmail: a mailbox over its REST interface, and the mails that are handed to it.

For the blocks of `blocks/google/`. Ids are checked before they become part of a path, so that they lead nowhere else.
What a message that was read says is in `gmail_reading.py`.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from blocks.http.client import Http, Params
from blocks.http.errors import RequestInvalid
from blocks.mail.addresses import addresses_of
from blocks.providers.answers import object_of, unexpected_from
from blocks.services import File

_HOST = "gmail.googleapis.com"
_API = f"https://{_HOST}/gmail/v1/users/me"
_ID = re.compile(r"[A-Za-z0-9_-]{1,2000}")
_MOST_RECIPIENTS = 500
_MOST_PAGES = 20
_LARGEST_FILE = 36 * 1024 * 1024
"""An attachment of the largest mail Gmail takes, in base 64, with room to spare."""
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]*")
# Lines up to the longest that mail allows are left as they are: neither bodies nor the ids of other mails are cut.
_POLICY = SMTP.clone(max_line_length=998)


def message_of(
    to: Sequence[str],
    subject: str,
    body: str,
    *,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    html: bool = False,
    attachments: Sequence[File] = (),
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """The message. RequestInvalid for addresses and subjects that would be more than one line, or are none.

    An entry of a list may be several addresses with commas; empty ones are left out. `headers`: further ones.
    """
    message = EmailMessage(_POLICY)
    try:
        count = 0
        for name, addresses in (("To", to), ("Cc", cc), ("Bcc", bcc)):
            kept = [address.strip() for address in addresses if address.strip()]
            if kept:
                count += _checked(kept)
                message[name] = ", ".join(kept)
        if not 1 <= count <= _MOST_RECIPIENTS:
            raise RequestInvalid(f"A mail has from 1 to {_MOST_RECIPIENTS} recipients, not {count}.")
        for name, value in {"Subject": subject.strip(), **(headers or {})}.items():
            if not _ONE_LINE.fullmatch(value):
                raise ValueError
            message[name] = value
        message.set_content(body, subtype="html" if html else "plain")
        for file in attachments:
            kind, _, subkind = file.content_type.partition("/")
            if kind in ("message", "multipart"):
                kind, subkind = "application", "octet-stream"
            message.add_attachment(file.content, maintype=kind, subtype=subkind, filename=file.name)
    except RequestInvalid:
        raise
    except (ValueError, MessageError, IndexError, UnicodeError):
        raise RequestInvalid("Recipients and subject must each be one line, and addresses valid.") from None
    return message


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A user's mailbox. Every method raises what `object_of` does, and ValueError for what is no id of Gmail's."""

    http: Http
    token: str = field(repr=False)

    async def search(self, query: str, most: int) -> list[str]:
        """The ids of the newest messages that a query in Gmail's own words finds; all are found by an empty one."""
        found: list[str] = []
        page: str | None = None
        for _ in range(_MOST_PAGES):
            params = {"maxResults": min(most - len(found), 500), "q": query or None, "pageToken": page}
            answer = await self._ask("GET", "/messages", {k: v for k, v in params.items() if v is not None})
            found += [each["id"] for each in _objects(answer, "messages") if isinstance(each.get("id"), str)]
            page = answer.get("nextPageToken")
            if len(found) >= most or not isinstance(page, str) or not page:
                break
        return found[:most]

    async def message(self, message_id: str, *, headers: Sequence[str] = ()) -> dict[str, Any]:
        """A message as Gmail describes it: whole, or the named headers alone."""
        path = f"/messages/{checked_id(message_id, 'message')}"
        if headers:
            return await self._ask("GET", path, {"format": "metadata", "metadataHeaders": list(headers)})
        return await self._ask("GET", path, {"format": "full"}, most_bytes=_LARGEST_FILE)

    async def thread(self, thread_id: str) -> dict[str, Any]:
        """A thread with its messages, whole."""
        path = f"/threads/{checked_id(thread_id, 'thread')}"
        return await self._ask("GET", path, {"format": "full"}, most_bytes=_LARGEST_FILE)

    async def attachment(self, message_id: str, attachment_id: str) -> bytes:
        """The content of an attachment."""
        message, attachment = checked_id(message_id, "message"), checked_id(attachment_id, "attachment")
        answer = await self._ask("GET", f"/messages/{message}/attachments/{attachment}", most_bytes=_LARGEST_FILE)
        return decoded(answer.get("data"))

    async def labels(self) -> list[dict[str, str]]:
        """All labels, each with `id` and `name`."""
        listed = _objects(await self._ask("GET", "/labels"), "labels")
        return [{"id": each["id"], "name": each["name"]} for each in listed if _named(each)]

    async def create_label(self, name: str) -> str:
        """Make a label; its id."""
        return _id_in(await self._ask("POST", "/labels", json={"name": name}))

    async def modify(self, message_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> list[str]:
        """Change a message's labels, by their ids; those it has then."""
        body = {"addLabelIds": list(add)} if add else {"removeLabelIds": list(remove)}
        answer = await self._ask("POST", f"/messages/{checked_id(message_id, 'message')}/modify", json=body)
        return [each for each in answer.get("labelIds") or () if isinstance(each, str)]

    async def send(self, message: EmailMessage, thread_id: str = "") -> dict[str, Any]:
        """Send it, in a thread if one is named. What Gmail says of it; `id` is a text."""
        answer = await self._ask("POST", "/messages/send", json=_raw(message, thread_id))
        _id_in(answer)
        return answer

    async def draft(self, message: EmailMessage, thread_id: str = "") -> tuple[str, dict[str, Any]]:
        """Keep it as a draft. The draft's id, and what Gmail says of its message; its `id` is a text."""
        answer = await self._ask("POST", "/drafts", json={"message": _raw(message, thread_id)})
        kept = answer.get("message")
        if not isinstance(kept, dict):
            raise unexpected_from(_HOST)
        _id_in(kept)
        return _id_in(answer), kept

    async def profile(self) -> dict[str, Any]:
        """Whose mailbox it is: `emailAddress`, `messagesTotal`, `threadsTotal`, `historyId`."""
        told = await self._ask("GET", "/profile")
        totals = {
            name: told[name] if isinstance(told.get(name), int) else 0 for name in ("messagesTotal", "threadsTotal")
        }
        return {
            "emailAddress": str(told.get("emailAddress") or ""),
            **totals,
            "historyId": str(told.get("historyId") or ""),
        }

    async def _ask(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        json: Any = None,
        most_bytes: int | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.http.request(
            method, _API + path, params=params, headers=headers, json=json, most_bytes=most_bytes
        )
        return object_of(answer)


def checked_id(text: str, of: str) -> str:
    """The id, when it can be one. ValueError otherwise."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r:.60} is not the id of a {of} at Gmail; they are like 18c3a5f0d1e2b3c4.")
    return text


def decoded(data: Any) -> bytes:
    """What Gmail wrote in its base 64, with or without padding. AnswerUnreadable when it is none."""
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (TypeError, ValueError):
        raise unexpected_from(_HOST) from None


def _checked(addresses: Sequence[str]) -> int:
    """How many addresses there are. ValueError unless each is one, in one line."""
    if not all(_ONE_LINE.fullmatch(address) for address in addresses):
        raise ValueError
    read = addresses_of(addresses)
    if not all(name and host for name, _, host in (address.rpartition("@") for address in read)):
        raise ValueError
    return len(read)


def _raw(message: EmailMessage, thread_id: str) -> dict[str, str]:
    raw = base64.urlsafe_b64encode(message.as_bytes()).decode("ascii")
    return {"raw": raw, "threadId": checked_id(thread_id, "thread")} if thread_id else {"raw": raw}


def _objects(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer, where none means that there is nothing."""
    listed = answer.get(name, [])
    if not isinstance(listed, list):
        raise unexpected_from(_HOST)
    return [each for each in listed if isinstance(each, dict)]


def _named(label: Mapping[str, Any]) -> bool:
    return isinstance(label.get("id"), str) and isinstance(label.get("name"), str)


def _id_in(answer: Mapping[str, Any]) -> str:
    told = answer.get("id")
    if not isinstance(told, str):
        raise unexpected_from(_HOST)
    return told
