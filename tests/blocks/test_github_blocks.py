"""Blocks for GitHub: the bodies of what they ask, and what they make of answers that their examples do not show."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks import github as family
from blocks.base import Block, BlockInputError
from blocks.credentials import CredentialsType
from blocks.github import GITHUB_BLOCKS
from blocks.http.client import Http
from blocks.services import Services
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.github_asking import REPO, asked, failing
from tests.support.web import Internet, exchanges, internet

NONE: dict[str, Any] = {}


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


SENT: dict[type[Block[Any]], list[Any]] = {
    family.GithubMakeIssue: [{"title": "Cold", "body": "Why?"}],
    family.GithubComment: [{"body": "Heat it."}],
    family.GithubUpdateComment: [{"body": "Heat it."}],
    family.GithubAddLabel: [{"labels": ["bug"]}],
    family.GithubRemoveLabel: [None],
    family.GithubAssignIssue: [{"assignees": ["bo"]}],
    family.GithubUnassignIssue: [{"assignees": ["bo"]}],
    family.GithubMakePullRequest: [{"title": "Heat", "body": "Now hot.", "head": "heat", "base": "main"}],
    family.GithubMergePullRequest: [{"merge_method": "squash"}],
    family.GithubAssignPRReviewer: [{"reviewers": ["cy"]}],
    family.GithubUnassignPRReviewer: [{"reviewers": ["cy"]}],
    family.GithubCreatePRReview: [{"body": "Good.", "event": "APPROVE"}],
    family.GithubSubmitPendingReview: [{"event": "APPROVE"}],
    family.GithubCreateRepository: [{"name": "tea", "description": "", "private": True, "auto_init": True}],
    family.GithubForkRepository: [NONE],
    family.GithubStarRepository: [None],
    family.GithubCreateFile: [{"message": "Create new file", "content": "aG90Cg==", "branch": "main"}],
    family.GithubUpdateFile: [
        None,
        {"message": "Update file", "content": "aG90Cg==", "branch": "main", "sha": "95b966a"},
    ],
    family.GithubMakeBranch: [None, {"ref": "refs/heads/try/heat", "sha": "aa218f5"}],
    family.GithubDeleteBranch: [None],
    family.GithubMultiFileCommit: [
        None,
        None,
        {
            "base_tree": "691272d",
            "tree": [
                {"path": "cup.txt", "mode": "100644", "type": "blob", "content": "hot\n"},
                {"path": "ice.txt", "mode": "100644", "type": "blob", "sha": None},
            ],
        },
        {"message": "Heat", "tree": "cd8274d", "parents": ["aa218f5"]},
        {"sha": "7638417", "force": False},
    ],
    family.GithubCreateCheckRun: [
        {"name": "taste", "head_sha": "ce58745", "status": "completed", "conclusion": "failure"}
    ],
    family.GithubUpdateCheckRun: [{"status": "completed", "conclusion": "failure"}],
    family.GithubCreateStatus: [{"state": "success", "context": "taste"}],
}
"""The bodies of the requests of each block's first example."""


@pytest.mark.parametrize("block", SENT, ids=lambda block: block.__name__)
async def test_what_is_sent(net: Internet, http: Http, block: type[Block[Any]]) -> None:
    example = block.examples[0]
    net.answers = exchanges(example.web)
    await run(block, example.inputs, services=Services(http=http))
    assert [json.loads(seen.body) if seen.body else None for seen in net.seen] == SENT[block]


def test_what_changes_something_is_entered_once() -> None:
    changing = {block for block in GITHUB_BLOCKS if block.effects is Effects.EFFECTFUL}
    assert changing == {*SENT, family.GithubResolveReviewDiscussion}
    for block in GITHUB_BLOCKS:
        asked = {exchange.request.split(" ")[0] for example in block.examples for exchange in example.web}
        assert (asked <= {"GET"}) == (block not in changing) or block is family.GithubListDiscussions


