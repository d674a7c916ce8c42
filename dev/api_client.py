"""The API as `demo` uses it: three calls and an event stream, with errors as a person can read them.

It knows the API's URLs and shapes, not how they are shown.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import httpx
from httpx import Response

_SECONDS = 30.0
# The server sends a comment now and then while nothing happens; silence beyond this means that it is gone.
_SILENCE_SECONDS = 90.0

Json = dict[str, Any]


class ApiProblem(Exception):
    """The API refused a call or cannot be reached; the message is what it said, problem by problem."""


class Api:
    """One user's door. An async context manager."""

    def __init__(self, url: str, key: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"X-API-Key": key},
            timeout=httpx.Timeout(_SECONDS, read=_SILENCE_SECONDS),
            trust_env=False,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._client.__aexit__(*exception)

    async def import_graph(self, agent: bytes) -> Json:
        """Stores an exported agent; its `id`, `version` and `problems`."""
        return await self._call("POST", "/api/graphs/import", content=agent)

    async def execute(self, graph_id: str, inputs: Mapping[str, Any]) -> str:
        """Starts a run; its id."""
        answer = await self._call(
            "POST", f"/api/graphs/{graph_id}/execute", content=json.dumps({"inputs": inputs}).encode()
        )
        return str(answer["id"])

    async def execution(self, execution_id: str) -> Json:
        """The run as it is now."""
        return await self._call("GET", f"/api/executions/{execution_id}")

    async def events(self, execution_id: str, after: str | None = None) -> AsyncIterator[tuple[str, Json]]:
        """The run's events, each with its number, until the server ends the stream; from behind `after` if given."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        try:
            async with self._client.stream("GET", f"/api/executions/{execution_id}/events", headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise ApiProblem(_words(answer))
                number, data = "", []
                async for line in answer.aiter_lines():
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "id":
                        number = value
                    elif field == "data":
                        data.append(value)
                    elif not line and data:
                        yield number, json.loads("\n".join(data))
                        data = []
        except httpx.HTTPError as error:
            raise ApiProblem(f"The events of the API at {self.url} broke off: {_name(error)}") from error

    async def _call(self, method: str, path: str, content: bytes | None = None) -> Json:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            answer = await self._client.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise ApiProblem(f"The API at {self.url} cannot be reached: {_name(error)}") from error
        if not answer.is_success:
            raise ApiProblem(_words(answer))
        body: Json = answer.json()
        return body


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _words(answer: Response) -> str:
    """The error in the API's own words: code, message, then a line for each problem."""
    head = f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}"
    try:
        body = answer.json()
    except ValueError:
        return f"{head}: {answer.text[:500]}"
    inner = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        return f"{head}: {inner}"
    what = " ".join(str(inner[name]) for name in ("code", "message", "detail") if isinstance(inner.get(name), str))
    return "\n".join((f"{head}: {what or json.dumps(inner)[:500]}", *problem_lines(inner)))


def problem_lines(body: Json) -> list[str]:
    """A line for each problem of an error (in its details) or of an imported graph."""
    details = body.get("details")
    lists = [place.get("problems") for place in (body, details) if isinstance(place, dict)]
    return [f"  - {_problem(problem)}" for problems in lists if isinstance(problems, list) for problem in problems]


def _problem(problem: Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    where = " ".join(f"{name} {problem[name]}" for name in ("node_id", "pin", "field") if problem.get(name))
    what = " ".join(str(problem[name]) for name in ("code", "message") if problem.get(name))
    return f"{what} ({where})" if where else what or json.dumps(problem)
