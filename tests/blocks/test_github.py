"""GitHub's interfaces by the shapes of their documented answers: pages, refusals, hostile answers."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks.base import Block, Example, Exchange
from blocks.github import GITHUB_BLOCKS, GithubCreateCommentObject, GithubDeleteBranch, GithubStarRepository
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, RequestFailed, StatusFailed
from blocks.providers import github_checks, github_issues, github_pull_requests, github_repositories
from blocks.providers.github import GitHub
from blocks.providers.github_addresses import Numbered, Repository
from blocks.services import Services
from tests.blocks.block_runs import run
from tests.support.web import Internet, exchanges, internet

API = "https://api.github.com"
TOKEN = "ghp_s3cret"
TEA = Repository("ada", "tea")
PULL = Numbered(TEA, 2)

each_example = pytest.mark.parametrize(
    ("block", "example"),
    [
        pytest.param(block, example, id=f"{block.__name__}-{number}")
        for block in GITHUB_BLOCKS
        for number, example in enumerate(block.examples)
        if example.web
    ],
)


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
def github(http: Http) -> GitHub:
    return GitHub(http, TOKEN)


def test_there_are_as_many_as_upstream_has_without_triggers() -> None:
    assert len(GITHUB_BLOCKS) == len({block.id for block in GITHUB_BLOCKS}) == 47


@each_example
async def test_every_request_is_a_users_own(
    net: Internet, http: Http, block: type[Block[Any]], example: Example
) -> None:
    net.answers = exchanges(example.web)
    await run(block, example.inputs, services=Services(http=http))
    assert len(net.seen) == len(example.web)
    for seen in net.seen:
        assert seen.url.startswith(f"{API}/")
        assert seen.headers["authorization"] == "Bearer secret of mine"
        assert seen.headers["accept"] == "application/vnd.github+json"
        assert seen.headers["x-github-api-version"] == "2022-11-28"
        assert seen.headers["user-agent"]
        assert ("content-type" in seen.headers) == bool(seen.body)


def test_no_token_is_shown() -> None:
    assert TOKEN not in repr(GitHub(Http(), TOKEN))


def page(items: list[Any], *, more: bool = True) -> Exchange:
    """A page; the address of the next leads to somebody else, and nobody is to go there."""
    link = '<https://evil.example/?page=2>; rel="next", <https://evil.example/>; rel="last"'
    return Exchange("", json.dumps(items), headers={"Link": link} if more else {})


async def test_pages_are_read_to_the_last(net: Internet, github: GitHub) -> None:
    url = f"GET {API}/repos/ada/tea/stargazers?per_page=100&page="
    net.answers[f"{url}1"] = page([{"login": "a", "html_url": "u"}, {"login": "b", "html_url": "u"}])
    net.answers[f"{url}2"] = page([])
    net.answers[f"{url}3"] = page([{"login": "c", "html_url": "u"}], more=False)
    users = await github_repositories.list_stargazers(github, TEA)
    assert [user["username"] for user in users] == ["a", "b", "c"]
    assert set(net.resolved) == {"api.github.com"}


async def test_pages_have_an_end(net: Internet, github: GitHub) -> None:
    tags = [{"name": f"v{number}"} for number in range(100)]
    net.answers = Everywhere(page(tags))
    assert len(await github_repositories.list_tags(github, TEA)) == 1000
    assert [request.url.rpartition("=")[2] for request in net.seen] == [str(number) for number in range(1, 11)]


async def test_pages_of_checks(net: Internet, github: GitHub) -> None:
    url = f"GET {API}/repos/ada/tea/commits/ce58745/check-runs?per_page=100&page="
    runs = [
        {"id": n, "name": f"Taste {n}", "status": "completed", "output": {"annotations_count": n % 2}} for n in (1, 2)
    ]
    for number, more in ((1, True), (2, False)):
        answer = page([], more=more)
        net.answers[f"{url}{number}"] = Exchange(
            "", json.dumps({"total_count": 2, "check_runs": [runs[number - 1]]}), headers=answer.headers
        )
    noted = [{"path": "cup.txt", "start_line": 1, "annotation_level": "failure", "message": "cold"}]
    net.answers[f"GET {API}/repos/ada/tea/check-runs/1/annotations?per_page=100"] = Exchange("", json.dumps(noted))
    found = await github_checks.list_check_runs(github, TEA, "ce58745", "")
    assert [(run["id"], len(run["annotations"])) for run in found] == [(1, 1), (2, 0)]
    assert found[0]["annotations"][0].items() >= noted[0].items()
    assert found[1]["output_text"] is found[1]["conclusion"] is None
    assert [run["id"] for run in await github_checks.list_check_runs(github, TEA, "ce58745", "*STE 2")] == [2]


async def test_a_check_is_looked_up_by_commit_or_pull_request(net: Internet, github: GitHub) -> None:
    pull = {"number": 2, "title": "x", "html_url": "x", "head": {"sha": "6dcb09b"}}
    net.answers[f"GET {API}/repos/ada/tea/pulls/2"] = Exchange("", json.dumps(pull))
    assert await github_checks.commit_of(github, TEA, 2) == "6dcb09b"
    assert await github_checks.commit_of(github, TEA, " 2 ") == "6dcb09b"
    assert await github_checks.commit_of(github, TEA, "1" * 40) == "1" * 40
    assert await github_checks.commit_of(github, TEA, "CE58745") == "CE58745"
    for target in ("main", "0", -1, "../2", "ce58745/x", "abc", ""):
        with pytest.raises(ValueError, match="hash of a commit"):
            await github_checks.commit_of(github, TEA, target)


def threads(*comments: int, after: str | None = None) -> Exchange:
    nodes: list[Any] = [{"id": f"T{each}", "comments": {"nodes": [None, {"databaseId": each}]}} for each in comments]
    nodes.insert(0, None)
    listed = {"nodes": nodes, "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}
    return Exchange("", json.dumps({"data": {"repository": {"pullRequest": {"reviewThreads": listed}}}}))


async def test_a_discussion_is_found_on_a_later_page(net: Internet, github: GitHub) -> None:
    net.answers[f"POST {API}/graphql"] = [threads(1, after="c1"), threads(2), Exchange("", '{"data": {"x": {}}}')]
    await github_pull_requests.resolve(github, PULL, 2, resolved=False)
    asked = [json.loads(request.body) for request in net.seen]
    assert [each["variables"] for each in asked] == [
        {"owner": "ada", "name": "tea", "number": 2, "after": None},
        {"owner": "ada", "name": "tea", "number": 2, "after": "c1"},
        {"id": "T2"},
    ]
    assert "unresolveReviewThread" in asked[2]["query"]


async def test_a_discussion_that_is_nowhere(net: Internet, github: GitHub) -> None:
    net.answers = Everywhere(threads(1, after="c1"))
    with pytest.raises(ValueError, match="No discussion of the pull request has the comment 2"):
        await github_pull_requests.resolve(github, PULL, 2, resolved=True)
    assert len(net.seen) == 10


@pytest.mark.parametrize(
    ("errors", "words", "kind"),
    [
        ([{"type": "NOT_FOUND", "message": TOKEN}], "no such thing, or the credential may not see it", RequestFailed),
        ([{"type": "FORBIDDEN", "message": TOKEN}], "the credential may not do this", RequestFailed),
        ([{"type": "RATE_LIMITED", "message": TOKEN}], "asked too often", RateLimited),
        ([{"type": "INSUFFICIENT_SCOPES", "message": TOKEN}], "the credential may not do this", RequestFailed),
        ([{"message": TOKEN}], "it cannot be done", RequestFailed),
    ],
)
async def test_errors_of_graphql(
    net: Internet, github: GitHub, errors: list[Any], words: str, kind: type[Exception]
) -> None:
    net.answers[f"POST {API}/graphql"] = Exchange("", json.dumps({"data": {"repository": None}, "errors": errors}))
    with pytest.raises(kind, match=words) as failure:
        await github_repositories.list_discussions(github, TEA, 5)
    assert TOKEN not in str(failure.value)


async def test_too_many_requests(net: Internet, github: GitHub) -> None:
    """GitHub says so with 403 as well, and when to come again in one of two headers."""
    url = f"GET {API}/repos/ada/tea/issues/2"
    reset = str(int(time.time()) + 120)
    for status, headers, least, most in (
        (403, {"Retry-After": "60"}, 60, 60),
        (429, {"Retry-After": "60"}, 60, 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, 60, 120),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 0, 0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 15}, 86400, 86400),
    ):
        net.answers[url] = Exchange("", TOKEN, status, headers)
        with pytest.raises(RateLimited) as failure:
            await github_issues.read_issue(github, PULL)
        assert failure.value.retry_after is not None
        assert least <= failure.value.retry_after <= most
        assert TOKEN not in str(failure.value)
    net.answers[url] = Exchange("", "", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"})
    with pytest.raises(StatusFailed, match="the credential may not do this") as refusal:
        await github_issues.read_issue(github, PULL)
    assert not isinstance(refusal.value, RateLimited)


async def test_a_renamed_repository_is_read_and_not_changed(net: Internet, github: GitHub) -> None:
    issue = {"number": 2, "title": "Cold", "html_url": "u"}
    net.answers[f"{API}/repos/ada/tea/issues/2"] = Exchange(
        "", status=301, headers={"Location": f"{API}/repositories/5/issues/2"}
    )
    net.answers[f"GET {API}/repositories/5/issues/2"] = Exchange("", json.dumps(issue))
    assert (await github_issues.read_issue(github, PULL)).title == "Cold"
    assert net.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"
    for status in (301, 302, 307, 308):
        net.answers[f"POST {API}/repos/ada/tea/issues/2/comments"] = Exchange(
            "", status=status, headers={"Location": f"{API}/repositories/5/issues/2/comments"}
        )
        before = len(net.seen)
        with pytest.raises(StatusFailed, match="has moved; give its present name"):
            await github_issues.comment(github, PULL, "x")
        assert len(net.seen) == before + 1


async def test_another_host_never_gets_the_token(net: Internet, github: GitHub) -> None:
    net.answers[f"GET {API}/repos/ada/tea/issues/2"] = Exchange(
        "", status=301, headers={"Location": "https://evil.example/x"}
    )
    net.answers["GET https://evil.example/x"] = Exchange("", '{"number": 2, "title": "x", "html_url": "u"}')
    await github_issues.read_issue(github, PULL)
    assert "authorization" not in net.seen[-1].headers


class Everywhere(dict[str, Any]):
    """Answers every request alike."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get(self, _: str, default: Any = None) -> Any:
        return self._exchange


