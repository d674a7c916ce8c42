"""What a process that reads strangers' input may take of the machine, and what it may touch: next to nothing.

Called by the scripts of this folder, in their own processes, before they read anything.
"""

import os
import resource
import sys
import sysconfig
from pathlib import Path
from typing import Any

_absolute = os.path.abspath  # without a look at links: it takes part in every opening
_PLACES = (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]))
_READABLE = tuple({f"{form(place)}/" for place in _PLACES for form in (_absolute, os.path.realpath)})
_REFUSED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "ctypes.", "urllib.")


def limit(megabytes: int, seconds: int) -> None:
    """Bound the process's memory and its time on a processor; it may write no file. It is ended when time is over."""
    for kind, most in (
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def shut_off() -> None:
    """From now on PermissionError for every file but those of Python and its packages, for sockets and programs."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        writes = any(mark in mode for mark in "wax+") if isinstance(mode, str) else bool(flags & 3)
        # Modules and codecs are loaded when they are first needed.
        if not isinstance(path, int) and (writes or not _absolute(os.fsdecode(path)).startswith(_READABLE)):
            raise PermissionError("This process may open no files.")
    elif event.startswith(_REFUSED):
        raise PermissionError("This process may reach nothing outside of itself.")
