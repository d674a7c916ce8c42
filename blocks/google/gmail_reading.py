"""Reading a Gmail mailbox and putting labels on what is in it.

Registered in `catalogue.py`; what Gmail is asked is in `providers/gmail.py`.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.apart.running import Apart
from blocks.base import Block, BlockContext, BlockSchema, Category, Example, Exchange, Outputs, Yielded
from blocks.credentials import key_of
from blocks.google.account import ACCOUNT, EXAMPLE_ACCOUNT, JSON, GoogleInputs
from blocks.http.errors import StatusFailed
from blocks.providers.gmail import Mailbox
from blocks.providers.gmail_reading import email_of
from engine.model import Effects

API = "https://gmail.googleapis.com/gmail/v1/users/me"

EMAIL = (
    "`id`, `threadId`, `labelIds`, `subject`, `snippet`, `from_`, `to`, `cc`, `bcc`, `date`, `body`, `sizeEstimate` "
    "and `attachments`, each with `filename`, `content_type`, `size` and `attachment_id`"
)
"""What a mail is as a value, in words."""

MESSAGE = (
    '{"id": "18c", "threadId": "18a", "labelIds": ["INBOX"], "snippet": "It is", "sizeEstimate": 99, "payload": '
    '{"mimeType": "text/plain", "headers": [{"name": "Subject", "value": "Tea"}, {"name": "From", "value": '
    '"Ada <ada@tea.example>"}, {"name": "To", "value": "me@tea.example"}], "body": {"data": "SXQgaXMgcmVhZHku"}}}'
)
MAIL = {
    "threadId": "18a",
    "labelIds": ["INBOX"],
    "id": "18c",
    "subject": "Tea",
    "snippet": "It is",
    "from_": "ada@tea.example",
    "to": ["me@tea.example"],
    "cc": [],
    "bcc": [],
    "date": "",
    "body": "It is ready.",
    "sizeEstimate": 99,
    "attachments": [],
}
"""The mail of the examples, as Gmail gives it and as blocks do."""


def mailbox_of(context: BlockContext) -> Mailbox:
    """The mailbox of the account that was lent."""
    return Mailbox(context.services.http, key_of(context.credentials))


class MailReader[InputT: BlockSchema](Block[InputT]):
    """Base of blocks that give what a mail says."""

    def __init__(self) -> None:
        self._apart = Apart("html_text.py")

    async def as_text(self, html: str) -> str:
        """The text in HTML; none when it cannot be read: one such mail is no reason to give no other."""
        try:
            text: str = (await self._apart.read(html.encode("utf-8", "replace")))["text"]
        except ValueError:
            return ""
        return text


class GmailReadInputs(GoogleInputs):
    query: str = Field("is:unread", title="Query", description="Which mails, in Gmail's search words; empty: all")
    max_results: int = Field(10, title="Most results", description="How many mails at the most", ge=1, le=500)


class GmailReadOutputs(Outputs):
    email: dict[str, Any] = Field(title="Mail", description=f"Each mail: {EMAIL}")
    emails: list[dict[str, Any]] = Field(title="Mails", description="All of them, the newest first")


class GmailRead(MailReader[GmailReadInputs]):
    id = "25310c70-b89b-43ba-b25c-4dfa7e2a481c"
    name = "Read Gmail messages"
    description = "Searches a Gmail mailbox and gives the mails that are found."
    categories = frozenset({Category.COMMUNICATION})
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailReadInputs
    Output = GmailReadOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "query": "from:ada", "max_results": 5},
            (("email", MAIL), ("emails", [MAIL])),
            web=(
                Exchange(
                    f"GET {API}/messages?maxResults=5&q=from%3Aada", '{"messages": [{"id": "18c"}]}', headers=JSON
                ),
                Exchange(f"GET {API}/messages/18c?format=full", MESSAGE, headers=JSON),
            ),
        ),
    )

    async def run(self, inputs: GmailReadInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        emails = []
        for message_id in await mailbox.search(inputs.query, inputs.max_results):
            try:
                message = await mailbox.message(message_id)
            except StatusFailed as failure:
                # Somebody deleted it since the search.
                if failure.status == 404:
                    continue
                raise
            emails.append(await email_of(mailbox, message, self.as_text))
            yield "email", emails[-1]
        yield "emails", emails


class GmailGetThreadInputs(GoogleInputs):
    threadId: str = Field(title="Thread", description="The id of the thread")  # noqa: N815 - upstream's pin


class GmailGetThreadOutputs(Outputs):
    thread: dict[str, Any] = Field(
        title="Thread", description="The thread: `id`, `historyId` and `messages`, each as `Read Gmail messages` has it"
    )


class GmailGetThread(MailReader[GmailGetThreadInputs]):
    id = "21a79166-9df7-4b5f-9f36-96f639d86112"
    name = "Get Gmail thread"
    description = "Gives all mails of a conversation in Gmail."
    categories = frozenset({Category.COMMUNICATION})
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailGetThreadInputs
    Output = GmailGetThreadOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "threadId": "18a"},
            (("thread", {"id": "18a", "historyId": "645", "messages": [MAIL]}),),
            web=(
                Exchange(
                    f"GET {API}/threads/18a?format=full",
                    f'{{"id": "18a", "historyId": "645", "messages": [{MESSAGE}]}}',
                    headers=JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: GmailGetThreadInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        thread = await mailbox.thread(inputs.threadId)
        listed = thread.get("messages")
        messages = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        yield (
            "thread",
            {
                "id": str(thread.get("id") or inputs.threadId),
                "historyId": str(thread.get("historyId") or ""),
                "messages": [await email_of(mailbox, each, self.as_text) for each in messages],
            },
        )


class GmailListLabelsOutputs(Outputs):
    result: list[dict[str, Any]] = Field(title="Labels", description="All labels, each with `id` and `name`")


class GmailListLabels(Block[GoogleInputs]):
    id = "3e1c2c1c-c689-4520-b956-1f3bf4e02bb7"
    name = "List Gmail labels"
    description = "Gives the labels of a Gmail mailbox."
    categories = frozenset({Category.COMMUNICATION})
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GoogleInputs
    Output = GmailListLabelsOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT},
            (("result", [{"id": "Label_1", "name": "Tea"}]),),
            web=(Exchange(f"GET {API}/labels", '{"labels": [{"id": "Label_1", "name": "Tea"}]}', headers=JSON),),
        ),
    )

    async def run(self, inputs: GoogleInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "result", await mailbox_of(context).labels()


class GmailLabelInputs(GoogleInputs):
    message_id: str = Field(title="Message", description="The id of the mail")
    label_name: str = Field(title="Label", description="The name of the label", min_length=1, max_length=225)


class GmailLabelOutputs(Outputs):
    result: dict[str, Any] = Field(title="Result", description="What was done: `status` and `label_id`")


class GmailAddLabel(Block[GmailLabelInputs]):
    id = "f884b2fb-04f4-4265-9658-14f433926ac9"
    name = "Add Gmail label"
    description = "Puts a label on a mail in Gmail, and makes the label if there is none of the name."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailLabelInputs
    Output = GmailLabelOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "message_id": "18c", "label_name": "Tea"},
            (("result", {"status": "Label added successfully", "label_id": "Label_1"}),),
            web=(
                Exchange(f"GET {API}/labels", '{"labels": []}', headers=JSON),
                Exchange(f"POST {API}/labels", '{"id": "Label_1", "name": "Tea"}', headers=JSON),
                Exchange(f"POST {API}/messages/18c/modify", '{"id": "18c", "labelIds": ["Label_1"]}', headers=JSON),
            ),
        ),
    )

    async def run(self, inputs: GmailLabelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        label_id = await _label_id(mailbox, inputs.label_name) or await mailbox.create_label(inputs.label_name)
        labels = await mailbox.modify(inputs.message_id, add=[label_id])
        status = "Label added successfully" if labels else "Label already applied or not found"
        yield "result", {"status": status, "label_id": label_id}


class GmailRemoveLabel(Block[GmailLabelInputs]):
    id = "0afc0526-aba1-4b2b-888e-a22b7c3f359d"
    name = "Remove Gmail label"
    description = "Takes a label off a mail in Gmail."
    categories = frozenset({Category.COMMUNICATION})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GmailLabelInputs
    Output = GmailLabelOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "message_id": "18c", "label_name": "Tea"},
            (("result", {"status": "Label removed successfully", "label_id": "Label_1"}),),
            web=(
                Exchange(f"GET {API}/labels", '{"labels": [{"id": "Label_1", "name": "Tea"}]}', headers=JSON),
                Exchange(f"POST {API}/messages/18c/modify", '{"id": "18c", "labelIds": ["INBOX"]}', headers=JSON),
            ),
        ),
        Example(
            {"credentials": EXAMPLE_ACCOUNT, "message_id": "18c", "label_name": "Coffee"},
            (("result", {"status": "Label not found", "label_name": "Coffee"}),),
            web=(Exchange(f"GET {API}/labels", "{}", headers=JSON),),
        ),
    )

    async def run(self, inputs: GmailLabelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        mailbox = mailbox_of(context)
        label_id = await _label_id(mailbox, inputs.label_name)
        if label_id is None:
            yield "result", {"status": "Label not found", "label_name": inputs.label_name}
            return
        labels = await mailbox.modify(inputs.message_id, remove=[label_id])
        status = "Label removed successfully" if labels else "Label already removed or not applied"
        yield "result", {"status": status, "label_id": label_id}


async def _label_id(mailbox: Mailbox, name: str) -> str | None:
    return next((label["id"] for label in await mailbox.labels() if label["name"] == name), None)


class GmailGetProfileOutputs(Outputs):
    profile: dict[str, Any] = Field(
        title="Profile", description="The mailbox: `emailAddress`, `messagesTotal`, `threadsTotal` and `historyId`"
    )


class GmailGetProfile(Block[GoogleInputs]):
    id = "04b0d996-0908-4a4b-89dd-b9697ff253d3"
    name = "Get Gmail profile"
    description = "Tells whose a Gmail mailbox is and how much is in it."
    categories = frozenset({Category.COMMUNICATION})
    credentials: ClassVar = {"credentials": ACCOUNT}
    Input = GoogleInputs
    Output = GmailGetProfileOutputs
    examples = (
        Example(
            {"credentials": EXAMPLE_ACCOUNT},
            (
                (
                    "profile",
                    {"emailAddress": "me@tea.example", "messagesTotal": 9, "threadsTotal": 4, "historyId": "645"},
                ),
            ),
            web=(
                Exchange(
                    f"GET {API}/profile",
                    '{"emailAddress": "me@tea.example", "messagesTotal": 9, "threadsTotal": 4, "historyId": "645"}',
                    headers=JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: GoogleInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "profile", await mailbox_of(context).profile()
