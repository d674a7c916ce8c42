"""What is in GitHub's repositories: files and folders, the search for code, branches, commits.

For the blocks of `blocks/github/{files,branches,commits}.py`. Writing always names the branch.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from blocks.http.client import Params
from blocks.http.errors import RequestFailed
from blocks.providers.answers import unexpected
from blocks.providers.github import RAW, GitHub, Number, Said, read
from blocks.providers.github_addresses import Repository, below, repository_named
from blocks.providers.github_repositories import tree_url
from blocks.providers.paths import segment


class File(Said):
    """A file: its bytes, and the base 64 that GitHub gave, line ends included."""

    content: bytes
    encoded: str
    size: Number


class _Entry(Said):
    type: str
    name: str
    path: str
    sha: str
    size: Number = 0
    content: str | None = None
    encoding: str | None = None


class _Written(Said):
    html_url: str


class _Sha(Said):
    sha: str


class Saved(Said):
    """A file that was written: where people see it, and the commit."""

    content: _Written
    commit: _Sha


class _FoundIn(Said):
    full_name: str


class _Found(Said):
    name: str
    path: str
    html_url: str
    score: Annotated[float, Field(allow_inf_nan=False)]
    repository: _FoundIn


class _Search(Said):
    total_count: Number
    items: list[_Found]


class _TreeEntry(Said):
    path: str
    type: str
    sha: str
    size: Number = 0


class _Tree(Said):
    tree: list[_TreeEntry]
    truncated: bool = False


class _Named(Said):
    name: str


class _Ref(Said):
    object: _Sha


class ChangedFile(Said):
    """A file that differs."""

    filename: str
    status: str
    additions: Number
    deletions: Number
    patch: str = ""


class Comparison(Said):
    """How one branch or commit stands to another: `status` is ahead, behind, diverged or identical."""

    status: str
    ahead_by: Number
    behind_by: Number
    total_commits: Number
    files: list[ChangedFile] = Field(default_factory=list)


class _Author(Said):
    name: str | None = None
    date: str | None = None


class _CommitText(Said):
    message: str
    author: _Author | None = None

    @property
    def author_name(self) -> str:
        return (self.author and self.author.name) or "Unknown"

    @property
    def date(self) -> str:
        return (self.author and self.author.date) or ""


class _Commit(Said):
    sha: str
    commit: _CommitText


class _GitCommit(Said):
    tree: _Sha


async def read_file(github: GitHub, repository: Repository, path: str, branch: str) -> File:
    """A file of a branch, tag or commit. ValueError when there is a folder or a link in its place."""
    place = _contents(repository, path)
    answer = await github.ask("GET", place, params={"ref": branch})
    if answer.body.lstrip()[:1] == b"[":
        raise ValueError("There is a folder of this path, not a file.")
    entry = read(answer, _Entry)
    if entry.type != "file":
        raise ValueError("There is something else than a file of this path: a link, or another repository.")
    if entry.encoding != "base64" or entry.content is None:
        # Of a file above a megabyte this answer tells the size alone.
        content = (await github.ask("GET", place, params={"ref": branch}, accept=RAW)).body
        return File(content=content, encoded=base64.b64encode(content).decode(), size=entry.size)
    try:
        content = base64.b64decode(entry.content)
    except (binascii.Error, ValueError):
        raise unexpected(answer) from None
    return File(content=content, encoded=entry.content, size=entry.size)


async def read_folder(
    github: GitHub, repository: Repository, path: str, branch: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The files (`name`, `path`, `size`) and folders (`name`, `path`) of a folder, at most a thousand together.

    The root has an empty path. ValueError when there is a file in its place.
    """
    answer = await github.ask("GET", _contents(repository, path), params={"ref": branch})
    if answer.body.lstrip()[:1] == b"{":
        raise ValueError("There is a file of this path, not a folder.")
    entries = read(answer, list[_Entry])
    files = [{"name": e.name, "path": e.path, "size": e.size} for e in entries if e.type == "file"]
    return files, [{"name": e.name, "path": e.path} for e in entries if e.type == "dir"]


async def write_file(
    github: GitHub, repository: Repository, path: str, text: str, branch: str, message: str, *, instead: bool
) -> Saved:
    """Commit a file to a branch: a new one, or `instead` of the one that is there."""
    place = _contents(repository, path)
    asked = {"message": message, "content": base64.b64encode(_encoded(text)).decode(), "branch": branch}
    if instead:
        asked["sha"] = (await github.get(_Sha, place, {"ref": branch})).sha
    return await github.send(Saved, "PUT", place, asked)


async def search_code(github: GitHub, query: str, repo: str, most: int) -> tuple[int, list[dict[str, Any]]]:
    """How many files fit, and the best of them: `name`, `path`, `repository`, `url`, `score`. `most` goes to 100."""
    if repo:
        query = f"{query} repo:{repository_named(repo).full_name}"
    found = await github.get(_Search, "/search/code", {"q": query, "per_page": most})
    return found.total_count, [
        {
            "name": item.name,
            "path": item.path,
            "repository": item.repository.full_name,
            "url": item.html_url,
            "score": item.score,
        }
        for item in found.items
    ]


