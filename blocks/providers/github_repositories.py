"""GitHub's repositories as a whole: making, forking and describing them, and lists of what belongs to them.

For the blocks of `blocks/github/repositories.py`.
"""

from typing import Any
from urllib.parse import quote

from blocks.providers.github import GitHub, Made, Number, Said, User
from blocks.providers.github_addresses import Repository


class Created(Made):
    """A repository that was made."""

    clone_url: str
    full_name: str


class Facts(Created):
    """What a repository says of itself."""

    name: str
    description: str | None = None
    default_branch: str
    private: bool
    stargazers_count: Number
    forks_count: Number
    open_issues_count: Number


class _Named(Said):
    name: str


class _Release(Made):
    name: str | None = None
    tag_name: str


class _Titled(Said):
    title: str
    url: str


class _Discussions(Said):
    nodes: list[_Titled | None]


class _Discussing(Said):
    discussions: _Discussions


class _DiscussionsAnswer(Said):
    repository: _Discussing


async def create(
    github: GitHub, name: str, description: str, *, private: bool, with_readme: bool, gitignore: str
) -> Created:
    """Make a repository of the user's own. `gitignore` names a template of GitHub's; empty: none."""
    asked = {"name": name, "description": description, "private": private, "auto_init": with_readme}
    if gitignore:
        asked["gitignore_template"] = gitignore
    return await github.send(Created, "POST", "/user/repos", asked)


async def fork(github: GitHub, repository: Repository, organization: str) -> Created:
    """Copy a repository to the user's account, or to an organization. GitHub fills the copy a little later."""
    asked = {"organization": organization} if organization else {}
    return await github.send(Created, "POST", f"{repository.path}/forks", asked)


async def star(github: GitHub, repository: Repository) -> None:
    """Give a repository a star; it has one afterwards, whether it had one before or not."""
    await github.ask("PUT", f"/user/starred/{repository.full_name}")


async def describe(github: GitHub, repository: Repository) -> Facts:
    """What a repository says of itself."""
    return await github.get(Facts, repository.path)


async def list_tags(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """`name` of each tag and the `url` where its files can be seen."""
    tags = await github.every(list[_Named], f"{repository.path}/tags")
    return [{"name": tag.name, "url": tree_url(repository, tag.name)} for tag in tags]


async def list_releases(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """`name` and `url` of each release, the newest first; one without a name has that of its tag."""
    releases = await github.every(list[_Release], f"{repository.path}/releases")
    return [{"name": release.name or release.tag_name, "url": release.html_url} for release in releases]


async def list_stargazers(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """`username` and `url` of those who gave it a star."""
    users = await github.every(list[User], f"{repository.path}/stargazers")
    return [{"username": user.login, "url": user.html_url} for user in users]


_DISCUSSIONS = """
query($owner: String!, $name: String!, $most: Int!) {
  repository(owner: $owner, name: $name) { discussions(first: $most) { nodes { title url } } }
}
"""


async def list_discussions(github: GitHub, repository: Repository, most: int) -> list[dict[str, Any]]:
    """`title` and `url` of the discussions with the latest changes. `most` goes to 100. Only GraphQL tells them."""
    variables = {"owner": repository.owner, "name": repository.name, "most": most}
    answer = await github.graphql(_DiscussionsAnswer, _DISCUSSIONS, variables)
    return [each.model_dump() for each in answer.repository.discussions.nodes if each is not None]


def tree_url(repository: Repository, ref: str) -> str:
    """Where people see the files of a branch or tag."""
    return f"{repository.web}/tree/{quote(ref, errors='replace')}"
