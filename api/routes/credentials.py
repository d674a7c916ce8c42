"""Credentials: keep, list, show and delete. No answer holds a secret."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from api.credentials import keep, shown, system_metas
from api.dependencies import AppServices, CurrentUser, ListPage, is_id
from api.json_body import body_of, describe
from api.schemas.credentials import CredentialsBody, CredentialsList, NewCredentials
from api.schemas.errors import ErrorEnvelope
from contracts.errors import CredentialsNotFound

router = APIRouter(prefix="/integrations/credentials", tags=["credentials"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorEnvelope, "description": "You have as many as one user may have."},
    503: {"model": ErrorEnvelope, "description": "This deployment has no key to encrypt them with."},
}


def _credential_id(credential_id: Annotated[str, Path(description="The credentials' id.")], _: CurrentUser) -> str:
    if not is_id(credential_id):
        raise CredentialsNotFound
    return credential_id


_Id = Annotated[str, Depends(_credential_id)]


@router.post(
    "",
    status_code=201,
    summary="Keep credentials",
    openapi_extra=describe(NewCredentials, "The credentials"),
    responses=_REFUSED,
)
async def create(
    body: Annotated[NewCredentials, Depends(body_of(NewCredentials))],
    app: AppServices,
    user: CurrentUser,
    response: Response,
) -> CredentialsBody:
    """Encrypt and store them. What is secret can be used by your runs from now on, and read by nobody."""
    kept = await keep(app, user.id, body)
    response.headers["Location"] = f"/api/integrations/credentials/{kept.id}"
    return kept


@router.get("", summary="List your credentials")
async def list_credentials(
    app: AppServices,
    user: CurrentUser,
    page: ListPage,
    provider: Annotated[
        str | None, Query(max_length=100, pattern=r"^[^\x00]*$", description="Of this one only.")
    ] = None,
) -> CredentialsList:
    """Newest first, and those that the deployment has for everybody."""
    found = await app.store.credentials.page(user.id, provider=provider, limit=page.limit, before=page.before)
    return CredentialsList(
        items=[shown(facts) for facts in found.items],
        next_cursor=found.next_cursor,
        total_count=found.total_count,
        system=system_metas(app, provider),
    )


@router.get("/{credential_id}", summary="Show credentials")
async def get_credentials(credential_id: _Id, app: AppServices, user: CurrentUser) -> CredentialsBody:
    """What may be seen of them."""
    row = await app.store.credentials.get(user.id, credential_id)
    if row is None:
        raise CredentialsNotFound
    return shown(row.facts)


@router.delete("/{credential_id}", status_code=204, summary="Delete credentials")
async def delete_credentials(credential_id: _Id, app: AppServices, user: CurrentUser) -> None:
    """For good. Nodes that name them fail from now on, or run without where they can."""
    if not await app.store.credentials.delete(user.id, credential_id):
        raise CredentialsNotFound