async def read_tree(
    github: GitHub, repository: Repository, branch: str, *, recursive: bool
) -> tuple[list[dict[str, Any]], bool]:
    """`path`, `type` (blob, tree, commit), `size` and `sha` of everything; whether it was too much for GitHub."""
    path = f"{repository.path}/git/trees/{segment(branch, 'The branch')}"
    found = await github.get(_Tree, path, {"recursive": "1"} if recursive else None)
    return [entry.model_dump(include={"path", "type", "size", "sha"}) for entry in found.tree], found.truncated


async def list_branches(github: GitHub, repository: Repository, per_page: int, page: int) -> list[dict[str, Any]]:
    """`name` of each branch on a page, and the `url` of its files."""
    found = await github.get(list[_Named], f"{repository.path}/branches", {"per_page": per_page, "page": page})
    return [{"name": branch.name, "url": tree_url(repository, branch.name)} for branch in found]


async def make_branch(github: GitHub, repository: Repository, name: str, source: str) -> None:
    """Make a branch that begins where another stands."""
    below(name, "The new branch")
    sha = await _tip(github, repository, source)
    await github.send(_Ref, "POST", f"{repository.path}/git/refs", {"ref": f"refs/heads/{name}", "sha": sha})


async def delete_branch(github: GitHub, repository: Repository, name: str) -> None:
    """Delete a branch."""
    await github.ask("DELETE", _ref(repository, "refs", name))


async def compare(github: GitHub, repository: Repository, base: str, head: str) -> Comparison:
    """What `head` has that `base` has not; at most 300 files."""
    both = f"{segment(base, 'The base')}...{segment(head, 'The head')}"
    return await github.get(Comparison, f"{repository.path}/compare/{both}")


async def list_commits(
    github: GitHub, repository: Repository, branch: str, per_page: int, page: int
) -> list[dict[str, Any]]:
    """`sha`, `message`, `author`, `date` and `url` of each commit on a page, the newest first."""
    params: Params = {"sha": branch, "per_page": per_page, "page": page}
    found = await github.get(list[_Commit], f"{repository.path}/commits", params)
    return [
        {
            "sha": each.sha,
            "message": each.commit.message,
            "author": each.commit.author_name,
            "date": each.commit.date,
            "url": _commit_url(repository, each.sha),
        }
        for each in found
    ]


async def commit(
    github: GitHub, repository: Repository, branch: str, message: str, files: Mapping[str, str | bytes | None]
) -> tuple[str, str]:
    """Commit several files to a branch at once; answers the commit's hash and address.

    By path: its text, its bytes, or None to delete it. ValueError when the branch has moved on meanwhile: the commit
    is then made, and nothing points to it.
    """
    parent = await _tip(github, repository, branch)
    base = await github.get(_GitCommit, f"{repository.path}/git/commits/{segment(parent, 'The commit')}")
    entries: list[dict[str, Any]] = []
    for path, content in files.items():
        entry: dict[str, Any] = {"path": path, "mode": "100644", "type": "blob"}
        if isinstance(content, str):
            entry["content"] = content
        elif content is None:
            entry["sha"] = None
        else:
            asked = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
            entry["sha"] = (await github.send(_Sha, "POST", f"{repository.path}/git/blobs", asked)).sha
        entries.append(entry)
    asked_tree = {"base_tree": base.tree.sha, "tree": entries}
    tree = await github.send(_Sha, "POST", f"{repository.path}/git/trees", asked_tree)
    asked_commit = {"message": message, "tree": tree.sha, "parents": [parent]}
    made = await github.send(_Sha, "POST", f"{repository.path}/git/commits", asked_commit)
    try:
        await github.send(_Ref, "PATCH", _ref(repository, "refs", branch), {"sha": made.sha, "force": False})
    except RequestFailed as failure:
        raise ValueError(f"The commit {made.sha:.64} is made, but the branch does not point to it: {failure}") from None
    return made.sha, _commit_url(repository, made.sha)


async def _tip(github: GitHub, repository: Repository, branch: str) -> str:
    return (await github.get(_Ref, _ref(repository, "ref", branch))).object.sha


def _ref(repository: Repository, word: str, branch: str) -> str:
    return f"{repository.path}/git/{word}/heads/{below(branch, 'The branch')}"


def _contents(repository: Repository, path: str) -> str:
    trimmed = path.strip("/")
    return f"{repository.path}/contents" + (f"/{below(trimmed, 'The path')}" if trimmed else "")


def _commit_url(repository: Repository, sha: str) -> str:
    return f"{repository.web}/commit/{sha}"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text holds characters that cannot be written: halves of a pair.") from None
