"""Files that a run's nodes kept, as its outputs name them."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from api import showing_runs
from api.dependencies import AppServices, CurrentUser, ExecutionIdPath
from contracts.errors import FileNotFound

router = APIRouter(tags=["executions"])

_Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the content, in hexadecimal digits.")]
_Name = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$", description="The plain name.")]


@router.get(
    "/executions/{execution_id}/files/{sha256}/{name}",
    summary="Download a file of a run",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file's bytes."}},
)
async def download(
    execution_id: ExecutionIdPath, sha256: _Digest, name: _Name, app: AppServices, user: CurrentUser
) -> Response:
    """The file that an output `heddle://files/{sha256}/{name}` names; those of a sub-graph are the run's at the root.

    It is sent as a download and never shown as a page: whose content it is nobody has looked at.
    """
    row = await showing_runs.owned(app, user.id, execution_id)
    file = await app.store.files.get(row.root_id or row.id, name, sha256)
    if file is None:
        raise FileNotFound
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.content, media_type=file.content_type, headers=headers)
