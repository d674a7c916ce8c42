"""Pull requests of GitHub: reading, opening and merging them, and asking for reviews.

Registered in `catalogue.py`. What changes something is entered at most once.
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import BlockContext, Outputs, Yielded
from blocks.github.family import (
    REPO,
    GithubBlock,
    PullRequestInputs,
    RepositoryInputs,
    StatusOutputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.providers import github_pull_requests
from blocks.providers.github_addresses import pull_request_at, repository_at
from blocks.providers.github_issues import login_of
from engine.model import Effects

_URL = f"{REPO}/pull/2"
_PULL = {
    "number": 2,
    "title": "Heat",
    "html_url": _URL,
    "body": "Now hot.",
    "user": {"login": "bo"},
    "head": {"sha": "6dcb09b", "ref": "heat"},
}


class ListPullRequestsOutputs(Outputs):
    pull_request: dict[str, Any] = Field(title="Pull request", description="Each pull request: `title` and `url`")
    pull_requests: list[dict[str, Any]] = Field(title="Pull requests", description="All of them")


class GithubListPullRequests(GithubBlock[RepositoryInputs]):
    id = "ffef3c4c-6cd0-48dd-817d-459f975219f4"
    name = "List GitHub pull requests"
    description = "Lists the open pull requests of a repository of GitHub, the thousand newest at most."
    Input = RepositoryInputs
    Output = ListPullRequestsOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [("pull_requests", [{"title": "Heat", "url": _URL}]), ("pull_request", {"title": "Heat", "url": _URL})],
            exchange("GET /repos/ada/tea/pulls?per_page=100&page=1", [_PULL]),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_pull_requests.list_open(github_of(context), repository_at(inputs.repo_url))
        for output in one_and_all("pull_request", "pull_requests", found):
            yield output


class MakePullRequestInputs(RepositoryInputs):
    title: str = Field(title="Title", description="The title", min_length=1)
    body: str = Field(title="Body", description="The text, in Markdown")
    head: str = Field(
        title="From", description="The branch with the changes; of a fork, `owner:branch`", examples=["heat", "bo:heat"]
    )
    base: str = Field(title="Into", description="The branch that is to have them", examples=["main"])


class MakePullRequestOutputs(Outputs):
    number: int = Field(title="Number", description="The number of the pull request")
    url: str = Field(title="URL", description="The address of the pull request")


class GithubMakePullRequest(GithubBlock[MakePullRequestInputs]):
    id = "dfb987f8-f197-4b2e-bf19-111812afd692"
    name = "Open GitHub pull request"
    description = "Opens a pull request in a repository of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = MakePullRequestInputs
    Output = MakePullRequestOutputs
    examples = (
        example(
            {"repo_url": REPO, "title": "Heat", "body": "Now hot.", "head": "heat", "base": "main"},
            [("number", 2), ("url", _URL)],
            exchange("POST /repos/ada/tea/pulls", _PULL, 201),
        ),
    )

    async def run(self, inputs: MakePullRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        made = await github_pull_requests.open_pull_request(
            github_of(context), repository_at(inputs.repo_url), inputs.title, inputs.body, inputs.head, inputs.base
        )
        yield "number", made.number
        yield "url", made.html_url


class ReadPullRequestInputs(PullRequestInputs):
    include_pr_changes: bool = Field(False, title="With changes", description="Whether to read the changes as well")


class ReadPullRequestOutputs(Outputs):
    title: str = Field(title="Title", description="The title")
    body: str = Field(title="Body", description="The text, in Markdown; may be empty")
    author: str = Field(title="Author", description="Who opened it; empty when the account is gone")
    changes: str = Field(title="Changes", description="The changes of the first thousand files as a diff, if asked for")


class GithubReadPullRequest(GithubBlock[ReadPullRequestInputs]):
    id = "bf94b2a4-1a30-4600-a783-a8a44ee31301"
    name = "Read GitHub pull request"
    description = "Reads the title, the text, the author and, if asked for, the changes of a pull request of GitHub."
    Input = ReadPullRequestInputs
    Output = ReadPullRequestOutputs
    examples = (
        example(
            {"pr_url": _URL, "include_pr_changes": True},
            [
                ("title", "Heat"),
                ("body", "Now hot."),
                ("author", "bo"),
                ("changes", "--- cup.txt\n+++ cup.txt\n@@ -1 +1 @@\n-cold\n+hot"),
            ],
            exchange("GET /repos/ada/tea/pulls/2", _PULL),
            exchange(
                "GET /repos/ada/tea/pulls/2/files?per_page=100&page=1",
                [{"filename": "cup.txt", "status": "modified", "patch": "@@ -1 +1 @@\n-cold\n+hot"}],
            ),
        ),
    )

    async def run(self, inputs: ReadPullRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        github, place = github_of(context), pull_request_at(inputs.pr_url)
        found = await github_pull_requests.read_pull_request(github, place)
        yield "title", found.title
        yield "body", found.body or ""
        yield "author", login_of(found.user)
        if inputs.include_pr_changes:
            yield "changes", await github_pull_requests.changes_of(github, place)


class MergeMethod(StrEnum):
    """How a branch is merged."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class MergePullRequestInputs(PullRequestInputs):
    merge_method: MergeMethod = Field(
        MergeMethod.MERGE, title="Method", description="As a merge, squashed into one commit, or rebased"
    )
    commit_title: str = Field("", title="Title", description="The title of the commit; empty: GitHub's own")
    commit_message: str = Field("", title="Message", description="The text of the commit; empty: GitHub's own")


