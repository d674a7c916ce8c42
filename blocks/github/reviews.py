"""Reviews of pull requests of GitHub: writing and reading them, and settling what they discuss.

Registered in `catalogue.py`. What changes something is entered at most once.
"""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.github.family import (
    REPO,
    GithubBlock,
    NumberedPullRequestInputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.providers import github_pull_requests
from blocks.providers.github_addresses import Numbered, repository_named
from engine.model import Effects

_URL = f"{REPO}/pull/2#pullrequestreview-80"
_REVIEW = {"id": 80, "user": {"login": "cy"}, "body": "Good.", "state": "APPROVED", "html_url": _URL}
_DRAFT = {**_REVIEW, "state": "PENDING"}
_LINE_URL = f"{REPO}/pull/2#discussion_r10"
_LINE_COMMENT = {
    "id": 10,
    "user": {"login": "cy"},
    "body": "Hotter?",
    "path": "cup.txt",
    "line": 1,
    "side": "RIGHT",
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2024-01-01T00:00:00Z",
    "html_url": _LINE_URL,
}
_THREADS = {
    "pageInfo": {"hasNextPage": False, "endCursor": None},
    "nodes": [{"id": "PRRT_1", "comments": {"nodes": [{"databaseId": 10}]}}],
}


def _place(inputs: NumberedPullRequestInputs) -> Numbered:
    return Numbered(repository_named(inputs.repo), inputs.pr_number)


class ReviewEvent(StrEnum):
    """What a review says of the pull request."""

    COMMENT = "COMMENT"
    APPROVE = "APPROVE"
    REQUEST_CHANGES = "REQUEST_CHANGES"


class CreateReviewInputs(NumberedPullRequestInputs):
    body: str = Field(title="Body", description="The text of the review, in Markdown")
    event: ReviewEvent = Field(
        ReviewEvent.COMMENT, title="Verdict", description="Only comments, approves, or asks for changes"
    )
    create_as_draft: bool = Field(False, title="As a draft", description="Whether it waits to be submitted")
    comments: list[dict[str, Any]] | None = Field(
        None,
        title="Comments",
        description="Comments on places: `path`, `body` and `position`, counted in lines of the file's diff from its "
        "first @@; a `line` counts as the position where there is none",
        max_length=500,
    )


class CreateReviewOutputs(Outputs):
    review_id: int = Field(title="Review", description="The id of the review")
    state: str = Field(title="State", description="PENDING, COMMENTED, APPROVED or CHANGES_REQUESTED")
    html_url: str = Field(title="URL", description="The address of the review")


class GithubCreatePRReview(GithubBlock[CreateReviewInputs]):
    id = "84754b30-97d2-4c37-a3b8-eb39f268275b"
    name = "Review GitHub pull request"
    description = "Writes a review of a pull request of GitHub, at once or as a draft. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CreateReviewInputs
    Output = CreateReviewOutputs
    examples = (
        example(
            {"repo": "ada/tea", "pr_number": 2, "body": "Good.", "event": "APPROVE"},
            [("review_id", 80), ("state", "APPROVED"), ("html_url", _URL)],
            exchange("POST /repos/ada/tea/pulls/2/reviews", _REVIEW),
        ),
        example(
            {
                "repo": "ada/tea",
                "pr_number": 2,
                "body": "Good.",
                "create_as_draft": True,
                "comments": [{"path": "cup.txt", "body": "Hotter?", "position": 2}],
            },
            [("review_id", 80), ("state", "PENDING"), ("html_url", _URL)],
            exchange(
                "GET /repos/ada/tea/pulls/2",
                {"number": 2, "title": "Heat", "html_url": f"{REPO}/pull/2", "head": {"sha": "6dcb09b"}},
            ),
            exchange("POST /repos/ada/tea/pulls/2/reviews", _DRAFT),
        ),
    )

    async def run(self, inputs: CreateReviewInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        event = None if inputs.create_as_draft else inputs.event.value
        comments = [_comment(comment) for comment in inputs.comments or []]
        made = await github_pull_requests.review(github_of(context), _place(inputs), inputs.body, event, comments)
        yield "review_id", made.id
        yield "state", made.state
        yield "html_url", made.html_url


def _comment(given: Mapping[str, Any]) -> dict[str, Any]:
    """A comment as GitHub takes it with a review."""
    path, body = given.get("path"), given.get("body")
    position = given["position"] if given.get("position") is not None else given.get("line")
    if not (isinstance(path, str) and path and isinstance(body, str) and body):
        raise ValueError("Each comment needs a `path` and a `body`, both texts.")
    if position is None:
        return {"path": path, "body": body}
    if isinstance(position, bool) or not isinstance(position, int) or position < 1:
        raise ValueError("The `position` of a comment is a number from 1.")
    return {"path": path, "body": body, "position": position}


class SubmitReviewInputs(NumberedPullRequestInputs):
    review_id: int = Field(title="Review", description="The id of the draft", ge=1)
    event: ReviewEvent = Field(
        ReviewEvent.COMMENT, title="Verdict", description="Only comments, approves, or asks for changes"
    )


class SubmitReviewOutputs(Outputs):
    state: str = Field(title="State", description="COMMENTED, APPROVED or CHANGES_REQUESTED")
    html_url: str = Field(title="URL", description="The address of the review")


class GithubSubmitPendingReview(GithubBlock[SubmitReviewInputs]):
    id = "2e468217-7ca0-4201-9553-36e93eb9357a"
    name = "Submit GitHub review"
    description = "Submits the draft of a review of a pull request of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SubmitReviewInputs
    Output = SubmitReviewOutputs
    examples = (
        example(
            {"repo": "ada/tea", "pr_number": 2, "review_id": 80, "event": "APPROVE"},
            [("state", "APPROVED"), ("html_url", _URL)],
            exchange("POST /repos/ada/tea/pulls/2/reviews/80/events", _REVIEW),
        ),
    )

    async def run(self, inputs: SubmitReviewInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        place, event = _place(inputs), inputs.event.value
        made = await github_pull_requests.submit_review(github_of(context), place, inputs.review_id, event)
        yield "state", made.state
        yield "html_url", made.html_url


class ListReviewsOutputs(Outputs):
    review: dict[str, Any] = Field(
        title="Review", description="Each review: `id`, `user`, `state`, `body` and `html_url`"
    )
    reviews: list[dict[str, Any]] = Field(title="Reviews", description="All of them")


class GithubListPRReviews(GithubBlock[NumberedPullRequestInputs]):
    id = "f79bc6eb-33c0-4099-9c0f-d664ae1ba4d0"
    name = "List GitHub reviews"
    description = "Lists the reviews of a pull request of GitHub, at most a thousand."
    Input = NumberedPullRequestInputs
    Output = ListReviewsOutputs
    examples = (
        example(
            {"repo": "ada/tea", "pr_number": 2},
            [("reviews", [{**_REVIEW, "user": "cy"}]), ("review", {**_REVIEW, "user": "cy"})],
            exchange("GET /repos/ada/tea/pulls/2/reviews?per_page=100&page=1", [_REVIEW]),
        ),
    )

    async def run(self, inputs: NumberedPullRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_pull_requests.list_reviews(github_of(context), _place(inputs))
        for output in one_and_all("review", "reviews", found):
            yield output


class ReviewCommentsInputs(NumberedPullRequestInputs):
    review_id: int | None = Field(None, title="Review", description="The id of one review; empty: of all", ge=1)


class ReviewCommentsOutputs(Outputs):
    comment: dict[str, Any] = Field(
        title="Comment",
        description="Each comment: `id`, `user`, `body`, `path`, `line` (0 where the line is gone), `side`, "
        "`created_at`, `updated_at`, `in_reply_to_id` and `html_url`",
    )
    comments: list[dict[str, Any]] = Field(title="Comments", description="All of them")


class GithubGetPRReviewComments(GithubBlock[ReviewCommentsInputs]):
    id = "1d34db7f-10c1-45c1-9d43-749f743c8bd4"
    name = "Get GitHub review comments"
    description = "Reads the comments on lines of a pull request of GitHub, at most a thousand."
    Input = ReviewCommentsInputs
    Output = ReviewCommentsOutputs
    examples = (
        example(
            {"repo": "ada/tea", "pr_number": 2},
            [
                ("comments", [{**_LINE_COMMENT, "user": "cy", "in_reply_to_id": None}]),
                ("comment", {**_LINE_COMMENT, "user": "cy", "in_reply_to_id": None}),
            ],
            exchange("GET /repos/ada/tea/pulls/2/comments?per_page=100&page=1", [_LINE_COMMENT]),
        ),
    )

    async def run(self, inputs: ReviewCommentsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        place = _place(inputs)
        found = await github_pull_requests.list_line_comments(github_of(context), place, inputs.review_id)
        for output in one_and_all("comment", "comments", found):
            yield output


class ResolveDiscussionInputs(NumberedPullRequestInputs):
    comment_id: int = Field(title="Comment", description="The id of any comment on a line in the discussion", ge=1)
    resolve: bool = Field(True, title="Settled", description="Whether it is settled, or open again")


class ResolveDiscussionOutputs(Outputs):
    success: bool = Field(title="Success", description="Whether it was done")


class GithubResolveReviewDiscussion(GithubBlock[ResolveDiscussionInputs]):
    id = "b4b8a38c-95ae-4c91-9ef8-c2cffaf2b5d1"
    name = "Resolve GitHub review discussion"
    description = "Marks a discussion of a review at GitHub as settled, or as open again. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ResolveDiscussionInputs
    Output = ResolveDiscussionOutputs
    examples = (
        example(
            {"repo": "ada/tea", "pr_number": 2, "comment_id": 10},
            [("success", True)],
            exchange("POST /graphql", {"data": {"repository": {"pullRequest": {"reviewThreads": _THREADS}}}}),
            exchange("POST /graphql", {"data": {"resolveReviewThread": {"thread": {"isResolved": True}}}}),
        ),
    )

    async def run(self, inputs: ResolveDiscussionInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """Yields also that it was not done, before it fails: as upstream does."""
        try:
            await github_pull_requests.resolve(
                github_of(context), _place(inputs), inputs.comment_id, resolved=inputs.resolve
            )
        except ValueError:
            yield "success", False
            raise
        yield "success", True


class CommentObjectInputs(Inputs):
    path: str = Field(title="Path", description="The file in the repository", examples=["cup.txt"])
    body: str = Field(title="Body", description="The text of the comment, in Markdown")
    position: int | None = Field(
        None, title="Position", description="The place in the file's diff, counted in lines from its first @@"
    )
    line: int | None = Field(None, title="Line", description="Counts as the position where there is none")
    side: str | None = Field(
        "RIGHT", title="Side", description="`LEFT` or `RIGHT`; not for reviews", examples=["LEFT", "RIGHT"]
    )
    start_line: int | None = Field(None, title="First line", description="Of several lines; not for reviews")
    start_side: str | None = Field(None, title="First line's side", description="Of several lines; not for reviews")


class CommentObjectOutputs(Outputs):
    comment_object: dict[str, Any] = Field(title="Comment", description="The comment, for the block that reviews")


class GithubCreateCommentObject(Block[CommentObjectInputs]):
    id = "b7d5e4f2-8c3a-4e6b-9f1d-7a8b9c5e4d3f"
    name = "Create GitHub comment object"
    description = "Puts together a comment on a place of a pull request, for a review; it asks GitHub nothing."
    categories = frozenset({Category.DEVELOPER_TOOLS})
    effects = Effects.PURE
    Input = CommentObjectInputs
    Output = CommentObjectOutputs
    examples = (
        Example(
            {"path": "cup.txt", "body": "Hotter?", "position": 2},
            (("comment_object", {"path": "cup.txt", "body": "Hotter?", "position": 2}),),
        ),
        Example(
            {"path": "cup.txt", "body": "Hotter?", "line": 3, "side": "LEFT", "start_line": 1, "start_side": "LEFT"},
            (
                (
                    "comment_object",
                    {
                        "path": "cup.txt",
                        "body": "Hotter?",
                        "position": 3,
                        "side": "LEFT",
                        "start_line": 1,
                        "start_side": "LEFT",
                    },
                ),
            ),
        ),
    )

    async def run(self, inputs: CommentObjectInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """What is not given is left out, and so is the usual side."""
        position = inputs.position if inputs.position is not None else inputs.line
        side = inputs.side if inputs.side != "RIGHT" else None
        given = {"position": position, "side": side or None, "start_line": inputs.start_line}
        given["start_side"] = inputs.start_side or None
        kept = {name: value for name, value in given.items() if value is not None}
        yield "comment_object", {"path": inputs.path, "body": inputs.body, **kept}
