"""Sandboxes for code: what E2B is asked, that a sandbox ends, and what comes of errors and of hostile answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks.base import Block, Exchange
from blocks.code_sandbox import CODE_BLOCKS, ExecuteCode, ExecuteCodeStep, InstantiateCodeSandbox
from blocks.http.client import Http
from blocks.http.errors import AnswerTooLarge, AnswerUnreadable, RateLimited, StatusFailed
from blocks.providers import e2b
from blocks.services import File, Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryFiles
from tests.support.web import Internet, internet

KEY = {"id": "mine", "provider": "e2b", "type": "api_key"}
SECRET, TOKEN, TRAFFIC = "secret of mine", "envd-t0ken", "traffic-t0ken"
CREATE = "POST https://api.e2b.app/sandboxes"
CONNECT = "POST https://api.e2b.app/sandboxes/i1-b/connect"
DELETE = "DELETE https://api.e2b.app/sandboxes/i1-b"
RUN = "POST https://49999-i1-b.e2b.app/execute"
LIST = "POST https://49983-i1-b.e2b.app/filesystem.Filesystem/ListDir"
DOWNLOAD = "GET https://49983-i1-b.e2b.app/files"


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        net.answers |= {
            CREATE: sandbox(201),
            CONNECT: sandbox(),
            DELETE: Exchange("", status=204),
            RUN: ran(),
            LIST: Exchange("", "{}"),
        }
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


@pytest.fixture
def services(http: Http) -> Services:
    return Services(MemoryFiles(), http=http)


def sandbox(status: int = 200, **more: Any) -> Exchange:
    said = {"templateID": "t", "sandboxID": "i1-b", "clientID": "c", "envdVersion": "0.2", "domain": None, **more}
    return Exchange("", json.dumps({"envdAccessToken": TOKEN, "trafficAccessToken": TRAFFIC, **said}), status)


def ran(*lines: dict[str, Any]) -> Exchange:
    """What the interpreter answers, with the line that tells how often it was asked."""
    count = {"type": "number_of_executions", "execution_count": 1}
    return Exchange("", "".join(f"{json.dumps(line)}\n" for line in [*lines, count]))


def asked(net: Internet) -> list[str]:
    return [f"{seen.method} {seen.url}" for seen in net.seen]


ERROR = {
    "type": "error",
    "name": "NameError",
    "value": "name 'x' is not defined",
    "traceback": "\x1b[0;31mCell 1\x1b[0m",
}


async def test_code_is_run_as_documented(net: Internet, services: Services) -> None:
    net.answers[RUN] = [
        ran({"type": "stdout", "text": "installed", "timestamp": 1}),
        ran(
            {"type": "stdout", "text": "a\n", "timestamp": 1},
            {"type": "stderr", "text": "careful", "timestamp": 2},
            {"type": "result", "png": "aGk=", "text": "<Figure>", "html": None, "extra": {}, "is_main_result": False},
            {"type": "stdout", "text": "b\n", "timestamp": 3},
            {"type": "result", "text": "{'n': 3}", "json": {"n": 3}, "is_main_result": True, "later": 1},
            {"type": "something new"},
        ),
    ]
    inputs = {"credentials": KEY, "code": "x", "language": "js", "setup_commands": ["npm i"], "timeout": 60}
    assert await run(ExecuteCode, inputs, services=services) == [
        ("main_result", {"text": "{'n': 3}", "json": {"n": 3}}),
        (
            "results",
            [
                {"png": "aGk=", "text": "<Figure>"},
                {"text": "{'n': 3}", "json": {"n": 3}, "is_main_result": True},
            ],
        ),
        ("response", "{'n': 3}"),
        ("stdout_logs", "a\nb\n"),
        ("stderr_logs", "careful"),
        ("files", []),
    ]
    assert asked(net) == [CREATE, RUN, LIST, RUN, LIST, DELETE]
    create, setup, _, code, _, delete = net.seen
    assert json.loads(create.body) == {"templateID": "code-interpreter-v1", "timeout": 60, "secure": True}
    assert json.loads(setup.body) == {"code": "npm i", "language": "bash", "env_vars": {}}
    assert json.loads(code.body) == {"code": "x", "language": "js", "env_vars": {}}
    assert code.headers["x-access-token"] == TOKEN
    assert code.headers["e2b-traffic-access-token"] == TRAFFIC
    assert create.headers["x-api-key"] == delete.headers["x-api-key"] == SECRET


async def test_the_key_stays_with_the_host_that_makes_sandboxes(net: Internet, services: Services) -> None:
    for block, inputs in INPUTS.items():
        await run(block, inputs, services=services)
    inside = [seen for seen in net.seen if "api.e2b.app" not in seen.url]
    assert inside
    for seen in inside:
        assert SECRET not in repr(seen)
    assert set(net.resolved) == {"api.e2b.app", "49999-i1-b.e2b.app", "49983-i1-b.e2b.app"}


INPUTS: dict[type[Block[Any]], dict[str, Any]] = {
    ExecuteCode: {"credentials": KEY, "code": "x"},
    InstantiateCodeSandbox: {"credentials": KEY, "setup_code": "x"},
    ExecuteCodeStep: {"credentials": KEY, "sandbox_id": " i1-b ", "step_code": "x"},
}
every_block = pytest.mark.parametrize("block", INPUTS, ids=lambda block: block.__name__)


def last_of(block: type[Block[Any]]) -> str:
    """What is asked for last when something fails: a sandbox that was there before the block is left."""
    return RUN if block is ExecuteCodeStep else DELETE


async def test_a_sandbox_is_left_where_it_is_wanted(net: Internet, services: Services) -> None:
    net.answers[RUN] = ran({"type": "result", "text": "3", "is_main_result": True})
    assert await run(InstantiateCodeSandbox, INPUTS[InstantiateCodeSandbox], services=services) == [
        ("sandbox_id", "i1-b"),
        ("response", "3"),
    ]
    await run(ExecuteCodeStep, INPUTS[ExecuteCodeStep], services=services)
    await run(ExecuteCode, {**INPUTS[ExecuteCode], "dispose_sandbox": False, "template_id": "mine"}, services=services)
    assert asked(net) == [CREATE, RUN, CONNECT, RUN, CREATE, LIST, RUN, LIST]
    assert json.loads(net.seen[2].body) == {"timeout": 300}
    assert json.loads(net.seen[4].body)["templateID"] == "mine"
    net.seen.clear()
    await run(ExecuteCodeStep, {**INPUTS[ExecuteCodeStep], "dispose_sandbox": True}, services=services)
    assert asked(net) == [CONNECT, RUN, DELETE]


async def test_without_code_none_is_run(net: Internet, services: Services) -> None:
    assert await run(InstantiateCodeSandbox, {"credentials": KEY}, services=services) == [("sandbox_id", "i1-b")]
    assert await run(ExecuteCode, {"credentials": KEY, "code": " \n"}, services=services) == [
        ("results", []),
        ("files", []),
    ]
    assert RUN not in asked(net)


@every_block
async def test_code_that_fails_says_what_and_where_and_ends_a_sandbox_of_its_own(
    net: Internet, services: Services, block: type[Block[Any]]
) -> None:
    net.answers[RUN] = ran({"type": "stdout", "text": "a"}, ERROR)
    with pytest.raises(ValueError, match=r"^NameError: name 'x' is not defined\nCell 1$"):
        await run(block, INPUTS[block], services=services)
    assert asked(net)[-1] == last_of(block)


@pytest.mark.parametrize("dispose", [False, True])
async def test_a_step_that_fails_leaves_the_sandbox_unless_it_was_to_end_it(
    net: Internet, services: Services, dispose: bool
) -> None:
    """What was done in it before is still wanted."""
    net.answers[RUN] = ran(ERROR)
    with pytest.raises(ValueError, match="NameError"):
        await run(ExecuteCodeStep, {**INPUTS[ExecuteCodeStep], "dispose_sandbox": dispose}, services=services)
    assert asked(net) == [CONNECT, RUN, *([DELETE] if dispose else [])]


async def test_a_setup_that_fails_is_the_end(net: Internet, services: Services) -> None:
    failed = {"type": "error", "name": "", "value": "127", "traceback": ""}
    net.answers[RUN] = ran({"type": "stderr", "text": "cowsay: not found"}, failed)
    inputs = {**INPUTS[InstantiateCodeSandbox], "setup_commands": ["cowsay", "never"]}
    with pytest.raises(ValueError, match=r"The setup command 'cowsay' failed: 127\ncowsay: not found"):
        await run(InstantiateCodeSandbox, inputs, services=services)
    assert asked(net) == [CREATE, RUN, DELETE]


async def test_commands_have_the_sandboxs_time_together(
    net: Internet, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any) -> e2b.Execution:
        await asyncio.sleep(0.4)
        return e2b.Execution([], "", "")

    monkeypatch.setattr(e2b, "execute", slow)
    monkeypatch.setattr("blocks.code_sandbox._SLACK_SECONDS", 0)
    inputs = {**INPUTS[ExecuteCode], "setup_commands": ["x"] * 100, "timeout": 1}
    with pytest.raises(ValueError, match="time was over before all of it"):
        await run(ExecuteCode, inputs, services=services)
    assert asked(net)[-1] == DELETE


async def test_errors_are_bounded(net: Internet, http: Http) -> None:
    net.answers[RUN] = ran({**ERROR, "value": "v" * 100_000, "traceback": "t" * 100_000})
    with pytest.raises(e2b.CodeFailed) as failure:
        await e2b.execute(http, e2b.Sandbox("i1-b", "e2b.app", {}), "x", "python", 5)
    assert len(str(failure.value)) < 9_000


@every_block
@pytest.mark.parametrize("status", [401, 403, 429, 500, 502])
async def test_an_interpreter_that_says_no(
    net: Internet, services: Services, block: type[Block[Any]], status: int
) -> None:
    net.answers[RUN] = Exchange("", f"{TOKEN} {SECRET}", status)
    kinds = {429: RateLimited, 502: ValueError}
    with pytest.raises(kinds.get(status, StatusFailed)) as failure:
        await run(block, INPUTS[block], services=services)
    assert TOKEN not in str(failure.value)
    assert SECRET not in str(failure.value)
    assert ("its time was over" in str(failure.value)) == (status == 502)
    assert asked(net)[-1] == last_of(block)


@every_block
async def test_a_sandbox_that_nobody_waits_for_ends(net: Internet, services: Services, block: type[Block[Any]]) -> None:
    began = asyncio.Event()

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        await asyncio.Event().wait()

    net.answers[RUN] = never
    task = asyncio.create_task(run(block, INPUTS[block], services=services))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked(net)[-1] == last_of(block)
    for connection in net.connections:
        connection.cancel()


async def test_code_that_never_ends_is_given_up(net: Internet, services: Services) -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await asyncio.Event().wait()

    net.answers[RUN] = never
    with pytest.raises(ValueError, match="within 1 seconds"):
        await run(ExecuteCode, {**INPUTS[ExecuteCode], "timeout": 1}, services=services)
    assert asked(net)[-1] == DELETE
    for connection in net.connections:
        connection.cancel()


async def test_a_sandbox_that_cannot_be_ended_is_no_failure(net: Internet, services: Services) -> None:
    net.answers[DELETE] = Exchange("", "", 500)
    assert (await run(ExecuteCode, INPUTS[ExecuteCode], services=services))[-1] == ("files", [])
    assert asked(net)[-1] == DELETE


async def test_a_sandbox_that_is_gone_is_said_to_be(net: Internet, services: Services) -> None:
    net.answers[CONNECT] = Exchange("", '{"code": 404}', 404)
    with pytest.raises(ValueError, match="no such sandbox"):
        await run(ExecuteCodeStep, INPUTS[ExecuteCodeStep], services=services)
    assert asked(net) == [CONNECT]


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "I1",
        "a.b",
        "evil.example/",
        "a/../b",
        "a@b",
        "a:1",
        "-a",
        "a-",
        "ä",
        "a" * 51,
        "a\nb",
        "a?b",
        "a#",
        "a%2f",
    ],
)
async def test_ids_that_are_none_go_nowhere(net: Internet, services: Services, given: str) -> None:
    """They would be part of a host's name."""
    with pytest.raises(ValueError, match="no id of a sandbox"):
        await run(ExecuteCodeStep, {**INPUTS[ExecuteCodeStep], "sandbox_id": given}, services=services)
    assert not net.seen


