"""Sending mails with Gmail, and keeping them as drafts.

Registered in `catalogue.py`; what Gmail is asked is in `providers/gmail.py`. All are entered at most once: a mail may
have left.
"""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Outputs, Yielded
from blocks.files.references import open_file
from blocks.google.account import ACCOUNT, EXAMPLE_ACCOUNT, JSON, GoogleInputs
from blocks.google.gmail_letters import Answering, Attached, Form, Recipients, answering, forwarded, is_html, written
from blocks.google.gmail_reading import API, EMAIL, MESSAGE, MailReader, mailbox_of
from blocks.providers.gmail import Mailbox, message_of
from blocks.providers.gmail_reading import attachments_of, body_of, headers_of
from blocks.services import File
from engine.model import Effects


class SendingInputs(GoogleInputs):
    """The inputs that every mail has."""

    cc: list[str] = Field(default_factory=list, title="Cc", description="Who gets a copy")
    bcc: list[str] = Field(default_factory=list, title="Bcc", description="Who gets a copy that nobody else sees")
    content_type: Form | None = Field(
        None, title="Form", description="`plain`, `html`, or `auto`: HTML if the body looks like it"
    )


class AttachingInputs(SendingInputs):
    """The same, with files."""

    attachments: list[str] = Field(
        default_factory=list,
        title="Attachments",
        description="Files to attach: data URIs, http or https addresses, or files of the run",
    )


class GmailSendInputs(AttachingInputs):
    to: list[str] = Field(title="To", description="Who it is for", examples=[["ada@tea.example"]])
    subject: str = Field(title="Subject", description="The subject, in one line")
    body: str = Field(title="Body", description="The text, plain or in HTML")

    async def written(self, context: BlockContext) -> EmailMessage:
        """The mail."""
        recipients = Recipients(self.to, self.cc, self.bcc)
        return await written(context.services, recipients, self.subject, self.body, self.content_type, self.attachments)


class GmailSendOutputs(Outputs):
    result: dict[str, Any] = Field(title="Result", description="The mail that was sent: `id` and `status`")