BAD: list[str | bytes] = [
    "",
    "<html>secret of mine</html>",
    "null",
    "3",
    '"secret of mine"',
    "[1]",
    "[[]]",
    '[{"id": "../x", "number": "1", "title": 1, "name": null, "login": []}]',
    '{"data": {"repository": [], "secret of mine": 1}}',
    '{"id": -1, "number": 1.5, "html_url": null, "sha": 1, "type": [], "title": {}, "users": 1}',
    '{"id": true, "number": true, "title": "\\ud800", "html_url": "x", "sha": "\\udfff"}',
    '{"total_count": 1e400, "items": [], "check_runs": {}, "tree": 1, "name": NaN}',
    "[" * 100_000,
    b'{"title": "\xff\xfe"}',
    b"\x00\x01\x02",
    b"\xff\xfe[\x00]\x00",
]
# What these ask has no answer but its status.
SILENT = (GithubStarRepository, GithubDeleteBranch)


@each_example
async def test_answers_of_other_shapes(net: Internet, http: Http, block: type[Block[Any]], example: Example) -> None:
    """An answer in another form than documented fails the node with words of ours."""
    if block in SILENT:
        assert not any(exchange.body for exchange in example.web)
        return
    for body in BAD:
        net.answers = Everywhere(Exchange("", body))
        with pytest.raises(ValueError, match=r"in a form that is not known here|There is a ") as failure:
            await run(block, example.inputs, services=Services(http=http))
        assert isinstance(failure.value, AnswerUnreadable) or "There is a " in str(failure.value)
        assert "secret of mine" not in str(failure.value)


@each_example
async def test_statuses_that_say_no(net: Internet, http: Http, block: type[Block[Any]], example: Example) -> None:
    statuses = (401, 403, 404, 405, 409, 410, 422, 429, 500, 503)
    for status in statuses:
        net.answers = Everywhere(Exchange("", '{"message": "bad secret of mine"}', status))
        with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
            await run(block, example.inputs, services=Services(http=http))
        assert failure.value.status == status
        assert "api.github.com answered" in str(failure.value)
        assert "secret of mine" not in str(failure.value)
    assert len(net.seen) == len(statuses)


def test_one_block_asks_nothing() -> None:
    assert [block for block in GITHUB_BLOCKS if not block.credentials] == [GithubCreateCommentObject]
    assert not any(example.web for example in GithubCreateCommentObject.examples)
