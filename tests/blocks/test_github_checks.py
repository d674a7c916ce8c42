"""What is made of the checks of a commit at GitHub: the verdict, and lines that a user's pattern fits."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks.github import GithubGetCIResults
from blocks.http.client import Http
from blocks.text import searching as patterns
from tests.blocks.github_asking import asked
from tests.support.web import Internet, internet

RUNS = "GET /repos/ada/tea/commits/ce58745/check-runs?per_page=100&page=1"


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


def checks(*ends: str | None, text: str | None = None) -> dict[str, Any]:
    """Check runs that came to these ends; None is still under way."""
    runs = [
        {
            "id": number,
            "name": f"taste {number}",
            "status": "completed" if end else "in_progress",
            "conclusion": end,
            "output": {"title": None, "summary": None, "text": text, "annotations_count": 0},
        }
        for number, end in enumerate(ends)
    ]
    return {"total_count": len(runs), "check_runs": runs}


async def results(net: Internet, http: Http, found: dict[str, Any], **inputs: Any) -> list[tuple[str, Any]]:
    return await asked(net, http, GithubGetCIResults, {RUNS: found}, repo="ada/tea", target="ce58745", **inputs)


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((), ("no_checks", "no_checks", 0, 0, 0)),
        (("success", "skipped", "neutral"), ("completed", "success", 3, 1, 0)),
        (("success", "failure", "timed_out"), ("completed", "failure", 3, 1, 2)),
        (("action_required",), ("completed", "failure", 1, 0, 0)),
        (("failure", None), ("pending", "pending", 2, 0, 1)),
    ],
)
async def test_the_verdict(net: Internet, http: Http, ends: tuple[str | None, ...], verdict: tuple[Any, ...]) -> None:
    outputs = await results(net, http, checks(*ends))
    names = ("overall_status", "overall_conclusion", "total_checks", "passed_checks", "failed_checks")
    assert outputs[:5] == list(zip(names, verdict, strict=True))
    assert [name for name, _ in outputs[5:]] == ["check_runs", *["check_run"] * len(ends)]


async def test_lines_that_fit(net: Internet, http: Http) -> None:
    text = "ERROR: a\nb\nc\nd\nan error\n"
    outputs = await results(net, http, checks("failure", "failure", text=text), search_pattern="^error|error$")
    (lines,) = [value for name, value in outputs if name == "matched_lines"]
    assert [(line["check_name"], line["line_number"], line["line"]) for line in lines] == [
        ("taste 0", 1, "ERROR: a"),
        ("taste 0", 5, "an error"),
        ("taste 1", 1, "ERROR: a"),
        ("taste 1", 5, "an error"),
    ]
    assert lines[0]["context"] == ["ERROR: a", "b", "c"]
    assert lines[1]["context"] == ["c", "d", "an error", ""]
    assert [value for name, value in outputs if name == "matched_line"] == lines


async def test_no_line_fits(net: Internet, http: Http) -> None:
    for found in (checks("failure", text="fine"), checks("failure")):
        outputs = await results(net, http, found, search_pattern="error")
        assert not [name for name, _ in outputs if name.startswith("matched")]


async def test_as_many_lines_as_are_kept(net: Internet, http: Http) -> None:
    outputs = await results(net, http, checks("failure", text="x\n" * 2000), search_pattern="x")
    assert sum(name == "matched_line" for name, _ in outputs) == 1000


@pytest.mark.parametrize(
    ("pattern", "text", "words"),
    [("(", "x", "not valid"), ("(a{1000}){1000}", "x", "too large"), ("x", "x" * 1_000_001, "at most 1,000,000")],
)
async def test_patterns_that_ask_too_much(net: Internet, http: Http, pattern: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await results(net, http, checks("failure", text=text), search_pattern=pattern)


async def test_the_time_for_a_pattern_is_for_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """One such line takes about a hundredth of a second."""
    monkeypatch.setattr(patterns, "PATTERN_SECONDS", 0.5)
    line, pattern = "a" * 20 + "!", "(a|aa)+$"
    assert await patterns.lines_with(pattern, [line]) == []
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"longer than 0\.5 seconds"):
        await patterns.lines_with(pattern, [line] * 1000)
    assert time.monotonic() - began < 5


async def test_many_quick_lines_take_their_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "PATTERN_SECONDS", 0.01)
    with pytest.raises(ValueError, match=r"longer than 0\.01 seconds"):
        await patterns.lines_with("b$", ["a"] * 1_000_000)
