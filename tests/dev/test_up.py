"""The commands `up` and `down` where nothing can or need be started, and what the stack gives its processes."""

import contextlib
import io
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import report, up
from dev.home import READY, ROOT, Hold, Home
from dev.ports import Ports
from dev.report import Event
from dev.stack import Stack
from settings import Settings


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


PORTS = Ports(api=1, temporal=2, ui=3, worker_metrics=4)


def run(command: str, home: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", f"dev.{command}", *arguments),
        cwd=ROOT,
        env={**os.environ, "HEDDLE_HOME": str(home), "HEDDLE_TEMPORAL_PORT": "0", "HEDDLE_UI_PORT": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [(), ("--detach",)])
def test_a_taken_port_is_told_and_nothing_is_started(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = run("up", tmp_path / "home", *arguments, HEDDLE_API_PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} " in done.stderr
    assert "HEDDLE_API_PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert Home(tmp_path / "home").owner() is None
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {"logs", "supervisor.pid"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("HEDDLE_DB_POOL_SIZE", "Input should be a valid integer"), ("HEDDLE_API_PORT", "give a port number")],
)
def test_a_setting_that_is_not_right_is_one_line_with_its_name(tmp_path: Path, name: str, expected: str) -> None:
    done = run("up", tmp_path, **{"HEDDLE_API_PORT": "0", name: "many"})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{name} is 'many': {expected}")


@pytest.mark.parametrize("arguments", [(), ("--detach",)])
@pytest.mark.parametrize("value", ["localhost:18434", '["x"]', '{"ollama": 1}'])
def test_endpoints_that_cannot_be_read_are_one_line(tmp_path: Path, value: str, arguments: tuple[str, ...]) -> None:
    done = run("up", tmp_path, *arguments, HEDDLE_API_PORT="0", HEDDLE_LLM_BASE_URLS=value)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("HEDDLE_LLM_BASE_URLS is ")
    assert line.endswith(': give JSON, such as {"ollama": "http://localhost:11434/v1"}.')
    log = tmp_path / "logs" / "supervisor.log"
    assert not log.exists() or "Traceback" not in log.read_text()


def test_a_second_start_says_that_one_runs_and_where(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    hold = Hold(home)
    assert hold.take()
    waiting = run("up", tmp_path)
    assert waiting.returncode == 1
    assert "starting" in waiting.stderr
    hold.say(READY)
    home.env.write_text("export HEDDLE_API_URL=http://127.0.0.1:4711\n")
    for arguments in ((), ("--detach",)):
        done = run("up", tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        assert f"process {os.getpid()}" in done.stderr
        assert "http://127.0.0.1:4711" in done.stderr


def test_a_second_start_with_other_ports_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    hold = Hold(home)
    assert hold.take()
    hold.say(READY)
    home.env.write_text("export HEDDLE_API_URL=http://127.0.0.1:4711\nexport TEMPORAL_ADDRESS=127.0.0.1:4712\n")
    same = {"HEDDLE_API_PORT": "4711", "HEDDLE_TEMPORAL_PORT": "4712"}
    for arguments in ((), ("--detach",)):
        assert run("up", tmp_path, *arguments, **same).returncode == 0
        done = run("up", tmp_path, *arguments, **{**same, "HEDDLE_TEMPORAL_PORT": "4713"})
        assert done.returncode == 1
        assert "HEDDLE_TEMPORAL_PORT=4713" in done.stderr
        assert "HEDDLE_API_PORT" not in done.stderr
        assert "HEDDLE_HOME" in done.stderr


def test_the_hint_for_the_shell_works_from_anywhere(tmp_path: Path) -> None:
    home = Home(tmp_path / "with space")
    home.make()
    home.env.write_text("X=1\n")
    (hint,) = (line for line in up.summary(home, {}).splitlines() if "your shell" in line)
    command = hint.partition("  . ")[1] + hint.partition("  . ")[2]
    shell = subprocess.run(("sh", "-c", f"{command}; echo $X"), cwd="/", capture_output=True, text=True, check=True)
    assert shell.stdout == "1\n"


class Starting:
    """`up` with a Temporal CLI that takes its time to tell its version: the start can be interrupted for certain."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.entered = folder / "entered"
        os.mkfifo(self.entered)
        self.cli = folder / "temporal"
        self.cli.write_text(f"#!/bin/sh\necho > {self.entered}\nexec sleep 60\n")
        self.cli.chmod(0o755)

    def begin(self, *arguments: str, **streams: Any) -> "subprocess.Popen[bytes]":
        ports = dict.fromkeys(("HEDDLE_API_PORT", "HEDDLE_TEMPORAL_PORT", "HEDDLE_UI_PORT"), "0")
        own = {"HEDDLE_HOME": str(self.home.directory), "HEDDLE_TEMPORAL_CLI": str(self.cli), "TERM": "xterm"}
        process = subprocess.Popen(
            (sys.executable, "-m", "dev.up", *arguments), cwd=ROOT, env={**os.environ, **ports, **own}, **streams
        )
        self.entered.read_bytes()  # blocks until the CLI is asked
        return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_is_interrupted_does_not_count_as_one(tmp_path: Path, number: signal.Signals) -> None:
    starting = Starting(tmp_path)
    process = starting.begin(stderr=subprocess.PIPE)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.decode() == "The start was broken off. Nothing of it goes on running.\n"
    assert starting.home.owner() is None


def test_a_detached_start_that_is_interrupted_takes_the_supervisor_along_and_shows_the_cursor(tmp_path: Path) -> None:
    starting = Starting(tmp_path)
    screen, side = pty.openpty()
    process = starting.begin("--detach", stderr=side)
    os.close(side)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    told = _read_all(screen)
    assert "Traceback" not in told
    assert told.rfind("\x1b[?25l") <= told.rfind("\x1b[?25h")
    assert told.endswith("\n")
    assert starting.home.owner() is None


def _read_all(screen: int) -> str:
    told = b""
    with contextlib.suppress(OSError):  # Linux: the other side is closed
        while data := os.read(screen, 4096):
            told += data
    os.close(screen)
    return told.decode()


def test_a_spinner_that_is_broken_off_shows_the_cursor_again() -> None:
    screen = Screen()
    show = report.Terminal(screen)
    show(Event("api", "starting"))
    show(Event("", "note", "Interrupted."))
    told = screen.getvalue()
    assert 0 <= told.rfind("\x1b[?25l") < told.rfind("\x1b[?25h")
    assert told.endswith("\n")


def test_down_without_a_stack_is_fine(tmp_path: Path) -> None:
    done = run("down", tmp_path)
    assert done.returncode == 0
    assert "No stack is running" in done.stdout


def test_the_processes_see_the_stack_s_addresses_whatever_the_caller_had_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = {
        "HEDDLE_DATABASE_URL": "postgresql://other",
        "PROMETHEUS_PORT": "99",
        "HEDDLE_TEMPORAL_ADDRESS": "other:1",
        "HEDDLE_API_HOST": "0.0.0.0",
    }
    stack = Stack(Home(tmp_path), PORTS, Path("temporal"), Settings(), callers)
    spec = stack.worker("postgresql://ours")
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    seen = Settings()
    assert seen.database_url.get_secret_value() == "postgresql://ours"
    assert seen.temporal_address == "127.0.0.1:2"
    assert seen.temporal_ui_url == "http://127.0.0.1:3"
    assert (seen.worker_metrics_host, seen.worker_metrics_port) == ("127.0.0.1", 4)
    assert (seen.api_host, seen.api_port) == ("127.0.0.1", 1)
    assert seen.base_url == "http://127.0.0.1:1"
    assert spec.stop_seconds > seen.graceful_shutdown_timeout_seconds


def test_a_log_that_has_grown_large_is_set_aside(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    stack = Stack(home, PORTS, Path("temporal"), Settings(), {})
    log = stack.worker("postgresql://x").log
    log.write_bytes(b"old")
    assert stack.worker("postgresql://x").log.read_bytes() == b"old"
    os.truncate(log, 17 * 1024 * 1024)
    assert not stack.worker("postgresql://x").log.exists()
    assert log.with_suffix(".log.1").exists()


def test_events_survive_the_pipe() -> None:
    reader, writer = os.pipe()
    event = Event("worker", "died", "of «reasons»\nand more")
    report.to_pipe(writer)(event)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert [report.from_pipe(line) for line in pipe] == [event]


def test_a_reader_that_is_gone_does_no_harm() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    report.to_pipe(writer)(Event("worker", "starting"))
    os.close(writer)


def test_a_terminal_keeps_a_line_for_what_is_done_and_no_spinner() -> None:
    screen = Screen()
    show = report.Terminal(screen)
    for event in (Event("api", "starting"), Event("api", "healthy", "1.0 s"), Event("", "ready", "Heddle [is] up.")):
        show(event)
    assert "api        healthy: 1.0 s" in screen.getvalue()
    assert screen.getvalue().endswith("Heddle [is] up.\n")
