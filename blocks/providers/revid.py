"""Revid: short films made of a script, over its HTTP interface.

For the block of `blocks/media/shorts.py`. A film costs money: it is asked for once.
"""

import re
from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_API = "https://www.revid.ai/api/public/v2"
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LONGEST_REASON = 200


async def begin(http: Http, key: str, asked: dict[str, Any]) -> str:
    """Have a film made; its id."""
    answer = await http.request("POST", f"{_API}/render", headers={"key": key}, json=asked)
    project = object_of(answer).get("pid")
    if not isinstance(project, str) or not _ID.fullmatch(project):
        raise unexpected(answer)
    return project


async def film(http: Http, key: str, project: str) -> str | None:
    """The address of a film, or None while it is being made. ValueError when it failed."""
    answer = await http.request("GET", f"{_API}/status?pid={project}", headers={"key": key})
    match object_of(answer):
        case {"status": "ready", "videoUrl": str() as address} if address.startswith("https://"):
            return address
        case {"status": "error" | "FAILED" | "CANCELED" as status, **more}:
            reason = more.get("error") or more.get("message")
            said = f": {reason:.{_LONGEST_REASON}}" if isinstance(reason, str) else ""
            raise ValueError(f"Revid did not make the film, its status is {status}{said}")
        case {"status": str() as status} if status != "ready":
            return None
    raise unexpected(answer)
