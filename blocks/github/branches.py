"""Branches and commits of GitHub.

Registered in `catalogue.py`. What changes something is entered at most once.
"""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import BlockContext, Outputs, Yielded
from blocks.files.references import SCHEME, FilesTogether
from blocks.github.family import (
    REPO,
    GithubBlock,
    RepositoryInputs,
    StatusOutputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.limits import LARGEST_UNPACKED, MOST_FILES
from blocks.providers import github_contents
from blocks.providers.github_addresses import repository_at
from blocks.services import Services
from engine.model import Effects

_TIP = {"ref": "refs/heads/main", "object": {"sha": "aa218f5", "type": "commit"}}
_CHANGED = {
    "filename": "cup.txt",
    "status": "modified",
    "additions": 1,
    "deletions": 0,
    "patch": "@@ -0,0 +1 @@\n+hot",
}
_COMMIT_URL = f"{REPO}/commit/7638417"


class PageInputs(RepositoryInputs):
    per_page: int = Field(30, title="Most", description="How many at the most, up to 100", ge=1, le=100)
    page: int = Field(1, title="Page", description="Which page of so many, from 1", ge=1, le=100_000)


class ListBranchesOutputs(Outputs):
    branch: dict[str, Any] = Field(title="Branch", description="Each branch: `name`, and the `url` of its files")
    branches: list[dict[str, Any]] = Field(title="Branches", description="All of them")


class GithubListBranches(GithubBlock[PageInputs]):
    id = "74243e49-2bec-4916-8bf4-db43d44aead5"
    name = "List GitHub branches"
    description = "Lists the branches of a repository of GitHub, page by page."
    Input = PageInputs
    Output = ListBranchesOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("branches", [{"name": "main", "url": f"{REPO}/tree/main"}]),
                ("branch", {"name": "main", "url": f"{REPO}/tree/main"}),
            ],
            exchange("GET /repos/ada/tea/branches?per_page=30&page=1", [{"name": "main", "protected": False}]),
        ),
    )

    async def run(self, inputs: PageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        found = await github_contents.list_branches(github_of(context), repository, inputs.per_page, inputs.page)
        for output in one_and_all("branch", "branches", found):
            yield output


class MakeBranchInputs(RepositoryInputs):
    new_branch: str = Field(title="New branch", description="The name of the new branch", min_length=1)
    source_branch: str = Field(title="Source", description="The branch that it begins from", min_length=1)


class GithubMakeBranch(GithubBlock[MakeBranchInputs]):
    id = "944cc076-95e7-4d1b-b6b6-b15d8ee5448d"
    name = "Make GitHub branch"
    description = "Makes a branch in a repository of GitHub, from another. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = MakeBranchInputs
    Output = StatusOutputs
    examples = (
        example(
            {"repo_url": REPO, "new_branch": "try/heat", "source_branch": "main"},
            [("status", "Branch created successfully")],
            exchange("GET /repos/ada/tea/git/ref/heads/main", _TIP),
            exchange("POST /repos/ada/tea/git/refs", {**_TIP, "ref": "refs/heads/try/heat"}, 201),
        ),
    )

    async def run(self, inputs: MakeBranchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        await github_contents.make_branch(github_of(context), repository, inputs.new_branch, inputs.source_branch)
        yield "status", "Branch created successfully"


class DeleteBranchInputs(RepositoryInputs):
    branch: str = Field(title="Branch", description="The name of the branch", min_length=1)


class GithubDeleteBranch(GithubBlock[DeleteBranchInputs]):
    id = "0d4130f7-e0ab-4d55-adc3-0a40225e80f4"
    name = "Delete GitHub branch"
    description = "Deletes a branch of a repository of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    sensitive = True
    Input = DeleteBranchInputs
    Output = StatusOutputs
    examples = (
        example(
            {"repo_url": REPO, "branch": "try/heat"},
            [("status", "Branch deleted successfully")],
            exchange("DELETE /repos/ada/tea/git/refs/heads/try/heat", None, 204),
        ),
    )

    async def run(self, inputs: DeleteBranchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_contents.delete_branch(github_of(context), repository_at(inputs.repo_url), inputs.branch)
        yield "status", "Branch deleted successfully"


class CompareBranchesInputs(RepositoryInputs):
    base: str = Field(title="Base", description="The branch, tag or commit to compare with", min_length=1)
    head: str = Field(title="Head", description="The branch, tag or commit that is compared", min_length=1)


class CompareBranchesOutputs(Outputs):
    status: str = Field(title="Status", description="ahead, behind, diverged or identical")
    ahead_by: int = Field(title="Ahead by", description="How many commits the head has that the base has not")
    behind_by: int = Field(title="Behind by", description="How many commits the base has that the head has not")
    total_commits: int = Field(title="Commits", description="How many commits lie between them")
    diff: str = Field(title="Diff", description="The changes of all files as one text")
    file: dict[str, Any] = Field(
        title="File",
        description="Each changed file, at most 300: `filename`, `status`, `additions`, `deletions` and `patch`",
    )
    files: list[dict[str, Any]] = Field(title="Files", description="All of them")


class GithubCompareBranches(GithubBlock[CompareBranchesInputs]):
    id = "2e4faa8c-6086-4546-ba77-172d1d560186"
    name = "Compare GitHub branches"
    description = "Compares two branches, tags or commits of a repository of GitHub."
    Input = CompareBranchesInputs
    Output = CompareBranchesOutputs
    examples = (
        example(
            {"repo_url": REPO, "base": "main", "head": "try/heat"},
            [
                ("status", "ahead"),
                ("ahead_by", 1),
                ("behind_by", 0),
                ("total_commits", 1),
                ("diff", "+++ b/cup.txt\n@@ -0,0 +1 @@\n+hot"),
                ("files", [_CHANGED]),
                ("file", _CHANGED),
            ],
            exchange(
                "GET /repos/ada/tea/compare/main...try%2Fheat",
                {"status": "ahead", "ahead_by": 1, "behind_by": 0, "total_commits": 1, "files": [_CHANGED]},
            ),
        ),
    )

    async def run(self, inputs: CompareBranchesInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        found = await github_contents.compare(github_of(context), repository, inputs.base, inputs.head)
        yield "status", found.status
        yield "ahead_by", found.ahead_by
        yield "behind_by", found.behind_by
        yield "total_commits", found.total_commits
        yield "diff", "\n".join(f"+++ b/{file.filename}\n{file.patch}" for file in found.files if file.patch)
        for output in one_and_all("file", "files", [file.model_dump() for file in found.files]):
            yield output


class ListCommitsInputs(PageInputs):
    branch: str = Field("main", title="Branch", description="The branch, tag or commit to begin from")


class ListCommitsOutputs(Outputs):
    commit: dict[str, Any] = Field(
        title="Commit", description="Each commit: `sha`, `message`, `author`, `date` and `url`"
    )
    commits: list[dict[str, Any]] = Field(title="Commits", description="All of them")


class GithubListCommits(GithubBlock[ListCommitsInputs]):
    id = "8b13f579-d8b6-4dc2-a140-f770428805de"
    name = "List GitHub commits"
    description = "Lists the commits on a branch of a repository of GitHub, the newest first, page by page."
    Input = ListCommitsInputs
    Output = ListCommitsOutputs
    examples = (
        example(
            {"repo_url": REPO, "per_page": 1},
            [
                (
                    "commits",
                    [
                        {
                            "sha": "7638417",
                            "message": "Heat",
                            "author": "Ada",
                            "date": "2024-01-01T00:00:00Z",
                            "url": _COMMIT_URL,
                        }
                    ],
                ),
                (
                    "commit",
                    {
                        "sha": "7638417",
                        "message": "Heat",
                        "author": "Ada",
                        "date": "2024-01-01T00:00:00Z",
                        "url": _COMMIT_URL,
                    },
                ),
            ],
            exchange(
                "GET /repos/ada/tea/commits?sha=main&per_page=1&page=1",
                [
                    {
                        "sha": "7638417",
                        "commit": {"message": "Heat", "author": {"name": "Ada", "date": "2024-01-01T00:00:00Z"}},
                    }
                ],
            ),
        ),
    )

    async def run(self, inputs: ListCommitsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_contents.list_commits(
            github_of(context), repository_at(inputs.repo_url), inputs.branch, inputs.per_page, inputs.page
        )
        for output in one_and_all("commit", "commits", found):
            yield output


class FileOperation(StrEnum):
    """What becomes of a file."""

    UPSERT = "upsert"
    DELETE = "delete"


class MultiFileCommitInputs(RepositoryInputs):
    branch: str = Field(title="Branch", description="The branch to commit to", min_length=1)
    commit_message: str = Field(title="Message", description="What the commit says", min_length=1)
    files: list[dict[str, Any]] = Field(
        title="Files",
        description="Each with its `path`, its `content` (a text, a data URI or the URI of a file of this run) and the "
        "`operation`: `upsert`, which writes it, or `delete`",
        min_length=1,
        max_length=MOST_FILES,
    )


class MultiFileCommitOutputs(Outputs):
    sha: str = Field(title="Commit", description="The hash of the commit")
    url: str = Field(title="URL", description="The address of the commit")


class GithubMultiFileCommit(GithubBlock[MultiFileCommitInputs]):
    id = "389eee51-a95e-4230-9bed-92167a327802"
    name = "Commit files to GitHub"
    description = "Writes and deletes several files of a repository of GitHub in one commit. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = MultiFileCommitInputs
    Output = MultiFileCommitOutputs
    examples = (
        example(
            {
                "repo_url": REPO,
                "branch": "main",
                "commit_message": "Heat",
                "files": [
                    {"path": "cup.txt", "content": "hot\n", "operation": "upsert"},
                    {"path": "ice.txt", "operation": "delete"},
                ],
            },
            [("sha", "7638417"), ("url", _COMMIT_URL)],
            exchange("GET /repos/ada/tea/git/ref/heads/main", _TIP),
            exchange("GET /repos/ada/tea/git/commits/aa218f5", {"sha": "aa218f5", "tree": {"sha": "691272d"}}),
            exchange("POST /repos/ada/tea/git/trees", {"sha": "cd8274d"}, 201),
            exchange("POST /repos/ada/tea/git/commits", {"sha": "7638417"}, 201),
            exchange("PATCH /repos/ada/tea/git/refs/heads/main", {**_TIP, "object": {"sha": "7638417"}}),
        ),
    )

    async def run(self, inputs: MultiFileCommitInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        files = await _contents(inputs.files, context.services)
        sha, url = await github_contents.commit(
            github_of(context), repository, inputs.branch, inputs.commit_message, files
        )
        yield "sha", sha
        yield "url", url


async def _contents(given: Sequence[dict[str, Any]], services: Services) -> dict[str, str | bytes | None]:
    """What becomes of each path: a text, bytes of a file that the content names, or None for one to delete."""
    contents: dict[str, str | bytes | None] = {}
    together = FilesTogether(services, LARGEST_UNPACKED)
    for number, file in enumerate(given, 1):
        operation = file.get("operation", FileOperation.UPSERT)
        if operation not in tuple(FileOperation):
            raise ValueError(f"The `operation` of file {number} is `upsert` or `delete`.")
        path, content = file.get("path"), "" if operation == FileOperation.DELETE else file.get("content", "")
        if not isinstance(path, str) or not (path := path.strip("/")) or not isinstance(content, str):
            raise ValueError(f"File {number} needs a `path` and a `content`, both texts.")
        if path in contents:
            raise ValueError(f"File {number} has the path of one before it.")
        if operation == FileOperation.DELETE:
            contents[path] = None
        elif content[:16].lower().startswith(("data:", SCHEME)):
            contents[path] = (await together.open(content)).content
        else:
            contents[path] = content
    return contents
