"""Calling a function of ours in a process of its own, because its input could make it take too much memory or time.

Used for templates, patterns and tables. `limited_process.py` stands ready with the function loaded and answers each
call in a fresh copy of itself: a call costs milliseconds and leaves nothing behind. Its environment is empty.
"""

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("limited_process.py")
_MOST_ANSWER = 512 << 20
_LENGTH = 8


class Limited:
    """One function, called a few times at once; an instance serves all event loops."""

    def __init__(
        self, function: str, what: str, *, megabytes: int = 512, seconds: float = 12, at_once: int = 2
    ) -> None:
        """`function` as `module:name`, with arguments of plain types and an answer of JSON; `what`, for errors.

        `seconds` on a processor. A machine may be busy with others: a call ends after three times as long in any case.
        """
        self._function = function
        self._what = what
        self._megabytes = megabytes
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="limited")
        self._idle: list[subprocess.Popen[bytes]] = []
        weakref.finalize(self, _end_all, self._idle)

    async def call(self, *arguments: Any) -> Any:
        """The function's answer; ValueError for one of its own, or when it takes too much."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._call, arguments)

    def _call(self, arguments: tuple[Any, ...]) -> Any:
        try:
            request = pickle.dumps(arguments, protocol=5)
        except RecursionError:
            raise ValueError(f"{self._what} has values that are nested too deeply.") from None
        process = self._ready()
        ending = threading.Timer(3 * self._seconds, _end, [process])
        ending.start()
        try:
            answer = _exchanged(process, request)
        finally:
            ending.cancel()
            if process.poll() is not None:
                _end(process)
        if answer is None:
            _end(process)
            raise ValueError(f"{self._what} took {self._too_much}.")
        self._idle.append(process)
        kind, content = json.loads(answer)
        if kind == "answer":
            return content
        if kind == "refused":
            raise ValueError(content)
        if kind == "memory":
            raise ValueError(f"{self._what} took more than {self._megabytes:,} MB of memory.")
        raise RuntimeError(f"{self._function} failed: {content}")

    @property
    def _too_much(self) -> str:
        return f"more than {self._seconds:g} seconds or {self._megabytes:,} MB of memory"

    def _ready(self) -> "subprocess.Popen[bytes]":
        while self._idle:
            process = self._idle.pop()
            if process.poll() is None:
                return process
            _end(process)
        return subprocess.Popen(  # noqa: S603 - all arguments are ours
            [sys.executable, "-I", _SCRIPT, self._function, str(self._megabytes), str(ceil(self._seconds))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            # A group of its own, so that its copies end with it.
            start_new_session=True,
        )


def _exchanged(process: "subprocess.Popen[bytes]", request: bytes) -> bytes | None:
    """What the process answers; None when it ends without."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(len(request).to_bytes(_LENGTH))
        process.stdin.write(request)
        process.stdin.flush()
    except OSError:
        return None
    length = int.from_bytes(process.stdout.read(_LENGTH))
    if not 0 < length <= _MOST_ANSWER:
        return None
    answer = process.stdout.read(length)
    return answer if len(answer) == length else None


def _end_all(processes: "list[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and its copies, and wait for it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError, ValueError):
            stream.close()  # type: ignore[union-attr]
