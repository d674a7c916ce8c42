"""Files in repositories of GitHub: reading, writing, listing and looking for them.

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
    RepositoryInputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.providers import github_contents
from blocks.providers.github_addresses import repository_at
from engine.model import Effects

_ENTRY = {"type": "file", "name": "cup.txt", "path": "doc/cup.txt", "sha": "95b966a", "size": 4}
_SAVED_URL = f"{REPO}/blob/main/doc/cup.txt"
_SAVED = {"content": {"html_url": _SAVED_URL, "sha": "95b966a"}, "commit": {"sha": "7638417"}}


class ReadFileInputs(RepositoryInputs):
    file_path: str = Field(
        title="Path", description="The file in the repository", examples=["doc/cup.txt"], min_length=1
    )
    branch: str = Field("main", title="Branch", description="The branch, tag or commit")


class ReadFileOutputs(Outputs):
    text_content: str = Field(title="Text", description="The file as text, which is UTF-8")
    raw_content: str = Field(title="Base 64", description="The file's bytes in base 64")
    size: int = Field(title="Size", description="How many bytes it has")


class GithubReadFile(GithubBlock[ReadFileInputs]):
    id = "87ce6c27-5752-4bbc-8e26-6da40a3dcfd3"
    name = "Read GitHub file"
    description = "Reads a file of a repository of GitHub."
    Input = ReadFileInputs
    Output = ReadFileOutputs
    examples = (
        example(
            {"repo_url": REPO, "file_path": "doc/cup.txt"},
            [("raw_content", "aG90Cg=="), ("text_content", "hot\n"), ("size", 4)],
            exchange(
                "GET /repos/ada/tea/contents/doc/cup.txt?ref=main",
                {**_ENTRY, "encoding": "base64", "content": "aG90Cg=="},
            ),
        ),
    )

    async def run(self, inputs: ReadFileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """A file that is no text fails once its bytes are given."""
        repository = repository_at(inputs.repo_url)
        file = await github_contents.read_file(github_of(context), repository, inputs.file_path, inputs.branch)
        yield "raw_content", file.encoded
        try:
            text = file.content.decode()
        except UnicodeDecodeError:
            yield "size", file.size
            raise ValueError("The file is no text in UTF-8; its bytes are in `raw_content`.") from None
        yield "text_content", text
        yield "size", file.size


class ReadFolderInputs(RepositoryInputs):
    folder_path: str = Field(title="Path", description="The folder in the repository; empty: the root")
    branch: str = Field("main", title="Branch", description="The branch, tag or commit")


class ReadFolderOutputs(Outputs):
    file: dict[str, Any] = Field(title="File", description="Each file: `name`, `path` and `size` in bytes")
    dir: dict[str, Any] = Field(title="Folder", description="Each folder: `name` and `path`")


class GithubReadFolder(GithubBlock[ReadFolderInputs]):
    id = "1355f863-2db3-4d75-9fba-f91e8a8ca400"
    name = "Read GitHub folder"
    description = "Lists what is in a folder of a repository of GitHub, at most a thousand files and folders."
    Input = ReadFolderInputs
    Output = ReadFolderOutputs
    examples = (
        example(
            {"repo_url": REPO, "folder_path": "doc"},
            [
                ("file", {"name": "cup.txt", "path": "doc/cup.txt", "size": 4}),
                ("dir", {"name": "pots", "path": "doc/pots"}),
            ],
            exchange(
                "GET /repos/ada/tea/contents/doc?ref=main",
                [_ENTRY, {"type": "dir", "name": "pots", "path": "doc/pots", "sha": "1f2a3b4", "size": 0}],
            ),
        ),
    )

    async def run(self, inputs: ReadFolderInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        files, folders = await github_contents.read_folder(
            github_of(context), repository_at(inputs.repo_url), inputs.folder_path, inputs.branch
        )
        for file in files:
            yield "file", file
        for folder in folders:
            yield "dir", folder


class CreateFileInputs(RepositoryInputs):
    file_path: str = Field(
        title="Path", description="Where the file is in the repository", examples=["doc/cup.txt"], min_length=1
    )
    content: str = Field(title="Content", description="The text of the file")
    branch: str = Field("main", title="Branch", description="The branch to commit to")
    commit_message: str = Field("Create new file", title="Message", description="What the commit says")


class SavedOutputs(Outputs):
    url: str = Field(title="URL", description="The address of the file")
    sha: str = Field(title="Commit", description="The hash of the commit")


class GithubCreateFile(GithubBlock[CreateFileInputs]):
    id = "8fd132ac-b917-428a-8159-d62893e8a3fe"
    name = "Create GitHub file"
    description = "Commits a new file to a repository of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CreateFileInputs
    Output = SavedOutputs
    examples = (
        example(
            {"repo_url": REPO, "file_path": "doc/cup.txt", "content": "hot\n"},
            [("url", _SAVED_URL), ("sha", "7638417")],
            exchange("PUT /repos/ada/tea/contents/doc/cup.txt", _SAVED, 201),
        ),
    )

    async def run(self, inputs: CreateFileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        saved = await _saved(inputs, context, instead=False)
        yield "url", saved.content.html_url
        yield "sha", saved.commit.sha


class UpdateFileInputs(CreateFileInputs):
    commit_message: str = Field("Update file", title="Message", description="What the commit says")


class GithubUpdateFile(GithubBlock[UpdateFileInputs]):
    id = "30be12a4-57cb-4aa4-baf5-fcc68d136076"
    name = "Update GitHub file"
    description = "Commits another text of a file to a repository of GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = UpdateFileInputs
    Output = SavedOutputs
    examples = (
        example(
            {"repo_url": REPO, "file_path": "doc/cup.txt", "content": "hot\n"},
            [("url", _SAVED_URL), ("sha", "7638417")],
            exchange("GET /repos/ada/tea/contents/doc/cup.txt?ref=main", _ENTRY),
            exchange("PUT /repos/ada/tea/contents/doc/cup.txt", _SAVED),
        ),
    )

    async def run(self, inputs: UpdateFileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        saved = await _saved(inputs, context, instead=True)
        yield "url", saved.content.html_url
        yield "sha", saved.commit.sha


async def _saved(inputs: CreateFileInputs, context: BlockContext, *, instead: bool) -> github_contents.Saved:
    return await github_contents.write_file(
        github_of(context),
        repository_at(inputs.repo_url),
        inputs.file_path,
        inputs.content,
        inputs.branch,
        inputs.commit_message,
        instead=instead,
    )


class SearchCodeInputs(GithubInputs):
    query: str = Field(
        title="Query", description="What to look for, as GitHub's search takes it", examples=["kettle language:python"]
    )
    repo: str = Field("", title="Repository", description="Where to look, as `owner/name`; empty: everywhere")
    per_page: int = Field(30, title="Most", description="How many results at the most, up to 100", ge=1, le=100)


class SearchCodeOutputs(Outputs):
    result: dict[str, Any] = Field(
        title="Result", description="Each file: `name`, `path`, `repository`, `url` and `score`"
    )
    results: list[dict[str, Any]] = Field(title="Results", description="All of them")
    total_count: int = Field(title="Total", description="How many files fit, beyond those given as well")


class GithubSearchCode(GithubBlock[SearchCodeInputs]):
    id = "47f94891-a2b1-4f1c-b5f2-573c043f721e"
    name = "Search GitHub code"
    description = "Looks for code in repositories of GitHub."
    Input = SearchCodeInputs
    Output = SearchCodeOutputs
    examples = (
        example(
            {"query": "kettle", "repo": "ada/tea"},
            [
                ("total_count", 1),
                (
                    "results",
                    [
                        {
                            "name": "cup.txt",
                            "path": "doc/cup.txt",
                            "repository": "ada/tea",
                            "url": _SAVED_URL,
                            "score": 1.0,
                        }
                    ],
                ),
                (
                    "result",
                    {
                        "name": "cup.txt",
                        "path": "doc/cup.txt",
                        "repository": "ada/tea",
                        "url": _SAVED_URL,
                        "score": 1.0,
                    },
                ),
            ],
            exchange(
                "GET /search/code?q=kettle+repo%3Aada%2Ftea&per_page=30",
                {
                    "total_count": 1,
                    "items": [
                        {
                            "name": "cup.txt",
                            "path": "doc/cup.txt",
                            "html_url": _SAVED_URL,
                            "score": 1,
                            "repository": {"full_name": "ada/tea"},
                        }
                    ],
                },
            ),
        ),
    )

    async def run(self, inputs: SearchCodeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        total, found = await github_contents.search_code(github_of(context), inputs.query, inputs.repo, inputs.per_page)
        yield "total_count", total
        for output in one_and_all("result", "results", found):
            yield output


class RepositoryTreeInputs(RepositoryInputs):
    branch: str = Field("main", title="Branch", description="The branch, tag or commit")
    recursive: bool = Field(True, title="With folders", description="Whether to list what is in folders as well")


class RepositoryTreeOutputs(Outputs):
    entry: dict[str, Any] = Field(
        title="Entry", description="Each file (`blob`) or folder (`tree`): `path`, `type`, `size` and `sha`"
    )
    entries: list[dict[str, Any]] = Field(title="Entries", description="All of them")
    truncated: bool = Field(title="Cut off", description="Whether there was more than GitHub tells at once")


class GithubGetRepositoryTree(GithubBlock[RepositoryTreeInputs]):
    id = "89c5c0ec-172e-4001-a32c-bdfe4d0c9e81"
    name = "Get GitHub repository tree"
    description = "Lists all files and folders of a repository of GitHub."
    Input = RepositoryTreeInputs
    Output = RepositoryTreeOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("truncated", False),
                ("entries", [{"path": "cup.txt", "type": "blob", "size": 4, "sha": "95b966a"}]),
                ("entry", {"path": "cup.txt", "type": "blob", "size": 4, "sha": "95b966a"}),
            ],
            exchange(
                "GET /repos/ada/tea/git/trees/main?recursive=1",
                {
                    "sha": "fc6274d",
                    "truncated": False,
                    "tree": [{"path": "cup.txt", "mode": "100644", "type": "blob", "size": 4, "sha": "95b966a"}],
                },
            ),
        ),
    )

    async def run(self, inputs: RepositoryTreeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        entries, truncated = await github_contents.read_tree(
            github_of(context), repository_at(inputs.repo_url), inputs.branch, recursive=inputs.recursive
        )
        yield "truncated", truncated
        for output in one_and_all("entry", "entries", entries):
            yield output
