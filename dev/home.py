"""Where a stack keeps its state (`$HEDDLE_HOME`), and the lock that lets only one supervisor use it.

Used by `up`, `down` and `demo`. It knows paths and the lock, not what the processes write there.
"""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

STARTING, READY, STOPPING = "starting", "ready", "stopping"


def from_caller(path: str, environment: Mapping[str, str]) -> Path:
    """A path as its giver means it: the scripts move to the checkout, but say where they were called."""
    return Path(environment.get("HEDDLE_CALLER_DIRECTORY") or ".", Path(path).expanduser()).absolute()


@dataclass(frozen=True)
class Home:
    """One stack's folder. Two stacks need two."""

    directory: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Home":
        """`$HEDDLE_HOME`, by default `.heddle` in the checkout."""
        given = environment.get("HEDDLE_HOME")
        return cls(from_caller(given, environment) if given else ROOT / ".heddle")

    @property
    def logs(self) -> Path:
        """Folder of `<process>.log`."""
        return self.directory / "logs"

    @property
    def env(self) -> Path:
        """The file to source."""
        return self.directory / "env"

    @property
    def temporal_database(self) -> Path:
        """Temporal's SQLite file."""
        return self.directory / "temporal.db"

    @property
    def postgres(self) -> Path:
        """Folder of the embedded PostgreSQL."""
        return self.directory / "postgres"

    @property
    def credential_keys(self) -> Path:
        """File of the key that encrypts credentials; without it they are lost."""
        return self.directory / "credential-keys"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor for as long as it lives; holds its process id and state."""
        return self.directory / "supervisor.pid"

    def make(self) -> None:
        """Makes the folders; nobody else may look in, for keys and data lie there."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True)

    def owner(self) -> "Owner | None":
        """The supervisor that holds this home now, if any."""
        try:
            with self.lock.open("r+") as file:
                if _lock(file.fileno(), wait=False):
                    return None
                text = file.read().split()
        except FileNotFoundError:
            return None
        # The supervisor writes right after it locks: between the two the file is empty.
        return Owner(int(text[0]), text[1]) if len(text) == 2 else Owner(0, STARTING)

    def wait_released(self, seconds: float) -> bool:
        """Waits until no supervisor holds this home; False when one still does after `seconds`. Main thread only."""
        try:
            file = self.lock.open("r+")
        except FileNotFoundError:
            return True
        with file, _alarm(seconds):
            try:
                return _lock(file.fileno(), wait=True)
            except TimeoutError:
                return False


@dataclass(frozen=True)
class Owner:
    """A supervisor at work."""

    pid: int
    state: str


class Hold:
    """The supervisor's claim on a home. The system drops it when the process has ended, however it ends."""

    def __init__(self, home: Home) -> None:
        # A bare descriptor, never closed: a file object would drop the claim while the process is still ending.
        self._descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        """Claims the home; False when another supervisor has it."""
        if not _lock(self._descriptor, wait=False):
            os.close(self._descriptor)
            return False
        self.say(STARTING)
        return True

    def say(self, state: str) -> None:
        """Tells the others how far the stack is."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()} {state}\n".encode(), 0)


def _lock(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Breaks a blocking system call off with TimeoutError after `seconds`: `flock` has no time limit of its own."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
