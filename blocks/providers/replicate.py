"""Replicate: running a model there and waiting for what it makes, over its HTTP interface.

For the blocks of `blocks/media/`. A prediction costs money: it is asked for once, and cancelled when nobody waits for
it any more.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RequestFailed, StatusFailed
from blocks.providers.answers import object_of

_HOST = "api.replicate.com"
_API = f"https://{_HOST}/v1"
# The token goes to whatever address a prediction names for itself, so it has to be this one.
_PREDICTION = re.compile(rf"{re.escape(_API)}/predictions/[A-Za-z0-9]{{1,100}}")
_MODEL = re.compile(r"(?P<model>[\w-][\w.-]{0,99}/[\w-][\w.-]{0,99})(?::(?P<version>[\w.-]{1,100}))?", re.ASCII)
_UNDER_WAY = ("starting", "processing", "queued")
_FIRST_ANSWER_SECONDS = 90.0
_MOST_FAILED_LOOKS = 5
_CANCEL_SECONDS = 5.0
_LONGEST_REASON = 500


async def predict(
    http: Http,
    token: str,
    model: str,
    inputs: Mapping[str, Any],
    *,
    version: str = "",
    pause: float = 2.0,
    seconds: float = 600.0,
) -> Any:
    """The output of a model, `owner/name`, as JSON. It is looked for every `pause` seconds, for `seconds` at the most.

    ValueError when there is no such model, it fails or takes too long.
    """
    found = _MODEL.fullmatch(model.strip())
    if found is None:
        raise ValueError(f"{model!r:.100} is no model of Replicate; they are called like owner/name.")
    version = version.strip() or found["version"] or ""
    url = f"{_API}/predictions" if version else f"{_API}/models/{found['model']}/predictions"
    answer = await http.request(
        "POST",
        url,
        headers={**_headers(token), "Prefer": "wait"},
        json={"version": version, "input": dict(inputs)} if version else {"input": dict(inputs)},
        seconds=_FIRST_ANSWER_SECONDS,
    )
    if answer.status == 404 and not version:
        raise ValueError(
            f"Replicate has no official model {found['model']}; other people's models need a version as well."
        )
    prediction = object_of(answer)
    try:
        async with asyncio.timeout(seconds):
            prediction = await _ended(http, token, prediction, pause)
    except TimeoutError:
        raise ValueError(f"The model did not come to an end within {seconds:g} seconds; it was cancelled.") from None
    return _output_of(prediction)


def file_in(output: Any) -> str:
    """The address of the first file of an output, or the data URI that holds it. AnswerUnreadable when it has none."""
    first = output[0] if isinstance(output, list) and output else output
    if not _is_file(first):
        raise AnswerUnreadable("The model gave no file.", host=_HOST)
    return str(first)


def text_in(output: Any) -> str:
    """An output as text: the address of its first file, its pieces joined, or JSON. ValueError when there is none."""
    match output:
        case None | "" | []:
            raise ValueError("The model gave nothing.")
        case str():
            return output
        case [str() as first, *_] if _is_file(first):
            return first
        case [*pieces] if all(isinstance(piece, str) for piece in pieces):
            return "".join(pieces)
        case [dict() as first, *_]:
            return json.dumps(first)
        case _:
            return json.dumps(output)


def _is_file(output: Any) -> bool:
    return isinstance(output, str) and output.startswith(("https://", "data:"))


async def _ended(http: Http, token: str, prediction: dict[str, Any], pause: float) -> dict[str, Any]:
    """The prediction once it has ended, looked at again and again."""
    if prediction.get("status") not in _UNDER_WAY:
        return prediction
    url = _address_of(prediction)
    failed = 0
    try:
        while prediction.get("status") in _UNDER_WAY:
            await asyncio.sleep(pause)
            try:
                prediction = object_of(await http.request("GET", url, headers=_headers(token)))
                failed = 0
            except RequestFailed as error:
                # It goes on there and is paid for, whether one look at it fails or not.
                failed += 1
                if failed > _MOST_FAILED_LOOKS or (isinstance(error, StatusFailed) and error.status in (401, 403, 404)):
                    raise
    finally:
        if prediction.get("status") in _UNDER_WAY:
            await _cancel(http, token, url)
    return prediction


async def _cancel(http: Http, token: str, url: str) -> None:
    with contextlib.suppress(RequestFailed):
        await http.request("POST", f"{url}/cancel", headers=_headers(token), seconds=_CANCEL_SECONDS)


def _address_of(prediction: dict[str, Any]) -> str:
    match prediction.get("urls"):
        case {"get": str() as url} if _PREDICTION.fullmatch(url):
            return url
    raise AnswerUnreadable(f"{_HOST} did not say where at {_HOST} the prediction is found.", host=_HOST)


def _output_of(prediction: dict[str, Any]) -> Any:
    match prediction.get("status"):
        case "succeeded":
            return prediction.get("output")
        case "failed":
            reason = str(prediction.get("error") or "it did not say why")[:_LONGEST_REASON]
            raise ValueError(f"The model failed: {reason}")
        case "canceled" | "aborted":
            raise ValueError("The prediction was cancelled at Replicate.")
    raise AnswerUnreadable(f"{_HOST} answered in a form that is not known here.", host=_HOST)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
