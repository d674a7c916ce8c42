"""Stands ready with a function and answers each call in a copy of itself. Started by `limited.py`.

Arguments: the function as `module:name`, and how many megabytes and seconds of a processor a call may take. A call
comes as its length and its arguments, pickled; the answer goes as its length and JSON, `[kind, content]`. Nothing that
a copy says is ever unpickled. When a copy dies of its call this process ends too: so the caller learns of it.
"""

import gc
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LENGTH = 8
_NO_MORE = 9


def main() -> None:
    """Load the function, then answer until nobody asks any more."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from importlib import import_module

    from blocks.apart.confinement import limit, shut_off

    module, name = sys.argv[1].split(":")
    function = getattr(import_module(module), name)
    # Whatever a library prints must not get into an answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    gc.freeze()
    while True:
        copy = os.fork()
        if not copy:
            try:
                limit(int(sys.argv[2]), int(sys.argv[3]))
                shut_off()
                _answer(function, answers)
            finally:
                os._exit(1)
        if os.waitpid(copy, 0)[1]:
            os._exit(1)


def _answer(function: Callable[..., Any], answers: int) -> None:
    length = sys.stdin.buffer.read(_LENGTH)
    if len(length) < _LENGTH:
        os._exit(_NO_MORE)
    try:
        answer = _called(function, sys.stdin.buffer.read(int.from_bytes(length)))
    except MemoryError:
        answer = None
    # Only here is what the call had taken given back.
    left = memoryview(answer or b'["memory", null]')
    left = memoryview(b"".join((len(left).to_bytes(_LENGTH), left)))
    while left:
        left = left[os.write(answers, left) :]
    os._exit(0)


def _called(function: Callable[..., Any], request: bytes) -> bytes:
    try:
        said = ["answer", function(*pickle.loads(request))]  # noqa: S301 - our own worker sends it
    except RecursionError:
        said = ["refused", "It is nested too deeply."]
    except ValueError as error:
        said = ["refused", str(error)]
    except MemoryError:
        raise
    # What is none of these is a defect of ours, and told by its kind alone.
    except Exception as error:
        said = ["failed", type(error).__name__]
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")


if __name__ == "__main__":
    main()
