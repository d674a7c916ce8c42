"""Telegram by its documented interface, and its token, which is in every address and may be seen nowhere else."""

import json
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from blocks.base import Block, Exchange
from blocks.chat.telegram_media import (
    SendTelegramAudio,
    SendTelegramDocument,
    SendTelegramPhoto,
    SendTelegramVideo,
    SendTelegramVoice,
)
from blocks.chat.telegram_messages import (
    DeleteTelegramMessage,
    EditTelegramMessage,
    GetTelegramFile,
    ReplyToTelegramMessage,
    SendTelegramMessage,
)
from blocks.credentials import ApiKey
from blocks.files.fetched import FetchedFiles
from blocks.http.client import Http
from blocks.http.errors import AnswerTooLarge, AnswerUnreadable, RateLimited, RequestFailed, StatusFailed
from blocks.providers import telegram
from blocks.services import File, Services
from engine.model import Effects
from telemetry.logging import configure_logging
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryFiles
from tests.support.web import Internet, internet

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
API = f"https://api.telegram.org/bot{TOKEN}"
FILES = f"https://api.telegram.org/file/bot{TOKEN}"
BOT = {"credentials": {"id": "bot", "provider": "telegram", "type": "api_key"}}
SENT = Exchange("", '{"ok": true, "result": {"message_id": 5, "chat": {"id": 42}}}')
MEDIA: list[type[Block[Any]]] = [
    SendTelegramPhoto,
    SendTelegramVoice,
    SendTelegramAudio,
    SendTelegramDocument,
    SendTelegramVideo,
]
SENDING: list[type[Block[Any]]] = [
    *MEDIA,
    SendTelegramMessage,
    ReplyToTelegramMessage,
    EditTelegramMessage,
    DeleteTelegramMessage,
]


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """All that a worker logs at its loudest."""
    loggers = [logging.getLogger(name) for name in (None, "httpx", "httpcore")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    stream = StringIO()
    configure_logging("DEBUG", stream=stream)
    logging.getLogger("tests").debug("The lines are caught.")
    assert "The lines are caught." in stream.getvalue()
    yield stream
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


async def outputs_of(block: type[Block[Any]], http: Http, **inputs: Any) -> list[tuple[str, Any]]:
    services = Services(MemoryFiles(), fetch=FetchedFiles(http, 1_000_000), http=http)
    lent = {"credentials": ApiKey("telegram", SecretStr(TOKEN))}
    return await run(block, {**BOT, **inputs}, services=services, credentials=lent)


def test_what_people_get_to_read_is_sent_at_most_once() -> None:
    assert {block.effects for block in SENDING} == {Effects.EFFECTFUL}
    assert not any(block.transient for block in SENDING)
    assert GetTelegramFile.effects is Effects.IDEMPOTENT


@pytest.mark.parametrize(
    ("block", "method", "inputs", "sent", "status"),
    [
        (
            SendTelegramMessage,
            "sendMessage",
            {"text": "Hi", "parse_mode": "HTML", "reply_to_message_id": 3, "disable_notification": True},
            {"text": "Hi", "parse_mode": "HTML", "reply_parameters": {"message_id": 3}, "disable_notification": True},
            "Message sent",
        ),
        (SendTelegramMessage, "sendMessage", {"text": "Hi", "reply_to_message_id": 0}, {"text": "Hi"}, "Message sent"),
        (
            ReplyToTelegramMessage,
            "sendMessage",
            {"text": "Hi", "reply_to_message_id": 3, "parse_mode": "MarkdownV2"},
            {"text": "Hi", "reply_parameters": {"message_id": 3}, "parse_mode": "MarkdownV2"},
            "Reply sent",
        ),
        (
            EditTelegramMessage,
            "editMessageText",
            {"text": "Hi", "message_id": 5, "parse_mode": "Markdown"},
            {"text": "Hi", "message_id": 5, "parse_mode": "Markdown"},
            "Message edited",
        ),
    ],
)
async def test_texts(
    net: Internet,
    http: Http,
    block: type[Block[Any]],
    method: str,
    inputs: dict[str, Any],
    sent: dict[str, Any],
    status: str,
) -> None:
    net.answers[f"POST {API}/{method}"] = SENT
    assert await outputs_of(block, http, chat_id=-42, **inputs) == [("message_id", 5), ("status", status)]
    [seen] = net.seen
    assert json.loads(seen.body) == {"chat_id": -42, **sent}
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("block", [SendTelegramMessage, ReplyToTelegramMessage, EditTelegramMessage])
async def test_nothing_is_sent_for_nothing(net: Internet, http: Http, block: type[Block[Any]]) -> None:
    with pytest.raises(ValueError, match="the message is empty"):
        await outputs_of(block, http, chat_id=42, message_id=5, reply_to_message_id=5, text=" \n")
    assert net.seen == []


async def test_a_message_is_deleted(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/deleteMessage"] = Exchange("", '{"ok": true, "result": true}')
    assert await outputs_of(DeleteTelegramMessage, http, chat_id=42, message_id=5) == [("status", "Message deleted")]
    assert json.loads(net.seen[0].body) == {"chat_id": 42, "message_id": 5}


@pytest.mark.parametrize(
    "block", [block for block in MEDIA if block is not SendTelegramDocument], ids=lambda block: block.__name__
)
async def test_an_address_is_handed_on(net: Internet, http: Http, block: Any) -> None:
    net.answers[f"POST {API}/{block.media.method}"] = SENT
    outputs = await outputs_of(block, http, chat_id=42, **{block.media.field: "https://a.example/tea"}, caption="Tea")
    assert outputs == [("message_id", 5), ("status", block.done)]
    [seen] = net.seen
    assert json.loads(seen.body) == {"chat_id": 42, "caption": "Tea", block.media.field: "https://a.example/tea"}


@pytest.mark.parametrize("block", MEDIA, ids=lambda block: block.__name__)
async def test_another_file_is_uploaded(net: Internet, http: Http, block: Any) -> None:
    net.answers[f"POST {API}/{block.media.method}"] = SENT
    about = {"caption": "Tée", "reply_to_message_id": 3, "duration": 9, "title": "T", "performer": "P"}
    await outputs_of(block, http, chat_id=42, **{block.media.field: "data:image/png;base64,AAECAw=="}, **about)
    [seen] = net.seen
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    head = f'name="{block.media.field}"; filename="file.png"\r\nContent-Type: image/png\r\n\r\n'.encode()
    assert head + b"\x00\x01\x02\x03" in seen.body
    fields = {"chat_id": "42", "caption": "Tée", "reply_parameters": '{"message_id": 3}'}
    fields |= {
        name: str(about[name]) for name in ("duration", "title", "performer") if name in block.Input.model_fields
    }
    for name, value in fields.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in seen.body
    assert seen.body.count(b"Content-Disposition") == len(fields) + 1


async def test_a_document_at_an_address_is_uploaded(net: Internet, http: Http) -> None:
    """Telegram reads only a few kinds of them by itself."""
    net.answers[f"POST {API}/sendDocument"] = SENT
    net.answers["GET https://a.example/order.txt"] = Exchange("", "tea", headers={"Content-Type": "text/plain"})
    await outputs_of(SendTelegramDocument, http, chat_id=42, document="https://a.example/order.txt")
    assert b'filename="order.txt"' in net.seen[-1].body
    assert b"tea" in net.seen[-1].body


async def test_a_document_that_is_to_have_another_name_is_read_here(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/sendDocument"] = SENT
    net.answers["GET https://a.example/tea"] = Exchange("", "tea", headers={"Content-Type": "text/plain"})
    await outputs_of(SendTelegramDocument, http, chat_id=42, document="https://a.example/tea", filename="../order.txt")
    assert b'filename="order.txt"\r\nContent-Type: text/plain\r\n\r\ntea' in net.seen[1].body


async def test_files_have_telegrams_limits(net: Internet, http: Http) -> None:
    megabyte = b"x" * 1024 * 1024
    net.answers[f"POST {API}/sendVideo"] = SENT
    large = File("a.mp4", "video/mp4", megabyte * 21)
    assert await telegram.send_media(http, TOKEN, telegram.VIDEO, large, {"chat_id": 42}) == 5
    net.seen.clear()
    for media, most in ((telegram.PHOTO, 10), (telegram.DOCUMENT, 50)):
        with pytest.raises(ValueError, match=f"at most {most} MB on Telegram"):
            await telegram.send_media(http, TOKEN, media, File("a", "x/y", megabyte * most + b"x"), {"chat_id": 42})
    assert net.seen == []


async def test_a_file_is_kept_with_the_run(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/getFile"] = Exchange("", '{"ok": true, "result": {"file_path": "photos/a b.jpg"}}')
    net.answers[f"GET {FILES}/photos/a%20b.jpg"] = Exchange("", b"\xff\xd8")
    file, status = await outputs_of(GetTelegramFile, http, file_id="AgAC")
    assert file[1].startswith("heddle://files/")
    assert file[1].endswith("/a b.jpg")
    assert status == ("status", "File downloaded")
    assert json.loads(net.seen[0].body) == {"file_id": "AgAC"}
    read = await telegram.read_file(http, TOKEN, "AgAC")
    assert read == File("a b.jpg", "image/jpeg", b"\xff\xd8")


async def test_a_file_that_is_too_large_or_gone(net: Internet, http: Http) -> None:
    net.answers[f"POST {API}/getFile"] = Exchange("", '{"ok": true, "result": {"file_path": "a.jpg"}}')
    net.answers[f"GET {FILES}/a.jpg"] = Exchange("", "", headers={"Content-Length": "20971521"})
    with pytest.raises(AnswerTooLarge):
        await telegram.read_file(http, TOKEN, "AgAC")
    net.answers[f"GET {FILES}/a.jpg"] = Exchange("", "", 404)
    with pytest.raises(StatusFailed, match="the file is not there any more"):
        await telegram.read_file(http, TOKEN, "AgAC")


@pytest.mark.parametrize("path", ["../../x", "a/../b", "", 3, None, ["x"]])
async def test_paths_of_files_that_lead_elsewhere(net: Internet, http: Http, path: Any) -> None:
    net.answers[f"POST {API}/getFile"] = Exchange("", json.dumps({"ok": True, "result": {"file_path": path}}))
    with pytest.raises(AnswerUnreadable):
        await telegram.read_file(http, TOKEN, "AgAC")
    assert len(net.seen) == 1


CALLS: dict[str, Callable[[Http], Awaitable[Any]]] = {
    "send": lambda http: telegram.send_message(http, TOKEN, {"chat_id": 42, "text": "x"}),
    "edit": lambda http: telegram.edit_message(http, TOKEN, {"chat_id": 42, "message_id": 5, "text": "x"}),
    "delete": lambda http: telegram.delete_message(http, TOKEN, 42, 5),
    "photo": lambda http: telegram.send_media(http, TOKEN, telegram.PHOTO, "https://a.example", {"chat_id": 42}),
    "upload": lambda http: telegram.send_media(http, TOKEN, telegram.PHOTO, File("a", "x/y", b""), {"chat_id": 42}),
    "file": lambda http: telegram.read_file(http, TOKEN, "AgAC"),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get(self, _: str, default: Any = None) -> Any:
        return self._answer


def shows_token(error: BaseException, lines: StringIO) -> list[str]:
    """What of all that anybody gets to see of a failure holds the token, however it is written."""
    texts = [str(error), repr(error), "".join(traceback.format_exception(error)), lines.getvalue()]
    secrets = {TOKEN, quote(TOKEN, safe=""), TOKEN.partition(":")[2]}
    return [text for text in texts if any(secret in text for secret in secrets)]


@every_call
@pytest.mark.parametrize(
    "body",
    [
        f"<html>{TOKEN}</html>",
        "",
        "null",
        "[1]",
        "{}",
        '{"ok": true}',
        '{"ok": 1, "result": {"message_id": 5}}',
        '{"ok": true, "result": {"message_id": "5"}}',
        '{"ok": true, "result": {"message_id": true}}',
        f'{{"ok": true, "result": ["{TOKEN}"]}}',
        f'{{"ok": false, "description": "{TOKEN}"}}',
        "[" * 100_000,
        b"\xff\xfe\x00",
    ],
    ids=lambda body: str(body)[:30],
)
async def test_answers_of_other_shapes(
    net: Internet,
    http: Http,
    lines: StringIO,
    call: Callable[[Http], Awaitable[Any]],
    body: str | bytes,
) -> None:
    net.answers = Everywhere(Exchange("", body))
    with pytest.raises(AnswerUnreadable) as failure:
        await call(http)
    assert not shows_token(failure.value, lines)


async def breaks_off(_: Any, writer: Any) -> None:
    writer.close()


@every_call
@pytest.mark.parametrize(
    "answer",
    [
        *(Exchange("", f'{{"ok": false, "description": "{TOKEN}"}}', status) for status in (400, 401, 403, 404, 500)),
        Exchange("", "", 302, {"Location": f"https://evil.example/bot{TOKEN}/x"}),
        Exchange("", "", 302, {"Location": f"http://[{TOKEN}"}),
        Exchange("", "x", headers={"Content-Length": "999999999999"}),
        Exchange("", "x", headers={"Content-Encoding": "gzip"}),
        breaks_off,
    ],
    ids=[400, 401, 403, 404, 500, "redirect", "bad redirect", "too large", "bad coding", "breaks off"],
)
async def test_nothing_that_anybody_sees_holds_the_token(
    net: Internet,
    http: Http,
    lines: StringIO,
    call: Callable[[Http], Awaitable[Any]],
    answer: Any,
) -> None:
    net.answers = Everywhere(answer)
    with pytest.raises(RequestFailed) as failure:
        await call(http)
    assert not shows_token(failure.value, lines)
    assert {seen.url.split("/")[2] for seen in net.seen} <= {"api.telegram.org"}
    assert len(net.seen) == 1


@pytest.mark.parametrize("host_is", ["10.0.0.1", "not an address"])
async def test_a_host_that_is_not_telegrams_hears_no_token(
    net: Internet, http: Http, lines: StringIO, host_is: str
) -> None:
    net.addresses["api.telegram.org"] = [host_is]
    with pytest.raises(RequestFailed) as failure:
        await telegram.send_message(http, TOKEN, {})
    assert not shows_token(failure.value, lines)
    assert net.dialled == []


@pytest.mark.parametrize(
    "token", ["../../x", "1:a/../..", "1:a?x=", "1:a#", "1:a\r\nHost: evil.example", "1:é b", ".."]
)
async def test_a_token_that_is_none_leads_nowhere_else(net: Internet, http: Http, token: str) -> None:
    with pytest.raises(StatusFailed, match="does not know the bot's token"):
        await telegram.send_message(http, token, {"chat_id": 42})
    [seen] = net.seen
    assert seen.url == f"https://api.telegram.org/bot{quote(token, safe=':')}/sendMessage"


async def test_a_token_that_is_far_too_long(net: Internet, http: Http) -> None:
    with pytest.raises(RequestFailed) as failure:
        await telegram.send_message(http, "7" * 10_000, {"chat_id": 42})
    assert "777" not in str(failure.value)


@pytest.mark.parametrize(
    ("status", "description", "words"),
    [
        (400, "Bad Request: chat not found", "there is no such chat"),
        (403, "Forbidden: bot was blocked by the user", "the user has blocked the bot"),
        (400, "Bad Request: can't parse entities: s3cret at byte offset 1", "not well-formed in the chosen format"),
        (401, "Unauthorized", "it does not know the bot's token. Copy it anew from @BotFather"),
        (413, "Request Entity Too Large", "the file is too large"),
    ],
)
async def test_known_reasons_are_explained(
    net: Internet, http: Http, status: int, description: str, words: str
) -> None:
    body = json.dumps({"ok": False, "error_code": status, "description": description})
    net.answers = Everywhere(Exchange("", body, status))
    with pytest.raises(StatusFailed, match=words) as failure:
        await telegram.send_message(http, TOKEN, {"chat_id": 42})
    assert "s3cret" not in str(failure.value)
    assert failure.value.status == status


@every_call
async def test_too_many_requests(net: Internet, http: Http, call: Callable[[Http], Awaitable[Any]]) -> None:
    net.answers = Everywhere(Exchange("", '{"ok": false, "description": "Too Many"}', 429, {"Retry-After": "5"}))
    with pytest.raises(RateLimited) as failure:
        await call(http)
    assert failure.value.retry_after == 5
    assert len(net.seen) == 1