def test_what_cannot_be_undone_is_sensitive() -> None:
    sensitive = {block for block in GITHUB_BLOCKS if block.sensitive}
    assert sensitive == {family.GithubMergePullRequest, family.GithubDeleteBranch}


def test_credentials() -> None:
    kinds = {block: block.credentials["credentials"] for block in GITHUB_BLOCKS if block.credentials}
    assert {wanted.providers for wanted in kinds.values()} == {("github",)}
    fine_grained = {block for block, wanted in kinds.items() if CredentialsType.OAUTH2 not in wanted.types}
    assert fine_grained == {family.GithubCreateStatus}
    assert all(CredentialsType.API_KEY in wanted.types for wanted in kinds.values())


async def test_optional_texts_are_sent_when_given(net: Internet, http: Http) -> None:
    merged = {"sha": "6dcb09b", "merged": True, "message": "x"}
    await asked(
        net,
        http,
        family.GithubMergePullRequest,
        {"PUT /repos/ada/tea/pulls/2/merge": merged},
        pr_url=f"{REPO}/pull/2",
        merge_method="rebase",
        commit_title="T",
        commit_message="M",
    )
    made = {"html_url": REPO, "clone_url": REPO, "full_name": "ada/tea"}
    about = {"name": "tea", "gitignore_template": "Python", "description": "Hot", "auto_init": False}
    await asked(net, http, family.GithubCreateRepository, {"POST /user/repos": made}, **about)
    fork = {"POST /repos/ada/tea/forks": made}
    await asked(net, http, family.GithubForkRepository, fork, repo_url=REPO, organization="leaves")
    status = {"id": 1, "url": "u", "state": "error", "context": "c", "created_at": "a", "updated_at": "b"}
    about = {"repo_url": REPO, "sha": "ce58745", "state": "error", "target_url": "https://x.example", "check_name": ""}
    about["description"] = "Cold"
    await asked(net, http, family.GithubCreateStatus, {"POST /repos/ada/tea/statuses/ce58745": status}, **about)
    check = {"id": 4, "name": "taste", "status": "queued"}
    about = {"repo_url": REPO, "name": "taste", "head_sha": "ce58745", "output_title": "T", "details_url": "u"}
    outputs = await asked(net, http, family.GithubCreateCheckRun, {"POST /repos/ada/tea/check-runs": check}, **about)
    assert outputs == [("check_run", {"id": 4, "html_url": "", "status": "queued"})]
    assert [json.loads(seen.body) for seen in net.seen] == [
        {"merge_method": "rebase", "commit_title": "T", "commit_message": "M"},
        {
            "name": "tea",
            "description": "Hot",
            "private": False,
            "auto_init": False,
            "gitignore_template": "Python",
        },
        {"organization": "leaves"},
        {
            "state": "error",
            "context": "AutoGPT Platform Checks",
            "target_url": "https://x.example",
            "description": "Cold",
        },
        {
            "name": "taste",
            "head_sha": "ce58745",
            "status": "queued",
            "details_url": "u",
            "output": {"title": "T", "summary": "", "text": ""},
        },
    ]


async def test_a_review_with_comments_is_of_the_commit_that_was_read(net: Internet, http: Http) -> None:
    example = family.GithubCreatePRReview.examples[1]
    net.answers = exchanges(example.web)
    comments = [
        {"path": "a", "body": "x", "position": 2, "line": 9},
        {"path": "a", "body": "y", "line": 7, "side": "LEFT"},
        {"path": "a", "body": "z"},
    ]
    inputs = {**example.inputs, "comments": comments}
    await run(family.GithubCreatePRReview, inputs, services=Services(http=http))
    assert json.loads(net.seen[1].body) == {
        "body": "Good.",
        "commit_id": "6dcb09b",
        "comments": [
            {"path": "a", "body": "x", "position": 2},
            {"path": "a", "body": "y", "position": 7},
            {"path": "a", "body": "z"},
        ],
    }
    for wrong in ({}, {"path": "a"}, {"path": 1, "body": "x"}, {"path": "a", "body": "x", "position": "2"}):
        with pytest.raises(ValueError, match=r"comment"):
            await run(family.GithubCreatePRReview, {**inputs, "comments": [wrong]}, services=Services(http=http))
    assert len(net.seen) == 2


