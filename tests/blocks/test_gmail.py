"""Gmail: what it is asked, what is made of its answers, and of mails that somebody wrote to do harm."""

import base64
import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from blocks.base import Block
from blocks.catalogue import own_catalogue
from blocks.google import (
    GmailAddLabel,
    GmailCreateDraft,
    GmailDraftReply,
    GmailForward,
    GmailGetProfile,
    GmailGetThread,
    GmailListLabels,
    GmailRead,
    GmailRemoveLabel,
    GmailReply,
    GmailSend,
)
from blocks.http.errors import RateLimited, RequestInvalid, StatusFailed
from blocks.providers.gmail import message_of
from blocks.services import File
from engine.model import Effects
from tests.blocks.web_runs import Online, answer, run_online

API = "https://gmail.googleapis.com/gmail/v1/users/me"
MINE = {"credentials": {"id": "mine", "provider": "google", "type": "api_key"}}
SEND = {**MINE, "to": ["a@tea.example"], "subject": "Tea", "body": "It is ready."}
REPLY = {**MINE, "threadId": "18a", "parentMessageId": "18c", "body": "Thanks."}
DEEP = "(" * 1_000 + ")" * 1_000 + " a@tea.example"
BLOCKS: dict[type[Block[Any]], dict[str, Any]] = {
    GmailSend: SEND,
    GmailCreateDraft: SEND,
    GmailReply: REPLY,
    GmailDraftReply: REPLY,
    GmailForward: {**MINE, "messageId": "18c", "to": ["a@tea.example"]},
    GmailRead: MINE,
    GmailGetThread: {**MINE, "threadId": "18a"},
    GmailListLabels: MINE,
    GmailAddLabel: {**MINE, "message_id": "18c", "label_name": "Tea"},
    GmailRemoveLabel: {**MINE, "message_id": "18c", "label_name": "Tea"},
    GmailGetProfile: MINE,
}
every_block = pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)