class GmailSend(Block[GmailSendInputs]):
    id = "6c27abc2-e51d-499e-a85f-5a0041ba94f0"
    name = "Send Gmail message"
    description = "Sends a mail with Gmail. Nothing is tried again."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailSendInputs
    Output = GmailSendOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "to": ["ada@tea.example"], "subject": "Tea", "body": "It is ready."},
            (("result", {"id": "18c", "status": "sent"}),),
            web=(Exchange(f"POST {API}/messages/send", '{"id": "18c", "threadId": "18c"}', headers=JSON),),
        ),
    )

    async def run(self, inputs: GmailSendInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not (inputs.to and inputs.subject.strip() and inputs.body):
            raise ValueError("A mail needs somebody it is for, a subject and a body.")
        message = await inputs.written(context)
        sent = await mailbox_of(context).send(message)
        yield "result", {"id": sent["id"], "status": "sent"}


class GmailCreateDraftOutputs(Outputs):
    result: dict[str, Any] = Field(title="Result", description="The draft: `id`, `message_id` and `status`")


class GmailCreateDraft(Block[GmailSendInputs]):
    id = "e1eeead4-46cb-491e-8281-17b6b9c44a55"
    name = "Create Gmail draft"
    description = "Keeps a mail as a draft in Gmail, to be sent by a person."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailSendInputs
    Output = GmailCreateDraftOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "to": ["ada@tea.example"], "subject": "Tea", "body": "It is ready."},
            (("result", {"id": "r7", "message_id": "18c", "status": "draft_created"}),),
            web=(Exchange(f"POST {API}/drafts", '{"id": "r7", "message": {"id": "18c"}}', headers=JSON),),
        ),
    )

    async def run(self, inputs: GmailSendInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not (inputs.to and inputs.subject.strip()):
            raise ValueError("A draft needs somebody it is for, and a subject.")
        message = await inputs.written(context)
        draft_id, kept = await mailbox_of(context).draft(message)
        yield "result", {"id": draft_id, "message_id": kept["id"], "status": "draft_created"}


class GmailReplyInputs(AttachingInputs):
    threadId: str = Field(title="Thread", description="The id of the thread")  # noqa: N815 - upstream's pins
    parentMessageId: str = Field(title="Message", description="The id of the mail that is answered")  # noqa: N815
    to: list[str] = Field(
        default_factory=list, title="To", description="Who it is for; without anybody named, whoever wrote the mail"
    )
    replyAll: bool = Field(  # noqa: N815
        False, title="Reply to all", description="Without anybody named, also to all who got the mail"
    )
    subject: str = Field("", title="Subject", description="The subject; empty: that of the mail")
    body: str = Field(title="Body", description="The text, plain or in HTML")

    async def answer(self, mailbox: Mailbox, context: BlockContext) -> tuple[Answering, EmailMessage]:
        """The answer to the mail."""
        named = Recipients(self.to, self.cc, self.bcc)
        how = await answering(mailbox, self.parentMessageId, named, self.subject, all_of_them=self.replyAll)
        recipients = Recipients(how.to, self.cc, self.bcc)
        message = await written(
            context.services, recipients, how.subject, self.body, self.content_type, self.attachments, how.headers
        )
        return how, message


class GmailReplyOutputs(Outputs):
    messageId: str = Field(title="Message id", description="The id of the answer")  # noqa: N815
    threadId: str = Field(title="Thread id", description="The id of its thread")  # noqa: N815
    message: dict[str, Any] = Field(title="Message", description="What Gmail says of the answer")
    email: dict[str, Any] = Field(title="Mail", description=f"The answer: {EMAIL}")


_PARENT = (
    f"GET {API}/messages/18c?format=metadata&metadataHeaders=Subject&metadataHeaders=References"
    "&metadataHeaders=Message-ID&metadataHeaders=From&metadataHeaders=To&metadataHeaders=Cc&metadataHeaders=Reply-To"
)
_REPLY = {"credentials": EXAMPLE_ACCOUNT, "threadId": "18a", "parentMessageId": "18c", "body": "Thanks."}


class GmailReply(Block[GmailReplyInputs]):
    id = "12bf5a24-9b90-4f40-9090-4e86e6995e60"
    name = "Reply in Gmail"
    description = "Answers a mail in its conversation in Gmail. Nothing is tried again."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailReplyInputs
    Output = GmailReplyOutputs
    examples = (
        Example(
            _REPLY,
            (
                ("messageId", "18d"),
                ("threadId", "18a"),
                ("message", {"id": "18d", "threadId": "18a"}),
                (
                    "email",
                    {
                        "threadId": "18a",
                        "labelIds": [],
                        "id": "18d",
                        "subject": "Re: Tea",
                        "snippet": "",
                        "from_": "",
                        "to": ["ada@tea.example"],
                        "cc": [],
                        "bcc": [],
                        "date": "",
                        "body": "Thanks.",
                        "sizeEstimate": 0,
                        "attachments": [],
                    },
                ),
            ),
            web=(
                Exchange(_PARENT, MESSAGE, headers=JSON),
                Exchange(f"POST {API}/messages/send", '{"id": "18d", "threadId": "18a"}', headers=JSON),
            ),
        ),
    )

    async def run(self, inputs: GmailReplyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        reply, message = await inputs.answer(mailbox, context)
        sent = await mailbox.send(message, inputs.threadId)
        thread_id = str(sent.get("threadId") or inputs.threadId)
        labels, size = sent.get("labelIds"), sent.get("sizeEstimate")
        yield "messageId", sent["id"]
        yield "threadId", thread_id
        yield "message", sent
        yield (
            "email",
            {
                "threadId": thread_id,
                "labelIds": labels if isinstance(labels, list) else [],
                "id": sent["id"],
                "subject": reply.subject,
                "snippet": str(sent.get("snippet") or ""),
                "from_": "",
                "to": list(reply.to),
                "cc": inputs.cc,
                "bcc": inputs.bcc,
                "date": "",
                "body": inputs.body,
                "sizeEstimate": size if isinstance(size, int) else 0,
                "attachments": [],
            },
        )


class GmailDraftReplyOutputs(Outputs):
    draftId: str = Field(title="Draft id", description="The id of the draft")  # noqa: N815
    messageId: str = Field(title="Message id", description="The id of its message")  # noqa: N815
    threadId: str = Field(title="Thread id", description="The id of its thread")  # noqa: N815
    status: str = Field(title="Status", description="`draft_created`")


class GmailDraftReply(Block[GmailReplyInputs]):
    id = "d7a9f3e2-8b4c-4d6f-9e1a-3c5b7f8d2a6e"
    name = "Draft Gmail reply"
    description = "Keeps an answer to a mail as a draft in its conversation in Gmail."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailReplyInputs
    Output = GmailDraftReplyOutputs
    examples = (
        Example(
            _REPLY,
            (("draftId", "r7"), ("messageId", "18d"), ("threadId", "18a"), ("status", "draft_created")),
            web=(
                Exchange(_PARENT, MESSAGE, headers=JSON),
                Exchange(
                    f"POST {API}/drafts", '{"id": "r7", "message": {"id": "18d", "threadId": "18a"}}', headers=JSON
                ),
            ),
        ),
    )

    async def run(self, inputs: GmailReplyInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        _, message = await inputs.answer(mailbox, context)
        draft_id, kept = await mailbox.draft(message, inputs.threadId)
        yield "draftId", draft_id
        yield "messageId", kept["id"]
        yield "threadId", str(kept.get("threadId") or inputs.threadId)
        yield "status", "draft_created"


class GmailForwardInputs(SendingInputs):
    messageId: str = Field(title="Message", description="The id of the mail")  # noqa: N815
    to: list[str] = Field(title="To", description="Who gets it", examples=[["ada@tea.example"]])
    subject: str = Field("", title="Subject", description="The subject; empty: `Fwd:` and that of the mail")
    forwardMessage: str = Field("", title="Foreword", description="What stands before the mail")  # noqa: N815
    includeAttachments: bool = Field(True, title="With attachments", description="Its files, too")  # noqa: N815
    additionalAttachments: list[str] = Field(  # noqa: N815
        default_factory=list,
        title="More attachments",
        description="Further files: data URIs, http or https addresses, or files of the run",
    )


class GmailForwardOutputs(Outputs):
    messageId: str = Field(title="Message id", description="The id of the mail that was sent")  # noqa: N815
    threadId: str = Field(title="Thread id", description="The id of its thread")  # noqa: N815
    status: str = Field(title="Status", description="`forwarded`")


class GmailForward(MailReader[GmailForwardInputs]):
    id = "64d2301c-b3f5-4174-8ac0-111ca1e1a7c0"
    name = "Forward Gmail message"
    description = "Sends a mail on to others with Gmail. Nothing is tried again."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailForwardInputs
    Output = GmailForwardOutputs
    examples = (
        Example(
            {
                "credentials": EXAMPLE_ACCOUNT,
                "messageId": "18c",
                "to": ["grace@tea.example"],
                "forwardMessage": "Look:",
            },
            (("messageId", "18d"), ("threadId", "18d"), ("status", "forwarded")),
            web=(
                Exchange(f"GET {API}/messages/18c?format=full", MESSAGE, headers=JSON),
                Exchange(f"POST {API}/messages/send", '{"id": "18d", "threadId": "18d"}', headers=JSON),
            ),
        ),
    )

    async def run(self, inputs: GmailForwardInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        original = await mailbox.message(inputs.messageId)
        headers = headers_of(original)
        subject = headers.get("subject", "No Subject")
        as_html = is_html(inputs.forwardMessage, inputs.content_type)
        body = forwarded(inputs.forwardMessage, headers, await body_of(mailbox, original, self.as_text), as_html)
        files = Attached()
        for each in attachments_of(original) if inputs.includeAttachments else ():
            content = await mailbox.attachment(inputs.messageId, each["attachment_id"])
            files.add(File(each["filename"], each["content_type"], content))
        for reference in inputs.additionalAttachments:
            files.add(await open_file(reference, context.services))
        message = message_of(
            inputs.to,
            inputs.subject or (subject if subject.lower().startswith("fwd:") else f"Fwd: {subject}"),
            body,
            cc=inputs.cc,
            bcc=inputs.bcc,
            html=as_html,
            attachments=files.files,
        )
        sent = await mailbox.send(message)
        yield "messageId", sent["id"]
        yield "threadId", str(sent.get("threadId") or "")
        yield "status", "forwarded"