async def test_a_discussion_that_cannot_be_resolved(net: Internet, http: Http) -> None:
    example = family.GithubResolveReviewDiscussion.examples[0]
    net.answers = exchanges(example.web)
    inputs = {**example.inputs, "comment_id": 11}
    given, failure = await failing(family.GithubResolveReviewDiscussion, http, inputs)
    assert given == [("success", False)]
    assert "has the comment 11" in str(failure)


async def test_accounts_and_texts_that_are_gone(net: Internet, http: Http) -> None:
    issue = {"number": 1, "title": "Cold", "html_url": "u", "body": None, "user": None}
    url = f"{REPO}/issues/1"
    read = await asked(net, http, family.GithubReadIssue, {"GET /repos/ada/tea/issues/1": issue}, issue_url=url)
    assert read == [("title", "Cold"), ("body", ""), ("user", "")]
    line = {"id": 1, "html_url": "u", "created_at": "a", "updated_at": "b", "path": "p", "line": None, "user": None}
    path = "GET /repos/ada/tea/pulls/2/reviews/80/comments?per_page=100&page=1"
    about = {"repo": "ada/tea", "pr_number": 2, "review_id": 80}
    comments = await asked(net, http, family.GithubGetPRReviewComments, {path: [line]}, **about)
    assert comments[0][1][0] | {"user": "", "line": 0, "side": "", "in_reply_to_id": None} == comments[0][1][0]
    commits = [{"sha": "a", "commit": {"message": "m", "author": author}} for author in (None, {"name": None})]
    path = "GET /repos/ada/tea/commits?sha=main&per_page=30&page=1"
    listed = await asked(net, http, family.GithubListCommits, {path: commits}, repo_url=REPO)
    commit = {"sha": "a", "message": "m", "author": "Unknown", "date": "", "url": f"{REPO}/commit/a"}
    assert listed == [("commits", [commit, commit]), ("commit", commit), ("commit", commit)]
    release = {"name": None, "tag_name": "v1", "html_url": "u"}
    path = "GET /repos/ada/tea/releases?per_page=100&page=1"
    assert await asked(net, http, family.GithubListReleases, {path: [release]}, repo_url=REPO) == [
        ("releases", [{"name": "v1", "url": "u"}]),
        ("release", {"name": "v1", "url": "u"}),
    ]


async def test_changes_of_a_pull_request(net: Internet, http: Http) -> None:
    pull = {"number": 2, "title": "x", "html_url": "u", "head": {"sha": "a"}}
    files = [
        {"filename": "new.txt", "status": "added", "patch": "+1"},
        {"filename": "old.txt", "status": "removed", "patch": "-1"},
        {"filename": "b.txt", "status": "renamed", "previous_filename": "a.txt"},
    ]
    answers = {
        "GET /repos/ada/tea/pulls/2": pull,
        "GET /repos/ada/tea/pulls/2/files?per_page=100&page=1": files,
    }
    about = {"pr_url": f"{REPO}/pull/2", "include_pr_changes": True}
    outputs = await asked(net, http, family.GithubReadPullRequest, answers, **about)
    assert outputs[-1] == (
        "changes",
        "+++ new.txt\n+1\n\n--- old.txt\n-1\n\n--- a.txt\n+++ b.txt\n",
    )
    del about["include_pr_changes"]
    assert len(await asked(net, http, family.GithubReadPullRequest, {}, **about)) == 3


