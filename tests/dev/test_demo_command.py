"""`demo` as a command beside a stack that is up, with a small API of the test's own in the stack's place."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dev import envfile
from dev.home import READY, ROOT, Hold, Home

PROBLEM = {"code": "unknown_pin", "message": "There is no such pin.", "node_id": "n7"}
REFUSAL = {
    "code": "validation_error",
    "message": "Graph validation failed: There is no such pin.",
    "details": {"problems": [PROBLEM]},
}


class StackInPlace:
    """A home whose stack seems to run, and an API that answers as the test says."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.home.make()
        self._hold = Hold(self.home)
        assert self._hold.take()
        self._hold.say(READY)
        self.imported: dict[str, Any] = {"id": "g-1", "version": 1, "name": "Agent", "problems": []}
        self.refusal: dict[str, Any] | None = None
        self.streaming = threading.Event()
        self.over = threading.Event()
        handler = type("Bound", (Handler,), {"stack": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        values = {"HEDDLE_API_URL": self.url, "HEDDLE_API_KEY": "k", "HEDDLE_TEMPORAL_UI_URL": "http://ui"}
        envfile.write(self.home.env, values)
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def demo(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            (sys.executable, "-m", "dev.demo", *arguments),
            cwd=ROOT,
            env={**os.environ, "HEDDLE_HOME": str(self.home.directory)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    stack: StackInPlace

    def do_GET(self) -> None:
        if self.path.endswith("/events"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b": here\n\n")
            self.stack.streaming.set()
            self.stack.over.wait()
        else:
            self._answer(200, {"ready": True})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/import"):
            self._answer(201, self.stack.imported)
        elif self.stack.refusal is not None:
            self._answer(400, {"error": self.stack.refusal})
        else:
            self._answer(201, {"id": "run-1"})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackInPlace]:
    stack = StackInPlace(tmp_path)
    yield stack
    stack.close()


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_interrupted_it_says_that_the_run_goes_on_and_how_to_stop_it(
    stack: StackInPlace, arguments: tuple[str, ...]
) -> None:
    process = stack.demo(*arguments)
    assert stack.streaming.wait(60)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=60)
    assert process.returncode == 130
    first, second = told.splitlines()
    assert "run-1 goes on" in first
    assert "http://ui/namespaces/default/workflows/run-1" in first
    assert f"-X POST {stack.url}/api/graphs/g-1/executions/run-1/stop" in second
    assert str(stack.home.env) in second
    if arguments:
        assert json.loads(out)["error"]["id"] == "run-1"


def test_a_refusal_tells_each_problem_once_and_programs_get_a_document(stack: StackInPlace) -> None:
    stack.imported["problems"] = [PROBLEM]
    stack.refusal = REFUSAL
    process = stack.demo("--json")
    out, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.count("There is no such pin.") == 1
    assert "answered" not in told
    assert json.loads(out) == {
        "error": {"code": "validation_error", "message": REFUSAL["message"], "problems": [PROBLEM]}
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{\n  "nodes": [\n    oops\n  ]\n}', "agent.json, line 3, column 5"),
        (b"\xff\xfe\xfa", "agent.json"),
        (None, "agent.json: No such file"),
    ],
)
def test_an_agent_that_cannot_be_read_is_told_before_anything_is_started(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    agent, home = tmp_path / "agent.json", tmp_path / "home"
    if content is not None:
        agent.write_bytes(content)
    done = subprocess.run(
        (sys.executable, "-m", "dev.demo", "--agent", "agent.json", "--json"),
        cwd=ROOT,
        env={**os.environ, "HEDDLE_HOME": str(home), "HEDDLE_CALLER_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert words in line
    assert json.loads(done.stdout)["error"]["code"] == "unreadable_agent"
    assert not home.exists()
