"""GitHub's things as people name them: addresses in a browser, `owner/name`, paths, branches.

For the blocks of `blocks/github/` and the other `github…` modules. Strict: a text that is not plainly the address of
such a thing at github.com is refused, and none leads to another host or out of its repository. What was given is never
repeated in a message: an address may hold a password.
"""

import re
from dataclasses import dataclass

from blocks.providers.paths import LONGEST_PATH, NO_NAME, segment

_REPOSITORY = r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,99})/(?P<name>[A-Za-z0-9._-]{1,100})"
_HOST = r"https?://github\.com/"
_REST = r"/?(?:\?[^#\s]*)?(?:#\S*)?"
_NUMBER = r"(?P<number>[1-9][0-9]{0,9})"
# Without ASCII, letters of other scripts would pass for some of ours.
_LIKE = re.IGNORECASE | re.ASCII
_NAMED = re.compile(_REPOSITORY)
_AT = re.compile(rf"{_HOST}{_REPOSITORY}{_REST}", _LIKE)
_ISSUE_AT = re.compile(rf"{_HOST}{_REPOSITORY}/(?:issues|pull)/{_NUMBER}{_REST}", _LIKE)
_PULL_AT = re.compile(rf"{_HOST}{_REPOSITORY}/pull/{_NUMBER}(?:/(?:files|changes|commits|checks))?{_REST}", _LIKE)
_COMMENT_AT = re.compile(
    rf"{_HOST}{_REPOSITORY}/(?:issues|pull)/[1-9][0-9]{{0,9}}(?:/files|/changes)?/?"
    r"#(?P<kind>issuecomment-|discussion_r)(?P<id>[1-9][0-9]{0,18})",
    _LIKE,
)
_COMMENT_BY_API = re.compile(
    rf"https://api\.github\.com/repos/{_REPOSITORY}/(?P<kind>issues|pulls)/comments/(?P<id>[1-9][0-9]{{0,18}})",
    _LIKE,
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its owner and name."""

    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def path(self) -> str:
        """Where the REST interface has it."""
        return f"/repos/{self.full_name}"

    @property
    def web(self) -> str:
        """Where people find it."""
        return f"https://github.com/{self.full_name}"


@dataclass(frozen=True, slots=True)
class Numbered:
    """An issue or a pull request: they share their numbers."""

    repository: Repository
    number: int

    @property
    def as_issue(self) -> str:
        """Where the REST interface has what both have: comments, labels, assignees."""
        return f"{self.repository.path}/issues/{self.number}"

    @property
    def as_pull_request(self) -> str:
        """Where the REST interface has what pull requests alone have."""
        return f"{self.repository.path}/pulls/{self.number}"


def repository_at(url: str) -> Repository:
    """The repository at an address such as https://github.com/owner/name. ValueError."""
    found = _AT.fullmatch(url.strip())
    return _repository(found, "The address of a repository is like https://github.com/owner/name.")


def repository_named(name: str) -> Repository:
    """The repository of this full name, `owner/name`; its address will do as well. ValueError."""
    if "://" in name:
        return repository_at(name)
    return _repository(_NAMED.fullmatch(name.strip()), "A repository is named like owner/name.")


def issue_at(url: str) -> Numbered:
    """The issue or pull request at an address such as https://github.com/owner/name/issues/1. ValueError."""
    return _numbered(
        _ISSUE_AT.fullmatch(url.strip()),
        "The address of an issue or pull request is like https://github.com/owner/name/issues/1.",
    )


def pull_request_at(url: str) -> Numbered:
    """The pull request at an address such as https://github.com/owner/name/pull/1. ValueError."""
    return _numbered(
        _PULL_AT.fullmatch(url.strip()), "The address of a pull request is like https://github.com/owner/name/pull/1."
    )


def comment_at(url: str) -> str:
    """Where the REST interface has the comment at an address of the web site or of that interface. ValueError."""
    url = url.strip()
    found = _COMMENT_AT.fullmatch(url) or _COMMENT_BY_API.fullmatch(url)
    wrong = "The address of a comment is like https://github.com/owner/name/issues/1#issuecomment-1."
    repository = _repository(found, wrong)
    assert found
    return comment_path(repository, found["id"], of_review=found["kind"].lower() in ("discussion_r", "pulls"))


def comment_path(repository: Repository, comment_id: str, *, of_review: bool = False) -> str:
    """Where the REST interface has a comment on an issue or pull request, or on a line in a review. ValueError."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", comment_id.strip()):
        raise ValueError("The id of a comment is a number: the one at the end of its address.")
    return f"{repository.path}/{'pulls' if of_review else 'issues'}/comments/{comment_id.strip()}"


def below(path: str, what: str) -> str:
    """A person's path or branch, with its slashes; a step out of it or an empty one is a ValueError."""
    if len(path) > LONGEST_PATH:
        raise ValueError(f"{what} is too long.")
    return "/".join(segment(part, what) for part in path.split("/"))


def _repository(found: re.Match[str] | None, wrong: str) -> Repository:
    if found is None or (name := re.sub(r"\.git\Z", "", found["name"])) in NO_NAME:
        raise ValueError(wrong)
    return Repository(found["owner"], name)


def _numbered(found: re.Match[str] | None, wrong: str) -> Numbered:
    repository = _repository(found, wrong)
    assert found
    return Numbered(repository, int(found["number"]))
