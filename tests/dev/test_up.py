"""The commands `up` and `down` where nothing can or need be started, and what the stack gives its processes."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev import report
from dev.home import READY, ROOT, Hold, Home
from dev.ports import Ports
from dev.report import Event
from dev.stack import Stack
from settings import Settings

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


def test_a_setting_that_is_not_right_is_named(tmp_path: Path) -> None:
    done = run("up", tmp_path, HEDDLE_API_PORT="0", HEDDLE_DB_POOL_SIZE="many")
    assert done.returncode == 1
    assert "HEDDLE_DB_POOL_SIZE" in done.stderr
    assert "Traceback" not in done.stderr


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
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    show = report.Terminal(screen)
    for event in (Event("api", "starting"), Event("api", "healthy", "1.0 s"), Event("", "ready", "Heddle [is] up.")):
        show(event)
    assert "api        healthy: 1.0 s" in screen.getvalue()
    assert screen.getvalue().endswith("Heddle [is] up.\n")
