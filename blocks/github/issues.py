"""Issues of GitHub, and the comments, labels and people that pull requests have as well.

Registered in `catalogue.py`. What changes something is entered at most once.
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import BlockContext, Outputs, Yielded
from blocks.github.family import (
    REPO,
    GithubBlock,
    GithubInputs,
    IssueInputs,
    RepositoryInputs,
    StatusOutputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.providers import github_issues
from blocks.providers.github_addresses import comment_at, comment_path, issue_at, repository_at
from engine.model import Effects

_ISSUE = {"number": 1, "title": "Cold", "html_url": f"{REPO}/issues/1", "body": "Why?", "user": {"login": "bo"}}
_COMMENT_URL = f"{REPO}/issues/1#issuecomment-7"
_COMMENT = {"id": 7, "html_url": _COMMENT_URL, "body": "Heat it.", "user": {"login": "ada"}}


class CommentOutputs(Outputs):
    id: int = Field(title="Id", description="The id of the comment")
    url: str = Field(title="URL", description="The address of the comment")


class CommentInputs(IssueInputs):
    comment: str = Field(title="Comment", description="The text, in Markdown")


class GithubComment(GithubBlock[CommentInputs]):
    id = "a8db4d8d-db1c-4a25-a1b0-416a8c33602b"
    name = "Comment on GitHub"
    description = "Writes a comment on an issue or pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CommentInputs
    Output = CommentOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1", "comment": "Heat it."},
            [("id", 7), ("url", _COMMENT_URL)],
            exchange("POST /repos/ada/tea/issues/1/comments", _COMMENT, 201),
        ),
    )

    async def run(self, inputs: CommentInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        made = await github_issues.comment(github_of(context), issue_at(inputs.issue_url), inputs.comment)
        yield "id", made.id
        yield "url", made.html_url


class UpdateCommentInputs(GithubInputs):
    comment_url: str = Field(
        "", title="Comment's address", description="The address of the comment", examples=[_COMMENT_URL]
    )
    issue_url: str = Field(
        "", title="Issue", description="Without the comment's address: that of its issue or pull request"
    )
    comment_id: str = Field("", title="Comment's id", description="Without the comment's address: its id")
    comment: str = Field(title="Comment", description="The new text, in Markdown")


class GithubUpdateComment(GithubBlock[UpdateCommentInputs]):
    id = "b3f4d747-10e3-4e69-8c51-f2be1d99c9a7"
    name = "Update GitHub comment"
    description = "Puts another text in place of a comment's on GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = UpdateCommentInputs
    Output = CommentOutputs
    examples = (
        example(
            {"comment_url": _COMMENT_URL, "comment": "Heat it."},
            [("id", 7), ("url", _COMMENT_URL)],
            exchange("PATCH /repos/ada/tea/issues/comments/7", _COMMENT),
        ),
        example(
            {"issue_url": f"{REPO}/pull/1", "comment_id": "7", "comment": "Heat it."},
            [("id", 7), ("url", _COMMENT_URL)],
            exchange("PATCH /repos/ada/tea/issues/comments/7", _COMMENT),
        ),
    )

    async def run(self, inputs: UpdateCommentInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.comment_url:
            path = comment_at(inputs.comment_url)
        elif inputs.issue_url and inputs.comment_id:
            path = comment_path(issue_at(inputs.issue_url).repository, inputs.comment_id)
        else:
            raise ValueError("Name the comment: by its address, or by the address of its issue and its id.")
        made = await github_issues.rewrite_comment(github_of(context), path, inputs.comment)
        yield "id", made.id
        yield "url", made.html_url


class ListCommentsOutputs(Outputs):
    comment: dict[str, Any] = Field(title="Comment", description="Each comment: `id`, `body`, `user` and `url`")
    comments: list[dict[str, Any]] = Field(title="Comments", description="All of them")


class GithubListComments(GithubBlock[IssueInputs]):
    id = "c4b5fb63-0005-4a11-b35a-0c2467bd6b59"
    name = "List GitHub comments"
    description = "Reads the comments on an issue or pull request of GitHub, at most a thousand."
    Input = IssueInputs
    Output = ListCommentsOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1"},
            [
                ("comment", {"id": 7, "body": "Heat it.", "user": "ada", "url": _COMMENT_URL}),
                ("comments", [{"id": 7, "body": "Heat it.", "user": "ada", "url": _COMMENT_URL}]),
            ],
            exchange("GET /repos/ada/tea/issues/1/comments?per_page=100&page=1", [_COMMENT]),
        ),
    )

    async def run(self, inputs: IssueInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """Each first, then all of them: here the order is the other way round than elsewhere, as upstream's is."""
        comments = await github_issues.list_comments(github_of(context), issue_at(inputs.issue_url))
        for comment in comments:
            yield "comment", comment
        yield "comments", comments


class MakeIssueInputs(RepositoryInputs):
    title: str = Field(title="Title", description="The title of the issue", min_length=1)
    body: str = Field(title="Body", description="The text, in Markdown")


class MakeIssueOutputs(Outputs):
    number: int = Field(title="Number", description="The number of the issue")
    url: str = Field(title="URL", description="The address of the issue")


