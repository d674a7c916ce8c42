"""The supervisor: order, restarts, and no process left behind. With tiny programs in place of the stack's."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.home import ROOT
from dev.launch import bound_to_parent
from dev.processes import ProcessFailed, Restarts, Spec, Supervisor
from dev.report import Event

QUICK = Restarts(limit=2, window=30.0, first_pause=0.001, longest_pause=0.002)

# Says its process id (and that of a child of its own) in a file whose name holds the id, then waits for a signal.
STEADY = """
import os, signal, subprocess, sys
from pathlib import Path
folder, stubborn, child = Path(sys.argv[1]), sys.argv[2] == "stubborn", len(sys.argv) > 3
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = subprocess.Popen(["sleep", "300"]).pid if child else 0
print("started", flush=True)
fresh = folder / f"fresh{os.getpid()}"
fresh.write_text(f"{os.getpid()} {sleeper}")
fresh.rename(folder / f"{os.getpid()}.started")
signal.pause()
"""


class Heard:
    """Collects events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        task = asyncio.ensure_future(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, wanted: Callable[[list[Event]], bool]) -> None:
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: wanted(self.events))

    def states(self) -> list[tuple[str, str]]:
        return [(event.name, event.state) for event in self.events]


def started(folder: Path) -> dict[int, int]:
    """Process id → id of its child, of every program that has said that it is up."""
    words = [path.read_text().split() for path in folder.glob("*.started")]
    return {int(pid): int(child) for pid, child in words}


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but that nobody has waited for yet does not."""
    state = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def steady(folder: Path, name: str = "steady", *, stubborn: bool = False, child: bool = False) -> Spec:
    """A program that is healthy once one more than before has said so."""
    before = started(folder)

    async def healthy() -> bool:
        return len(started(folder)) > len(before) and any(alive(pid) for pid in started(folder) if pid not in before)

    mode = "stubborn" if stubborn else "polite"
    return Spec(
        name=name,
        command=(sys.executable, "-c", STEADY, str(folder), mode, *(["child"] if child else [])),
        log=folder / f"{name}.log",
        healthy=healthy,
        stop_seconds=0.2 if stubborn else 20.0,
    )


def failing(folder: Path, program: str = "print('no luck'); raise SystemExit(3)") -> Spec:
    async def healthy() -> bool:
        return False

    return Spec("failing", (sys.executable, "-c", program), folder / "failing.log", healthy)


async def test_processes_start_one_after_the_other_and_stop_the_other_way_round(tmp_path: Path) -> None:
    heard = Heard()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with Supervisor(heard) as supervisor:
        await supervisor.start(steady(tmp_path / "a", "first"))
        await supervisor.start(steady(tmp_path / "b", "second"))
    assert heard.states() == [
        ("first", "starting"),
        ("first", "healthy"),
        ("second", "starting"),
        ("second", "healthy"),
        ("second", "stopping"),
        ("second", "stopped"),
        ("first", "stopping"),
        ("first", "stopped"),
    ]
    assert not any(alive(pid) for folder in "ab" for pid in started(tmp_path / folder))


async def test_a_process_that_dies_is_started_again_and_that_is_reported(tmp_path: Path) -> None:
    heard = Heard()
    async with Supervisor(heard, QUICK) as supervisor:
        await supervisor.start(steady(tmp_path))
        (first,) = started(tmp_path)
        os.kill(first, signal.SIGKILL)
        await heard.until(lambda events: events[-1].text == "again")
        (second,) = started(tmp_path).keys() - {first}
        assert alive(second)
        died = next(event for event in heard.events if event.state == "died")
        assert "SIGKILL" in died.text
    assert not alive(second)


async def test_a_process_that_dies_too_often_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    heard = Heard()
    async with Supervisor(heard, QUICK) as supervisor:
        await supervisor.start(steady(tmp_path))
        seen: set[int] = set()
        for deaths in range(1, QUICK.limit + 2):
            (pid,) = started(tmp_path).keys() - seen
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
            if deaths <= QUICK.limit:
                await heard.until(lambda events, d=deaths: sum(e.text == "again" for e in events) == d)  # type: ignore[misc]
        async with asyncio.timeout(30):
            with pytest.raises(ProcessFailed) as caught:
                await supervisor.failure()
        assert "3 times" in str(caught.value)
        assert str(tmp_path / "steady.log") in str(caught.value)


async def test_a_process_that_ends_before_it_is_healthy_fails_the_start(tmp_path: Path) -> None:
    async with Supervisor(Heard()) as supervisor:
        with pytest.raises(ProcessFailed) as caught:
            await supervisor.start(failing(tmp_path))
    assert "exit code 3" in str(caught.value)
    assert "no luck" in str(caught.value)


async def test_a_process_that_never_gets_healthy_fails_the_start_in_time_and_is_ended(tmp_path: Path) -> None:
    spec = steady(tmp_path)

    async def never() -> bool:
        return False

    mute = Spec(**{**vars(spec), "healthy": never, "start_seconds": 1.0})
    async with Supervisor(Heard()) as supervisor:
        with pytest.raises(ProcessFailed, match="not healthy after 1 s"):
            await supervisor.start(mute)
    assert not any(alive(pid) for pid in started(tmp_path))


async def test_what_does_not_exist_cannot_be_started(tmp_path: Path) -> None:
    async def healthy() -> bool:
        return True

    async with Supervisor(Heard()) as supervisor:
        with pytest.raises(ProcessFailed, match="cannot be started"):
            await supervisor.start(Spec("none", (str(tmp_path / "none"),), tmp_path / "log", healthy))


@pytest.mark.parametrize("stubborn", [False, True])
async def test_stopping_leaves_neither_the_process_nor_its_children(tmp_path: Path, stubborn: bool) -> None:
    async with Supervisor(Heard()) as supervisor:
        await supervisor.start(steady(tmp_path, stubborn=stubborn, child=True))
        ((pid, child),) = started(tmp_path).items()
        assert alive(pid)
        assert alive(child)
    # Killed children are waited for by init, at its leisure.
    async with asyncio.timeout(20):
        while alive(child):  # not our child: the system tells us nothing of its end
            await asyncio.sleep(0.01)
    assert not alive(pid)


async def test_a_start_that_is_broken_off_leaves_no_process(tmp_path: Path) -> None:
    spec = steady(tmp_path)
    came_up = asyncio.Event()

    async def notice() -> bool:
        if started(tmp_path):
            came_up.set()
        return False

    async with Supervisor(Heard()) as supervisor:
        start = asyncio.create_task(supervisor.start(Spec(**{**vars(spec), "healthy": notice})))
        async with asyncio.timeout(30):
            await came_up.wait()
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
    assert not any(alive(pid) for pid in started(tmp_path))


SUPERVISED = """
import subprocess, sys
from dev.launch import bound_to_parent
child = subprocess.Popen(bound_to_parent(("sleep", "300")))
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(bound_to_parent(("x",)) == ("x",), reason="needs setpriv, which Linux systems have")
async def test_a_killed_supervisor_takes_its_processes_along() -> None:
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISED),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert supervisor.stdout is not None
    child = int(await supervisor.stdout.readline())
    assert alive(child)
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(20):
        while alive(child):
            await asyncio.sleep(0.01)
