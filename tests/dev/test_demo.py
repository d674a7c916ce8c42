"""The demo's way with the API, against a small API of the test's own."""

import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from dev import demo
from dev.api_client import Api, ApiProblem
from dev.demo_view import Lines, LiveTable, Silent, short

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer) -> Api:
    return Api("http://api.test", "agpt_key", httpx.MockTransport(answer))


def node(status: str, **more: Any) -> dict[str, Any]:
    return {"type": "node_execution_update", "node_execution_id": "x", "node_id": "n", "status": status, **more}


def stream(*events: dict[str, Any], first: int = 1) -> bytes:
    blocks = (f": still here\n\nid: {first + n}\ndata: {json.dumps(event)}\n\n" for n, event in enumerate(events))
    return "".join(blocks).encode()


class Seen(Silent):
    def __init__(self) -> None:
        self.statuses: list[str] = []

    def show(self, event: dict[str, Any]) -> None:
        self.statuses.append(event["status"])


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("a=1", 1),
        ("a=true", True),
        ("a=[1, 2]", [1, 2]),
        ('a={"b": null}', {"b": None}),
        ("a=plain words", "plain words"),
        ("a=x=y", "x=y"),
        ("a=", ""),
        ('a="1"', "1"),
    ],
)
def test_an_input_is_json_where_it_parses_else_text(pair: str, value: Any) -> None:
    assert demo.read_inputs([pair]) == {"a": value}


@pytest.mark.parametrize("pair", ["novalue", "=1"])
def test_an_input_without_name_or_value_is_refused(pair: str) -> None:
    with pytest.raises(ValueError, match="NAME=VALUE"):
        demo.read_inputs([pair])


async def test_the_calls_carry_the_key_and_the_inputs() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json={"id": "run-1"})

    async with api(answer) as client:
        assert await client.execute("graph-1", {"a": [1]}) == "run-1"
    (request,) = asked
    assert (request.method, request.url.path) == ("POST", "/api/graphs/graph-1/execute")
    assert request.headers["X-API-Key"] == "agpt_key"
    assert json.loads(request.content) == {"inputs": {"a": [1]}}


async def test_an_error_is_told_in_the_api_s_words_with_every_problem() -> None:
    body = {
        "code": "validation_error",
        "message": "The graph cannot run.",
        "details": {
            "problems": [
                {"code": "unknown_pin", "message": "There is no such pin.", "node_id": "n7", "pin": "x"},
                {"code": "no_start", "message": "No node starts."},
            ]
        },
    }
    async with api(lambda request: httpx.Response(400, json={"error": body})) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.execute("g", {})
    assert str(caught.value).splitlines() == [
        "POST /api/graphs/g/execute answered 400: validation_error The graph cannot run.",
        "  - unknown_pin There is no such pin. (node_id n7 pin x)",
        "  - no_start No node starts.",
    ]


async def test_an_api_that_is_not_there_is_a_problem_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with api(answer) as client:
        with pytest.raises(ApiProblem, match=r"cannot be reached: ConnectError: refused"):
            await client.execution("x")


async def test_a_broken_stream_is_taken_up_where_it_was() -> None:
    asked: list[str | None] = []

    async def broken() -> AsyncIterator[bytes]:
        yield stream(node("QUEUED"), node("RUNNING"))
        raise httpx.ReadError("gone")

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, json={"status": "RUNNING"})
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 1:
            return httpx.Response(200, content=broken())
        ended = {"type": "graph_execution_update", "status": "COMPLETED"}
        return httpx.Response(200, content=stream(node("COMPLETED"), ended, node("never shown"), first=3))

    seen = Seen()
    async with api(answer) as client:
        await demo.follow(client, "x", seen)
    assert asked == [None, "2"]
    assert seen.statuses == ["QUEUED", "RUNNING", "COMPLETED", "COMPLETED"]


async def test_a_run_that_ended_unseen_is_not_waited_for() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, content=b"")
        return httpx.Response(200, json={"status": "FAILED"})

    async with api(answer) as client:
        await demo.follow(client, "x", Seen())


async def test_a_stream_that_always_breaks_ends_the_wait() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, content=b"")
        return httpx.Response(200, json={"status": "RUNNING"})

    async with api(answer) as client:
        with pytest.raises(ApiProblem, match="before the run did"):
            await demo.follow(client, "x", Seen())


def test_lines_name_the_node_and_its_outputs() -> None:
    out = io.StringIO()
    with Lines(out) as view:
        view.show(node("COMPLETED", block_name="StoreValue", title="Seed", outputs={"output": ["a" * 100]}))
        view.show({"type": "graph_execution_update", "status": "COMPLETED"})
    first, second = out.getvalue().splitlines()
    assert "StoreValue · Seed" in first
    assert len(first) < 120
    assert second == "run COMPLETED"


def test_the_table_has_one_row_for_a_node_execution_and_takes_titles_as_they_are() -> None:
    from rich.console import Console

    out = io.StringIO()
    with LiveTable(Console(file=out, width=100, force_terminal=True)) as view:
        view.show(node("RUNNING", title="[bold]Seed[/]"))
        view.show(node("COMPLETED", title="[bold]Seed[/]", outputs={"output": 1}))
    assert len(view.rows) == 1
    last = out.getvalue().rsplit("outputs", 1)[1]
    assert "[bold]Seed[/]" in last
    assert "COMPLETED" in last
    assert "output=1" in last


def test_values_are_cut_to_their_width() -> None:
    assert short("x" * 100, 10) == '"xxxxxxxx…'
    assert short({"a": "ü"}) == '{"a": "ü"}'
