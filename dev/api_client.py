"""The API as `demo` uses it: three calls and an event stream, with errors as a person can read them.

It knows the API's URLs and shapes, not how they are shown.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Self

import httpx
from httpx import Response

_SECONDS = 30.0
# The server sends a comment now and then while nothing happens; silence beyond this means that it is gone.
_SILENCE_SECONDS = 90.0

Json = dict[str, Any]


class ApiProblem(Exception):
    """The API refused a call or cannot be reached: its message, its code, and each problem that it lists."""

    def __init__(self, message: str, *, code: str, problems: Sequence[Any] = ()) -> None:
        self.message = message
        self.code = code
        self.problems = list(problems)
        super().__init__(message)

    @property
    def passing(self) -> bool:
        """Whether the same call may do better in a moment."""
        return self.code in ("unreachable", "unavailable")

    def lines(self, told: Sequence[str] = ()) -> list[str]:
        """What a person reads: the message, then each problem, unless it is one of the lines `told` already."""
        if not self.problems:
            return [f"{self.message} ({self.code})"]
        # The message repeats the first problem, which has a line of its own.
        first = self.problems[0].get("message") if isinstance(self.problems[0], dict) else None
        head = self.message.partition(str(first))[0].strip().removesuffix(":") if first else self.message
        rest = [line for line in problem_lines(self.problems) if line not in told]
        return [f"{head or 'Refused'}:", *rest] if rest else [f"{head or 'Refused'}, for the problems above."]

    def document(self) -> Json:
        """What a program reads."""
        return {"code": self.code, "message": self.message, "problems": self.problems}


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

    async def events(
        self, execution_id: str, after: str | None = None, opened: Callable[[], None] = lambda: None
    ) -> AsyncIterator[tuple[str, Json]]:
        """The run's events, each with its number, until the server ends the stream; from behind `after` if given.

        `opened` is called once the server has answered.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        try:
            async with self._client.stream("GET", f"/api/executions/{execution_id}/events", headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise _refusal(answer)
                opened()
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
            text = f"The events of the API at {self.url} broke off: {_name(error)}"
            raise ApiProblem(text, code="unreachable") from error

    async def _call(self, method: str, path: str, content: bytes | None = None) -> Json:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            answer = await self._client.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            text = f"The API at {self.url} cannot be reached: {_name(error)}"
            raise ApiProblem(text, code="unreachable") from error
        if not answer.is_success:
            raise _refusal(answer)
        body: Json = answer.json()
        return body


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _refusal(answer: Response) -> ApiProblem:
    """The error in the API's own words."""
    kind = "unavailable" if answer.status_code in (502, 503, 504) else f"http_{answer.status_code}"
    try:
        body = answer.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ApiProblem(f"The API answered {answer.status_code}: {answer.text[:500]}", code=kind)
    details = error.get("details")
    problems = details.get("problems") if isinstance(details, dict) else None
    return ApiProblem(
        str(error.get("message") or json.dumps(error)[:500]),
        code=str(error.get("code") or kind),
        problems=problems if isinstance(problems, list) else (),
    )


def problem_lines(problems: Sequence[Any]) -> list[str]:
    """A line for each problem of an error or of an imported graph: words first, then where, then the code."""
    return [f"  - {_problem(problem)}" for problem in problems]


def _problem(problem: Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    where = " ".join(f"{name} {problem[name]}" for name in ("node_id", "pin", "field") if problem.get(name))
    what = str(problem.get("message") or json.dumps(problem))
    notes = "; ".join(str(note) for note in (where, problem.get("code")) if note)
    return f"{what} ({notes})" if notes else what
