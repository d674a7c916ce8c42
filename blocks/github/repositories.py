"""Repositories of GitHub: making, forking and describing them, and lists of what belongs to them.

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
    StatusOutputs,
    example,
    exchange,
    github_of,
    one_and_all,
)
from blocks.providers import github_repositories
from blocks.providers.github_addresses import repository_at
from engine.model import Effects

_MADE = {"html_url": REPO, "clone_url": f"{REPO}.git", "full_name": "ada/tea"}
_FACTS = {
    **_MADE,
    "name": "tea",
    "description": None,
    "default_branch": "main",
    "private": False,
    "stargazers_count": 42,
    "forks_count": 5,
    "open_issues_count": 3,
}


class CreateRepositoryInputs(GithubInputs):
    name: str = Field(title="Name", description="The name of the repository", examples=["tea"], min_length=1)
    description: str = Field("", title="Description", description="What it is for")
    private: bool = Field(False, title="Private", description="Whether only those who are let in see it")
    auto_init: bool = Field(True, title="With a README", description="Whether it begins with a README")
    gitignore_template: str = Field(
        "", title=".gitignore", description="The name of a template of GitHub's; empty: none", examples=["Python"]
    )


class CreateRepositoryOutputs(Outputs):
    url: str = Field(title="URL", description="The address of the repository")
    clone_url: str = Field(title="Clone URL", description="The address for git")


class GithubCreateRepository(GithubBlock[CreateRepositoryInputs]):
    id = "029ec3b8-1cfd-46d3-b6aa-28e4a706efd1"
    name = "Create GitHub repository"
    description = "Makes a repository in your account at GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CreateRepositoryInputs
    Output = CreateRepositoryOutputs
    examples = (
        example(
            {"name": "tea", "private": True},
            [("url", REPO), ("clone_url", f"{REPO}.git")],
            exchange("POST /user/repos", _MADE, 201),
        ),
    )

    async def run(self, inputs: CreateRepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        made = await github_repositories.create(
            github_of(context),
            inputs.name,
            inputs.description,
            private=inputs.private,
            with_readme=inputs.auto_init,
            gitignore=inputs.gitignore_template,
        )
        yield "url", made.html_url
        yield "clone_url", made.clone_url


class ForkRepositoryInputs(RepositoryInputs):
    organization: str = Field("", title="Organization", description="Where the copy goes; empty: to your account")


class ForkRepositoryOutputs(CreateRepositoryOutputs):
    full_name: str = Field(title="Full name", description="The name of the copy, as `owner/name`")


class GithubForkRepository(GithubBlock[ForkRepositoryInputs]):
    id = "a439f2f4-835f-4dae-ba7b-0205ffa70be6"
    name = "Fork GitHub repository"
    description = "Copies a repository of GitHub to your account or to an organization. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ForkRepositoryInputs
    Output = ForkRepositoryOutputs
    examples = (
        example(
            {"repo_url": "https://github.com/bo/tea"},
            [("url", REPO), ("clone_url", f"{REPO}.git"), ("full_name", "ada/tea")],
            exchange("POST /repos/bo/tea/forks", _MADE, 202),
        ),
    )

    async def run(self, inputs: ForkRepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        made = await github_repositories.fork(github_of(context), repository, inputs.organization)
        yield "url", made.html_url
        yield "clone_url", made.clone_url
        yield "full_name", made.full_name


class GithubStarRepository(GithubBlock[RepositoryInputs]):
    id = "bd700764-53e3-44dd-a969-d1854088458f"
    name = "Star GitHub repository"
    description = "Gives a repository of GitHub your star. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = RepositoryInputs
    Output = StatusOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [("status", "Repository starred successfully")],
            exchange("PUT /user/starred/ada/tea", None, 204),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        await github_repositories.star(github_of(context), repository_at(inputs.repo_url))
        yield "status", "Repository starred successfully"


class RepositoryInfoOutputs(Outputs):
    name: str = Field(title="Name", description="The name")
    full_name: str = Field(title="Full name", description="The name with its owner, as `owner/name`")
    description: str = Field(title="Description", description="What it is for; may be empty")
    default_branch: str = Field(title="Default branch", description="The branch that stands for it")
    private: bool = Field(title="Private", description="Whether only those who are let in see it")
    html_url: str = Field(title="URL", description="Its address")
    clone_url: str = Field(title="Clone URL", description="The address for git")
    stars: int = Field(title="Stars", description="How many stars it has")
    forks: int = Field(title="Forks", description="How many copies there are")
    open_issues: int = Field(title="Open issues", description="How many issues and pull requests are open")


class GithubGetRepositoryInfo(GithubBlock[RepositoryInputs]):
    id = "59d4f241-968a-4040-95da-348ac5c5ce27"
    name = "Get GitHub repository info"
    description = "Reads what a repository of GitHub says of itself."
    Input = RepositoryInputs
    Output = RepositoryInfoOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("name", "tea"),
                ("full_name", "ada/tea"),
                ("description", ""),
                ("default_branch", "main"),
                ("private", False),
                ("html_url", REPO),
                ("clone_url", f"{REPO}.git"),
                ("stars", 42),
                ("forks", 5),
                ("open_issues", 3),
            ],
            exchange("GET /repos/ada/tea", _FACTS),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        facts = await github_repositories.describe(github_of(context), repository_at(inputs.repo_url))
        yield "name", facts.name
        yield "full_name", facts.full_name
        yield "description", facts.description or ""
        yield "default_branch", facts.default_branch
        yield "private", facts.private
        yield "html_url", facts.html_url
        yield "clone_url", facts.clone_url
        yield "stars", facts.stargazers_count
        yield "forks", facts.forks_count
        yield "open_issues", facts.open_issues_count


class ListTagsOutputs(Outputs):
    tag: dict[str, Any] = Field(title="Tag", description="Each tag: `name`, and the `url` of its files")
    tags: list[dict[str, Any]] = Field(title="Tags", description="All of them")


class GithubListTags(GithubBlock[RepositoryInputs]):
    id = "358924e7-9a11-4d1a-a0f2-13c67fe59e2e"
    name = "List GitHub tags"
    description = "Lists the tags of a repository of GitHub, at most a thousand."
    Input = RepositoryInputs
    Output = ListTagsOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("tags", [{"name": "v1", "url": f"{REPO}/tree/v1"}]),
                ("tag", {"name": "v1", "url": f"{REPO}/tree/v1"}),
            ],
            exchange("GET /repos/ada/tea/tags?per_page=100&page=1", [{"name": "v1", "commit": {"sha": "c5b97d5"}}]),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_repositories.list_tags(github_of(context), repository_at(inputs.repo_url))
        for output in one_and_all("tag", "tags", found):
            yield output


class ListReleasesOutputs(Outputs):
    release: dict[str, Any] = Field(title="Release", description="Each release: `name` and `url`")
    releases: list[dict[str, Any]] = Field(title="Releases", description="All of them")


class GithubListReleases(GithubBlock[RepositoryInputs]):
    id = "3460367a-6ba7-4645-8ce6-47b05d040b92"
    name = "List GitHub releases"
    description = "Lists the releases of a repository of GitHub, at most a thousand."
    Input = RepositoryInputs
    Output = ListReleasesOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("releases", [{"name": "First", "url": f"{REPO}/releases/tag/v1"}]),
                ("release", {"name": "First", "url": f"{REPO}/releases/tag/v1"}),
            ],
            exchange(
                "GET /repos/ada/tea/releases?per_page=100&page=1",
                [{"name": "First", "tag_name": "v1", "html_url": f"{REPO}/releases/tag/v1"}],
            ),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_repositories.list_releases(github_of(context), repository_at(inputs.repo_url))
        for output in one_and_all("release", "releases", found):
            yield output


class ListStargazersOutputs(Outputs):
    stargazer: dict[str, Any] = Field(title="Stargazer", description="Each of them: `username` and `url`")
    stargazers: list[dict[str, Any]] = Field(title="Stargazers", description="All of them")


class GithubListStargazers(GithubBlock[RepositoryInputs]):
    id = "e96d01ec-b55e-4a99-8ce8-c8776dce850b"
    name = "List GitHub stargazers"
    description = "Lists who gave a repository of GitHub a star, the first thousand at most."
    Input = RepositoryInputs
    Output = ListStargazersOutputs
    examples = (
        example(
            {"repo_url": REPO},
            [
                ("stargazers", [{"username": "bo", "url": "https://github.com/bo"}]),
                ("stargazer", {"username": "bo", "url": "https://github.com/bo"}),
            ],
            exchange(
                "GET /repos/ada/tea/stargazers?per_page=100&page=1",
                [{"login": "bo", "html_url": "https://github.com/bo"}],
            ),
        ),
    )

    async def run(self, inputs: RepositoryInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await github_repositories.list_stargazers(github_of(context), repository_at(inputs.repo_url))
        for output in one_and_all("stargazer", "stargazers", found):
            yield output


class ListDiscussionsInputs(RepositoryInputs):
    num_discussions: int = Field(5, title="Most", description="How many at the most, up to 100", ge=1, le=100)


class ListDiscussionsOutputs(Outputs):
    discussion: dict[str, Any] = Field(title="Discussion", description="Each discussion: `title` and `url`")
    discussions: list[dict[str, Any]] = Field(title="Discussions", description="All of them")


class GithubListDiscussions(GithubBlock[ListDiscussionsInputs]):
    id = "3ef1a419-3d76-4e07-b761-de9dad4d51d7"
    name = "List GitHub discussions"
    description = "Lists the discussions of a repository of GitHub, those with the latest changes first."
    Input = ListDiscussionsInputs
    Output = ListDiscussionsOutputs
    examples = (
        example(
            {"repo_url": REPO, "num_discussions": 1},
            [
                ("discussions", [{"title": "Milk?", "url": f"{REPO}/discussions/3"}]),
                ("discussion", {"title": "Milk?", "url": f"{REPO}/discussions/3"}),
            ],
            exchange(
                "POST /graphql",
                {
                    "data": {
                        "repository": {"discussions": {"nodes": [{"title": "Milk?", "url": f"{REPO}/discussions/3"}]}}
                    }
                },
            ),
        ),
    )

    async def run(self, inputs: ListDiscussionsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        repository = repository_at(inputs.repo_url)
        found = await github_repositories.list_discussions(github_of(context), repository, inputs.num_discussions)
        for output in one_and_all("discussion", "discussions", found):
            yield output
