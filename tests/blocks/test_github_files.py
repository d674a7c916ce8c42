"""Files at GitHub: large ones, those that are no text, folders in their place, and commits of several."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks import github as family
from blocks.base import Exchange
from blocks.files.references import SCHEME, to_data_uri
from blocks.http.client import Http
from blocks.http.errors import StatusFailed
from blocks.services import File, Services
from tests.blocks.block_runs import run
from tests.blocks.github_asking import API, MINE, REPO, asked, failing
from tests.blocks.host import LargeFiles
from tests.support.web import Internet, internet


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


ENTRY = {"type": "file", "name": "cup.bin", "path": "cup.bin", "sha": "a", "size": 3}
CONTENTS = "GET /repos/ada/tea/contents/cup.bin?ref=main"


async def test_a_large_file_is_asked_for_as_it_is(net: Internet, http: Http) -> None:
    told = Exchange("", json.dumps({**ENTRY, "encoding": "none", "content": ""}))
    net.answers[f"GET {API}/repos/ada/tea/contents/cup.bin?ref=main"] = [told, Exchange("", "hot")]
    outputs = await asked(net, http, family.GithubReadFile, {}, repo_url=REPO, file_path="/cup.bin")
    assert outputs == [("raw_content", "aG90"), ("text_content", "hot"), ("size", 3)]
    assert net.seen[1].headers["accept"] == "application/vnd.github.raw+json"


async def test_a_file_that_is_no_text_is_given_before_it_fails(net: Internet, http: Http) -> None:
    encoded = base64.b64encode(b"\xff\x00\xfe").decode()
    net.answers[f"GET {API}/repos/ada/tea/contents/cup.bin?ref=main"] = Exchange(
        "", json.dumps({**ENTRY, "encoding": "base64", "content": f"{encoded}\n"})
    )
    inputs = {"credentials": MINE, "repo_url": REPO, "file_path": "cup.bin"}
    given, failure = await failing(family.GithubReadFile, http, inputs)
    assert given == [("raw_content", f"{encoded}\n"), ("size", 3)]
    assert "no text in UTF-8" in str(failure)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([ENTRY], "a folder of this path"),
        ({**ENTRY, "type": "symlink"}, "something else than a file"),
        ({**ENTRY, "encoding": "base64", "content": "a"}, "in a form that is not known"),
    ],
)
async def test_what_is_no_file(net: Internet, http: Http, answer: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await asked(net, http, family.GithubReadFile, {CONTENTS: answer}, repo_url=REPO, file_path="cup.bin")


async def test_the_root_is_a_folder_and_a_file_is_none(net: Internet, http: Http) -> None:
    answers = {"GET /repos/ada/tea/contents?ref=v1": [ENTRY], CONTENTS: ENTRY}
    about = {"repo_url": REPO, "folder_path": "/", "branch": "v1"}
    outputs = await asked(net, http, family.GithubReadFolder, answers, **about)
    assert outputs == [("file", {"name": "cup.bin", "path": "cup.bin", "size": 3})]
    with pytest.raises(ValueError, match="a file of this path"):
        await asked(net, http, family.GithubReadFolder, answers, repo_url=REPO, folder_path="cup.bin")


TIP = {"ref": "x", "object": {"sha": "aa218f5"}}
COMMITTING = {
    "GET /repos/ada/tea/git/ref/heads/main": TIP,
    "GET /repos/ada/tea/git/commits/aa218f5": {"sha": "aa218f5", "tree": {"sha": "691272d"}},
    "POST /repos/ada/tea/git/blobs": {"sha": "b10b"},
    "POST /repos/ada/tea/git/trees": {"sha": "cd8274d"},
    "POST /repos/ada/tea/git/commits": {"sha": "7638417"},
    "PATCH /repos/ada/tea/git/refs/heads/main": TIP,
}


async def test_files_of_any_kind_are_committed(net: Internet, http: Http) -> None:
    image = to_data_uri(File("x.png", "image/png", b"\x89PNG\xff"))
    files = [{"path": "/x.png", "content": image}, {"path": "link.txt", "content": "https://tea.example/"}]
    about = {"repo_url": REPO, "branch": "main", "commit_message": "x", "files": files}
    assert (await asked(net, http, family.GithubMultiFileCommit, COMMITTING, **about))[0] == ("sha", "7638417")
    bodies = [json.loads(seen.body) for seen in net.seen if seen.body]
    assert bodies[0] == {"content": base64.b64encode(b"\x89PNG\xff").decode(), "encoding": "base64"}
    assert bodies[1]["tree"] == [
        {"path": "x.png", "mode": "100644", "type": "blob", "sha": "b10b"},
        {"path": "link.txt", "mode": "100644", "type": "blob", "content": "https://tea.example/"},
    ]


async def test_files_that_are_too_large_together_are_not_read_to_the_end(net: Internet, http: Http) -> None:
    large = LargeFiles(9_000_000)
    files = [{"path": f"f{number}", "content": f"{SCHEME}{number}/large.bin"} for number in range(100)]
    inputs = {"credentials": MINE, "repo_url": REPO, "branch": "main", "commit_message": "x", "files": files}
    with pytest.raises(ValueError, match="50,000,000 bytes together"):
        await run(family.GithubMultiFileCommit, inputs, services=Services(large, http=http))
    assert large.reads == 6
    assert not net.seen


async def test_a_commit_that_the_branch_does_not_take(net: Internet, http: Http) -> None:
    answers = {**COMMITTING, "PATCH /repos/ada/tea/git/refs/heads/main": Exchange("", "secret of mine", 422)}
    about = {"repo_url": REPO, "branch": "main", "commit_message": "x", "files": [{"path": "a", "content": "b"}]}
    with pytest.raises(ValueError, match="commit 7638417 is made, but the branch does not point to it") as failure:
        await asked(net, http, family.GithubMultiFileCommit, answers, **about)
    assert not isinstance(failure.value, StatusFailed)
    assert "secret of mine" not in str(failure.value)


@pytest.mark.parametrize(
    "files",
    [
        [{}],
        [{"path": "", "content": "x"}],
        [{"path": "/", "content": "x"}],
        [{"path": 1, "content": "x"}],
        [{"path": "a", "content": 1}],
        [{"path": "a", "content": "x", "operation": "burn"}],
        [{"path": "a", "content": "x", "operation": ["delete"]}],
        [{"path": "a", "content": "x"}, {"path": "/a", "operation": "delete"}],
        [{"path": "a", "content": "data:image/png;base64,%%%"}],
        [{"path": "a", "content": "heddle://files/0/nothing"}],
    ],
)
async def test_files_that_cannot_be_committed(net: Internet, http: Http, files: list[Any]) -> None:
    about = {"repo_url": REPO, "branch": "main", "commit_message": "x", "files": files}
    with pytest.raises(ValueError, match=r"[Ff]ile|data URI"):
        await asked(net, http, family.GithubMultiFileCommit, COMMITTING, **about)
    assert not net.seen
