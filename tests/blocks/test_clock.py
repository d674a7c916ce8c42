"""Clocks and countdowns (agent-graphs §17.11)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks import clock
from blocks.base import Sleep
from blocks.clock import CountdownTimer, GetCurrentDate, GetCurrentDateAndTime, GetCurrentTime
from tests.blocks.block_runs import run


@pytest.fixture(autouse=True)
def new_years_eve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 31, 23, 30, 5, 42, tzinfo=UTC))


def test_the_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


ISO = {"discriminator": "iso8601"}
BERLIN = {"timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("block", "inputs", "expected"),
    [
        (GetCurrentTime, {}, "23:30:05"),
        (GetCurrentTime, {"format_type": {**ISO, **BERLIN}}, "T00:30:05+01:00"),
        (GetCurrentTime, {"format_type": {"discriminator": "strftime", "format": "%H"}}, "23"),
        (GetCurrentDate, {}, "2026-12-31"),
        (GetCurrentDate, {"offset": "30"}, "2026-12-01"),
        (GetCurrentDate, {"offset": -1}, "2027-01-01"),
        (GetCurrentDate, {"offset": ""}, "2026-12-31"),
        (GetCurrentDate, {"offset": "today"}, "2026-12-31"),
        (GetCurrentDate, {"format_type": {**ISO, **BERLIN}}, "2027-01-01"),
        (GetCurrentDate, {"format_type": {"discriminator": "strftime", "format": "%d.%m."}}, "31.12."),
        (GetCurrentDateAndTime, {}, "2026-12-31 23:30:05"),
        (GetCurrentDateAndTime, {"format_type": ISO}, "2026-12-31T23:30:05+00:00"),
        (
            GetCurrentDateAndTime,
            {"format_type": {**ISO, "include_microseconds": True}},
            "2026-12-31T23:30:05.000042+00:00",
        ),
    ],
)
async def test_telling_the_time(block: Any, inputs: dict[str, Any], expected: str) -> None:
    ((_, told),) = await run(block, {"trigger": "go", **inputs})
    assert told == expected


async def test_the_users_zone() -> None:
    inputs = {"trigger": "go", "format_type": {**ISO, "use_user_timezone": True}}
    assert await run(GetCurrentDate, inputs, timezone="Asia/Tokyo") == [("date", "2027-01-01")]


@pytest.mark.parametrize("zone", ["Nowhere", "../etc/passwd", "", "Europe"])
async def test_a_zone_nobody_knows(zone: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        await run(GetCurrentTime, {"trigger": "go", "format_type": {**ISO, "timezone": zone}})


@pytest.mark.parametrize("offset", [10**6, 10**12, str(10**12)])
async def test_offsets_that_lead_nowhere(offset: Any) -> None:
    with pytest.raises(ValueError, match="no calendar"):
        await run(GetCurrentDate, {"trigger": "go", "offset": offset})


async def test_a_countdown_sleeps_before_each_message() -> None:
    sleeps: list[Sleep] = []
    inputs = {"input_message": {"m": 1}, "seconds": "5", "minutes": 1, "hours": 1, "days": 1, "repeat": 2}
    assert await run(CountdownTimer, inputs, sleeps) == [("output_message", {"m": 1})] * 2
    assert sleeps == [Sleep(timedelta(days=1, hours=1, minutes=1, seconds=5), done) for done in (1, 2)]


async def test_no_duration_needs_no_timer() -> None:
    sleeps: list[Sleep] = []
    assert await run(CountdownTimer, {}, sleeps) == [("output_message", "timer finished")]
    assert await run(CountdownTimer, {"repeat": 0, "seconds": 5}, sleeps) == []
    assert sleeps == []


async def test_a_countdown_goes_on_where_it_was() -> None:
    assert len(await run(CountdownTimer, {"seconds": 1, "repeat": 3}, resume=2)) == 2


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"seconds": -1}, "negative"),
        ({"days": 10**12}, "calendar"),
        ({"minutes": "tea"}, "minutes must be a whole number"),
    ],
)
async def test_waits_that_cannot_be(inputs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        await run(CountdownTimer, inputs)
