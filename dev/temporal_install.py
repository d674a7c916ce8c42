"""Getting a Temporal CLI where there is none: the SDK's download, or a build with Go from the module proxy.

Called by `temporal_cli` once everything cheaper has failed. It must not know in which order the ways are tried.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

VERSION = "1.9.1"
"""The CLI that is downloaded or built (server 1.32.0)."""

Say = Callable[[str], None]

_RECIPE = Path(__file__).parent / "temporal_build"
_PACKAGE = "github.com/temporalio/cli/cmd/temporal"
_LEAST_GO = (1, 25)

# Run by a Python of its own: the SDK downloads in native code that cannot be broken off from within the process.
_DOWNLOAD = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment

async def main():
    environment = await WorkflowEnvironment.start_local(
        download_dest_dir=sys.argv[1], dev_server_download_version=sys.argv[2])
    await environment.shutdown()

asyncio.run(main())
"""


def download(target: Path, say: Say, *, silent_seconds: float = 8.0, total_seconds: float = 180.0) -> bool:
    """Has the SDK download the CLI to `target`; False when it cannot, soon where there is no open internet.

    It is broken off when no byte has arrived after `silent_seconds`, and after `total_seconds` in any case.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="download-") as folder:
        process = subprocess.Popen(
            (sys.executable, "-c", _DOWNLOAD, folder, f"v{VERSION}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(silent_seconds)
        except subprocess.TimeoutExpired:
            if any(Path(folder).iterdir()):
                say("Downloading the Temporal CLI.")
                try:
                    process.wait(total_seconds - silent_seconds)
                except subprocess.TimeoutExpired:
                    say("The download takes too long.")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        for file in Path(folder).iterdir():
            if process.returncode == 0 and os.access(file, os.X_OK):
                file.replace(target)
                return True
    return False


def find_go(search_path: str | None) -> str | None:
    """A Go that is new enough (1.25), on the search path or where its installer puts it."""
    for candidate in ("go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        path = shutil.which(candidate, path=search_path)
        if path is None:
            continue
        asked = subprocess.run((path, "version"), capture_output=True, text=True, check=False, cwd="/", timeout=60)
        found = re.search(r"\bgo(\d+)\.(\d+)", asked.stdout)
        if found and (int(found[1]), int(found[2])) >= _LEAST_GO:
            return path
    return None


def build(target: Path, go: str, say: Say, *, every_seconds: float = 15.0, total_seconds: float = 2400.0) -> bool:
    """Builds the CLI to `target` with `go`; False, with the compiler's last words said, when that fails."""
    say(f"Building the Temporal CLI {VERSION} with {go}; this takes some minutes, once.")
    begun = time.monotonic()
    flags = f"-s -w -X github.com/temporalio/cli/internal/temporalcli.Version={VERSION}"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
        for name in ("go.mod", "go.sum"):
            shutil.copy(_RECIPE / name, folder)
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                (go, "build", "-mod=readonly", "-trimpath", f"-ldflags={flags}", "-o", "temporal", _PACKAGE),
                cwd=folder,
                # No C compiler is needed; a newer Go that go.mod asks for comes from the module proxy.
                env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "auto", "GOFLAGS": ""},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while process.poll() is None and time.monotonic() - begun < total_seconds:
                    try:
                        process.wait(every_seconds)
                    except subprocess.TimeoutExpired:
                        say(f"Still building the Temporal CLI ({time.monotonic() - begun:.0f} s).")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if process.returncode:
            words = [line for line in log.read_text(errors="replace").splitlines() if "downloading" not in line]
            say("The build failed: " + "\n".join(words[-8:]))
            return False
        (Path(folder) / "temporal").replace(target)
    say(f"Built it in {time.monotonic() - begun:.0f} s: {target}")
    return True
