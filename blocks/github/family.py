"""What all blocks for GitHub share: the credential, the pins that name things, the shape of examples.

For the modules of this package alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, key_of
from blocks.providers.github import GitHub

REPO = "https://github.com/ada/tea"
"""The repository of the examples."""


class GithubInputs(Inputs):
    credentials: CredentialsMeta = Field(
        title="Credentials",
        description="GitHub, as you: an access token, classic or fine-grained, that may do what is asked for",
    )


class RepositoryInputs(GithubInputs):
    repo_url: str = Field(title="Repository", description="The address of the repository", examples=[REPO])


class IssueInputs(GithubInputs):
    issue_url: str = Field(
        title="Issue", description="The address of the issue or pull request", examples=[f"{REPO}/issues/1"]
    )


class PullRequestInputs(GithubInputs):
    pr_url: str = Field(
        title="Pull request", description="The address of the pull request", examples=[f"{REPO}/pull/1"]
    )


class NumberedPullRequestInputs(GithubInputs):
    repo: str = Field(title="Repository", description="The repository, as `owner/name`", examples=["ada/tea"])
    pr_number: int = Field(title="Number", description="The number of the pull request", ge=1)


class StatusOutputs(Outputs):
    status: str = Field(title="Status", description="That it was done")


class GithubBlock[InputT: Inputs](Block[InputT]):
    """A block that acts as the owner of a GitHub credential."""

    categories = frozenset({Category.DEVELOPER_TOOLS})
    credentials: ClassVar[Mapping[str, CredentialsField]] = {
        "credentials": CredentialsField(("github",), (CredentialsType.OAUTH2, CredentialsType.API_KEY), own_only=True)
    }


def github_of(context: BlockContext) -> GitHub:
    """GitHub as the owner of the credential sees it."""
    return GitHub(context.services.http, key_of(context.credentials))


def one_and_all(one: str, many: str, items: Sequence[Any]) -> Iterator[Yielded]:
    """All items as one output, then each as one of its own."""
    yield many, list(items)
    for item in items:
        yield one, item


def example(inputs: Mapping[str, Any], outputs: Sequence[tuple[str, Any]], *web: Exchange) -> Example:
    """An example with somebody's own token."""
    meta = {"id": "mine", "provider": "github", "type": "api_key"}
    return Example({"credentials": meta, **inputs}, tuple(outputs), web=web)


def exchange(request: str, answer: Any = None, status: int = 200) -> Exchange:
    """A request, as `METHOD /path`, and the JSON that GitHub answers; None for an answer without content."""
    method, _, path = request.partition(" ")
    body = "" if answer is None else json.dumps(answer)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Exchange(f"{method} https://api.github.com{path}", body, status, headers)
