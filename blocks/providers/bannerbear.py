"""Bannerbear: a template with texts and a picture put in, over its HTTP interface.

For the block of `blocks/media/banners.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

# The one that answers when the picture is there.
_IMAGES = "https://sync.api.bannerbear.com/v2/images"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Banner:
    """A picture: its id at Bannerbear, its status, and its address, which is empty while there is none."""

    uid: str
    status: str
    address: str


async def create(http: Http, key: str, request: Mapping[str, Any]) -> Banner:
    """The picture that was asked for in Bannerbear's words."""
    answer = await http.request(
        "POST", _IMAGES, headers={"Authorization": f"Bearer {key}"}, json=dict(request), seconds=_SECONDS
    )
    match object_of(answer):
        case {"uid": str() as uid, **more}:
            address = more.get("image_url") or ""
            if isinstance(address, str) and (not address or address.startswith("https://")):
                return Banner(uid, str(more.get("status") or "completed"), address)
    raise unexpected(answer)