@pytest.mark.parametrize("block", [ExecuteCode, ExecuteCodeStep])
@pytest.mark.parametrize("found", ["evil.example/", "A", "a.b", "", None, 5, ["a"], "a" * 51, "x@evil"])
async def test_an_answered_id_that_is_none_is_not_used(
    net: Internet, services: Services, block: type[Block[Any]], found: Any
) -> None:
    net.answers[CREATE] = net.answers[CONNECT] = sandbox(sandboxID=found)
    with pytest.raises(AnswerUnreadable):
        await run(block, INPUTS[block], services=services)
    assert len(net.seen) == 1
    assert set(net.resolved) == {"api.e2b.app"}


@every_block
@pytest.mark.parametrize(
    "domain", ["evil.example", "e2b.app.evil.example", "x.e2b.app", "e2b.app:444", "E2B.app", "@x"]
)
async def test_no_token_goes_to_another_domain(
    net: Internet, services: Services, block: type[Block[Any]], domain: str
) -> None:
    """And a sandbox that was made here is ended all the same."""
    net.answers[CREATE] = net.answers[CONNECT] = sandbox(domain=domain)
    with pytest.raises(AnswerUnreadable, match="not E2B's"):
        await run(block, INPUTS[block], services=services)
    assert set(net.resolved) == {"api.e2b.app"}
    assert asked(net)[1:] == ([] if block is ExecuteCodeStep else [DELETE])


