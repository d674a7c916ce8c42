"""What routes ask FastAPI for: the services, the user, ids and pages that are safe to hand on.

Used by every route. Ids are checked here, so that no text that Postgres or Temporal cannot take gets further; an id
that cannot exist is simply not found.
"""

import re
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from api.services import Services
from contracts.errors import ExecutionNotFound, GraphNotFound
from store.records import User
from telemetry.logging import add_context

_api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="Your API key.")
_bearer = HTTPBearer(auto_error=False, description="Your API key, as a bearer token.")

_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}\Z")
LARGEST_INTEGER = 2**31 - 1
LARGEST_EVENT = 2**63 - 1


def services(request: Request) -> Services:
    """The parts of the application that serves this request."""
    return cast("Services", request.app.state.services)


AppServices = Annotated[Services, Depends(services)]


async def current_user(
    app: AppServices,
    key: Annotated[str | None, Security(_api_key_header)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> User:
    """The user whose key came along; 401 without one."""
    user = await app.authenticator.user_of(key or (bearer.credentials if bearer else None))
    add_context(user_id=user.id)
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def is_id(text: str) -> bool:
    """Whether there may be something with this id."""
    return _ID.match(text) is not None


def graph_id(graph_id: Annotated[str, Path(description="The graph's id.")], _: CurrentUser) -> str:
    """A graph id that may exist."""
    if not _ID.match(graph_id):
        raise GraphNotFound
    add_context(graph_id=graph_id)
    return graph_id


def execution_id(execution_id: Annotated[str, Path(description="The execution's id.")], _: CurrentUser) -> str:
    """An execution id that may exist."""
    if not _ID.match(execution_id):
        raise ExecutionNotFound
    add_context(graph_execution_id=execution_id)
    return execution_id


GraphIdPath = Annotated[str, Depends(graph_id)]
ExecutionIdPath = Annotated[str, Depends(execution_id)]
VersionPath = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The graph's version.")]
VersionQuery = Annotated[
    int | None, Query(ge=1, le=LARGEST_INTEGER, description="The graph's version; the active one by default.")
]


@dataclass(frozen=True, slots=True)
class PageParameters:
    """How much of a list, and from where."""

    limit: int
    before: str | None


def page_parameters(
    limit: Annotated[int, Query(ge=1, le=100, description="Items per page.")] = 20,
    cursor: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._:|,+/=~-]{1,300}$", description="`next_cursor` of the page before.")
    ] = None,
) -> PageParameters:
    """The parameters of every list."""
    return PageParameters(limit, cursor)


ListPage = Annotated[PageParameters, Depends(page_parameters)]
