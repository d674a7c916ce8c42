"""GitHub's issues and what pull requests share with them: comments, labels, people in charge.

For the blocks of `blocks/github/issues.py`.
"""

from typing import Any

from blocks.providers.github import GitHub, Number, Said, User
from blocks.providers.github_addresses import Numbered, Repository
from blocks.providers.paths import segment


class Issue(Said):
    """An issue or pull request."""

    number: Number
    title: str
    html_url: str
    body: str | None = None
    user: User | None = None


class Comment(Said):
    """A comment."""

    id: Number
    html_url: str
    body: str | None = None
    user: User | None = None


class _Label(Said):
    name: str


def login_of(user: User | None) -> str:
    """The name of an account; empty for one that has been deleted."""
    return user.login if user else ""


async def open_issue(github: GitHub, repository: Repository, title: str, body: str) -> Issue:
    """Open an issue."""
    return await github.send(Issue, "POST", f"{repository.path}/issues", {"title": title, "body": body})


async def read_issue(github: GitHub, issue: Numbered) -> Issue:
    """An issue."""
    return await github.get(Issue, issue.as_issue)


async def list_issues(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Title and address of each open issue, the newest first. To GitHub, pull requests are issues too."""
    issues = await github.every(list[Issue], f"{repository.path}/issues")
    return [{"title": issue.title, "url": issue.html_url} for issue in issues]


async def comment(github: GitHub, issue: Numbered, text: str) -> Comment:
    """Write a comment."""
    return await github.send(Comment, "POST", f"{issue.as_issue}/comments", {"body": text})


async def rewrite_comment(github: GitHub, path: str, text: str) -> Comment:
    """Put another text in place of a comment's."""
    return await github.send(Comment, "PATCH", path, {"body": text})


async def list_comments(github: GitHub, issue: Numbered) -> list[dict[str, Any]]:
    """`id`, `body`, `user` and `url` of each comment, the oldest first."""
    comments = await github.every(list[Comment], f"{issue.as_issue}/comments")
    return [
        {"id": each.id, "body": each.body or "", "user": login_of(each.user), "url": each.html_url} for each in comments
    ]


async def add_label(github: GitHub, issue: Numbered, label: str) -> None:
    """Give an issue a label, beside those that it has."""
    await github.send(list[_Label], "POST", f"{issue.as_issue}/labels", {"labels": [label]})


async def remove_label(github: GitHub, issue: Numbered, label: str) -> None:
    """Take a label from an issue."""
    await github.send(list[_Label], "DELETE", f"{issue.as_issue}/labels/{segment(label, 'The label')}")


async def assign(github: GitHub, issue: Numbered, login: str) -> None:
    """Put somebody in charge, beside those that are."""
    await github.send(Issue, "POST", f"{issue.as_issue}/assignees", {"assignees": [login]})


async def unassign(github: GitHub, issue: Numbered, login: str) -> None:
    """Take somebody out of charge."""
    await github.send(Issue, "DELETE", f"{issue.as_issue}/assignees", {"assignees": [login]})
