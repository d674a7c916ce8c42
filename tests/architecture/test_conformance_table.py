"""The table of rules and their tests is whole: every wanted rule has one row, every test that a row names is there."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support.places import ROOT

WANTED = (Path(__file__).parent / "conformance_ids.txt").read_text().split()
"""One id a line, in the order of the table."""

_SCHEDULES = "schedules"

PENDING = {
    "S-051": "accounts",
    "S-052": "accounts",
    "S-059": _SCHEDULES,
    "S-060": _SCHEDULES,
    "S-061": _SCHEDULES,
    "S-062": _SCHEDULES,
    "S-078": "circuit breakers and compensations",
    "S-118": "presets",
    "S-147": "metrics of capacity",
    "S-154": "notifications",
    "S-157": "notifications",
    "S-275": "credits and presets",
    "§6.4": "webhooks",
    "§10.4": "sharing, presets, dry runs",
    "§13.1": "OAuth2 and exclusive credentials",
    "§27.13": "presets",
}
"""Rows that say `pending`, and what they wait for."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    id: str
    rule: str
    tests: tuple[str, ...]


def rows() -> list[Row]:
    text = (ROOT / "docs/conformance.md").read_text()
    found = re.findall(r"^\| ([ST§]\S+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    return [Row(id, rule, tuple(re.findall(r"`([^`]+)`", tests))) for id, rule, tests in found]


ROWS = rows()


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_wanted_rule_has_one_row() -> None:
    assert len(set(WANTED)) == len(WANTED) > 200
    assert [row.id for row in ROWS] == WANTED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_tests_of_a_row_exist(row: Row) -> None:
    for test in row.tests:
        path, _, name = test.partition("::")
        assert name.startswith("test_")
        assert name in functions(path), test


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_has_a_test_or_says_that_it_is_pending(row: Row) -> None:
    assert ("pending" in row.rule) == (row.id in PENDING)
    assert row.tests or row.rule.startswith("pending: ")


def test_what_is_pending_is_wanted() -> None:
    assert set(PENDING) <= set(WANTED)
