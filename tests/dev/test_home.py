"""One supervisor in a home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.home import READY, ROOT, STARTING, Hold, Home

HOLDER = """
import sys
from pathlib import Path
from dev.home import READY, Hold, Home
hold = Hold(Home(Path(sys.argv[1])))
print(hold.take(), flush=True)
hold.say(READY)
print("said", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def _holder(home: Home) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        (sys.executable, "-c", HOLDER, str(home.directory)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert [holder.stdout.readline().strip() for _ in range(2)] == ["True", "said"]
    return holder


def test_the_second_supervisor_is_refused_and_told_of_the_first(home: Home) -> None:
    with _holder(home) as holder:
        assert Hold(home).take() is False
        owner = home.owner()
        assert owner is not None
        assert (owner.pid, owner.state) == (holder.pid, READY)
        holder.kill()
    assert home.owner() is None
    hold = Hold(home)
    assert hold.take()
    owner = home.owner()
    assert owner is not None
    assert (owner.pid, owner.state) == (os.getpid(), STARTING)


def test_waiting_for_the_release_ends_with_the_supervisor_or_the_time(home: Home) -> None:
    with _holder(home) as holder:
        assert home.wait_released(0.05) is False
        assert holder.stdin is not None
        holder.stdin.close()
        assert home.wait_released(30) is True


def test_a_home_without_a_supervisor(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.owner() is None
    assert home.wait_released(1) is True


def test_the_home_is_chosen_by_the_environment(tmp_path: Path) -> None:
    assert Home.of({"HEDDLE_HOME": str(tmp_path)}).directory == tmp_path
    assert Home.of({}).directory == ROOT / ".heddle"


def test_a_relative_home_is_meant_from_where_the_script_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = {"HEDDLE_HOME": "mine", "HEDDLE_CALLER_DIRECTORY": str(tmp_path)}
    assert Home.of(caller).directory == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    assert Home.of({"HEDDLE_HOME": "mine"}).directory == tmp_path / "mine"


def test_nobody_else_may_look_in(home: Home) -> None:
    assert home.directory.stat().st_mode & 0o077 == 0
