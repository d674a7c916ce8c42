"""Sampling, kept values, programs in texts, waiting until a moment."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks import waiting
from blocks.base import BlockInputError, Sleep
from blocks.data.sampling import DataSampling, SamplingMethod
from blocks.persistence import PersistInformation, RetrieveInformation
from blocks.services import Services
from blocks.text.code_extraction import CodeExtraction
from blocks.waiting import WaitUntil
from engine.model import Effects
from tests.blocks.block_runs import run
from tests.blocks.host import MemoryCollecting, MemoryKeyValues

# --- sampling ---------------------------------------------------------------------------------

ITEMS = [{"kind": "abc"[n % 3], "n": n, "weight": n % 2} for n in range(30)]
KEYS = {"stratify_key": "kind", "weight_key": "weight", "cluster_key": "kind"}


async def sample(**inputs: Any) -> tuple[list[Any], list[int]]:
    outputs = await run(DataSampling, inputs)
    assert [name for name, _ in outputs] == ["sampled_data", "sample_indices"]
    return outputs[0][1], outputs[1][1]


@pytest.mark.parametrize("method", list(SamplingMethod))
@given(size=st.integers(1, 30), seed=st.none() | st.integers())
async def test_every_method_gives_as_many_as_asked_for(method: SamplingMethod, size: int, seed: int | None) -> None:
    inputs = {"data": ITEMS, "sample_size": size, "sampling_method": method.value, "random_seed": seed, **KEYS}
    chosen, indices = await sample(**inputs)
    assert len(chosen) == len(indices) == size
    assert chosen == [ITEMS[index] for index in indices]
    assert (chosen, indices) == await sample(**inputs), "again, the same"
    if method is SamplingMethod.WEIGHTED:
        assert all(item["weight"] for item in chosen)
    else:
        assert len(set(indices)) == size


async def test_the_methods_choose_by_their_rules() -> None:
    async def indices(method: str, size: int, data: list[Any] = ITEMS, **more: Any) -> list[int]:
        return (await sample(data=data, sample_size=size, sampling_method=method, random_seed=7, **more))[1]

    assert await indices("top", 3) == [0, 1, 2]
    assert await indices("bottom", 3) == [27, 28, 29]
    systematic = await indices("systematic", 3)
    assert [b - a for a, b in pairwise(systematic)] == [10, 10]
    uneven = [{"k": "a"}] * 8 + [{"k": "b"}] * 2
    assert Counter(uneven[i]["k"] for i in await indices("stratified", 5, uneven, stratify_key="k")) == {"a": 4, "b": 1}
    clusters = {ITEMS[i]["kind"] for i in await indices("cluster", 10, cluster_key="kind")}
    assert len(clusters) == 1
    many = [{"k": n} for n in range(30)]
    assert len(set(await indices("stratified", 5, many, stratify_key="k"))) == 5, "more kinds than samples"


async def test_one_dictionary_is_one_item() -> None:
    assert await sample(data={"a": 1}, sample_size=1) == ([{"a": 1}], [0])


async def test_accumulated_items_are_sampled_once_they_are_enough() -> None:
    services = Services(collecting=MemoryCollecting())

    async def given(data: Any) -> Any:
        inputs = {"data": data, "sample_size": 3, "sampling_method": "top", "accumulate": True}
        return dict(await run(DataSampling, inputs, services=services)).get("sampled_data")

    assert [await given({"n": 1}), await given([{"n": 2}])] == [None, None]
    assert await given([{"n": 3}, {"n": 4}]) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert await given({"n": 5}) is None, "it begins anew"
    assert DataSampling().effects_for({"accumulate": True}) is Effects.IDEMPOTENT


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"data": [[1]], "sample_size": 2}, "cannot be larger than the data size"),
        ({"data": [], "sample_size": 1}, "cannot be larger than the data size"),
        ({"data": [{"a": 1}], "sample_size": 0}, "sample_size"),
        ({"data": [{"a": 1}], "sample_size": 1, "sampling_method": "stratified"}, "key must be provided"),
        ({"data": [{"a": 1}], "sample_size": 1, "sampling_method": "cluster", "cluster_key": "b"}, "has no value"),
        ({"data": [[1]], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "has no value"),
        ({"data": [{"a": "x"}], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "float"),
        ({"data": [{"a": -1}], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "negative"),
        ({"data": [{"a": 0}], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "all be zero"),
        ({"data": [{"a": "nan"}], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "negative"),
        ({"data": [{"a": [1]}], "sample_size": 1, "sampling_method": "weighted", "weight_key": "a"}, "no number"),
        ({"data": [{"a": 1}], "sample_size": 1, "sampling_method": "guess"}, "sampling_method"),
    ],
)
async def test_samples_that_are_refused(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises((ValueError, BlockInputError), match=reason):
        await run(DataSampling, inputs)


# --- kept values ------------------------------------------------------------------------------


async def test_what_is_kept_is_found_in_its_scope() -> None:
    services = Services(key_values=MemoryKeyValues())
    await run(PersistInformation, {"key": "k", "value": [1]}, services=services)
    await run(PersistInformation, {"key": "k", "value": 0, "scope": "across_agents"}, services=services)

    async def found(**inputs: Any) -> list[Any]:
        return [value for _, value in await run(RetrieveInformation, {"key": "k", **inputs}, services=services)]

    assert await found() == [[1]]
    assert await found(scope="across_agents", default_value=9) == [0]
    assert await found(key="other") == []
    assert await found(key="other", default_value=0) == [0]


# --- programs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```js\na\n```", [("javascript", "a")]),
        ("```JS\na\n```\n```javascript\nb\n```", [("javascript", "b\n\na")]),
        ("x ```python print(1)``` y", [("python", "print(1)"), ("remaining_text", "x  y")]),
        ("```C++\na\n```\n```c#\nb\n```", [("cpp", "a"), ("csharp", "b")]),
        ("```\nplain\n```", [("remaining_text", "```\nplain\n```")]),
        ("```cobol\nx\n```\nand\n```sql\ny\n```", [("sql", "y"), ("remaining_text", "```cobol\nx\n```\nand")]),
        ("```python\nnever closed", [("remaining_text", "```python\nnever closed")]),
        ("```python\n```", []),
        ("", []),
    ],
)
async def test_programs_are_taken_out(text: str, expected: list[tuple[str, str]]) -> None:
    assert await run(CodeExtraction, {"text": text}) == expected


@pytest.mark.parametrize("text", ["```python " * 100_000, "```" * 1_000_000, "\n \t" * 1_000_000, "```py\n" * 100_000])
@pytest.mark.timeout(10)
async def test_texts_made_to_take_long_do_not(text: str) -> None:
    await run(CodeExtraction, {"text": text})


# --- waiting ----------------------------------------------------------------------------------

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


async def wait(monkeypatch: pytest.MonkeyPatch, *moments: datetime, **inputs: Any) -> tuple[list[Sleep], list[Any]]:
    """The sleeps and outputs when the clock shows these moments, one at each look."""
    clock = iter(moments)
    monkeypatch.setattr(waiting, "now", lambda: next(clock))
    sleeps: list[Sleep] = []
    outputs = await run(WaitUntil, {"data": "tea", **inputs}, sleeps, timezone="Europe/Berlin")
    return sleeps, outputs


@pytest.mark.parametrize(
    ("inputs", "seconds"),
    [
        ({"moment": "2026-05-31T12:00:30"}, 30),
        ({"moment": "2026-05-31T14:00:30+02:00"}, 30),
        ({"moment": "2026-05-31T14:00:30", "timezone": "Europe/Berlin"}, 30),
        ({"moment": "2026-05-31T14:00:30", "use_user_timezone": True}, 30),
        ({"moment": "2026-12-01T01:00", "timezone": "Europe/Berlin"}, 183.5 * 86_400),
    ],
)
async def test_it_sleeps_until_the_moment(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any], seconds: float
) -> None:
    sleeps, outputs = await wait(monkeypatch, NOON, NOON + timedelta(seconds=seconds), **inputs)
    assert [sleep.duration.total_seconds() for sleep in sleeps] == [seconds]
    assert outputs == [("data", "tea")]


async def test_a_timer_that_fires_early_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = (NOON, NOON + timedelta(seconds=29), NOON + timedelta(seconds=30))
    sleeps, outputs = await wait(monkeypatch, *clock, moment="2026-05-31T12:00:30")
    assert [sleep.duration.total_seconds() for sleep in sleeps] == [30, 1]
    assert outputs == [("data", "tea")]


async def test_a_moment_centuries_away_is_waited_for_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime(2027, 12, 31, tzinfo=UTC)
    sleeps, _ = await wait(monkeypatch, NOON, NOON + timedelta(days=365), end, moment=end.isoformat())
    assert [sleep.duration.days for sleep in sleeps] == [365, 213]


async def test_a_moment_that_has_passed_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await wait(monkeypatch, NOON, moment="2026-05-31") == ([], [("data", "tea")])


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"moment": "tomorrow"}, "no moment"),
        ({"moment": ""}, "no moment"),
        ({"moment": "2026-05-31", "timezone": "Mars"}, "no time zone"),
    ],
)
async def test_moments_that_are_none(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        await run(WaitUntil, inputs)
