"""Replicate: running a model there and seeing what it makes, over its HTTP interface.

For the blocks of `blocks/media/`. A prediction costs money: it is asked for once, and cancelled when nobody waits for
it any more.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RequestFailed
from blocks.providers.answers import object_of

_HOST = "api.replicate.com"
_API = f"https://{_HOST}/v1"
_PREDICTIONS = f"{_API}/predictions"
_ID = re.compile(r"[A-Za-z0-9]{1,100}")
_MODEL = re.compile(r"(?P<model>[\w-][\w.-]{0,99}/[\w-][\w.-]{0,99})(?::(?P<version>[\w.-]{1,100}))?", re.ASCII)
_UNDER_WAY = ("starting", "processing", "queued")
_FIRST_SECONDS = 10
"""What is quick comes with the first answer. Longer, and a worker would wait for what a timer can wait for."""
_MORE_SECONDS = 50.0
_CANCEL_SECONDS = 5.0
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model, `owner/name`; other people's models need a version, which may stand behind the name."""

    model: str
    inputs: Mapping[str, Any]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A run of a model. It has an id while it goes on, and afterwards what the model gave, as JSON."""

    id: str = ""
    output: Any = None


async def begin(http: Http, token: str, asked: Request, *, within: timedelta) -> Prediction:
    """Run a model; what it gives in a few seconds is there at once. Replicate cancels it when it takes too long.

    ValueError when there is no such model, or it fails.
    """
    found = _MODEL.fullmatch(asked.model.strip())
    if found is None:
        raise ValueError(f"{asked.model!r:.100} is no model of Replicate; they are called like owner/name.")
    version = asked.version.strip() or found["version"] or ""
    url = _PREDICTIONS if version else f"{_API}/models/{found['model']}/predictions"
    answer = await http.request(
        "POST",
        url,
        headers={
            **_headers(token),
            "Prefer": f"wait={_FIRST_SECONDS}",
            "Cancel-After": f"{within.total_seconds():.0f}s",
        },
        json={"version": version, "input": dict(asked.inputs)} if version else {"input": dict(asked.inputs)},
        seconds=_FIRST_SECONDS + _MORE_SECONDS,
    )
    if answer.status == 404 and not version:
        raise ValueError(
            f"Replicate has no official model {found['model']}; other people's models need a version as well."
        )
    return _prediction(object_of(answer))


async def ended(http: Http, token: str, prediction_id: str) -> Prediction | None:
    """The prediction when it has ended, None before. ValueError when it failed."""
    answer = await http.request("GET", f"{_PREDICTIONS}/{prediction_id}", headers=_headers(token))
    prediction = _prediction(object_of(answer))
    return None if prediction.id else prediction


async def cancel(http: Http, token: str, prediction_id: str) -> None:
    """End a prediction that nobody waits for any more, if that can be done."""
    with contextlib.suppress(RequestFailed):
        url = f"{_PREDICTIONS}/{prediction_id}/cancel"
        await http.request("POST", url, headers=_headers(token), seconds=_CANCEL_SECONDS)


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


def _prediction(told: dict[str, Any]) -> Prediction:
    match told:
        case {"status": "succeeded"}:
            return Prediction(output=told.get("output"))
        case {"status": "failed"}:
            reason = str(told.get("error") or "it did not say why")[:_LONGEST_REASON]
            raise ValueError(f"The model failed: {reason}")
        case {"status": "canceled" | "aborted"}:
            raise ValueError("The prediction was cancelled at Replicate, by somebody or since its time was up.")
        case {"status": status, "id": str() as id} if status in _UNDER_WAY and _ID.fullmatch(id):
            return Prediction(id)
    raise AnswerUnreadable(f"{_HOST} answered in a form that is not known here.", host=_HOST)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
