"""GitHub's pull requests, who is to review them, and the reviews.

For the blocks of `blocks/github/pull_requests.py` and `blocks/github/reviews.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from blocks.limits import LONGEST_TEXT
from blocks.providers.github import GitHub, Number, Said, User
from blocks.providers.github_addresses import Numbered, Repository
from blocks.providers.github_issues import login_of

_MOST_THREAD_PAGES = 10


class _Head(Said):
    sha: str


class PullRequest(Said):
    """A pull request."""

    number: Number
    title: str
    html_url: str
    body: str | None = None
    user: User | None = None
    head: _Head


class _ChangedFile(Said):
    filename: str
    status: str = ""
    previous_filename: str | None = None
    patch: str | None = None


class Merged(Said):
    """What came of merging."""

    sha: str
    merged: bool
    message: str


class _Reviewers(Said):
    users: list[User]


class Review(Said):
    """A review: `state` is PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or DISMISSED."""

    id: Number
    state: str
    html_url: str
    body: str | None = None
    user: User | None = None


class _LineComment(Said):
    id: Number
    html_url: str
    created_at: str
    updated_at: str
    body: str | None = None
    user: User | None = None
    path: str = ""
    line: Number | None = None
    side: str | None = None
    in_reply_to_id: Number | None = None


async def list_open(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Title and address of each open pull request, the newest first."""
    found = await github.every(list[PullRequest], f"{repository.path}/pulls")
    return [{"title": each.title, "url": each.html_url} for each in found]


async def open_pull_request(
    github: GitHub, repository: Repository, title: str, body: str, head: str, base: str
) -> PullRequest:
    """Ask that `head` (`branch`, or `owner:branch` of a fork) be merged into `base`."""
    asked = {"title": title, "body": body, "head": head, "base": base}
    return await github.send(PullRequest, "POST", f"{repository.path}/pulls", asked)


async def read_pull_request(github: GitHub, pull_request: Numbered) -> PullRequest:
    """A pull request."""
    return await github.get(PullRequest, pull_request.as_pull_request)


async def changes_of(github: GitHub, pull_request: Numbered) -> str:
    """The changes of a pull request, file by file, as a diff; ValueError when they are too long for a text.

    The first thousand files; one that is no text, or too large, has its name alone.
    """
    files = await github.every(list[_ChangedFile], f"{pull_request.as_pull_request}/files")
    text = "\n\n".join(map(_as_diff, files))
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"The changes have {len(text):,} characters; at most {LONGEST_TEXT:,} are possible.")
    return text


def _as_diff(file: _ChangedFile) -> str:
    was = file.filename if file.status == "removed" else file.previous_filename or file.filename
    head = "" if file.status == "added" else f"--- {was}\n"
    head += "" if file.status == "removed" else f"+++ {file.filename}\n"
    return head + (file.patch or "")


async def merge(github: GitHub, pull_request: Numbered, method: str, title: str, message: str) -> Merged:
    """Merge: `merge`, `squash` or `rebase`. Empty texts are left to GitHub."""
    texts = {"commit_title": title, "commit_message": message}
    asked = {"merge_method": method, **{name: text for name, text in texts.items() if text}}
    return await github.send(Merged, "PUT", f"{pull_request.as_pull_request}/merge", asked)


async def ask_reviewer(github: GitHub, pull_request: Numbered, login: str) -> None:
    """Ask somebody for a review."""
    path = f"{pull_request.as_pull_request}/requested_reviewers"
    await github.send(PullRequest, "POST", path, {"reviewers": [login]})


async def dismiss_reviewer(github: GitHub, pull_request: Numbered, login: str) -> None:
    """Ask somebody no longer."""
    path = f"{pull_request.as_pull_request}/requested_reviewers"
    await github.send(PullRequest, "DELETE", path, {"reviewers": [login]})


async def list_reviewers(github: GitHub, pull_request: Numbered) -> list[dict[str, Any]]:
    """`username` and `url` of everybody who has been asked and has not answered; teams are left out."""
    found = await github.get(_Reviewers, f"{pull_request.as_pull_request}/requested_reviewers")
    return [{"username": user.login, "url": user.html_url} for user in found.users]


