"""How the scripts find Python and keep the virtual environment, with stand-ins for every program they call."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.home import ROOT

# A Python of some version, or one that does not work; with `fake-venv` as its only skill.
PYTHON = """#!/bin/sh
version={version}
echo "$0 $*" >> "$CALLS"
case "$version" in broken) exit 127 ;; esac
case "$*" in
*"print("*) echo "3.$version.2" ;;
*"sys.exit(sys.version_info"*) [ "$version" -ge 12 ]; exit ;;
*"-m venv"*)
  for folder; do :; done
  mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
*"-m pip install"*) [ -z "$PIP_FAILS" ] ;;
esac
"""


class Machine:
    """A machine with nothing on it but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.venv = folder / "venv"
        self.calls = folder / "calls"
        self.bin.mkdir()
        self.home.mkdir()
        self.calls.touch()
        for tool in ("bash", "dirname", "sha256sum", "sed", "mkdir", "mv", "rm", "cp", "flock", "cat"):
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)

    def python(self, name: str, version: int | str) -> Path:
        path = self.bin / name if "/" not in name else self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PYTHON.format(version=version))
        path.chmod(0o755)
        return path

    def bash(self, command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (str(self.bin / "bash"), "-c", f"source {ROOT}/scripts/bootstrap.sh; {command}"),
            env={
                "PATH": str(self.bin),
                "HOME": str(self.home),
                "HEDDLE_VENV": str(self.venv),
                "CALLS": str(self.calls),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def installs(self) -> int:
        return self.calls.read_text().count("-m pip install")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_3_13_is_preferred_wherever_it_is(machine: Machine) -> None:
    machine.python("python3", 14)
    machine.python("python3.12", 12)
    wanted = machine.python(".pyenv/versions/3.13.7/bin/python", 13)
    assert machine.bash("find_python").stdout.strip() == str(wanted)


def test_a_shim_that_does_not_work_and_an_old_python_are_passed_over(machine: Machine) -> None:
    machine.python("python3.13", "broken")
    machine.python("python3", 11)
    wanted = machine.python("python3.12", 12)
    assert machine.bash("find_python").stdout.strip() == str(wanted)


def test_a_python3_that_is_new_enough_will_do(machine: Machine) -> None:
    wanted = machine.python("python3", 15)
    assert machine.bash("find_python").stdout.strip() == str(wanted)


def test_no_python_is_said_with_what_to_do(machine: Machine) -> None:
    machine.python("python3", 11)
    done = machine.bash("bootstrap; echo went on")
    assert done.returncode != 0
    assert "went on" not in done.stdout
    assert "3.12 or newer" in done.stderr
    assert "python3 is 3.11.2, too old" in done.stderr
    assert "apt-get" not in done.stderr
    assert "uv python install" in done.stderr
    assert not (machine.venv / "bin").exists()


def test_a_python_that_does_not_run_and_one_without_venv_are_told_apart(machine: Machine) -> None:
    machine.python("python3.13", "broken")
    bare = machine.python("python3", 12)
    bare.write_text(bare.read_text().replace("case", '[ "${*#*ensurepip}" = "$*" ] || exit 1\ncase', 1))
    done = machine.bash("find_python")
    assert done.returncode != 0
    assert "python3.13 does not run" in done.stderr
    assert "python3 is 3.12.2, without venv or ensurepip" in done.stderr


def test_paths_of_the_caller_are_meant_from_where_it_is(machine: Machine, tmp_path: Path) -> None:
    machine.python("python3.13", 13)
    done = subprocess.run(
        (str(machine.bin / "bash"), "-c", f"source {ROOT}/scripts/bootstrap.sh; bootstrap; env"),
        cwd=tmp_path,
        env={"PATH": f"{machine.bin}:/usr/bin", "HOME": str(machine.home), "HEDDLE_VENV": "venv", "CALLS": "/dev/null"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"HEDDLE_CALLER_DIRECTORY={tmp_path}" in done.stdout.splitlines()
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_uv_is_asked_for_its_own_pythons(machine: Machine) -> None:
    wanted = machine.python(".local/share/uv/python/3.13/bin/python", 13)
    uv = machine.bin / "uv"
    uv.write_text(f'#!/bin/sh\n[ "$5" = 3.13 ] && echo {wanted}\n')
    uv.chmod(0o755)
    assert machine.bash("find_python").stdout.strip() == str(wanted)


def test_packages_are_installed_once_for_each_lock(machine: Machine) -> None:
    machine.python("python3.13", 13)
    first = machine.bash("bootstrap; echo $PYTHON; pwd")
    assert first.returncode == 0, first.stderr
    assert first.stdout.split() == [str(machine.venv / "bin" / "python"), str(ROOT)]
    assert machine.installs() == 1
    assert machine.bash("bootstrap").stderr == ""
    assert machine.installs() == 1
    (machine.venv / ".heddle-installed").write_text("another lock's hash")
    machine.bash("bootstrap")
    assert machine.installs() == 2


def test_a_broken_off_installation_is_taken_up_again(machine: Machine) -> None:
    machine.python("python3.13", 13)
    assert machine.bash("bootstrap", PIP_FAILS="1").returncode != 0
    assert not (machine.venv / ".heddle-installed").exists()
    assert machine.bash("bootstrap").returncode == 0
    stamp = (machine.venv / ".heddle-installed").read_text()
    assert stamp.split()[0] == hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()


def test_two_at_once_install_once(machine: Machine) -> None:
    machine.python("python3.13", 13)
    done = machine.bash("bootstrap & first=$!; bootstrap; wait $first")
    assert done.returncode == 0, done.stderr
    assert machine.installs() == 1


def test_the_lock_names_no_host_and_pins_every_package_with_its_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    packages = [line for line in text.splitlines() if line and line[0] not in "# "]
    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)


SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if not path.suffix)


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_explains_itself_from_any_directory(name: str, tmp_path: Path) -> None:
    script = ROOT / "scripts" / name
    done = subprocess.run(
        (str(script), "--help"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HEDDLE_VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Usage: scripts/{name}" in done.stdout
    assert "#" not in done.stdout
    assert "shellcheck" not in done.stdout
    comment = (ROOT / "scripts" / name).read_text().split("\n\n", 1)[0].splitlines()[1:]
    assert done.stdout.splitlines() == [line.removeprefix("#").removeprefix(" ") for line in comment]
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("arguments", [("--fixx",), ("--fix", "more"), ("tests",)])
def test_the_checks_refuse_what_they_do_not_know(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        (str(ROOT / "scripts" / "check"), *arguments),
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HEDDLE_VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert " ".join(arguments) in done.stderr
    assert not (tmp_path / "venv").exists()
