"""Which `temporal` executable to use, and how its development server is to be run.

Called by `up`, by `scripts/test` (`python -m dev.temporal_cli` prints the path) and by the tests' fixtures. It must
not know how the server is supervised.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import temporal_install
from dev.home import from_caller
from dev.temporal_install import VERSION, Say

SERVER_SETTINGS: Mapping[str, str] = {
    # A shard polls its queues at most 20 times a second by default: 40 ms a step after the first burst.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    # A cancel reaches a running node at once instead of with its next heartbeat. Neither does anything alone.
    "system.enableCancelActivityWorkerCommand": "true",
    "frontend.WorkerCommandsEnabled": "true",
    # No user's burst holds the others up, which is exact with a single partition only.
    "matching.enableFairness": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}
"""Dynamic configuration of the server: key → JSON. `deploy/temporal-dynamicconfig.yaml` says the same."""

_LEAST_CLI = (1, 5)
_LEAST_SERVER = (1, 29)  # what CLI 1.5 brings: a CLI built by hand knows no version of its own


class NoTemporalCli(Exception):
    """There is no usable CLI; the message gives the ways out."""


def obtain(report: Say, environment: Mapping[str, str] | None = None) -> Path:
    """Finds the CLI, or gets it once and keeps it in the cache. Blocks; some minutes if it must be built.

    Order: `HEDDLE_TEMPORAL_CLI`, PATH, our cache, the SDK's download, a build with Go. Raises `NoTemporalCli`.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("HEDDLE_TEMPORAL_CLI")
    if named:
        # Whoever names one wants that one: falling back would hide the mistake.
        path = from_caller(named, environment)
        problem = _problem(path)
        if problem:
            raise NoTemporalCli(f"HEDDLE_TEMPORAL_CLI is {named}, which cannot be used: {problem}.")
        return path
    on_path = shutil.which("temporal", path=environment.get("PATH"))
    if on_path:
        problem = _problem(Path(on_path))
        if problem is None:
            return Path(on_path)
        report(f"Passing over {on_path}: {problem}.")
    cached = cache(environment) / f"temporal-{VERSION}"
    if _problem(cached) is None:
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    # One at a time: whoever comes second waits here, then finds the work done.
    with (cached.parent / "temporal.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _problem(cached) is None:
            return cached
        return _get(cached, report, environment)


def _get(target: Path, report: Say, environment: Mapping[str, str]) -> Path:
    report(f"There is no Temporal CLI here. Trying to download {VERSION}.")
    if temporal_install.download(target, report) and _problem(target) is None:
        return target
    report("It cannot be downloaded.")
    go = temporal_install.find_go(environment.get("PATH"))
    if go is None:
        report("There is no Go 1.25 or newer to build it with.")
    elif temporal_install.build(target, go, report) and _problem(target) is None:
        return target
    raise NoTemporalCli(
        "Heddle needs the Temporal CLI (1.5 or newer), and could neither download nor build it. "
        "Any one of these helps:\n"
        "  1. install it (docs.temporal.io/cli), so that `temporal` is on PATH;\n"
        "  2. point HEDDLE_TEMPORAL_CLI at the executable;\n"
        "  3. install Go 1.25 or newer and reach a Go module proxy: it is then built, once, in some minutes."
    )


def cache(environment: Mapping[str, str]) -> Path:
    """Folder of what is got once for all checkouts."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "heddle"


def _problem(path: Path) -> str | None:
    """Why `path` cannot be used; None when it can. It is run to find out."""
    if not path.is_file():
        return "there is no such file"
    try:
        asked = subprocess.run(
            (path, "--version"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not run ({error})"
    found = re.search(r"temporal version (\d+)\.(\d+)\S*(?: \(Server (\d+)\.(\d+))?", asked.stdout)
    if asked.returncode or not found:
        return f"`--version` ended with {asked.returncode} and no version"
    cli, server = found.group(1, 2), found.group(3, 4)
    if _at_least(cli, _LEAST_CLI) or (cli == ("0", "0") and server[0] and _at_least(server, _LEAST_SERVER)):
        return None
    return f"it is {found[0]!r}, and 1.5 is needed"


def _at_least(version: Sequence[str], least: tuple[int, int]) -> bool:
    return tuple(int(part) for part in version) >= least


def setting_arguments(settings: Mapping[str, str]) -> list[str]:
    """`--dynamic-config-value` for each setting."""
    return [word for key, value in settings.items() for word in ("--dynamic-config-value", f"{key}={value}")]


def server_arguments(
    *,
    port: int,
    ui_port: int | None,
    namespace: str,
    search_attributes: Mapping[str, str],
    database: Path | None,
    settings: Mapping[str, str] = SERVER_SETTINGS,
) -> list[str]:
    """What follows the executable to run the development server on 127.0.0.1.

    `ui_port` None: no Web UI. `database` None: everything in memory. `search_attributes`: name → type.
    """
    arguments = ["server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--namespace", namespace]
    if ui_port is None:
        arguments.append("--headless")
    else:
        arguments += ["--ui-ip", "127.0.0.1", "--ui-port", str(ui_port)]
    if database is not None:
        # Without these each commit waits for the disk, and runs take four times as long.
        arguments += ["--db-filename", str(database)]
        arguments += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for name, kind in search_attributes.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    return [*arguments, *setting_arguments(settings), "--log-level", "warn"]


if __name__ == "__main__":
    try:
        print(obtain(lambda text: print(text, file=sys.stderr, flush=True)))
    except NoTemporalCli as problem:
        sys.exit(str(problem))
