"""`scripts/down`: tells the supervisor to stop the stack, and waits until it has."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from dev.home import Home

# The sum of what its processes are granted, the worker's nodes included, with room to spare.
_POLITE_SECONDS = 90.0
_FIRM_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    argparse.ArgumentParser(prog="scripts/down", description="Stop the stack.").parse_args(arguments)
    return stop(Home.of(os.environ), sys.stdout)


def stop(home: Home, told: TextIO) -> int:
    """Stops the stack of this home and says so to `told`; 0 when none runs any more."""
    owner = home.owner()
    if owner is None:
        print(f"No stack is running in {home.directory}.", file=told)
        return 0
    if not owner.pid:
        print(f"A stack is just being started in {home.directory}: try again in a moment.", file=sys.stderr)
        return 1
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself since
        os.kill(owner.pid, signal.SIGTERM)
    if home.wait_released(_POLITE_SECONDS):
        print(f"Stopped the stack in {home.directory}.", file=told)
        return 0
    # Its processes are bound to its life, so nothing outlives this.
    with contextlib.suppress(ProcessLookupError):
        os.kill(owner.pid, signal.SIGKILL)
    if home.wait_released(_FIRM_SECONDS):
        print(f"Killed the stack in {home.directory}: it did not stop within {_POLITE_SECONDS:.0f} s.", file=told)
        return 0
    print(f"The supervisor (process {owner.pid}) does not end.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