async def test_a_domain_of_e2b_is_used(net: Internet, services: Services) -> None:
    net.answers[CONNECT] = sandbox(domain="e2b.dev")
    net.answers["POST https://49999-i1-b.e2b.dev/execute"] = ran({"type": "stdout", "text": "here"})
    outputs = await run(ExecuteCodeStep, INPUTS[ExecuteCodeStep], services=services)
    assert outputs == [("results", []), ("stdout_logs", "here")]


BAD = ["<html>envd-t0ken", "null", "[1]", "3", '{"text": "x"}', '{"type": 5}', '{"type": "stdout", "text": 5}', "\x00"]


@pytest.mark.parametrize("body", [*BAD, "[" * 100_000, b"\xff\xfe{}"])
async def test_an_interpreter_that_answers_otherwise(net: Internet, services: Services, body: str | bytes) -> None:
    net.answers[RUN] = Exchange("", body)
    with pytest.raises(AnswerUnreadable) as failure:
        await run(ExecuteCodeStep, INPUTS[ExecuteCodeStep], services=services)
    assert TOKEN not in str(failure.value)
    assert asked(net)[-1] == RUN


async def test_an_interpreter_that_says_too_much(net: Internet, services: Services) -> None:
    net.answers[RUN] = Exchange("", "\n" * (10 * 1024 * 1024 + 1))
    with pytest.raises(AnswerTooLarge):
        await run(ExecuteCodeStep, INPUTS[ExecuteCodeStep], services=services)