ELSEWHERE: list[tuple[type[Block[Any]], dict[str, Any]]] = [
    (family.GithubReadFile, {"file_path": "../../../user"}),
    (family.GithubReadFile, {"file_path": "a/../b"}),
    (family.GithubReadFolder, {"folder_path": ".."}),
    (family.GithubCreateFile, {"file_path": "../git/refs", "content": ""}),
    (family.GithubUpdateFile, {"file_path": "./x", "content": ""}),
    (family.GithubDeleteBranch, {"branch": ".."}),
    (family.GithubDeleteBranch, {"branch": "../../../milk/git/refs/heads/main"}),
    (family.GithubMakeBranch, {"new_branch": "../x", "source_branch": "main"}),
    (family.GithubMakeBranch, {"new_branch": "x", "source_branch": "../../tags/x"}),
    (family.GithubGetRepositoryTree, {"branch": ".."}),
    (family.GithubCompareBranches, {"base": ".", "head": "x"}),
    (family.GithubCreateStatus, {"sha": "..", "state": "error"}),
    (family.GithubMultiFileCommit, {"branch": "..", "commit_message": "x", "files": [{"path": "a", "content": ""}]}),
    (family.GithubRemoveLabel, {"issue_url": f"{REPO}/issues/1", "label": ".."}),
]


@pytest.mark.parametrize(("block", "inputs"), ELSEWHERE)
async def test_no_text_leads_out_of_the_repository(
    net: Internet, http: Http, block: type[Block[Any]], inputs: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="is not one that there can be"):
        await asked(net, http, block, {}, repo_url=REPO, **inputs)
    assert not net.seen


@pytest.mark.parametrize("block", GITHUB_BLOCKS, ids=lambda block: block.__name__)
async def test_a_hostile_address_is_refused_before_anything_is_asked(
    net: Internet, http: Http, block: type[Block[Any]]
) -> None:
    """Whatever pin names the place: another host, a password, a way out."""
    example = block.examples[0]
    pins = {"repo_url", "issue_url", "pr_url", "comment_url", "repo"} & set(block.Input.model_fields)
    for pin in pins:
        for url in ("https://ada:hunter2@evil.example/ada/tea/pull/2", "https://github.com/ada/../user", "../user"):
            inputs = {**example.inputs, pin: url}
            if pin == "issue_url" and block is family.GithubUpdateComment:
                inputs |= {"comment_url": "", "comment_id": "7"}
            with pytest.raises(ValueError, match="like") as refusal:
                await run(block, inputs, services=Services(http=http))
            assert "hunter2" not in str(refusal.value)
    assert pins or block in (family.GithubCreateRepository, family.GithubCreateCommentObject)
    assert not net.seen


async def test_a_comment_must_be_named(net: Internet, http: Http) -> None:
    for given in ({}, {"issue_url": f"{REPO}/issues/1"}, {"comment_id": "7"}):
        with pytest.raises(ValueError, match="Name the comment"):
            await asked(net, http, family.GithubUpdateComment, {}, comment="x", **given)


@pytest.mark.parametrize(
    ("block", "inputs"),
    [
        (family.GithubMultiFileCommit, {"branch": "main", "commit_message": "x", "files": []}),
        (family.GithubMultiFileCommit, {"branch": "main", "commit_message": "x", "files": [{}] * 1001}),
        (family.GithubListBranches, {"per_page": 101}),
        (family.GithubListCommits, {"page": 0}),
        (family.GithubListDiscussions, {"num_discussions": 101}),
        (family.GithubSearchCode, {"query": "x", "per_page": 0}),
        (family.GithubListPRReviews, {"repo": "ada/tea", "pr_number": 0}),
        (family.GithubMergePullRequest, {"pr_url": f"{REPO}/pull/2", "merge_method": "octopus"}),
    ],
)
async def test_numbers_and_lists_have_bounds(
    net: Internet, http: Http, block: type[Block[Any]], inputs: dict[str, Any]
) -> None:
    with pytest.raises(BlockInputError):
        await asked(net, http, block, {}, repo_url=REPO, **inputs)
    assert not net.seen