class GithubMakeIssue(GithubBlock[MakeIssueInputs]):
    id = "691dad47-f494-44c3-a1e8-05b7990f2dab"
    name = "Open GitHub issue"
    description = "Opens an issue in a repository of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = MakeIssueInputs
    Output = MakeIssueOutputs
    examples = (
        example(
            {"repo_url": REPO, "title": "Cold", "body": "Why?"},
            [("number", 1), ("url", f"{REPO}/issues/1")],
            exchange("POST /repos/ada/tea/issues", _ISSUE, 201),
        ),
    )

    async def run(self, inputs: MakeIssueInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        made = await github_issues.open_issue(github_of(context), repository, inputs.title, inputs.body)
        yield "number", made.number
        yield "url", made.html_url


class ReadIssueOutputs(Outputs):
    title: str = Field(title="Title", description="The title")
    body: str = Field(title="Body", description="The text, in Markdown; may be empty")
    user: str = Field(title="User", description="Who opened it; empty when the account is gone")


class GithubReadIssue(GithubBlock[IssueInputs]):
    id = "6443c75d-032a-4772-9c08-230c707c8acc"
    name = "Read GitHub issue"
    description = "Reads the title, the text and the author of an issue of GitHub."
    Input = IssueInputs
    Output = ReadIssueOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1"},
            [("title", "Cold"), ("body", "Why?"), ("user", "bo")],
            exchange("GET /repos/ada/tea/issues/1", _ISSUE),
        ),
    )

    async def run(self, inputs: IssueInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        issue = await github_issues.read_issue(github_of(context), issue_at(inputs.issue_url))
        yield "title", issue.title
        yield "body", issue.body or ""
        yield "user", github_issues.login_of(issue.user)


class ListIssuesOutputs(Outputs):
    issue: dict[str, Any] = Field(title="Issue", description="Each issue: `title` and `url`")
    issues: list[dict[str, Any]] = Field(title="Issues", description="All of them")


class GithubListIssues(GithubBlock[RepositoryInputs]):
    id = "c215bfd7-0e57-4573-8f8c-f7d4963dcd74"
    name = "List GitHub issues"
    description = "Lists the open issues and pull requests of a repository of GitHub, the thousand newest at most."
    Input = RepositoryInputs
    Output = ListIssuesOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("issues", [{"title": "Cold", "url": f"{REPO}/issues/1"}]),
                ("issue", {"title": "Cold", "url": f"{REPO}/issues/1"}),
            ],
            exchange("GET /repos/ada/tea/issues?per_page=100&page=1", [_ISSUE]),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        issues = await github_issues.list_issues(github_of(context), repository_at(inputs.repo_url))
        for output in one_and_all("issue", "issues", issues):
            yield output


class LabelInputs(IssueInputs):
    label: str = Field(title="Label", description="The name of the label", examples=["bug"], min_length=1)


class GithubAddLabel(GithubBlock[LabelInputs]):
    id = "98bd6b77-9506-43d5-b669-6b9733c4b1f1"
    name = "Add GitHub label"
    description = "Gives an issue or pull request of GitHub a label. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = LabelInputs
    Output = StatusOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1", "label": "bug"},
            [("status", "Label added successfully")],
            exchange("POST /repos/ada/tea/issues/1/labels", [{"name": "bug"}]),
        ),
    )

    async def run(self, inputs: LabelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_issues.add_label(github_of(context), issue_at(inputs.issue_url), inputs.label)
        yield "status", "Label added successfully"


class GithubRemoveLabel(GithubBlock[LabelInputs]):
    id = "78f050c5-3e3a-48c0-9e5b-ef1ceca5589c"
    name = "Remove GitHub label"
    description = "Takes a label from an issue or pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = LabelInputs
    Output = StatusOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1", "label": "help wanted"},
            [("status", "Label removed successfully")],
            exchange("DELETE /repos/ada/tea/issues/1/labels/help%20wanted", []),
        ),
    )

    async def run(self, inputs: LabelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_issues.remove_label(github_of(context), issue_at(inputs.issue_url), inputs.label)
        yield "status", "Label removed successfully"


class AssigneeInputs(IssueInputs):
    assignee: str = Field(title="Person", description="The name of the account at GitHub", min_length=1)


class GithubAssignIssue(GithubBlock[AssigneeInputs]):
    id = "90507c72-b0ff-413a-886a-23bbbd66f542"
    name = "Assign GitHub issue"
    description = "Puts somebody in charge of an issue of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = AssigneeInputs
    Output = StatusOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1", "assignee": "bo"},
            [("status", "Issue assigned successfully")],
            exchange("POST /repos/ada/tea/issues/1/assignees", _ISSUE, 201),
        ),
    )

    async def run(self, inputs: AssigneeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_issues.assign(github_of(context), issue_at(inputs.issue_url), inputs.assignee)
        yield "status", "Issue assigned successfully"


class GithubUnassignIssue(GithubBlock[AssigneeInputs]):
    id = "d154002a-38f4-46c2-962d-2488f2b05ece"
    name = "Unassign GitHub issue"
    description = "Takes somebody out of charge of an issue of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = AssigneeInputs
    Output = StatusOutputs
    examples = (
        example(
            {"issue_url": f"{REPO}/issues/1", "assignee": "bo"},
            [("status", "Issue unassigned successfully")],
            exchange("DELETE /repos/ada/tea/issues/1/assignees", _ISSUE),
        ),
    )

    async def run(self, inputs: AssigneeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_issues.unassign(github_of(context), issue_at(inputs.issue_url), inputs.assignee)
        yield "status", "Issue unassigned successfully"