async def list_reviews(github: GitHub, pull_request: Numbered) -> list[dict[str, Any]]:
    """`id`, `user`, `state`, `body` and `html_url` of each review, the oldest first."""
    found = await github.every(list[Review], f"{pull_request.as_pull_request}/reviews")
    return [
        {
            "id": review.id,
            "user": login_of(review.user),
            "state": review.state,
            "body": review.body or "",
            "html_url": review.html_url,
        }
        for review in found
    ]


async def review(
    github: GitHub, pull_request: Numbered, body: str, event: str | None, comments: Sequence[Mapping[str, Any]]
) -> Review:
    """Write a review, with comments on places of the diff: `path`, `body`, `position`. Without an event: a draft."""
    asked: dict[str, Any] = {"body": body}
    if comments:
        # Places are counted in the diff of this commit, whatever is pushed meanwhile.
        head = (await read_pull_request(github, pull_request)).head.sha
        asked |= {"commit_id": head, "comments": [dict(comment) for comment in comments]}
    if event:
        asked["event"] = event
    return await github.send(Review, "POST", f"{pull_request.as_pull_request}/reviews", asked)


async def submit_review(github: GitHub, pull_request: Numbered, review_id: int, event: str) -> Review:
    """Publish a draft."""
    path = f"{pull_request.as_pull_request}/reviews/{review_id}/events"
    return await github.send(Review, "POST", path, {"event": event})


async def list_line_comments(
    github: GitHub, pull_request: Numbered, review_id: int | None = None
) -> list[dict[str, Any]]:
    """The comments on lines, of one review or of all."""
    of = f"/reviews/{review_id}" if review_id is not None else ""
    found = await github.every(list[_LineComment], f"{pull_request.as_pull_request}{of}/comments")
    return [
        {
            "id": each.id,
            "user": login_of(each.user),
            "body": each.body or "",
            "path": each.path,
            "line": each.line or 0,
            "side": each.side or "",
            "created_at": each.created_at,
            "updated_at": each.updated_at,
            "in_reply_to_id": each.in_reply_to_id,
            "html_url": each.html_url,
        }
        for each in found
    ]


class _CommentNode(Said):
    database_id: Number | None = Field(None, alias="databaseId")


class _Comments(Said):
    nodes: list[_CommentNode | None]


class _Thread(Said):
    id: str
    comments: _Comments


class _PageInfo(Said):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: str | None = Field(None, alias="endCursor")


class _Threads(Said):
    nodes: list[_Thread | None]
    page_info: _PageInfo = Field(alias="pageInfo")


class _PullRequestNode(Said):
    review_threads: _Threads = Field(alias="reviewThreads")


class _RepositoryNode(Said):
    pull_request: _PullRequestNode = Field(alias="pullRequest")


class _ThreadsAnswer(Said):
    repository: _RepositoryNode


_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id comments(first: 100) { nodes { databaseId } } }
      }
    }
  }
}
"""
_RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
_UNRESOLVE = "mutation($id: ID!) { unresolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


async def resolve(github: GitHub, pull_request: Numbered, comment_id: int, *, resolved: bool) -> None:
    """Mark the discussion that a comment on a line belongs to as settled, or as open. Only GraphQL can.

    ValueError when no discussion of the pull request has the comment.
    """
    thread = await _thread_of(github, pull_request, comment_id)
    await github.graphql(dict[str, Any], _RESOLVE if resolved else _UNRESOLVE, {"id": thread})


async def _thread_of(github: GitHub, pull_request: Numbered, comment_id: int) -> str:
    repository = pull_request.repository
    variables = {"owner": repository.owner, "name": repository.name, "number": pull_request.number}
    after: str | None = None
    for _ in range(_MOST_THREAD_PAGES):
        answer = await github.graphql(_ThreadsAnswer, _THREADS, {**variables, "after": after})
        threads = answer.repository.pull_request.review_threads
        for thread in filter(None, threads.nodes):
            if any(comment.database_id == comment_id for comment in filter(None, thread.comments.nodes)):
                return thread.id
        after = threads.page_info.end_cursor
        if not threads.page_info.has_next_page or after is None:
            break
    raise ValueError(f"No discussion of the pull request has the comment {comment_id}: is it one on a line?")
