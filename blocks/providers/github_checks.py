"""GitHub's verdicts on commits: check runs, which Apps write, and statuses, which anybody may.

For the blocks of `blocks/github/checks.py`.
"""

import fnmatch
import re
from collections.abc import Mapping
from typing import Any

from blocks.providers.github import PER_PAGE, GitHub, Number, Said, read
from blocks.providers.github_addresses import Numbered, Repository
from blocks.providers.github_pull_requests import read_pull_request
from blocks.providers.paths import segment

_MOST_ANNOTATED = 50
_HASH = re.compile(r"[0-9a-fA-F]{6,64}")
_PULL_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


class _Output(Said):
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations_count: Number = 0


class CheckRun(Said):
    """A check of a commit."""

    id: Number
    name: str
    status: str
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    html_url: str | None = None
    details_url: str | None = None
    output: _Output = _Output()


class _CheckRuns(Said):
    total_count: Number
    check_runs: list[CheckRun]


class _Annotation(Said):
    path: str
    start_line: Number | None = None
    end_line: Number | None = None
    start_column: Number | None = None
    end_column: Number | None = None
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None
    raw_details: str | None = None
    blob_href: str | None = None


class Status(Said):
    """A status of a commit."""

    id: Number
    url: str
    state: str
    context: str
    description: str | None = None
    target_url: str | None = None
    created_at: str
    updated_at: str


async def create_check_run(github: GitHub, repository: Repository, about: Mapping[str, Any]) -> CheckRun:
    """Write a check run: `name`, `head_sha`, `status`, and what else is known. Only an App's token may."""
    return await github.send(CheckRun, "POST", f"{repository.path}/check-runs", dict(about))


async def update_check_run(
    github: GitHub, repository: Repository, check_run_id: int, about: Mapping[str, Any]
) -> CheckRun:
    """Change a check run. Only the token of the App that wrote it may."""
    return await github.send(CheckRun, "PATCH", f"{repository.path}/check-runs/{check_run_id}", dict(about))


async def create_status(github: GitHub, repository: Repository, sha: str, about: Mapping[str, Any]) -> Status:
    """Set a status: `state`, `context`, and what else is known."""
    path = f"{repository.path}/statuses/{segment(sha, 'The commit')}"
    return await github.send(Status, "POST", path, dict(about))


async def commit_of(github: GitHub, repository: Repository, target: str | int) -> str:
    """The hash of the commit that is meant: one itself, or the number of a pull request, whose last is taken.

    ValueError for anything else.
    """
    text = str(target).strip()
    if _PULL_NUMBER.fullmatch(text):
        return (await read_pull_request(github, Numbered(repository, int(text)))).head.sha
    if _HASH.fullmatch(text):
        return text
    raise ValueError("The target is the hash of a commit, of six digits at least, or the number of a pull request.")


async def list_check_runs(github: GitHub, repository: Repository, sha: str, names: str) -> list[dict[str, Any]]:
    """What the checks of a commit found, at most a thousand; with `names`, those that the pattern with `*` fits.

    `annotations` are read for the first fifty that have any, a hundred each.
    """
    path = f"{repository.path}/commits/{segment(sha, 'The commit')}/check-runs"
    runs = [run async for page in github.pages(path) for run in read(page, _CheckRuns).check_runs]
    if names:
        runs = [run for run in runs if fnmatch.fnmatchcase(run.name.lower(), names.lower())]
    annotated = [run.id for run in runs if run.output.annotations_count][:_MOST_ANNOTATED]
    return [
        {
            **run.model_dump(exclude={"output"}),
            "output_title": run.output.title,
            "output_summary": run.output.summary,
            "output_text": run.output.text,
            "annotations": await _annotations(github, repository, run.id) if run.id in annotated else [],
        }
        for run in runs
    ]


async def _annotations(github: GitHub, repository: Repository, check_run_id: int) -> list[dict[str, Any]]:
    path = f"{repository.path}/check-runs/{check_run_id}/annotations"
    found = await github.get(list[_Annotation], path, {"per_page": PER_PAGE})
    return [each.model_dump() for each in found]
