"""Generated pages say what the code says; what is promised in prose exists."""

import re
import shlex

import pytest

from dev.docs import PAGES
from tests.support.places import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text() == PAGES[name](), "run: python -m dev.docs"


def test_every_script_that_the_readme_names_exists_and_explains_itself() -> None:
    named = set(re.findall(r"scripts/\w+", (ROOT / "README.md").read_text()))
    assert {"scripts/up", "scripts/down", "scripts/demo", "scripts/test", "scripts/check", "scripts/bench"} <= named
    for script in named:
        text = (ROOT / script).read_text()
        assert text.startswith("#!/usr/bin/env bash\n# ")
        assert "Usage: " + shlex.quote(script) in text


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert (ROOT / target).exists(), target
