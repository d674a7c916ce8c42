"""Ideogram: pictures from words, and larger ones, over its HTTP interface.

For the block of `blocks/media/ideogram.py`. Models before the third have an interface of their own.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.http.answers import Answer
from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_API = "https://api.ideogram.ai"
_SECONDS = 300.0
_LARGEST = 15 * 1024 * 1024
_THIRD = "V_3"
_WITH_STYLE = frozenset({"V_2", "V_2_TURBO"})
_NOT_IN_THIRD = frozenset({"RENDER_3D", "ANIME"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A picture to be made. `aspect_ratio` is like `ASPECT_16_9`; `palette` as Ideogram writes it, or empty."""

    model: str
    prompt: str
    aspect_ratio: str
    magic_prompt: str
    style_type: str
    seed: int | None
    negative_prompt: str
    palette: Mapping[str, Any]


async def generate(http: Http, key: str, wish: Wish) -> str:
    """The address of the picture. ValueError when the model does not take the wish or holds the picture for unsafe."""
    if wish.model != _THIRD:
        answer = await http.request(
            "POST", f"{_API}/generate", headers=_headers(key), json=_earlier_request(wish), seconds=_SECONDS
        )
        return _address_in(answer)
    if wish.style_type in _NOT_IN_THIRD:
        raise ValueError(f"The model V_3 knows no style {wish.style_type}; choose another or the model V_2.")
    boundary = secrets.token_hex(16)
    answer = await http.request(
        "POST",
        f"{_API}/v1/ideogram-v3/generate",
        headers={**_headers(key), "Content-Type": f"multipart/form-data; boundary={boundary}"},
        content=_form(_third_request(wish), boundary),
        seconds=_SECONDS,
    )
    return _address_in(answer)


async def upscale(http: Http, key: str, address: str) -> str:
    """The address of a larger picture, made of the one that lies at an address."""
    picture = (await http.request("GET", address, most_bytes=_LARGEST)).checked()
    answer = await http.request(
        "POST",
        f"{_API}/upscale",
        headers=_headers(key),
        data={"image_request": "{}"},
        files=[("image_file", ("image.png", picture.body, "image/png"))],
        seconds=_SECONDS,
    )
    return _address_in(answer)


def _earlier_request(wish: Wish) -> dict[str, Any]:
    request: dict[str, Any] = {
        "prompt": wish.prompt,
        "model": wish.model,
        "aspect_ratio": wish.aspect_ratio,
        "magic_prompt_option": wish.magic_prompt,
    }
    if wish.seed is not None:
        request["seed"] = wish.seed
    if wish.negative_prompt:
        request["negative_prompt"] = wish.negative_prompt
    if wish.model in _WITH_STYLE:
        request["style_type"] = wish.style_type
        if wish.palette:
            request["color_palette"] = dict(wish.palette)
    return {"image_request": request}


def _third_request(wish: Wish) -> dict[str, Any]:
    fields = {
        "prompt": wish.prompt,
        "aspect_ratio": wish.aspect_ratio.removeprefix("ASPECT_").replace("_", "x"),
        "magic_prompt": wish.magic_prompt,
        "style_type": wish.style_type,
        "seed": "" if wish.seed is None else str(wish.seed),
        "negative_prompt": wish.negative_prompt,
        "color_palette": dict(wish.palette),
    }
    return {name: value for name, value in fields.items() if value}


def _form(fields: Mapping[str, Any], boundary: str) -> bytes:
    """A form in parts, as the interface wants it even without files; what is no text is sent as JSON."""
    lines: list[str] = []
    for name, value in fields.items():
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"']
        lines += ["", value] if isinstance(value, str) else ["Content-Type: application/json", "", json.dumps(value)]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _address_in(answer: Answer) -> str:
    match object_of(answer).get("data"):
        case [{"url": str() as address}, *_] if address.startswith("https://"):
            return address
        case [{"is_image_safe": False}, *_]:
            raise ValueError("Ideogram holds the picture for unsafe and does not give it; change the prompt.")
    raise unexpected(answer)


def _headers(key: str) -> dict[str, str]:
    return {"Api-Key": key}