class MergePullRequestOutputs(Outputs):
    sha: str = Field(title="Commit", description="The hash of the commit that merges it")
    merged: bool = Field(title="Merged", description="Whether it was merged")
    message: str = Field(title="Message", description="What GitHub says of it")


class GithubMergePullRequest(GithubBlock[MergePullRequestInputs]):
    id = "77456c22-33d8-4fd4-9eef-50b46a35bb48"
    name = "Merge GitHub pull request"
    description = "Merges a pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    sensitive = True
    Input = MergePullRequestInputs
    Output = MergePullRequestOutputs
    examples = (
        example(
            {"pr_url": _URL, "merge_method": "squash"},
            [("sha", "6dcb09b"), ("merged", True), ("message", "Pull Request successfully merged")],
            exchange(
                "PUT /repos/ada/tea/pulls/2/merge",
                {"sha": "6dcb09b", "merged": True, "message": "Pull Request successfully merged"},
            ),
        ),
    )

    async def run(self, inputs: MergePullRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        merged = await github_pull_requests.merge(
            github_of(context),
            pull_request_at(inputs.pr_url),
            inputs.merge_method.value,
            inputs.commit_title,
            inputs.commit_message,
        )
        yield "sha", merged.sha
        yield "merged", merged.merged
        yield "message", merged.message


class ReviewerInputs(PullRequestInputs):
    reviewer: str = Field(title="Reviewer", description="The name of the account at GitHub", min_length=1)


class GithubAssignPRReviewer(GithubBlock[ReviewerInputs]):
    id = "c0d22c5e-e688-43e3-ba43-d5faba7927fd"
    name = "Ask GitHub reviewer"
    description = "Asks somebody to review a pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ReviewerInputs
    Output = StatusOutputs
    examples = (
        example(
            {"pr_url": _URL, "reviewer": "cy"},
            [("status", "Reviewer assigned successfully")],
            exchange("POST /repos/ada/tea/pulls/2/requested_reviewers", _PULL, 201),
        ),
    )

    async def run(self, inputs: ReviewerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_pull_requests.ask_reviewer(github_of(context), pull_request_at(inputs.pr_url), inputs.reviewer)
        yield "status", "Reviewer assigned successfully"


class GithubUnassignPRReviewer(GithubBlock[ReviewerInputs]):
    id = "9637945d-c602-4875-899a-9c22f8fd30de"
    name = "Dismiss GitHub reviewer"
    description = "No longer asks somebody to review a pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ReviewerInputs
    Output = StatusOutputs
    examples = (
        example(
            {"pr_url": _URL, "reviewer": "cy"},
            [("status", "Reviewer unassigned successfully")],
            exchange("DELETE /repos/ada/tea/pulls/2/requested_reviewers", _PULL),
        ),
    )

    async def run(self, inputs: ReviewerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_pull_requests.dismiss_reviewer(github_of(context), pull_request_at(inputs.pr_url), inputs.reviewer)
        yield "status", "Reviewer unassigned successfully"


class ListReviewersOutputs(Outputs):
    reviewer: dict[str, Any] = Field(title="Reviewer", description="Each of them: `username` and `url`")
    reviewers: list[dict[str, Any]] = Field(title="Reviewers", description="All of them")


class GithubListPRReviewers(GithubBlock[PullRequestInputs]):
    id = "2646956e-96d5-4754-a3df-034017e7ed96"
    name = "List GitHub reviewers"
    description = "Lists who has been asked to review a pull request of GitHub and has not done so."
    Input = PullRequestInputs
    Output = ListReviewersOutputs
    examples = (
        example(
            {"pr_url": _URL},
            [
                ("reviewers", [{"username": "cy", "url": "https://github.com/cy"}]),
                ("reviewer", {"username": "cy", "url": "https://github.com/cy"}),
            ],
            exchange(
                "GET /repos/ada/tea/pulls/2/requested_reviewers",
                {"users": [{"login": "cy", "html_url": "https://github.com/cy"}], "teams": []},
            ),
        ),
    )

    async def run(self, inputs: PullRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_pull_requests.list_reviewers(github_of(context), pull_request_at(inputs.pr_url))
        for output in one_and_all("reviewer", "reviewers", found):
            yield output
