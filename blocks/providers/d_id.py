"""D-ID: films of presenters who say a text, over its HTTP interface.

For the block of `blocks/media/films.py`. A film costs money: it is asked for once.
"""

import re
from dataclasses import dataclass

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_CLIPS = "https://api.d-id.com/clips"
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_UNDER_WAY = ("created", "started")


@dataclass(frozen=True, slots=True)
class Clip:
    """A film to be made: what is said, by whose voice, and who is seen how."""

    text: str
    voice_provider: str
    voice: str
    presenter: str
    driver: str
    format: str
    crop: str
    subtitles: bool
    ssml: bool


async def begin(http: Http, key: str, clip: Clip) -> str:
    """Have a film made; its id."""
    answer = await http.request("POST", _CLIPS, headers=_headers(key), json=_request(clip))
    clip_id = object_of(answer).get("id")
    if not isinstance(clip_id, str) or not _ID.fullmatch(clip_id):
        raise unexpected(answer)
    return clip_id


async def film(http: Http, key: str, clip_id: str) -> str | None:
    """The address of a film, or None while it is being made. ValueError when it failed."""
    answer = await http.request("GET", f"{_CLIPS}/{clip_id}", headers=_headers(key))
    match object_of(answer):
        case {"status": "done", "result_url": str() as address} if address.startswith("https://"):
            return address
        case {"status": "error" | "rejected" as status}:
            raise ValueError(f"D-ID did not make the film: its status is {status}.")
        case {"status": status} if status in _UNDER_WAY:
            return None
    raise unexpected(answer)


def _request(clip: Clip) -> dict[str, object]:
    return {
        "script": {
            "type": "text",
            "subtitles": str(clip.subtitles).lower(),
            "provider": {"type": clip.voice_provider, "voice_id": clip.voice},
            "ssml": str(clip.ssml).lower(),
            "input": clip.text,
        },
        "config": {"result_format": clip.format},
        "presenter_config": {"crop": {"type": clip.crop}},
        "presenter_id": clip.presenter,
        "driver_id": clip.driver,
    }


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {key}"}
