"""Checks and statuses of commits at GitHub.

Registered in `catalogue.py`. What changes something is entered at most once. Patterns are the user's: they are searched
within the limits of `text/searching.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import BlockContext, Outputs, Yielded
from blocks.credentials import CredentialsField
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
from blocks.providers import github_checks
from blocks.providers.github_addresses import repository_at, repository_named
from blocks.text.searching import lines_with
from engine.model import Effects

_RUN_URL = f"{REPO}/runs/4"
_RUN = {
    "id": 4,
    "name": "taste",
    "status": "completed",
    "conclusion": "failure",
    "started_at": "2024-01-01T00:00:00Z",
    "completed_at": "2024-01-01T00:05:00Z",
    "html_url": _RUN_URL,
    "details_url": None,
}
_OUTPUT = {"title": "Taste", "summary": "Cold", "text": "pour\nerror: cold\ndrink", "annotations_count": 0}
_FOUND = {
    **_RUN,
    "output_title": "Taste",
    "output_summary": "Cold",
    "output_text": "pour\nerror: cold\ndrink",
    "annotations": [],
}
_LINE = {
    "check_name": "taste",
    "line_number": 2,
    "line": "error: cold",
    "context": ["pour", "error: cold", "drink"],
}
_AROUND = 2


class ChecksStatus(StrEnum):
    """How far a check is."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    WAITING = "waiting"
    REQUESTED = "requested"
    PENDING = "pending"


