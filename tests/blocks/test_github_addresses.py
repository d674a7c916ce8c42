"""Addresses and names that people give for things at GitHub: what is taken, and what is refused."""

import pytest

from blocks.providers.github_addresses import (
    Numbered,
    Repository,
    below,
    comment_at,
    comment_path,
    issue_at,
    pull_request_at,
    repository_at,
    repository_named,
    segment,
)

TEA = Repository("ada", "tea")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ada/tea",
        "http://github.com/ada/tea",
        "https://GitHub.com/ada/tea/",
        "  https://github.com/ada/tea.git\n",
        "https://github.com/ada/tea?tab=readme-ov-file#about",
    ],
)
def test_repositories(url: str) -> None:
    assert repository_at(url) == repository_named(url) == TEA


def test_names_of_repositories() -> None:
    assert repository_named(" ada/tea ") == TEA
    assert repository_named("a-1_x/.github").path == "/repos/a-1_x/.github"
    assert (TEA.full_name, TEA.web) == ("ada/tea", "https://github.com/ada/tea")


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://github.com/ada/tea/issues/1", 1),
        ("https://github.com/ada/tea/pull/22/", 22),
        ("https://github.com/ada/tea/issues/1#issuecomment-7", 1),
    ],
)
def test_issues(url: str, number: int) -> None:
    assert issue_at(url) == Numbered(TEA, number)
    assert issue_at(url).as_issue == f"/repos/ada/tea/issues/{number}"


@pytest.mark.parametrize("rest", ["", "/", "/files", "/commits", "/checks?x=1", "/changes#diff-1", "#issuecomment-7"])
def test_pull_requests(rest: str) -> None:
    assert pull_request_at(f"https://github.com/ada/tea/pull/2{rest}").as_pull_request == "/repos/ada/tea/pulls/2"


HOSTILE = [
    "",
    "ada/tea",
    "https://github.com",
    "https://github.com/ada",
    "https://gitlab.com/ada/tea",
    "https://github.com.evil.example/ada/tea",
    "https://evil.example/github.com/ada/tea",
    "https://evilgithub.com/ada/tea",
    "https://api.github.com/ada/tea",
    "https://github.com@evil.example/ada/tea",
    "https://ada:hunter2@github.com/ada/tea",
    "https://github.com:443/ada/tea",
    "https://github.com:1/ada/tea",
    "https://github.com\\@evil.example/ada/tea",
    "https://github.com%2f@evil.example/ada/tea",
    "//github.com/ada/tea",
    "ftp://github.com/ada/tea",
    "javascript://github.com/ada/tea",
    "https://github.com//ada/tea",
    "https://github.com/../ada/tea",
    "https://github.com/ada/..",
    "https://github.com/ada/.",
    "https://github.com/ada/.git",
    "https://github.com/ada/...git",
    "https://github.com/ada/%2e%2e",
    "https://github.com/ada/tea%2f..%2fmilk",
    "https://github.com/ada/tea/../../user/repos",
    "https://github.com/ada/te a",
    "https://github.com/ada/tea\r\nX-Evil: 1",
    "https://github.com/ada/tea;x",
    "https://github.com/-ada/tea",
    "https://github.com/аda/tea",  # a Cyrillic letter
    "https://gıthub.com/ada/tea",
    "https://github。com/ada/tea",
    "https://github.com/ada/tea\x00",
    "https://github.com/ada/tea?x y",
    "https://github.com/" + "a" * 101 + "/tea",
    "https://github.com/ada/" + "a" * 101,
    "https://github.com/ada/tea" * 10_000,
]


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_repository(url: str) -> None:
    for read in (repository_at, issue_at, pull_request_at, comment_at):
        with pytest.raises(ValueError, match=r"is like https://github\.com/") as refusal:
            read(url)
        assert "hunter2" not in str(refusal.value)
        assert "evil" not in str(refusal.value)
    if url != "ada/tea":
        with pytest.raises(ValueError, match="repository is"):
            repository_named(url)


@pytest.mark.parametrize("name", ["ada", "ada/", "/tea", "ada/tea/x", "../tea", "ada/..", "ada/tea?x", "ada/tea#x"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="named like owner/name"):
        repository_named(name)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/issues",
        "/issues/",
        "/issues/0",
        "/issues/-1",
        "/issues/1.5",
        "/issues/1/../2",
        "/issues/1/labels",
        "/issues/x",
        "/issues/１",  # a digit of another script
        "/issues/12345678901",
        "/pulls/1",
        "/pull/1/merge",
        "/discussions/1",
        "/issues/%31",
    ],
)
def test_what_is_no_issue(rest: str) -> None:
    for read in (issue_at, pull_request_at):
        with pytest.raises(ValueError, match="is like"):
            read(f"https://github.com/ada/tea{rest}")


def test_an_issue_is_no_pull_request() -> None:
    with pytest.raises(ValueError, match="pull request is like"):
        pull_request_at("https://github.com/ada/tea/issues/1")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://github.com/ada/tea/issues/1#issuecomment-7", "/repos/ada/tea/issues/comments/7"),
        ("https://github.com/ada/tea/pull/2#issuecomment-7", "/repos/ada/tea/issues/comments/7"),
        ("https://github.com/ada/tea/pull/2#discussion_r10", "/repos/ada/tea/pulls/comments/10"),
        ("https://github.com/ada/tea/pull/2/files#discussion_r10", "/repos/ada/tea/pulls/comments/10"),
        ("https://api.github.com/repos/ada/tea/issues/comments/7", "/repos/ada/tea/issues/comments/7"),
        ("https://api.github.com/repos/ada/tea/pulls/comments/10", "/repos/ada/tea/pulls/comments/10"),
    ],
)
def test_comments(url: str, path: str) -> None:
    assert comment_at(url) == path


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ada/tea/issues/1",
        "https://github.com/ada/tea/issues/1#issuecomment-",
        "https://github.com/ada/tea/issues/1#issuecomment-7/../8",
        "https://api.github.com/repos/ada/tea/issues/comments/7/reactions",
        "https://api.github.com/repos/ada/../issues/comments/7",
        "https://api.github.com.evil.example/repos/ada/tea/issues/comments/7",
        "https://api.github.com/user",
    ],
)
def test_what_is_no_comment(url: str) -> None:
    with pytest.raises(ValueError, match="comment is like"):
        comment_at(url)


@pytest.mark.parametrize("given", ["", "0", "x", "7/../8", "7?x", "-7", "٧"])
def test_what_is_no_id_of_a_comment(given: str) -> None:
    with pytest.raises(ValueError, match="id of a comment is a number"):
        comment_path(TEA, given)


def test_segments_are_quoted() -> None:
    assert segment("help wanted", "x") == "help%20wanted"
    assert segment("a/../b?c#d%2e&é", "x") == "a%2F..%2Fb%3Fc%23d%252e%26%C3%A9"
    assert below("try/heat…", "x") == "try/heat%E2%80%A6"
    assert below("a%2F..%2Fb", "x") == "a%252F..%252Fb"


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "/", "/a", "a/", "a//b", "../a", "a/../../b", "a/./b", "a\nb", "a\x00", "a" * 5000, "\ud800"],
)
def test_paths_that_lead_elsewhere(path: str) -> None:
    with pytest.raises(ValueError, match="The path"):
        below(path, "The path")
