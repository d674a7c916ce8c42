"""GitHub's REST and GraphQL interfaces: one user's requests, and reading what they are answered.

For the `github_…` modules beside this one, which know the subjects, and for `blocks/github/`. Every answer is read as a
declared shape; fields that nobody declared are passed over. Pages are asked for by number, never by an address that an
answer holds.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from blocks.http.answers import Answer
from blocks.http.client import MOST_REDIRECTS, Http, Params
from blocks.http.errors import RateLimited, RequestFailed, StatusFailed
from blocks.providers.answers import unexpected

_API = "https://api.github.com"
_VERSION = "2022-11-28"
_JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
"""The media type that asks for a file's bytes themselves."""

PER_PAGE = 100
MOST_PAGES = 10
_LONGEST_WAIT = 24 * 3600.0

_WHY = {
    **dict.fromkeys((301, 302, 307, 308), "what was named has moved; give its present name"),
    401: "it does not take the credential",
    403: "the credential may not do this",
    404: "there is no such thing, or the credential may not see it",
    405: "this cannot be done as things stand",
    409: "it stands against what is there now",
    410: "it is gone, or switched off",
    422: "it does not take these values, or they are there already",
}

type Number = Annotated[int, Field(ge=0, lt=2**63)]


class Said(BaseModel):
    """Base of the shapes of answers."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class User(Said):
    """An account."""

    login: str
    html_url: str = ""


class Made(Said):
    """Something that has a page."""

    html_url: str


class _GraphQlError(Said):
    type: str = ""


class _GraphQl(Said):
    data: dict[str, Any] | None = None
    errors: list[_GraphQlError] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub as the owner of a token sees it: an access token, of OAuth or a person's own, or one of an App."""

    http: Http
    token: str = field(repr=False)

    async def ask(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None, accept: str = _JSON
    ) -> Answer:
        """An answer whose status is a good one. RequestFailed.

        What changes something is not sent on to where a renamed repository is: on the way it could become a GET.
        """
        answer = await self.http.request(
            method,
            _API + path,
            params=params,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Accept": accept, "X-GitHub-Api-Version": _VERSION},
            redirects=MOST_REDIRECTS if method == "GET" else 0,
        )
        return _judged(answer)

    async def get[T](self, shape: type[T], path: str, params: Params | None = None) -> T:
        """What lies at a path."""
        return read(await self.ask("GET", path, params=params), shape)

    async def send[T](self, shape: type[T], method: str, path: str, body: Any = None) -> T:
        """What a change is answered."""
        return read(await self.ask(method, path, body=body), shape)

    async def pages(self, path: str, params: Mapping[str, str] | None = None) -> AsyncIterator[Answer]:
        """A list page by page, at most ten of a hundred items each."""
        for page in range(1, MOST_PAGES + 1):
            answer = await self.ask("GET", path, params={**(params or {}), "per_page": PER_PAGE, "page": page})
            yield answer
            if 'rel="next"' not in answer.headers.get("Link", ""):
                return

    async def every[T](self, shape: type[list[T]], path: str, params: Mapping[str, str] | None = None) -> list[T]:
        """The items of a list, at most a thousand."""
        return [item async for page in self.pages(path, params) for item in read(page, shape)]

    async def graphql[T](self, shape: type[T], query: str, variables: Mapping[str, Any]) -> T:
        """The data that a query or mutation is answered. RequestFailed, also when GitHub reports errors."""
        answer = await self.ask("POST", "/graphql", body={"query": query, "variables": dict(variables)})
        said = read(answer, _GraphQl)
        if said.errors:
            raise _refused(answer, {error.type for error in said.errors})
        try:
            found: T = _adapter(shape).validate_python(said.data)
        except ValidationError:
            raise unexpected(answer) from None
        return found


def read[T](answer: Answer, shape: type[T]) -> T:
    """The answer's JSON as the shape says. AnswerUnreadable."""
    try:
        found: T = _adapter(shape).validate_json(answer.body)
    except ValidationError:
        raise unexpected(answer) from None
    return found


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def _judged(answer: Answer) -> Answer:
    """The answer, or why there is none in words for people. Too many requests may be told with 403."""
    try:
        return answer.checked()
    except RateLimited:
        raise
    except StatusFailed as failure:
        said, status = str(failure).rstrip("."), failure.status
        wait = answer.retry_after if answer.retry_after is not None else _until_reset(answer)
        if status == 403 and wait is not None:
            raise RateLimited(
                f"{said}: there were too many requests; it wants to be asked again in {wait:g} seconds.",
                host=answer.host,
                status=status,
                body=answer.body,
                retry_after=wait,
            ) from None
        if status not in _WHY:
            raise
        raise StatusFailed(f"{said}: {_WHY[status]}.", host=answer.host, status=status, body=answer.body) from None


def _until_reset(answer: Answer) -> float | None:
    """Seconds until requests are allowed again, when none is left; None when some are."""
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") != "0" or not (reset.isascii() and reset.isdigit()):
        return None
    return float(round(min(max(float(reset[:15]) - time.time(), 0.0), _LONGEST_WAIT)))


def _refused(answer: Answer, kinds: set[str]) -> RequestFailed:
    if "RATE_LIMITED" in kinds:
        wait = _until_reset(answer)
        return RateLimited(
            f"{answer.host} was asked too often.", host=answer.host, status=429, body=answer.body, retry_after=wait
        )
    why = "it cannot be done"
    if "NOT_FOUND" in kinds:
        why = _WHY[404]
    elif kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        why = _WHY[403]
    return RequestFailed(f"{answer.host} does not do this: {why}.", host=answer.host)
