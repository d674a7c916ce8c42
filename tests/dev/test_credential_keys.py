"""The local stack's key for credentials: made once, kept, nobody else's to read; the caller's own goes before it."""

import stat
from pathlib import Path

from dev import credential_keys
from dev.home import Home
from dev.ports import Ports
from dev.stack import Stack
from settings import Settings
from store.sealing import Keys, new_key

VARIABLE = "HEDDLE_CREDENTIAL_KEYS"


def stack_in(home: Home, **environment: str) -> Stack:
    home.make()
    return Stack(home, Ports(1, 2, 3, 4), Path("temporal"), Settings(), environment)


def test_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text = credential_keys.obtain(path)
    assert list(Keys.parse(text).keys) == ["local"]
    assert credential_keys.obtain(path) == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_worker_and_api_have_the_same(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    stack = stack_in(home)
    both = {spec.environment[VARIABLE] for spec in (stack.worker("postgresql://x"), stack.api("postgresql://x"))}
    assert both == {home.credential_keys.read_text().strip()}
    assert stack_in(home).worker("postgresql://x").environment[VARIABLE] in both


def test_the_caller_may_set_one(tmp_path: Path) -> None:
    home, own = Home(tmp_path / "home"), f"own:{new_key()}"
    assert stack_in(home, **{VARIABLE: own}).worker("postgresql://x").environment[VARIABLE] == own
    assert not home.credential_keys.exists()
