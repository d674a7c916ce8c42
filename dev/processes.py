"""The supervisor: starts processes one after the other, starts those that die again, and leaves none behind.

Called by `stack`, which says what the processes are. It knows nothing of Temporal, PostgreSQL or Heddle.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.health import Probe, until
from dev.report import Event, Report

_KILL_SECONDS = 5.0
_TAIL_LINES = 20
_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Spec:
    """A process to keep running. Times in seconds."""

    name: str
    command: tuple[str, ...]
    log: Path
    healthy: Probe
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path | None = None
    start_seconds: float = 60.0
    stop_seconds: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Restarts:
    """How often a process may die: more than `limit` times within `window` seconds is once too often."""

    limit: int = 5
    window: float = 60.0
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, deaths: int) -> float:
        """Seconds to wait after the so-manieth death."""
        return float(min(self.first_pause * 2 ** (deaths - 1), self.longest_pause))


class ProcessFailed(Exception):
    """A process did not become healthy, or died too often; the message ends with its log's last lines."""


class Supervisor:
    """Owns the processes it starts, in their order. Use it as an async context manager: leaving it stops them all."""

    def __init__(self, report: Report, restarts: Restarts | None = None) -> None:
        self._report = report
        self._restarts = restarts or Restarts()
        self._children: list[_Child] = []
        self._gave_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> "Supervisor":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self, spec: Spec) -> None:
        """Starts a process and waits until it is healthy; raises `ProcessFailed` when it does not become so."""
        child = _Child(spec)
        self._children.append(child)
        self._report(Event(spec.name, "starting"))
        begun = time.monotonic()
        await child.launch()
        self._report(Event(spec.name, "healthy", f"{time.monotonic() - begun:.1f} s"))
        child.watch = asyncio.create_task(self._watch(child))

    async def failure(self) -> None:
        """Waits for as long as all is well; raises `ProcessFailed` when a process died too often."""
        await asyncio.shield(self._gave_up)

    async def stop(self) -> None:
        """Stops what was started, last first, and waits until each is gone."""
        while self._children:
            child = self._children.pop()
            self._report(Event(child.spec.name, "stopping"))
            await child.stop()
            self._report(Event(child.spec.name, "stopped"))
        if not self._gave_up.done():
            self._gave_up.cancel()
        elif not self._gave_up.cancelled():
            self._gave_up.exception()  # seen: nobody needs to be warned of it

    async def _watch(self, child: "_Child") -> None:
        """Starts the process again whenever it ends, until it ends too often."""
        deaths: deque[float] = deque()
        while True:
            reason = await child.ended()
            while True:
                now = time.monotonic()
                deaths.append(now)
                while deaths[0] < now - self._restarts.window:
                    deaths.popleft()
                if len(deaths) > self._restarts.limit:
                    self._give_up(child, f"{reason}, as it did {len(deaths)} times in {self._restarts.window:.0f} s")
                    return
                pause = self._restarts.pause(len(deaths))
                self._report(Event(child.spec.name, "died", f"{reason}; starting it again in {pause:.1f} s"))
                await asyncio.sleep(pause)
                try:
                    await child.launch()
                except ProcessFailed as problem:
                    reason = str(problem).splitlines()[0].removeprefix(f"{child.spec.name} ")
                    await child.kill()
                else:
                    self._report(Event(child.spec.name, "healthy", "again"))
                    break

    def _give_up(self, child: "_Child", reason: str) -> None:
        if not self._gave_up.done():
            self._gave_up.set_exception(ProcessFailed(f"{child.spec.name} {reason}.\n{child.tail()}"))


class _Child:
    """One process and its successors."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.watch: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    async def launch(self) -> None:
        """Starts the process and waits until it is healthy."""
        spec = self.spec
        with spec.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *spec.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    cwd=spec.directory,
                    env=dict(spec.environment),
                    # A session of its own: Ctrl-C at the terminal is for the supervisor, which stops them in order.
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessFailed(f"{spec.name} cannot be started: {error}") from error
        ended = asyncio.create_task(self._process.wait())
        healthy = asyncio.create_task(until(spec.healthy, spec.start_seconds))
        try:
            await asyncio.wait((ended, healthy), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ProcessFailed(f"{spec.name} {_how(ended.result())} before it was healthy.\n{self.tail()}")
            if not healthy.result():
                raise ProcessFailed(f"{spec.name} is not healthy after {spec.start_seconds:.0f} s.\n{self.tail()}")
        finally:
            for task in (ended, healthy):
                task.cancel()
            await asyncio.gather(ended, healthy, return_exceptions=True)

    async def ended(self) -> str:
        """Waits for the end of the process; says how it ended."""
        assert self._process is not None
        return _how(await self._process.wait())

    async def stop(self) -> None:
        """Ends the process politely, then firmly; no process of its group survives."""
        if self.watch is not None:
            self.watch.cancel()
            await asyncio.gather(self.watch, return_exceptions=True)
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.spec.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.spec.stop_seconds)
        await self.kill()

    async def kill(self) -> None:
        """Ends what is left of the process and its children."""
        process = self._process
        if process is None:
            return
        # Its children carry its process id as their group, and keep the id taken for as long as one of them lives.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait_for(process.wait(), _KILL_SECONDS)

    def tail(self) -> str:
        """The last lines it wrote since it was started last, under the log's path."""
        try:
            with self.spec.log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - _TAIL_BYTES))
                words = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        except FileNotFoundError:
            words = []
        return "\n".join((f"The end of {self.spec.log}:", *(f"  {line}" for line in words or ["(nothing)"])))


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
