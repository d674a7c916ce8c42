"""D-ID: films of presenters who say a text, over its HTTP interface.

For the block of `blocks/media/films.py`. A film costs money: it is asked for once.
"""

import asyncio
import re
from dataclasses import dataclass

from blocks.http.client import Http
from blocks.http.errors import RequestFailed, StatusFailed
from blocks.providers.answers import object_of, unexpected

_CLIPS = "https://api.d-id.com/clips"
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_UNDER_WAY = ("created", "started")
_MOST_FAILED_LOOKS = 5
_LONGEST = 7_200.0
"""Seconds that are waited at the most, however many looks are wanted: less than the block's own time."""


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


async def film(http: Http, key: str, clip: Clip, *, looks: int, pause: float) -> str:
    """The address of the film, which is looked for so often, every `pause` seconds.

    ValueError when it fails or takes longer.
    """
    answer = await http.request("POST", _CLIPS, headers=_headers(key), json=_request(clip))
    clip_id = object_of(answer).get("id")
    if not isinstance(clip_id, str) or not _ID.fullmatch(clip_id):
        raise unexpected(answer)
    failed, until = 0, asyncio.get_running_loop().time() + _LONGEST
    for look in range(looks):
        if look:
            if asyncio.get_running_loop().time() + pause > until:
                raise ValueError(f"The film was not ready within {_LONGEST:,.0f} seconds.")
            await asyncio.sleep(pause)
        try:
            answer = await http.request("GET", f"{_CLIPS}/{clip_id}", headers=_headers(key))
            said = object_of(answer)
        except RequestFailed as error:
            # It goes on there and is paid for, whether one look at it fails or not.
            failed += 1
            if failed > _MOST_FAILED_LOOKS or (isinstance(error, StatusFailed) and error.status in (401, 403, 404)):
                raise
            continue
        failed = 0
        match said:
            case {"status": "done", "result_url": str() as address} if address.startswith("https://"):
                return address
            case {"status": "error" | "rejected" as status}:
                raise ValueError(f"D-ID did not make the film: its status is {status}.")
            case {"status": status} if status in _UNDER_WAY:
                pass
            case _:
                raise unexpected(answer)
    raise ValueError(f"The film was not ready after {looks} looks; raise the number of attempts.")


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
