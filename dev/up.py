"""`scripts/up`: runs the stack in this process until it is told to stop, or in the background with `--detach`.

The composition root of the embedded stack: the only module of `dev` that reads the settings.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from dev import envfile, ports, report, temporal_cli
from dev.home import READY, ROOT, STOPPING, Hold, Home
from dev.processes import ProcessFailed, Supervisor
from dev.report import Event, Report
from dev.stack import Stack
from settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/up", description="Start Heddle on this machine.")
    parser.add_argument("--detach", action="store_true", help="return once everything is healthy")
    parser.add_argument("--report-to", type=int, metavar="FD", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    home = Home.of(os.environ)
    if parsed.report_to is not None:
        os.set_inheritable(parsed.report_to, False)
        return _supervise(home, report.both(report.lines(sys.stderr, stamped=True), report.to_pipe(parsed.report_to)))
    listener = report.for_person()
    return detach(home, listener) if parsed.detach else _supervise(home, listener)


def detach(home: Home, listener: Report) -> int:
    """Starts the supervisor in the background and passes on what it reports, until it is ready or has failed."""
    home.make()
    reader, writer = os.pipe()
    with (home.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "dev.up", "--report-to", str(writer)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    last: Event | None = None
    try:
        with os.fdopen(reader, encoding="utf-8") as pipe:
            for line in pipe:
                last = report.from_pipe(line)
                listener(last)
                if last.state == "ready":
                    process.returncode = 0  # it lives on, on purpose; the interpreter need not warn of it
                    return 0
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 130
    code = process.wait()
    if last is None or last.state != "failed":
        listener(Event("", "failed", f"The supervisor ended with {code}. See {home.logs / 'supervisor.log'}."))
    return code or 1


def _supervise(home: Home, listener: Report) -> int:
    home.make()
    hold = Hold(home)
    if not hold.take():
        return _running_already(home, listener)
    try:
        settings = Settings()
        chosen = ports.choose(os.environ)
        cli = temporal_cli.obtain(lambda text: listener(Event("", "note", text)))
    except ValidationError as problem:
        return _failed(listener, f"The settings are not right:\n{problem}")
    except (ports.PortProblem, temporal_cli.NoTemporalCli) as problem:
        return _failed(listener, str(problem))
    return asyncio.run(_run(Stack(home, chosen, cli, settings, dict(os.environ)), hold, listener))


async def _run(stack: Stack, hold: Hold, listener: Report) -> int:
    """Up, then wait, then down."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    problem: ProcessFailed | None = None
    async with Supervisor(listener) as supervisor:

        async def live() -> None:
            values = await stack.start(supervisor, listener)
            hold.say(READY)
            listener(Event("", "ready", summary(stack.home, values)))
            await supervisor.failure()

        life = asyncio.create_task(live())
        end = asyncio.create_task(asked.wait())
        await asyncio.wait((life, end), return_when=asyncio.FIRST_COMPLETED)
        if life.done() and isinstance(error := life.exception(), Exception):
            if not isinstance(error, ProcessFailed):
                raise error
            problem = error
        hold.say(STOPPING)
        for task in (life, end):
            task.cancel()
        await asyncio.gather(life, end, return_exceptions=True)
    return 0 if problem is None else _failed(listener, str(problem))


def _running_already(home: Home, listener: Report) -> int:
    owner = home.owner()
    text = f"A stack is running already in {home.directory}" + (f" (process {owner.pid})." if owner else ".")
    if owner is None or owner.state != READY:
        return _failed(listener, f"{text} It is {owner.state if owner else 'stopping'}: try again in a moment.")
    listener(Event("", "ready", f"{text}\n{summary(home, envfile.read(home.env))}"))
    return 0


def _failed(listener: Report, text: str) -> int:
    listener(Event("", "failed", text))
    return 1


def summary(home: Home, values: Mapping[str, str]) -> str:
    """What a person needs to know of a running stack."""
    unknown = "unknown"
    rows = (
        ("API", values.get("HEDDLE_API_URL", unknown)),
        ("API's documentation", f"{values.get('HEDDLE_API_URL', unknown)}/docs"),
        ("Temporal Web UI", values.get("HEDDLE_TEMPORAL_UI_URL", unknown)),
        ("Temporal", values.get("TEMPORAL_ADDRESS", unknown)),
        ("Worker's metrics", f"{values.get('HEDDLE_WORKER_METRICS_URL', unknown)}/metrics"),
        ("Logs", str(home.logs)),
        ("For your shell", f". {_short(home.env)}"),
    )
    return "\n".join(("Heddle is up.", *(f"  {name:<20} {value}" for name, value in rows)))


def _short(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