@pytest.mark.parametrize("body", ["", "<html>", "null", "[]", "3", "{}"])
async def test_a_host_that_answers_otherwise(net: Internet, services: Services, body: str) -> None:
    net.answers[CREATE] = net.answers[CONNECT] = Exchange("", body)
    for block, inputs in INPUTS.items():
        with pytest.raises(AnswerUnreadable):
            await run(block, inputs, services=services)


def entry(path: str, size: int = 3, changed: str = "2026-01-01T00:00:00Z", kind: str = "FILE") -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {"name": name, "type": f"FILE_TYPE_{kind}", "path": path, "size": str(size), "modifiedTime": changed}


def entries(*given: Any) -> Exchange:
    return Exchange("", json.dumps({"entries": list(given)}))


async def test_files_that_code_made_are_kept(net: Internet, services: Services) -> None:
    old, changed = entry("/home/user/old.txt"), entry("/home/user/log.txt")
    net.answers[LIST] = [
        entries(old, changed),
        entries(
            old,
            {**changed, "modifiedTime": "2026-01-01T00:00:01Z"},
            entry("/home/user/out/ä b.png", size=4),
            entry("/home/user/out", kind="DIRECTORY"),
            entry("/home/user/.cache/x"),
            entry("/home/user/node_modules/x.js"),
            entry("/home/user/huge.bin", size=100_000_000),
            entry("/home/user/gone.txt"),
            entry("/etc/passwd"),
            entry("/home/user/../../etc/passwd"),
        ),
    ]
    net.answers[f"{DOWNLOAD}?path=%2Fhome%2Fuser%2Flog.txt&username=user"] = Exchange("", "tea")
    net.answers[f"{DOWNLOAD}?path=%2Fhome%2Fuser%2Fout%2F%C3%A4+b.png&username=user"] = Exchange(
        "", b"\x89\x00\xff\xfe"
    )
    ((name, files),) = (await run(ExecuteCode, INPUTS[ExecuteCode], services=services))[-1:]
    assert name == "files"
    kept = [await services.files.read(file.pop("workspace_ref")) for file in files]
    assert kept == [File("log.txt", "text/plain", b"tea"), File("ä b.png", "image/png", b"\x89\x00\xff\xfe")]
    assert files == [
        {"path": "/home/user/log.txt", "relative_path": "log.txt", "name": "log.txt", "content": "tea"},
        {"path": "/home/user/out/ä b.png", "relative_path": "out/ä b.png", "name": "ä b.png", "content": ""},
    ]
    listed = next(seen for seen in net.seen if f"{seen.method} {seen.url}" == LIST)
    assert json.loads(listed.body) == {"path": "/home/user/", "depth": 4}
    assert listed.headers["authorization"] == "Basic dXNlcjo="
    assert listed.headers["x-access-token"] == TOKEN
    assert len([seen for seen in net.seen if "/files?" in seen.url]) == 3
    assert asked(net)[-1] == DELETE