class ChecksConclusion(StrEnum):
    """What a check came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    ACTION_REQUIRED = "action_required"
    SKIPPED = "skipped"


class CreateCheckRunInputs(RepositoryInputs):
    name: str = Field(title="Name", description="The name of the check", examples=["taste"], min_length=1)
    head_sha: str = Field(title="Commit", description="The hash of the commit", min_length=1)
    status: ChecksStatus = Field(ChecksStatus.QUEUED, title="Status", description="How far it is")
    conclusion: ChecksConclusion | None = Field(
        None, title="Conclusion", description="What it came to, once it is completed"
    )
    details_url: str = Field("", title="Details", description="The address of more about it")
    output_title: str = Field("", title="Title", description="The title of the report")
    output_summary: str = Field("", title="Summary", description="The report in short, in Markdown")
    output_text: str = Field("", title="Text", description="The report itself, in Markdown")


class CheckRunOutputs(Outputs):
    check_run: dict[str, Any] = Field(title="Check", description="The check: `id`, `html_url` and `status`")


class GithubCreateCheckRun(GithubBlock[CreateCheckRunInputs]):
    id = "2f45e89a-3b7d-4f22-b89e-6c4f5c7e1234"
    name = "Create GitHub check run"
    description = "Writes a check of a commit at GitHub, with the token of a GitHub App. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = CreateCheckRunInputs
    Output = CheckRunOutputs
    examples = (
        example(
            {"repo_url": REPO, "name": "taste", "head_sha": "ce58745", "status": "completed", "conclusion": "failure"},
            [("check_run", {"id": 4, "html_url": _RUN_URL, "status": "completed"})],
            exchange("POST /repos/ada/tea/check-runs", {**_RUN, "output": _OUTPUT}, 201),
        ),
    )

    async def run(self, inputs: CreateCheckRunInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        about = {
            "name": inputs.name,
            "head_sha": inputs.head_sha,
            "status": inputs.status.value,
            "conclusion": inputs.conclusion.value if inputs.conclusion else None,
            "details_url": inputs.details_url or None,
            "output": _report(inputs.output_title, inputs.output_summary, inputs.output_text),
        }
        run = await github_checks.create_check_run(
            github_of(context), repository_at(inputs.repo_url), _without_none(about)
        )
        yield "check_run", {"id": run.id, "html_url": run.html_url or "", "status": run.status}


class UpdateCheckRunInputs(RepositoryInputs):
    check_run_id: int = Field(title="Check", description="The id of the check", ge=1)
    status: ChecksStatus = Field(title="Status", description="How far it is")
    conclusion: ChecksConclusion = Field(title="Conclusion", description="What it came to")
    output_title: str | None = Field(None, title="Title", description="The title of the report")
    output_summary: str | None = Field(None, title="Summary", description="The report in short, in Markdown")
    output_text: str | None = Field(None, title="Text", description="The report itself, in Markdown")


class UpdatedCheckRunOutputs(Outputs):
    check_run: dict[str, Any] = Field(
        title="Check", description="The check: `id`, `html_url`, `status` and `conclusion`"
    )


class GithubUpdateCheckRun(GithubBlock[UpdateCheckRunInputs]):
    id = "8a23c567-9d01-4e56-b789-0c12d3e45678"
    name = "Update GitHub check run"
    description = "Changes a check at GitHub, with the token of the GitHub App that wrote it. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = UpdateCheckRunInputs
    Output = UpdatedCheckRunOutputs
    examples = (
        example(
            {"repo_url": REPO, "check_run_id": 4, "status": "completed", "conclusion": "failure"},
            [("check_run", {"id": 4, "html_url": _RUN_URL, "status": "completed", "conclusion": "failure"})],
            exchange("PATCH /repos/ada/tea/check-runs/4", {**_RUN, "output": _OUTPUT}),
        ),
    )

    async def run(self, inputs: UpdateCheckRunInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        about = {
            "status": inputs.status.value,
            "conclusion": inputs.conclusion.value,
            "output": _report(inputs.output_title, inputs.output_summary, inputs.output_text),
        }
        repository = repository_at(inputs.repo_url)
        run = await github_checks.update_check_run(
            github_of(context), repository, inputs.check_run_id, _without_none(about)
        )
        told = {"id": run.id, "html_url": run.html_url or "", "status": run.status, "conclusion": run.conclusion}
        yield "check_run", told


def _report(title: str | None, summary: str | None, text: str | None) -> dict[str, str] | None:
    """The report of a check; None when nothing is reported."""
    if not (title or summary or text):
        return None
    return {"title": title or "", "summary": summary or "", "text": text or ""}


def _without_none(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if value is not None}


class StatusState(StrEnum):
    """What a status says."""

    ERROR = "error"
    FAILURE = "failure"
    PENDING = "pending"
    SUCCESS = "success"


class CreateStatusInputs(RepositoryInputs):
    sha: str = Field(title="Commit", description="The hash of the commit", min_length=1)
    state: StatusState = Field(title="State", description="What the status says")
    target_url: str | None = Field(None, title="Details", description="The address of more about it")
    description: str | None = Field(None, title="Description", description="The status in a few words")
    check_name: str | None = Field(
        "AutoGPT Platform Checks", title="Name", description="What tells it from the other statuses of the commit"
    )


class CreateStatusOutputs(Outputs):
    status: dict[str, Any] = Field(
        title="Status",
        description="The status: `id`, `url`, `state`, `context`, `description`, `target_url`, `created_at` and "
        "`updated_at`",
    )


class GithubCreateStatus(GithubBlock[CreateStatusInputs]):
    id = "3d67f123-a4b5-4c89-9d01-2e34f5c67890"
    name = "Create GitHub status"
    description = "Sets a status of a commit at GitHub. Nothing is tried again."
    effects = Effects.EFFECTFUL
    credentials: ClassVar[Mapping[str, CredentialsField]] = {
        "credentials": CredentialsField(("github",), own_only=True)
    }
    Input = CreateStatusInputs
    Output = CreateStatusOutputs
    examples = (
        example(
            {"repo_url": REPO, "sha": "ce58745", "state": "success", "check_name": "taste"},
            [
                (
                    "status",
                    {
                        "id": 1,
                        "url": "https://api.github.com/repos/ada/tea/statuses/ce58745",
                        "state": "success",
                        "context": "taste",
                        "description": None,
                        "target_url": None,
                        "created_at": "2024-01-01T00:00:00Z",
                        "updated_at": "2024-01-01T00:00:00Z",
                    },
                )
            ],
            exchange(
                "POST /repos/ada/tea/statuses/ce58745",
                {
                    "id": 1,
                    "url": "https://api.github.com/repos/ada/tea/statuses/ce58745",
                    "state": "success",
                    "context": "taste",
                    "description": None,
                    "target_url": None,
                    "created_at": "2024-01-01T00:00:00Z",
                    "updated_at": "2024-01-01T00:00:00Z",
                },
                201,
            ),
        ),
    )

    async def run(self, inputs: CreateStatusInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        about = {
            "state": inputs.state.value,
            "context": inputs.check_name or "AutoGPT Platform Checks",
            "target_url": inputs.target_url or None,
            "description": inputs.description or None,
        }
        repository = repository_at(inputs.repo_url)
        status = await github_checks.create_status(github_of(context), repository, inputs.sha, _without_none(about))
        yield "status", status.model_dump()


class CiResultsInputs(GithubInputs):
    repo: str = Field(title="Repository", description="The repository, as `owner/name`", examples=["ada/tea"])
    target: str | int = Field(
        title="Target", description="The hash of a commit, or the number of a pull request", examples=["ce58745", 2]
    )
    search_pattern: str | None = Field(
        None, title="Search for", description="A regular expression to look for in the reports of the checks"
    )
    check_name_filter: str | None = Field(
        None, title="Names", description="Which checks, with * for anything", examples=["*taste*"], max_length=1000
    )


class CiResultsOutputs(Outputs):
    check_run: dict[str, Any] = Field(
        title="Check",
        description="Each check: `id`, `name`, `status`, `conclusion`, `started_at`, `completed_at`, `html_url`, "
        "`details_url`, `output_title`, `output_summary`, `output_text` and `annotations`",
    )
    check_runs: list[dict[str, Any]] = Field(title="Checks", description="All of them")
    matched_line: dict[str, Any] = Field(
        title="Line",
        description="Each line that the expression fits: `check_name`, `line_number`, `line`, and two lines on either "
        "side as `context`",
    )
    matched_lines: list[dict[str, Any]] = Field(title="Lines", description="All of them, when there are any")
    overall_status: str = Field(title="Status", description="completed, pending or no_checks")
    overall_conclusion: str = Field(title="Conclusion", description="success, failure, pending or no_checks")
    total_checks: int = Field(title="Checks", description="How many checks there are")
    passed_checks: int = Field(title="Passed", description="How many succeeded")
    failed_checks: int = Field(title="Failed", description="How many failed or took too long")


class GithubGetCIResults(GithubBlock[CiResultsInputs]):
    id = "8ad9e103-78f2-4fdb-ba12-3571f2c95e98"
    name = "Get GitHub CI results"
    description = "Reads what the checks of a commit or pull request at GitHub found, and looks for lines in it."
    Input = CiResultsInputs
    Output = CiResultsOutputs
    examples = (
        example(
            {"repo": "ada/tea", "target": "ce58745", "search_pattern": "ERROR"},
            [
                ("overall_status", "completed"),
                ("overall_conclusion", "failure"),
                ("total_checks", 1),
                ("passed_checks", 0),
                ("failed_checks", 1),
                ("check_runs", [_FOUND]),
                ("check_run", _FOUND),
                ("matched_lines", [_LINE]),
                ("matched_line", _LINE),
            ],
            exchange(
                "GET /repos/ada/tea/commits/ce58745/check-runs?per_page=100&page=1",
                {"total_count": 1, "check_runs": [{**_RUN, "output": _OUTPUT}]},
            ),
        ),
    )

    async def run(self, inputs: CiResultsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        github, repository = github_of(context), repository_named(inputs.repo)
        sha = await github_checks.commit_of(github, repository, inputs.target)
        runs = await github_checks.list_check_runs(github, repository, sha, inputs.check_name_filter or "")
        status, conclusion = _verdict(runs)
        yield "overall_status", status
        yield "overall_conclusion", conclusion
        yield "total_checks", len(runs)
        yield "passed_checks", sum(run["conclusion"] == "success" for run in runs)
        yield "failed_checks", sum(run["conclusion"] in ("failure", "timed_out") for run in runs)
        for output in one_and_all("check_run", "check_runs", runs):
            yield output
        if inputs.search_pattern and (found := await _matches(runs, inputs.search_pattern)):
            for output in one_and_all("matched_line", "matched_lines", found):
                yield output


def _verdict(runs: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Status and conclusion of all checks together."""
    if not runs:
        return "no_checks", "no_checks"
    if any(run["status"] != "completed" for run in runs):
        return "pending", "pending"
    failed = any(run["conclusion"] in ("failure", "timed_out", "action_required") for run in runs)
    return "completed", "failure" if failed else "success"


async def _matches(runs: Sequence[Mapping[str, Any]], pattern: str) -> list[dict[str, Any]]:
    """The lines of all reports that the pattern is found in."""
    reports = [(run["name"], (run["output_text"] or "").split("\n")) for run in runs if run["output_text"]]
    places = [(name, lines, number) for name, lines in reports for number in range(len(lines))]
    found = await lines_with(pattern, [lines[number] for _, lines, number in places])
    return [
        {
            "check_name": name,
            "line_number": number + 1,
            "line": lines[number],
            "context": lines[max(number - _AROUND, 0) : number + _AROUND + 1],
        }
        for name, lines, number in (places[place] for place in found)
    ]
