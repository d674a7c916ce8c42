"""`scripts/up`: runs the stack in this process until it is told to stop, or in the background with `--detach`.

The composition root of the embedded stack: the only module of `dev` that reads the settings.
"""

import argparse
import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from dev import envfile, ports, report, temporal_cli
from dev.home import READY, ROOT, STARTING, STOPPING, Hold, Home
from dev.processes import ProcessFailed, Supervisor
from dev.report import Event, Report
from dev.stack import Stack
from settings import Settings

_BROKEN_OFF = "The start was broken off. Nothing of it goes on running."


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/up", description="Start Heddle on this machine.")
    parser.add_argument("--detach", action="store_true", help="return once everything is healthy")
    parser.add_argument("--report-to", type=int, metavar="FD", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    home = Home.of(os.environ)
    if parsed.report_to is not None:
        os.set_inheritable(parsed.report_to, False)
        return supervise(home, report.both(report.lines(sys.stderr, stamped=True), report.to_pipe(parsed.report_to)))
    listener = report.for_person()
    return detach(home, listener) if parsed.detach else supervise(home, listener)


def detach(home: Home, listener: Report) -> int:
    """Starts the supervisor in the background and passes on what it reports, until it is ready or has failed."""
    home.make()
    reader, writer = os.pipe()
    with (home.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "dev.up", "--report-to", str(writer)),
            cwd=ROOT,
            env={**os.environ, "HEDDLE_HOME": str(home.directory)},
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
        code = process.wait()
    except KeyboardInterrupt:
        listener(Event("", "note", "Interrupted: stopping what was started."))
        return _break_off(process, listener)
    if last is None or last.state != "failed":
        listener(Event("", "failed", f"The supervisor ended with {code}. See {home.logs / 'supervisor.log'}."))
    return code or 1


def _break_off(process: "subprocess.Popen[bytes]", listener: Report) -> int:
    """Ends a supervisor that is starting, and waits for it unless interrupted once more."""
    process.terminate()
    try:
        process.wait()
    except KeyboardInterrupt:
        process.returncode = 0  # it stops by itself; the interpreter need not warn of it
        return _failed(listener, "It is still stopping; scripts/down waits for it.", 130)
    return _failed(listener, _BROKEN_OFF, 130)


def supervise(home: Home, listener: Report) -> int:
    """Runs the stack in this process until it is told to stop; returns the exit code."""
    # Whatever asks this process to end breaks off what goes on, so that everything cleans up behind itself.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _supervise(home, listener)
    except KeyboardInterrupt:
        return _failed(listener, _BROKEN_OFF, 130)


def _supervise(home: Home, listener: Report) -> int:
    home.make()
    hold = Hold(home)
    if not hold.take():
        return _running_already(home, listener)
    try:
        chosen = ports.choose(os.environ)
        settings = Settings()
        cli = temporal_cli.obtain(lambda text: listener(Event("", "note", text)))
    except ValidationError as problem:
        return _failed(listener, "\n".join(_wrong_settings(problem)))
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
    ready = False
    async with Supervisor(listener) as supervisor:

        async def live() -> None:
            nonlocal ready
            values = await stack.start(supervisor, listener)
            ready = True
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
    if problem is not None:
        return _failed(listener, str(problem))
    return 0 if ready else _failed(listener, _BROKEN_OFF, 130)


def _running_already(home: Home, listener: Report) -> int:
    owner = home.owner()
    text = f"A stack is running already in {home.directory}" + (f" (process {owner.pid})." if owner else ".")
    if owner is not None and owner.state == STARTING:
        return _failed(listener, f"{text} It is still starting, which takes some minutes the first time.")
    if owner is None or owner.state != READY:
        return _failed(listener, f"{text} It is stopping; scripts/down waits until it has.")
    values = envfile.read(home.env)
    others = ports.unlike(os.environ, _ports_of(values))
    if others:
        return _failed(
            listener,
            f"{text} Its ports are not those of {', '.join(others)}. "
            "scripts/down stops it; a second stack beside it needs a HEDDLE_HOME of its own.",
        )
    kept = "It keeps the settings that it was started with: after scripts/down it starts with others."
    listener(Event("", "ready", f"{text} {kept}\n{summary(home, values)}"))
    return 0


def _ports_of(values: Mapping[str, str]) -> dict[str, str]:
    """The ports of the stack that wrote these values, by the variable that chooses each."""
    addresses = {
        "HEDDLE_API_PORT": "HEDDLE_API_URL",
        "HEDDLE_TEMPORAL_PORT": "TEMPORAL_ADDRESS",
        "HEDDLE_UI_PORT": "HEDDLE_TEMPORAL_UI_URL",
    }
    return {port: values[name].rpartition(":")[2] for port, name in addresses.items() if name in values}


def _wrong_settings(problem: ValidationError) -> list[str]:
    """A line for each: the variable, its value, and what is expected of it."""
    return [
        f"{'.'.join(str(part) for part in error['loc'])} is {error['input']!r}: "
        f"{error['msg'].removeprefix('Value error, ')}."
        for error in problem.errors(include_url=False)
    ]


def _failed(listener: Report, text: str, code: int = 1) -> int:
    listener(Event("", "failed", text))
    return code


def summary(home: Home, values: Mapping[str, str]) -> str:
    """What a person needs to know of a running stack."""
    unknown = "unknown"
    rows = (
        ("API", values.get("HEDDLE_API_URL", unknown)),
        ("API's documentation", f"{values.get('HEDDLE_API_URL', unknown)}/docs"),
        ("Temporal Web UI", values.get("HEDDLE_TEMPORAL_UI_URL", unknown)),
        ("Temporal", values.get("TEMPORAL_ADDRESS", unknown)),
        ("Worker's metrics", values.get("HEDDLE_WORKER_METRICS_URL", unknown)),
        ("Logs", str(home.logs)),
        ("For your shell", f". {shlex.quote(str(home.env))}"),
    )
    return "\n".join(("Heddle is up.", *(f"  {name:<20} {value}" for name, value in rows)))


if __name__ == "__main__":
    sys.exit(main())