def coded(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def message(payload: dict[str, Any], **about: Any) -> dict[str, Any]:
    return {"id": "18c", "threadId": "18a", "labelIds": ["INBOX"], "payload": payload, **about}


def part(kind: str, text: str | bytes, **about: Any) -> dict[str, Any]:
    return {"mimeType": kind, "filename": "", "body": {"data": coded(text), "size": len(text)}, **about}


def headers(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def mail(ran: Online, number: int = -1) -> EmailMessage:
    """The mail that was handed in."""
    body = ran.sent(number)
    raw = base64.urlsafe_b64decode(body.get("message", body)["raw"])
    read = message_from_bytes(raw, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


async def send(**changed: Any) -> Online:
    return await run_online(GmailSend, {**SEND, **changed}, answer({"id": "18c", "threadId": "18c"}))


async def test_a_mail_is_sent_as_it_was_written() -> None:
    long = "one paragraph " * 60
    ran = await send(
        to=["Ada <a@tea.example>", "b@tea.example, c@tea.example", ""],
        cc=["d@tea.example"],
        bcc=["e@tea.example"],
        subject="Tée\n",
        body=f"{long}\n\nIt is ready. ☕",
        attachments=["data:text/plain;base64,bGVhZg=="],
    )
    assert ran.asked() == [f"POST {API}/messages/send"]
    assert ran.seen[0].headers["authorization"] == "Bearer secret of mine"
    sent = mail(ran)
    assert sent["To"] == "Ada <a@tea.example>, b@tea.example, c@tea.example"
    assert (sent["Cc"], sent["Bcc"], sent["Subject"]) == ("d@tea.example", "e@tea.example", "Tée")
    text, file = sent.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().splitlines() == [long, "", "It is ready. ☕"]
    assert (file.get_filename(), file.get_content()) == ("file.txt", "leaf")
    assert ran.outputs == [("result", {"id": "18c", "status": "sent"})]


@pytest.mark.parametrize(
    ("form", "body", "kind"),
    [
        (None, "<p>Hello</p>", "text/html"),
        ("auto", "a < b and c > d", "text/html"),
        ("auto", "plain", "text/plain"),
        ("plain", "<p>Hello</p>", "text/plain"),
        ("html", "plain", "text/html"),
        (None, "x" * 500 + "<p>", "text/plain"),
    ],
)
async def test_the_body_is_html_when_it_looks_like_it_or_is_said_to_be(form: str | None, body: str, kind: str) -> None:
    assert mail(await send(body=body, content_type=form)).get_content_type() == kind


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\u2028", "\x0b", "\x85"])
@pytest.mark.parametrize("pin", ["to", "cc", "bcc", "subject"])
async def test_no_further_header_can_be_written_into_a_mail(pin: str, end: str) -> None:
    evil = f"a@tea.example{end}Bcc: all@evil.example"
    with pytest.raises(RequestInvalid) as failure:
        await send(**{pin: evil if pin == "subject" else [evil]})
    assert failure.value.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "to", [["nobody"], ["@tea.example"], ["a@"], ["a@tea.example, nobody"], [""], ["<a@b> <c@d>"], [DEEP]]
)
async def test_what_is_no_address_gets_no_mail(to: list[str]) -> None:
    with pytest.raises(RequestInvalid) as failure:
        await send(to=to)
    assert failure.value.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("lacking", [{"to": []}, {"subject": " "}, {"body": ""}])
async def test_a_mail_needs_somebody_a_subject_and_a_body(lacking: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs somebody it is for"):
        await send(**lacking)


def test_too_many_recipients_are_refused() -> None:
    with pytest.raises(RequestInvalid, match="from 1 to 500"):
        message_of([f"a{n}@tea.example" for n in range(501)], "x", "y")


def test_an_attached_mail_or_a_strange_type_is_a_file_like_any() -> None:
    made = message_of(["a@b.example"], "x", "y", attachments=[File("m.eml", "message/rfc822", b"From: x\n\ny")])
    assert [each.get_content_type() for each in made.iter_attachments()] == ["application/octet-stream"]
    with pytest.raises(RequestInvalid):
        message_of(["a@b.example"], "x", "y", attachments=[File("m", "text/x\r\nA: b", b"")])


async def test_files_that_no_mail_can_hold_are_refused_before_anything_is_sent() -> None:
    large = "data:application/zip;base64," + "A" * 8_000_000
    with pytest.raises(ValueError, match="attach fewer") as failure:
        await send(attachments=[large, large])
    assert failure.value.seen == []  # type: ignore[attr-defined]


PARENT = message(
    {
        "headers": headers(
            ("Subject", "Tea\r\n today"),
            ("From", "Ada <a@tea.example>"),
            ("Reply-To", "answers@tea.example"),
            ("To", "me@tea.example, b@tea.example"),
            ("Cc", "b@tea.example, C <c@tea.example>"),
            ("Message-ID", f"<{'m' * 90}@tea.example>"),
            ("References", "<1@tea.example> <2@tea.example>\r\nX-Evil: 1"),
        )
    }
)


async def reply(block: type[Block[Any]] = GmailReply, parent: Any = PARENT, **changed: Any) -> Online:
    async def answers(inputs: dict[str, Any]) -> Online:
        query = "&".join(
            f"metadataHeaders={name}"
            for name in ("Subject", "References", "Message-ID", "From", "To", "Cc", "Reply-To")
        )
        return await run_online(
            block,
            inputs,
            {
                f"GET {API}/messages/18c?format=metadata&{query}": answer(parent),
                f"POST {API}/messages/send": answer({"id": "18d", "threadId": "18a", "labelIds": ["SENT"]}),
                f"POST {API}/drafts": answer({"id": "r7", "message": {"id": "18d", "threadId": "18a"}}),
            },
        )

    return await answers({**REPLY, **changed})


async def test_an_answer_goes_to_who_asked_for_it_and_stays_in_its_conversation() -> None:
    ran = await reply()
    sent = mail(ran)
    assert ran.sent()["threadId"] == "18a"
    assert (sent["To"], sent["Subject"]) == ("answers@tea.example", "Re: Tea today")
    assert sent["In-Reply-To"] == f"<{'m' * 90}@tea.example>"
    assert sent["References"] == f"<1@tea.example> <2@tea.example> <{'m' * 90}@tea.example>"
    assert "X-Evil" not in sent
    assert ran["email"]["labelIds"] == ["SENT"]
    assert ran["email"]["to"] == ["answers@tea.example"]


async def test_an_answer_to_all_goes_to_each_once() -> None:
    sent = mail(await reply(replyAll=True))
    assert sent["To"] == "a@tea.example, me@tea.example, b@tea.example, c@tea.example"


async def test_an_answer_goes_to_those_who_are_named_alone() -> None:
    sent = mail(await reply(cc=["d@tea.example"], replyAll=True, subject="Other"))
    assert (sent["To"], sent["Cc"], sent["Subject"]) == (None, "d@tea.example", "Other")


async def test_a_draft_of_an_answer_is_kept_in_its_conversation() -> None:
    ran = await reply(GmailDraftReply)
    assert ran.sent()["message"]["threadId"] == "18a"
    assert mail(ran)["To"] == "answers@tea.example"


async def test_a_subject_that_is_an_answer_already_stays() -> None:
    parent = message({"headers": headers(("Subject", "RE: Tea"), ("From", "a@tea.example"))})
    assert mail(await reply(parent=parent))["Subject"] == "RE: Tea"


async def test_a_mail_from_nobody_cannot_be_answered() -> None:
    for parent in (message({}), message({"headers": 1}), message({"headers": [1, {"name": "From", "value": 2}]})):
        with pytest.raises(ValueError, match="does not say whom to answer"):
            await reply(parent=parent)


async def read(payload: Any, *, more: dict[str, Any] | None = None, **about: Any) -> dict[str, Any]:
    ran = await run_online(
        GmailRead,
        {**MINE, "query": ""},
        {
            f"GET {API}/messages?maxResults=10": answer({"messages": [{"id": "18c"}]}),
            f"GET {API}/messages/18c?format=full": answer(message(payload, **about)),
            **(more or {}),
        },
    )
    email: dict[str, Any] = ran["email"]
    assert ran["emails"] == [email]
    return email


async def test_a_header_nested_without_end_names_nobody_and_the_mail_is_read() -> None:
    names = {"From": "from_", "To": "to", "Cc": "cc", "Bcc": "bcc"}
    email = await read(part("text/plain", "Hi", headers=headers(*((name, DEEP) for name in names))))
    assert email["body"] == "Hi"
    assert not any(email[name] for name in names.values())
    with pytest.raises(ValueError, match="does not say whom to answer"):
        await reply(parent=message({"headers": headers(("From", DEEP))}))


async def test_a_mail_of_many_parts_is_read() -> None:
    file = {"mimeType": "image/png", "filename": "../leaf.png", "body": {"attachmentId": "att_1", "size": 7}}
    both = {"mimeType": "multipart/alternative", "parts": [part("text/plain", "Tée"), part("text/html", "<p>no</p>")]}
    email = await read(
        {
            "mimeType": "multipart/mixed",
            "headers": headers(
                ("subject", "Tea"),
                ("From", '"Ada" <a@tea.example>'),
                ("To", "Me <me@tea.example>, b@tea.example"),
                ("Cc", "c@tea.example"),
                ("Date", "Thu, 17 Jul 2025 19:22:36 +0100"),
            ),
            "parts": [both, file],
        },
        sizeEstimate=14_099,
        snippet="Te",
    )
    assert email == {
        "threadId": "18a",
        "labelIds": ["INBOX"],
        "id": "18c",
        "subject": "Tea",
        "snippet": "Te",
        "from_": "a@tea.example",
        "to": ["me@tea.example", "b@tea.example"],
        "cc": ["c@tea.example"],
        "bcc": [],
        "date": "Thu, 17 Jul 2025 19:22:36 +0100",
        "body": "Tée",
        "sizeEstimate": 14_099,
        "attachments": [
            {"filename": "leaf.png", "content_type": "image/png", "size": 7, "attachment_id": "att_1"},
        ],
    }


async def test_html_becomes_text_with_its_links() -> None:
    page = (
        "<html><head><title>no</title><style>p {}</style></head><body><p>Dear&nbsp;you,</p><div>see "
        '<a href="https://tea.example/x">the tea</a> or <a href="javascript:evil()">this</a></div>'
        "<script>evil()</script><ul><li>green<li>black</ul></body></html>"
    )
    email = await read(part("text/html", page))
    assert email["body"] == "Dear you,\n\nsee [the tea](https://tea.example/x) or this\n\n* green\n* black"


@pytest.mark.parametrize(
    "page",
    [
        "<html><head><meta charset=utf-8><body><p>Due</p></body></html>",
        "<head><style>p {}</style><p>Due</p>",
        "<html><head><title>Due</head><body>Due",
        "<title>Due",
        "<head><title>no<body><title>no</title><p>Due",
        "<p>Due<svg><path></p>",
        "<svg><style>x</style><text>no</text><div>Due</div>",
        "<svg><title>no</title><text>no</text></svg>Due",
        "<template><p>no</p></template>Due",
    ],
)
async def test_html_that_is_not_closed_loses_no_text(page: str) -> None:
    assert "Due" in (body := (await read(part("text/html", page)))["body"])
    assert "no" not in body


async def test_a_long_text_that_lies_apart_is_fetched() -> None:
    apart = {"mimeType": "text/plain", "body": {"attachmentId": "b1", "size": 9}}
    more = {f"GET {API}/messages/18c/attachments/b1": answer({"data": coded("far away"), "size": 8})}
    assert (await read(apart, more=more))["body"] == "far away"


def nested(depth: int) -> dict[str, Any]:
    made = part("text/plain", "deep")
    for _ in range(depth):
        made = {"mimeType": "multipart/mixed", "parts": [made]}
    return made


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "x",
        {"parts": 3},
        {"parts": [None, 1, [], {"body": 5, "filename": 7, "mimeType": 9}]},
        {"mimeType": "text/plain", "body": {"data": "%%%"}},
        {"mimeType": "text/plain", "body": {"data": 7}},
        {"mimeType": "text/html", "body": {"data": coded("<" * 9999)}},
        {"mimeType": "text/plain", "filename": "a.txt", "body": {"attachmentId": 9}},
        {"mimeType": "multipart/mixed", "parts": [{"parts": [{}] * 300}] * 300},
        nested(200),
    ],
    ids=repr,
)
async def test_a_mail_made_to_harm_is_one_without_a_body(payload: Any) -> None:
    email = await read(payload)
    assert email["subject"] == "No Subject"
    assert email["attachments"] == []
    assert email["body"] == "This email does not contain a readable body." or set(email["body"]) == {"<"}


async def test_bytes_that_are_no_text_are_read_as_far_as_they_go() -> None:
    assert (await read(part("text/plain", b"tea \xff\x00")))["body"] == "tea �\x00"


async def test_mails_are_searched_page_by_page_up_to_the_most() -> None:
    found = [{"id": f"{n:x}"} for n in range(3)]
    ran = await run_online(
        GmailRead,
        {**MINE, "query": "from:a & b", "max_results": 2},
        {
            f"GET {API}/messages?maxResults=2&q=from%3Aa+%26+b": answer(
                {"messages": found[:1], "nextPageToken": "p/2"}
            ),
            f"GET {API}/messages?maxResults=1&q=from%3Aa+%26+b&pageToken=p%2F2": answer(
                {"messages": found[1:], "nextPageToken": "p3"}
            ),
            f"GET {API}/messages/0?format=full": answer(message({}, id="0")),
            f"GET {API}/messages/1?format=full": answer(message({}, id="1")),
        },
    )
    assert [email["id"] for email in ran["emails"]] == ["0", "1"]
    assert [name for name, _ in ran.outputs] == ["email", "email", "emails"]


async def test_a_mail_that_is_gone_since_the_search_is_passed_over() -> None:
    answers = {
        f"GET {API}/messages?maxResults=10": answer({"messages": [{"id": "18b"}, {"id": "18c"}]}),
        f"GET {API}/messages/18b?format=full": answer({"error": {"code": 404}}, 404),
        f"GET {API}/messages/18c?format=full": answer(message(part("text/plain", "Hi"))),
    }
    ran = await run_online(GmailRead, {**MINE, "query": ""}, answers)
    assert [name for name, _ in ran.outputs] == ["email", "emails"]
    assert [email["id"] for email in ran["emails"]] == ["18c"]
    answers[f"GET {API}/messages/18b?format=full"] = answer({}, 403)
    with pytest.raises(StatusFailed, match="403"):
        await run_online(GmailRead, {**MINE, "query": ""}, answers)


async def test_pages_without_end_are_left() -> None:
    ran = await run_online(GmailRead, MINE, answer({"nextPageToken": "again"}))
    assert ran["emails"] == []
    assert len(ran.seen) == 20


async def forward(original: Any, **changed: Any) -> Online:
    return await run_online(
        GmailForward,
        {**BLOCKS[GmailForward], **changed},
        {
            f"GET {API}/messages/18c?format=full": answer(original),
            f"GET {API}/messages/18c/attachments/att_1": answer({"data": coded(b"\x89PNG\xff")}),
            f"POST {API}/messages/send": answer({"id": "18d", "threadId": "18d"}),
        },
    )


ORIGINAL = message(
    {
        "mimeType": "multipart/mixed",
        "headers": headers(("Subject", "Tea"), ("From", "Ada <a@tea.example>"), ("To", "me@tea.example")),
        "parts": [
            part("text/plain", "It is <b>ready</b>."),
            {"mimeType": "image/png", "filename": "leaf.png", "body": {"attachmentId": "att_1", "size": 5}},
        ],
    }
)


async def test_a_mail_is_sent_on_with_its_files() -> None:
    sent = mail(await forward(ORIGINAL, forwardMessage="Look:", additionalAttachments=["data:text/plain,leaf"]))
    assert (sent["To"], sent["Subject"]) == ("a@tea.example", "Fwd: Tea")
    text, picture, file = sent.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().replace("\r", "") == (
        "Look:\n\n---------- Forwarded message ---------\nFrom: Ada <a@tea.example>\nDate: Unknown\nSubject: Tea\n"
        "To: me@tea.example\n\nIt is <b>ready</b>.\n"
    )
    assert (picture.get_filename(), picture.get_content()) == ("leaf.png", b"\x89PNG\xff")
    assert file.get_content() == "leaf"


async def test_what_a_stranger_wrote_is_no_html_of_the_senders() -> None:
    ran = await forward(ORIGINAL, forwardMessage="<p>Look:</p>", includeAttachments=False)
    sent = mail(ran)
    assert sent.get_content_type() == "text/html"
    assert "It is &lt;b&gt;ready&lt;/b&gt;." in sent.get_content()
    assert sent.get_content().startswith("<p>Look:</p>")


async def test_labels_are_found_by_name_and_changed_by_id() -> None:
    labels = answer({"labels": [{"id": "Label_1", "name": "Tea", "type": "user"}, {"name": "x"}, 5]})
    modify = f"POST {API}/messages/18c/modify"
    answers = {f"GET {API}/labels": labels, modify: answer({"id": "18c", "labelIds": ["INBOX"]})}
    added = await run_online(GmailAddLabel, BLOCKS[GmailAddLabel], answers)
    assert added.sent() == {"addLabelIds": ["Label_1"]}
    removed = await run_online(GmailRemoveLabel, BLOCKS[GmailRemoveLabel], answers)
    assert removed.sent() == {"removeLabelIds": ["Label_1"]}
    without = await run_online(GmailRemoveLabel, BLOCKS[GmailRemoveLabel], {**answers, modify: answer({"id": "18c"})})
    assert without["result"] == {"status": "Label already removed or not applied", "label_id": "Label_1"}
    made = {**answers, f"POST {API}/labels": answer({"id": "Label_9"}), modify: answer({"id": "18c"})}
    new = await run_online(GmailAddLabel, {**BLOCKS[GmailAddLabel], "label_name": "New"}, made)
    assert new.sent(1) == {"name": "New"}
    assert new["result"] == {"status": "Label already applied or not found", "label_id": "Label_9"}


@pytest.mark.parametrize(
    "hostile", ["../profile", "..", "", "18c/../../drafts", "18c?alt=media", "18c%2f", "é", "a" * 2001]
)
@pytest.mark.parametrize(
    ("block", "pin"),
    [
        (GmailForward, "messageId"),
        (GmailGetThread, "threadId"),
        (GmailReply, "parentMessageId"),
        (GmailAddLabel, "message_id"),
    ],
    ids=str,
)
async def test_an_id_leads_nowhere_else(block: type[Block[Any]], pin: str, hostile: str) -> None:
    label = answer({"labels": [{"id": "Label_1", "name": "Tea"}]})
    with pytest.raises(ValueError, match="is not the id of a") as failure:
        await run_online(block, {**BLOCKS[block], pin: hostile}, {f"GET {API}/labels": label})
    assert [each.url for each in failure.value.seen] in ([], [f"{API}/labels"])  # type: ignore[attr-defined]


SHAPELESS = (GmailGetProfile, GmailGetThread)
"""An object that lacks what they look for is an empty one to them."""
BAD = ["<html>secret of mine</html>", "null", "3", "[1]", '{"id": 1, "labels": 3, "messages": {}}', "{" * 5000]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
@every_block
async def test_answers_of_other_shapes_fail_in_words_of_ours(block: type[Block[Any]], body: str) -> None:
    if block in SHAPELESS and body.startswith('{"id"'):
        ran = await run_online(block, BLOCKS[block], answer(body))
        assert "secret of" not in json.dumps(ran.outputs)
        return
    with pytest.raises(ValueError, match=r"known here|with JSON|whom to answer") as failure:
        await run_online(block, BLOCKS[block], answer(body))
    assert "secret of" not in str(failure.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@every_block
async def test_statuses_that_say_no(block: type[Block[Any]], status: int) -> None:
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await run_online(block, BLOCKS[block], answer('{"error": "secret of mine"}', status))
    assert "secret of" not in str(failure.value)
    assert len(failure.value.seen) == 1  # type: ignore[attr-defined]


def test_what_changes_the_mailbox_is_entered_at_most_once() -> None:
    once = {block for block in BLOCKS if block.effects is Effects.EFFECTFUL}
    assert once == set(BLOCKS) - {GmailRead, GmailGetThread, GmailListLabels, GmailGetProfile}


AGENT = Path(__file__).parents[3] / "shared" / "agents" / "personal-newsletter.json"


@pytest.mark.skipif(not AGENT.exists(), reason="the agents of upstream are not here")
def test_the_newsletter_agent_has_all_its_blocks() -> None:
    agent, catalogue = json.loads(AGENT.read_text()), own_catalogue()
    ids = {node["block_id"] for graph in (agent, *agent["sub_graphs"]) for node in graph["nodes"]}
    assert GmailSend.id in ids
    assert [block_id for block_id in ids if catalogue.get(block_id) is None] == []
