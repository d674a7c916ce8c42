"""YouTube: the transcript of a video, which has no interface of its own.

For the block of `blocks/web/youtube.py`. A library that knows YouTube's pages reads them in a process apart, without a
network; what it has to know is asked for here, of YouTube alone.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from blocks.apart.running import Apart
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable

_HOST = "www.youtube.com"
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LONGEST_URL = 2_000
_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"})
_NO_COOKIES = frozenset({"youtube-nocookie.com", "www.youtube-nocookie.com"})
_SHORT = frozenset({"youtu.be", "www.youtu.be"})
_FOLDERS = frozenset({"embed", "v", "e", "shorts", "live"})
# The page, perhaps once more after its question for consent, what the player knows, and the transcript; and one spare.
_MOST_REQUESTS = 5
_MOST_BYTES = 10 * 1024 * 1024

_BLOCKED = "YouTube holds this deployment for a machine and tells it nothing; try again later or from another network."
_WORDS = {
    "TranscriptsDisabled": "The video has no transcript: subtitles are switched off for it.",
    "NoTranscriptFound": "The video has no transcript.",
    "VideoUnavailable": "There is no such video, or no longer.",
    "AgeRestricted": "The transcript cannot be read: YouTube shows the video to grown-ups who have logged in.",
    "PoTokenRequired": "The transcript cannot be read: YouTube gives it to its own players alone.",
    "RequestBlocked": _BLOCKED,
    "IpBlocked": _BLOCKED,
}


def video_id(url: str) -> str:
    """The id of the video that an address leads to. ValueError when it is none of a video at YouTube."""
    try:
        found = _id_in(url.strip()[:_LONGEST_URL])
    except ValueError:
        found = ""
    if not _ID.fullmatch(found):
        raise ValueError(
            f"{url!r:.100} is no address of a video at YouTube; they are like https://www.youtube.com/watch?v=…"
        )
    return found


def _id_in(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host, folders = (parts.hostname or ""), [folder for folder in parts.path.split("/") if folder]
    match folders:
        case [name] if host in _SHORT:
            return name
        case ["watch"] if host in _HOSTS:
            return parse_qs(parts.query, max_num_fields=100).get("v", [""])[0]
        case [kind, name, *_] if host in _HOSTS | _NO_COOKIES and kind in _FOLDERS:
            return name
    return ""


async def transcript(http: Http, video: str, apart: Apart) -> str:
    """What is said in the video, in English if there is such a transcript, else in any language, line by line.

    ValueError when it has none or YouTube does not give it; AnswerUnreadable when its pages are not as they were.
    """
    answers: list[str] = []
    while len(answers) <= _MOST_REQUESTS:
        outcome = await apart.read(json.dumps({"video": video, "answers": answers}).encode())
        match outcome:
            case {"text": str() as text}:
                return text
            case {"ask": dict() as request}:
                answers.append(await _answer(http, request))
            case {"failed": "VideoUnplayable", "reason": str() as reason}:
                raise ValueError(f"YouTube does not play the video: {reason or 'it does not say why'}")
            case {"failed": str() as name} if name in _WORDS:
                raise ValueError(_WORDS[name])
            case _:
                break
    raise _unreadable()


async def _answer(http: Http, request: Mapping[str, Any]) -> str:
    """What YouTube answers. Where a transcript lies is said by its pages: elsewhere is not asked."""
    url = str(request["url"])
    if not url.startswith(f"https://{_HOST}/"):
        raise _unreadable()
    answer = await http.request(
        str(request["method"]),
        url,
        headers=request["headers"],
        json=request["json"],
        most_bytes=_MOST_BYTES,
    )
    return answer.checked().text()


def _unreadable() -> AnswerUnreadable:
    return AnswerUnreadable(f"{_HOST} answered in a form that is not known here.", host=_HOST)
