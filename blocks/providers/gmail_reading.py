"""What a message that Gmail describes says: its headers, its text, what is attached to it.

For the blocks of `blocks/google/`. Whoever wrote the mail wrote all of this: no part is trusted to be there or to be
what it says it is.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from blocks.files.references import plain_name
from blocks.http.errors import AnswerUnreadable
from blocks.mail.addresses import address_of, addresses_of
from blocks.providers.gmail import Mailbox, decoded

NO_BODY = "This email does not contain a readable body."
_DEEPEST = 10
_MOST_PARTS = 200
_LONGEST_HEADER = 20_000

type AsText = Callable[[str], Awaitable[str]]
"""Makes text of HTML."""


def headers_of(message: Mapping[str, Any]) -> dict[str, str]:
    """Its headers by name in lower case, each in one line; the first counts where one stands twice."""
    found: dict[str, str] = {}
    listed = _dict(message.get("payload")).get("headers")
    for each in listed if isinstance(listed, list) else ():
        name, value = _dict(each).get("name"), _dict(each).get("value")
        if isinstance(name, str) and isinstance(value, str):
            found.setdefault(name.lower(), " ".join(value[:_LONGEST_HEADER].split()))
    return found


def addresses_in(header: str) -> list[str]:
    """The bare addresses in a header."""
    return [address.strip() for address in addresses_of([header]) if address.strip()]


def sender_in(header: str) -> str:
    """The one bare address in a header; empty when there is none."""
    return address_of(header)


def attachments_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is attached: `filename`, `content_type`, `size` in bytes, `attachment_id`."""
    found = []
    for part in _parts(message):
        name, body = part.get("filename"), _dict(part.get("body"))
        if name and isinstance(name, str) and isinstance(body.get("attachmentId"), str):
            size = body.get("size")
            found.append(
                {
                    "filename": plain_name(name),
                    "content_type": _kind(part) or "application/octet-stream",
                    "size": size if isinstance(size, int) else 0,
                    "attachment_id": body["attachmentId"],
                }
            )
    return found


async def email_of(mailbox: Mailbox, message: Mapping[str, Any], as_text: AsText) -> dict[str, Any]:
    """The message as blocks give it."""
    headers = headers_of(message)
    size, labels = message.get("sizeEstimate"), message.get("labelIds")
    return {
        "threadId": _text(message.get("threadId")),
        "labelIds": [each for each in labels if isinstance(each, str)] if isinstance(labels, list) else [],
        "id": _text(message.get("id")),
        "subject": headers.get("subject", "No Subject"),
        "snippet": _text(message.get("snippet")),
        "from_": sender_in(headers.get("from", "")),
        "to": addresses_in(headers.get("to", "")),
        "cc": addresses_in(headers.get("cc", "")),
        "bcc": addresses_in(headers.get("bcc", "")),
        "date": headers.get("date", ""),
        "body": await body_of(mailbox, message, as_text),
        "sizeEstimate": size if isinstance(size, int) else 0,
        "attachments": attachments_of(message),
    }


async def body_of(mailbox: Mailbox, message: Mapping[str, Any], as_text: AsText) -> str:
    """The first part that can be read, as text; `NO_BODY` when there is none."""
    for part in _parts(message):
        kind, body = _kind(part), _dict(part.get("body"))
        if kind not in ("text/plain", "text/html") or part.get("filename"):
            continue
        content = await _content(mailbox, _text(message.get("id")), body)
        text = content.decode("utf-8", errors="replace")
        if kind == "text/html" and text.strip():
            text = await as_text(text)
        if text.strip():
            return text
    return NO_BODY


async def _content(mailbox: Mailbox, message_id: str, body: Mapping[str, Any]) -> bytes:
    """What a part holds; nothing when it cannot be read. A long text lies apart, like an attachment."""
    try:
        if body.get("data"):
            return decoded(body["data"])
        if isinstance(body.get("attachmentId"), str):
            return await mailbox.attachment(message_id, body["attachmentId"])
    except AnswerUnreadable:
        pass
    return b""


def _parts(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts, outer before inner, in their order."""
    waiting = [(_dict(message.get("payload")), 0)]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        yield part
        inner = part.get("parts")
        if isinstance(inner, list) and depth < _DEEPEST:
            waiting += [(_dict(each), depth + 1) for each in reversed(inner[:_MOST_PARTS])]


def _kind(part: Mapping[str, Any]) -> str:
    kind = part.get("mimeType")
    return kind.lower() if isinstance(kind, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
