"""The file `$HEDDLE_HOME/env`: the running stack's addresses and the development user's key, to be sourced by a shell.

Written by `stack`, read by `demo` and by the next start, which keeps the key.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

_EXPORT = "export "


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replaces the file in one step, so that no reader sees half of it; only its owner may read it, for the key."""
    text = "".join(f"{_EXPORT}{name}={shlex.quote(value)}\n" for name, value in values.items())
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def read(path: Path) -> dict[str, str]:
    """The values of a file that `write` wrote; empty when there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    values = {}
    for word in shlex.split(text, comments=True):
        name, equals, value = word.partition("=")
        if equals:
            values[name] = value
    return values
