"""The demo's way with the API, against a small API of the test's own."""

import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from rich.console import Console
from rich.text import Text

from dev import demo
from dev.api_client import Api, ApiProblem, problem_lines
from dev.demo_view import Lines, LiveTable, Silent, short
from dev.following import follow

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
        self.noted: list[str] = []

    def note(self, text: str) -> None:
        self.noted.append(text)

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


PROBLEMS = [
    {"code": "unknown_pin", "message": "There is no such pin.", "node_id": "n7", "pin": "x"},
    {"code": "no_start", "message": "No node starts."},
]
REFUSAL = {
    "code": "validation_error",
    "message": "Graph validation failed: There is no such pin. (and 1 more)",
    "details": {"problems": PROBLEMS},
}


async def test_an_error_is_told_in_words_with_every_problem_once() -> None:
    async with api(lambda request: httpx.Response(400, json={"error": REFUSAL})) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.execute("g", {})
    assert caught.value.lines() == [
        "Graph validation failed:",
        "  - There is no such pin. (node_id n7 pin x; unknown_pin)",
        "  - No node starts. (no_start)",
    ]
    assert caught.value.lines(problem_lines(PROBLEMS[:1])) == [
        "Graph validation failed:",
        "  - No node starts. (no_start)",
    ]
    assert caught.value.lines(problem_lines(PROBLEMS)) == ["Graph validation failed, for the problems above."]
    assert caught.value.document() == {
        "code": "validation_error",
        "message": REFUSAL["message"],
        "problems": PROBLEMS,
    }


@pytest.mark.parametrize(
    ("answer", "line", "passing"),
    [
        (httpx.Response(401, json={"error": {"code": "not_authenticated", "message": "No."}}), "No.", False),
        (httpx.Response(503, json={"error": {"code": "unavailable", "message": "Wait."}}), "Wait.", True),
        (httpx.Response(502, text="Bad gateway"), "The API answered 502: Bad gateway", True),
        (httpx.Response(404, json=["odd"]), 'The API answered 404: ["odd"]', False),
    ],
)
async def test_an_error_without_problems_is_one_line(answer: httpx.Response, line: str, passing: bool) -> None:
    async with api(lambda request: answer) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.execution("x")
    (told,) = caught.value.lines()
    assert told.startswith(f"{line} (")
    assert caught.value.passing == passing


async def test_an_api_that_is_not_there_is_a_problem_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with api(answer) as client:
        with pytest.raises(ApiProblem, match=r"cannot be reached: ConnectError: refused"):
            await client.execution("x")


ENDED = {"type": "graph_execution_update", "status": "COMPLETED"}


class Restarting:
    """An API that goes away in the middle of a stream and answers `absent` times with nothing before it is back."""

    def __init__(self, absent: int) -> None:
        self.absent = absent
        self.asked: list[str | None] = []
        self.up = True

    async def broken(self) -> AsyncIterator[bytes]:
        yield stream(node("QUEUED"), node("RUNNING")) + b"id: 3\ndata: {"
        self.up = False
        raise httpx.ReadError("gone")

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self.up:
            self.absent -= 1
            self.up = self.absent <= 0
            if self.absent % 2:
                raise httpx.ConnectError("refused")
            return httpx.Response(503, json={"error": {"code": "unavailable", "message": "Not yet."}})
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, json={"status": "COMPLETED", "id": "x"})
        self.asked.append(request.headers.get("Last-Event-ID"))
        if len(self.asked) == 1:
            return httpx.Response(200, content=self.broken())
        return httpx.Response(200, content=stream(node("COMPLETED"), ENDED, node("never shown"), first=3))


async def test_a_stream_that_breaks_is_taken_up_where_it_was_once_the_api_is_back() -> None:
    restarting, seen = Restarting(absent=5), Seen()
    async with api(restarting) as client:
        execution = await follow(client, "x", seen, pause_seconds=0)
    assert restarting.asked == [None, "2"]
    assert seen.statuses == ["QUEUED", "RUNNING", "COMPLETED", "COMPLETED"]
    assert seen.noted
    assert execution == {"status": "COMPLETED", "id": "x"}


async def test_an_api_that_stays_away_is_given_up() -> None:
    async with api(Restarting(absent=10**9)) as client:
        with pytest.raises(ApiProblem):
            await follow(client, "x", Seen(), patience_seconds=0.05, pause_seconds=0)


async def test_a_refusal_is_not_tried_again() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404, json={"error": {"code": "execution_not_found", "message": "No."}})

    async with api(answer) as client:
        with pytest.raises(ApiProblem, match="No"):
            await follow(client, "x", Seen(), pause_seconds=0)
    assert len(asked) == 1


async def test_a_run_that_ended_unseen_is_not_waited_for() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(204)
        return httpx.Response(200, json={"status": "FAILED"})

    async with api(answer) as client:
        assert await follow(client, "x", Seen()) == {"status": "FAILED"}


async def test_a_stream_that_always_ends_at_once_ends_the_wait() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, content=b"")
        return httpx.Response(200, json={"status": "RUNNING"})

    async with api(answer) as client:
        with pytest.raises(ApiProblem, match="before the run did"):
            await follow(client, "x", Seen(), patience_seconds=0.05, pause_seconds=0)


def test_lines_name_the_node_and_its_outputs() -> None:
    out = io.StringIO()
    with Lines(out) as view:
        view.show(node("COMPLETED", block_name="StoreValue", title="Seed", outputs={"output": ["a" * 100]}))
        view.show({"type": "graph_execution_update", "status": "COMPLETED"})
    first, second = out.getvalue().splitlines()
    assert "StoreValue · Seed" in first
    assert len(first) < 120
    assert second == "run COMPLETED"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_narrow_terminal_cuts_names_and_outputs_but_never_the_status(width: int) -> None:
    out = io.StringIO()
    with LiveTable(Console(file=out, width=width, height=24, force_terminal=True)) as view:
        for number, status in enumerate(("COMPLETED", "INCOMPLETE", "TERMINATED")):
            outputs = {"output": ["value " * 30]}
            view.show(node(status, node_execution_id=number, title="A long name " * 5, outputs=outputs))
    lines = Text.from_ansi(out.getvalue().rsplit("outputs", 1)[1]).plain.splitlines()[1:]
    assert [line.split("…")[1].split()[0] for line in lines] == ["COMPLETED", "INCOMPLETE", "TERMINATED"]
    assert all(len(line) <= width for line in lines)


def test_at_the_end_the_table_is_there_in_full() -> None:
    out = io.StringIO()
    with LiveTable(Console(file=out, width=100, height=10, force_terminal=True)) as view:
        for number in range(40):
            view.show(node("COMPLETED", node_execution_id=number, title=f"node-{number:02}"))
    last = out.getvalue().rsplit("outputs", 1)[1]
    assert [line.split()[0] for line in Text.from_ansi(last).plain.splitlines()[1:]] == [
        f"node-{number:02}" for number in range(40)
    ]


def test_the_table_has_one_row_for_a_node_execution_and_takes_titles_as_they_are() -> None:
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
