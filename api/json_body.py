"""Reads a request's body as JSON that everything behind us can hold: Postgres, Temporal, any client.

A dependency of the routes that take a body. It knows no schema; `body_of` adds one. Stricter than JSON in what would
break further down: no NaN or infinity (also not spelled `1e999`), no NUL characters, no lone surrogates, bounded depth.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from api.dependencies import CurrentUser
from api.error_handlers import unreadable
from api.errors import InvalidJson
from contracts.errors import InvalidRequest
from contracts.nesting import DEEPEST

_SUSPECT = re.compile(rb"\\u0000|\d{300}|[eE]\+?\d{3}")
_BOM = b"\xef\xbb\xbf"


async def json_object(request: Request, _: CurrentUser) -> dict[str, Any]:
    """The body as a JSON object; no body is an empty one. Asks for the user first: strangers' bodies are not parsed."""
    value = parse(await request.body())
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


JsonObject = Annotated[dict[str, Any], Depends(json_object)]


def parse(body: bytes) -> Any:
    """Parse JSON text. InvalidJson when it is none, InvalidRequest when it holds what we cannot keep."""
    body = body.removeprefix(_BOM)
    if not body.strip():
        return {}
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}") from None
    # Walking is only needed where the bytes could hold something bad, which is rare.
    if _SUSPECT.search(body) or body.count(b"[") + body.count(b"{") > DEEPEST:
        _check(value)
    return value


def _check(value: Any) -> None:
    todo: list[tuple[Any, int]] = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        match item:
            case str() if "\0" in item:
                raise InvalidRequest("The body holds a NUL character (\\u0000), which cannot be stored.")
            case float() if item in (float("inf"), float("-inf")):
                raise InvalidRequest("The body holds a number that is too large for JSON's floating point.")
            case dict() | list() if depth > DEEPEST:
                raise InvalidRequest(f"The body is nested deeper than {DEEPEST} levels.")
            case dict():
                todo.extend((part, depth + 1) for pair in item.items() for part in pair)
            case list():
                todo.extend((part, depth + 1) for part in item)


def body_of[ModelT: BaseModel](model: type[ModelT]) -> Callable[..., Awaitable[ModelT]]:
    """A dependency that reads the body into a model and refuses it with every location that is wrong."""

    async def read(body: JsonObject) -> ModelT:
        try:
            return model.model_validate(body)
        except ValidationError as error:
            raise unreadable(error.errors(include_input=False, include_url=False)) from None

    return read


def describe(model: type[BaseModel], description: str) -> dict[str, Any]:
    """What OpenAPI is to say of a body that FastAPI does not read itself (`openapi_extra`)."""
    schema = model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"description": description, "required": True, "content": content}}