async def test_of_many_files_a_few_are_kept(net: Internet, services: Services) -> None:
    made = [entry(f"/home/user/{number:04}.txt") for number in range(2_500)]
    net.answers[LIST] = [entries(), entries(*made)]
    for number in range(20):
        url = f"{DOWNLOAD}?path=%2Fhome%2Fuser%2F{number:04}.txt&username=user"
        net.answers[url] = Exchange("", "x" * (100_001 if number == 0 else 3))
    ((_, files),) = (await run(ExecuteCode, INPUTS[ExecuteCode], services=services))[-1:]
    assert [file["relative_path"] for file in files] == [f"{number:04}.txt" for number in range(20)]
    assert [len(file["content"]) for file in files] == [0, *[3] * 19]
    assert len([seen for seen in net.seen if "/files?" in seen.url]) == 20


@pytest.mark.parametrize(
    "answer",
    [
        Exchange("", "", 404),
        Exchange("", "<html>"),
        Exchange("", "[]"),
        Exchange("", '{"entries": 5}'),
        entries(5, None, [], {}, {"type": "FILE_TYPE_FILE"}, {"type": "FILE_TYPE_FILE", "path": 5}),
    ],
)
async def test_files_that_cannot_be_found_are_no_failure(net: Internet, services: Services, answer: Exchange) -> None:
    net.answers[LIST] = answer
    net.answers[RUN] = ran({"type": "stdout", "text": "done"})
    outputs = await run(ExecuteCode, INPUTS[ExecuteCode], services=services)
    assert outputs == [("results", []), ("stdout_logs", "done"), ("files", [])]


def test_code_is_entered_once() -> None:
    assert {block.effects for block in CODE_BLOCKS} == {Effects.EFFECTFUL}
