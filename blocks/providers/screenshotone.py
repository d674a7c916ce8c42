"""ScreenshotOne: pictures of pages.

For the block of `blocks/knowledge/screenshots.py`.
"""

from collections.abc import Mapping

from blocks.http.client import Http
from blocks.providers.answers import unexpected
from blocks.services import File

_TAKE = "https://api.screenshotone.com/take"
_SECONDS = 120.0
_MOST_BYTES = 50 * 1024 * 1024
# How a picture of each format begins.
_SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "webp": (b"RIFF",),
}


async def take(
    http: Http, key: str, url: str, kind: str, *, width: int, height: int, options: Mapping[str, bool]
) -> File:
    """A picture of a page: `png`, `jpeg` or `webp`; `options` in ScreenshotOne's own words."""
    # The interface wants the key in the query; errors never show one.
    params: dict[str, str | int] = {
        "access_key": key,
        "url": url,
        "viewport_width": width,
        "viewport_height": height,
        "format": kind,
        **{name: str(value).lower() for name, value in options.items()},
    }
    answer = await http.request("GET", _TAKE, params=params, seconds=_SECONDS, most_bytes=_MOST_BYTES, redirects=0)
    if not answer.checked().body.startswith(_SIGNATURES[kind]):
        raise unexpected(answer)
    return File(f"screenshot.{kind}", f"image/{kind}", answer.body)
