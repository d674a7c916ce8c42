"""A web request of the user's own making.

Registered in `catalogue.py`. What the host answers goes to one of three outputs by its status; `error` is for when
there was no answer (agent-graphs §17.12). `send` and `outcome` serve a sibling that adds headers from credentials.
"""

import json
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.files.references import FilesTogether
from blocks.http.answers import Answer
from blocks.http.errors import AnswerUnreadable
from blocks.services import Services
from engine.model import Effects

_LONGEST_BODY = 10_000_000
_MOST_FILES = 20
_MOST_TOGETHER = 20 * 1024 * 1024
"""Bytes of the files: no request may be larger."""


class HttpMethod(StrEnum):
    """What to ask of a host."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"
    PATCH = "PATCH"
    OPTIONS = "OPTIONS"
    HEAD = "HEAD"


_READING = frozenset({HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS})


class SendWebRequestInputs(Inputs):
    url: str = Field(title="URL", description="Where to send the request", examples=["https://api.example.com/items"])
    method: HttpMethod = Field(HttpMethod.POST, title="Method", description="What to ask of the host")
    headers: dict[str, str] = Field(default_factory=dict, title="Headers", description="Headers to send along")
    json_format: bool = Field(True, title="JSON", description="Send the body as JSON; otherwise as a form")
    body: Any = Field(
        None, title="Body", description="What to send: a dictionary, or a text, read as JSON if it is that"
    )
    files_name: str = Field("file", title="Name of files", description="The form's field for the files", max_length=200)
    files: list[str] = Field(
        default_factory=list,
        title="Files",
        description="Files to send along with a form: data URIs, addresses, or files of the run",
        max_length=_MOST_FILES,
    )


class SendWebRequestOutputs(Outputs):
    response: Any = Field(title="Response", description="What the host answered when all went well (200 to 299)")
    client_error: Any = Field(
        title="Client error", description="What it answered when the request was wrong (400 to 499)"
    )
    server_error: Any = Field(
        title="Server error", description="What it answered in any other case (300 to 399, 500 on)"
    )


class SendWebRequest(Block[SendWebRequestInputs]):
    id = "6595ae1f-b924-42cb-9a41-551a0611c4b4"
    name = "Send web request"
    description = "Sends a request to a public web address and gives the answer. Nothing is tried again."
    categories = frozenset({Category.OUTPUT})
    effects = Effects.EFFECTFUL
    Input: ClassVar[type[SendWebRequestInputs]] = SendWebRequestInputs
    Output = SendWebRequestOutputs
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            {"url": "https://tea.example/cups?size=2", "method": "GET"},
            (("response", {"cups": 2}),),
            web=(
                Exchange(
                    "GET https://tea.example/cups?size=2", '{"cups": 2}', headers={"Content-Type": "application/json"}
                ),
            ),
        ),
        Example(
            {"url": "https://tea.example/cups", "body": {"kind": "green"}},
            (("client_error", "no green tea"),),
            web=(Exchange("POST https://tea.example/cups", "no green tea", status=409),),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """What only reads may be repeated; a method that only the run knows counts as one that does not."""
        method = input_default.get("method")
        return Effects.IDEMPOTENT if isinstance(method, str) and method in _READING else Effects.EFFECTFUL

    async def run(self, inputs: SendWebRequestInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield outcome(await send(inputs, context.services))


async def send(
    inputs: SendWebRequestInputs, services: Services, more_headers: Mapping[str, str] | None = None
) -> Answer:
    """The host's answer to what the inputs describe. `more_headers` come from credentials; the user's own stand above.

    ValueError for inputs that contradict themselves, RequestFailed when there is no answer.
    """
    body, as_json = _read_body(inputs.body, inputs.json_format)
    if inputs.files and inputs.json_format:
        raise ValueError(
            "Files cannot be sent with a body in JSON. Switch JSON off; the body then holds the form's fields."
        )
    given = {name.lower() for name in inputs.headers}
    headers = {
        **{name: value for name, value in (more_headers or {}).items() if name.lower() not in given},
        **inputs.headers,
    }
    ask = services.http.request
    if inputs.files:
        together = FilesTogether(services, _MOST_TOGETHER)
        files = [(inputs.files_name, await _file(reference, together)) for reference in inputs.files]
        return await ask(inputs.method.value, inputs.url, headers=headers, data=_form(body or {}), files=files)
    if body is None:
        return await ask(inputs.method.value, inputs.url, headers=headers)
    if as_json:
        return await ask(inputs.method.value, inputs.url, headers=headers, json=body)
    if isinstance(body, str):
        if "content-type" not in given:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        return await ask(inputs.method.value, inputs.url, headers=headers, content=body)
    return await ask(inputs.method.value, inputs.url, headers=headers, data=_form(body))


def outcome(answer: Answer) -> tuple[str, Any]:
    """The output that the answer belongs to, and its content: read as JSON when it is said to be that."""
    content: Any = answer.text()
    if answer.media_type == "application/json":
        try:
            content = answer.json() if answer.body else None
        except AnswerUnreadable:
            if answer.is_success:
                raise
    if answer.is_success:
        return "response", content
    return ("client_error" if 400 <= answer.status < 500 else "server_error"), content


def _read_body(body: Any, json_format: bool) -> tuple[Any, bool]:
    """The body, and whether it goes as JSON: a text that is no JSON goes as it is."""
    if not isinstance(body, str):
        return body, json_format
    if len(body) > _LONGEST_BODY:
        raise ValueError(f"The body has {len(body):,} characters; at most {_LONGEST_BODY:,} are possible.")
    try:
        return json.loads(body), json_format
    except (ValueError, RecursionError):
        return body, False


def _form(body: Any) -> dict[str, Any]:
    """Fields of a form; what is neither a text nor a number goes as JSON."""
    if not isinstance(body, Mapping):
        raise ValueError("A form is made of named fields: give the body as a dictionary.")
    return {str(name): _field(value) for name, value in body.items() if value is not None}


def _field(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return value if isinstance(value, str) else json.dumps(value)


async def _file(reference: str, together: FilesTogether) -> tuple[str, bytes, str]:
    file = await together.open(reference)
    return file.name, file.content, file.content_type
