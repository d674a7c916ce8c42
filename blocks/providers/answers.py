"""Reading what providers answer: JSON of a known shape, or a failure that names the host.

Used by every module here.
"""

from typing import Any

from blocks.http.answers import Answer
from blocks.http.errors import AnswerUnreadable


def object_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer whose status is good. RateLimited, StatusFailed, AnswerUnreadable otherwise."""
    read = answer.checked().json()
    if not isinstance(read, dict):
        raise unexpected(answer)
    return read


def list_of(answer: Answer) -> list[dict[str, Any]]:
    """The JSON list of objects of an answer whose status is good; as `object_of`."""
    read = answer.checked().json()
    if not isinstance(read, list):
        raise unexpected(answer)
    return [item for item in read if isinstance(item, dict)]


def unexpected(answer: Answer) -> AnswerUnreadable:
    """The error for an answer of another shape than documented."""
    return unexpected_from(answer.host)


def unexpected_from(host: str) -> AnswerUnreadable:
    """The same, where the answer itself is not at hand any more."""
    return AnswerUnreadable(f"{host} answered in a form that is not known here.", host=host)
