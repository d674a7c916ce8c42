"""The file that a shell sources."""

import subprocess
from pathlib import Path

from dev import envfile

AWKWARD = {"PLAIN": "http://127.0.0.1:1", "QUOTES": """it's "so" $HOME `x`""", "SPACES": " a  b ", "EMPTY": ""}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "env"
    envfile.write(path, {"OLD": "gone"})
    envfile.write(path, AWKWARD)
    assert envfile.read(path) == AWKWARD


def test_a_shell_reads_the_same_and_exports_it(tmp_path: Path) -> None:
    path = tmp_path / "env"
    envfile.write(path, AWKWARD)
    shell = subprocess.run(
        ("sh", "-c", f'. {path}; sh -c \'printf "%s" "$QUOTES"\''), capture_output=True, text=True, check=True
    )
    assert shell.stdout == AWKWARD["QUOTES"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "env"
    envfile.write(path, AWKWARD)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_is_no_values(tmp_path: Path) -> None:
    assert envfile.read(tmp_path / "env") == {}
