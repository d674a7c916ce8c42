"""Where the Temporal CLI is taken from, with small scripts in its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dev import temporal_cli, temporal_install
from dev.home import ROOT
from dev.temporal_cli import NoTemporalCli, obtain, server_arguments
from dev.temporal_install import VERSION

GOOD = "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"
Say = Callable[[str], None]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def cli(path: Path, version: str = GOOD) -> Path:
    return script(path, f"echo '{version}'")


class Place:
    """An environment of its own, in which nothing can be downloaded or built unless a test says so."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.cache = folder / "cache"
        self.cached = self.cache / "heddle" / f"temporal-{VERSION}"
        self.environment = {"PATH": str(self.bin), "XDG_CACHE_HOME": str(self.cache)}
        self.said: list[str] = []
        self.tried: list[str] = []

    def obtain(self, **more: str) -> Path:
        return obtain(self.said.append, {**self.environment, **more})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)

    def download(target: Path, say: Say) -> bool:
        place.tried.append("download")
        return False

    def find_go(search_path: str | None) -> str | None:
        place.tried.append("go")
        return None

    monkeypatch.setattr(temporal_install, "download", download)
    monkeypatch.setattr(temporal_install, "find_go", find_go)
    return place


def test_the_named_one_comes_first(place: Place, tmp_path: Path) -> None:
    cli(place.bin / "temporal")
    cli(place.cached)
    named = cli(tmp_path / "mine")
    assert place.obtain(HEDDLE_TEMPORAL_CLI=str(named)) == named


def test_a_named_one_that_does_not_work_is_an_error_and_nothing_else_is_tried(place: Place, tmp_path: Path) -> None:
    cli(place.bin / "temporal")
    with pytest.raises(NoTemporalCli, match="HEDDLE_TEMPORAL_CLI"):
        place.obtain(HEDDLE_TEMPORAL_CLI=str(tmp_path / "none"))
    assert place.tried == []


def test_then_the_one_on_the_path(place: Place) -> None:
    cli(place.cached)
    on_path = cli(place.bin / "temporal")
    assert place.obtain() == on_path


@pytest.mark.parametrize(
    ("version", "usable"),
    [
        ("temporal version 1.5.0 (Server 1.29.0, UI 2.40.0)", True),
        ("temporal version 2.0.0", True),
        ("temporal version 1.4.9 (Server 1.28.0, UI 2.39.0)", False),
        ("temporal version 0.0.0-DEV (Server 1.32.0, UI 2.54.1)", True),
        ("temporal version 0.0.0-DEV (Server 1.28.0, UI 2.39.0)", False),
        ("tctl version 1.18.0", False),
    ],
)
def test_an_old_or_strange_one_on_the_path_is_passed_over_and_named(place: Place, version: str, usable: bool) -> None:
    on_path = cli(place.bin / "temporal", version)
    cached = cli(place.cached)
    assert place.obtain() == (on_path if usable else cached)
    assert any(str(on_path) in line for line in place.said) != usable


def test_one_that_does_not_run_is_passed_over(place: Place) -> None:
    script(place.bin / "temporal", "exit 1")
    cached = cli(place.cached)
    assert place.obtain() == cached


def test_then_the_cache_without_trying_anything_else(place: Place) -> None:
    cached = cli(place.cached)
    assert place.obtain() == cached
    assert place.tried == []


def test_then_the_download_which_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(target: Path, say: Say) -> bool:
        place.tried.append("download")
        cli(target)
        return True

    monkeypatch.setattr(temporal_install, "download", download)
    assert place.obtain() == place.cached
    assert place.obtain() == place.cached
    assert place.tried == ["download"]


def test_then_the_build_which_is_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    go = script(place.bin / "go", f'printf "#!/bin/sh\\necho {GOOD!r}\\n" > temporal; chmod +x temporal')
    monkeypatch.setattr(temporal_install, "find_go", lambda search_path: str(go))
    assert place.obtain() == place.cached
    assert place.obtain() == place.cached
    assert place.tried == ["download"]
    assert {path.name for path in place.cached.parent.iterdir()} == {place.cached.name, "temporal.lock"}


def test_a_build_that_fails_says_why_and_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    go = script(place.bin / "go", "echo half > temporal; echo 'no space left on device' >&2; exit 1")
    monkeypatch.setattr(temporal_install, "find_go", lambda search_path: str(go))
    with pytest.raises(NoTemporalCli):
        place.obtain()
    assert any("no space left on device" in line for line in place.said)
    said = "\n".join(place.said)
    assert said.index("cannot be downloaded") < said.index("Building")
    assert {path.name for path in place.cached.parent.iterdir()} == {"temporal.lock"}


def test_when_nothing_works_one_message_gives_the_three_ways_out(place: Place) -> None:
    with pytest.raises(NoTemporalCli) as caught:
        place.obtain()
    message = str(caught.value)
    assert [line.split(".")[0].strip() for line in message.splitlines()[1:]] == ["1", "2", "3"]
    assert "PATH" in message
    assert "HEDDLE_TEMPORAL_CLI" in message
    assert "Go 1.25" in message
    assert place.tried == ["download", "go"]


@pytest.mark.parametrize(("version", "usable"), [("go1.24.9", False), ("go1.25.0", True), ("go1.26.8", True)])
def test_an_old_go_is_not_used(tmp_path: Path, version: str, usable: bool) -> None:
    go = script(tmp_path / "go", f"echo 'go version {version} linux/amd64'")
    found = temporal_install.find_go(str(tmp_path))
    assert (found == str(go)) == usable


def test_the_server_listens_here_only_and_gets_our_settings(tmp_path: Path) -> None:
    arguments = server_arguments(
        port=1, ui_port=2, namespace="ours", search_attributes={"HeddleX": "Int"}, database=tmp_path / "db"
    )
    words = " ".join(arguments)
    assert "--ip 127.0.0.1 --port 1" in words
    assert "--ui-ip 127.0.0.1 --ui-port 2" in words
    assert "--namespace ours" in words
    assert "--search-attribute HeddleX=Int" in words
    assert "--sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=NORMAL" in words
    for key, value in temporal_cli.SERVER_SETTINGS.items():
        assert f"--dynamic-config-value {key}={value}" in words


def test_a_server_in_memory_without_a_ui() -> None:
    arguments = server_arguments(port=1, ui_port=None, namespace="default", search_attributes={}, database=None)
    assert "--headless" in arguments
    assert not {"--db-filename", "--sqlite-pragma", "--ui-port"} & set(arguments)


def test_the_recipe_builds_the_version_that_is_cached() -> None:
    recipe = (ROOT / "dev" / "temporal_build" / "go.mod").read_text()
    assert f"github.com/temporalio/cli v{VERSION}" in recipe
    assert "tool github.com/temporalio/cli/cmd/temporal" in recipe
