"""List and dictionary blocks (agent-graphs §17.10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.data.dictionaries import (
    AddToDictionary,
    FindInDictionary,
    RemoveFromDictionary,
    ReplaceDictionaryValue,
)
from blocks.data.list_sets import ConcatenateLists, ZipLists, distinct, flatten, interleave, likeness
from blocks.data.lists import AddToList, CreateList, FindInList, GetListItem, RemoveFromList, ReplaceListItem, chunks
from tests.blocks.block_runs import run


@pytest.mark.parametrize(
    ("collection", "key", "expected"),
    [
        ({"a": 1}, "a", ("output", 1)),
        ({"a": None}, "a", ("output", None)),
        ({"5": "x"}, 5, ("output", "x")),
        ({"a": 1}, "items", ("missing", {"a": 1})),
        ({"a": 1}, "keys", ("missing", {"a": 1})),
        ([10, 20], 1, ("output", 20)),
        ([10, 20], "1", ("output", 20)),
        ([10, 20], -1, ("missing", [10, 20])),
        ([10, 20], "-1", ("output", [])),
        ([10], 1, ("missing", [10])),
        ([10], "x", ("output", [])),
        ([{"b": 1}], "a", ("output", [])),
        ([{"a": 1}, {"b": 2}, {"a": 3}], "a", ("output", [1, 3])),
        ([], "a", ("output", [])),
        ('{"a": {"b": 1}}', "a", ("output", {"b": 1})),
        ('"a text"', "a", ("missing", '"a text"')),
        (5, "a", ("missing", 5)),
    ],
)
async def test_find_in_dictionary(collection: Any, key: Any, expected: tuple[str, Any]) -> None:
    assert await run(FindInDictionary, {"input": collection, "key": key}) == [expected]


@pytest.mark.parametrize("text", ["not json", "", "{'a': 1}", "[" * 100_000, "[" + "9" * 5_000 + "]"])
async def test_a_text_to_find_in_is_json(text: str) -> None:
    with pytest.raises(ValueError, match="not JSON") as failure:
        await run(FindInDictionary, {"input": text, "key": "a"})
    assert len(str(failure.value)) < 400


async def test_add_to_dictionary_ignores_no_value_and_no_key() -> None:
    assert await run(AddToDictionary, {"key": "a"}) == [("updated_dictionary", {})]
    assert await run(AddToDictionary, {"value": 1}) == [("updated_dictionary", {})]
    assert await run(AddToDictionary, {"key": "a", "value": 0}) == [("updated_dictionary", {"a": 0})]


async def test_entries_win_over_the_single_one() -> None:
    inputs = {"dictionary": {"a": 0, "b": 0}, "key": "a", "value": 1, "entries": {"a": 2}}
    assert await run(AddToDictionary, inputs) == [("updated_dictionary", {"a": 2, "b": 0})]


@pytest.mark.parametrize(
    ("block", "inputs"),
    [
        (RemoveFromDictionary, {"dictionary": {"a": 1}, "key": "b"}),
        (ReplaceDictionaryValue, {"dictionary": {"a": 1}, "key": "b", "value": 1}),
    ],
)
async def test_an_absent_key_is_an_error(block: Any, inputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no key 'b'"):
        await run(block, inputs)


async def test_numbers_as_keys_find_texts() -> None:
    assert await run(RemoveFromDictionary, {"dictionary": {"5": 1}, "key": 5}) == [("updated_dictionary", {})]
    outputs = await run(ReplaceDictionaryValue, {"dictionary": {"5": 1}, "key": 5, "value": 2})
    assert outputs == [("updated_dictionary", {"5": 2}), ("old_value", 1)]


@pytest.mark.parametrize(
    ("position", "expected"), [(None, [1, 2, 3, 4]), (0, [3, 4, 1, 2]), (-1, [1, 3, 4, 2]), (9, [1, 2, 3, 4])]
)
async def test_where_items_are_added(position: int | None, expected: list[int]) -> None:
    inputs = {"list": [1, 2], "entries": [3], "entry": 4, "position": position}
    assert await run(AddToList, inputs) == [("updated_list", expected)]


@pytest.mark.parametrize("entry", [None, "", 0, False, [], {}])
async def test_an_empty_entry_is_not_added(entry: Any) -> None:
    """As upstream; one of many may be empty."""
    assert await run(AddToList, {"list": [1], "entry": entry}) == [("updated_list", [1])]
    assert await run(AddToList, {"list": [1], "entries": [entry], "entry": entry}) == [("updated_list", [1, entry])]


@pytest.mark.parametrize("index", [2, -3])
@pytest.mark.parametrize("block", [GetListItem, RemoveFromList, ReplaceListItem])
async def test_an_index_out_of_range_is_an_error(block: Any, index: int) -> None:
    with pytest.raises(ValueError, match=f"Index {index} is out of range: the list has 2 items"):
        await run(block, {"list": ["a", "b"], "index": index, "value": 1})


async def test_removing_needs_something_that_is_there() -> None:
    with pytest.raises(ValueError, match="give a value or an index"):
        await run(RemoveFromList, {"list": ["a"]})
    with pytest.raises(ValueError, match="does not have the item"):
        await run(RemoveFromList, {"list": ["a"], "value": "b"})
    assert await run(RemoveFromList, {"list": ["a", "a"], "value": "a"}) == [("updated_list", ["a"])]


async def test_find_in_list_takes_the_first() -> None:
    assert await run(FindInList, {"list": [1, 2, 2], "value": 2}) == [("index", 1), ("found", True)]


async def test_lists_of_limited_tokens() -> None:
    outputs = await run(CreateList, {"values": ["a" * 8, "b" * 4, "c" * 40], "max_tokens": 3})
    assert outputs == [("list", ["a" * 8, "b" * 4]), ("list", ["c" * 40])]
    assert await run(CreateList, {"values": []}) == [("list", [])]
    assert await run(CreateList, {"values": [1, 2], "max_size": 0, "max_tokens": 0}) == [("list", [1, 2])]


async def test_too_many_gaps_are_refused() -> None:
    lists = [[1] * 1_000, *([[]] * 1_000)]
    with pytest.raises(ValueError, match="1,000,000 gaps"):
        await run(ZipLists, {"lists": lists, "pad_to_longest": True, "fill_value": "xx"})
    assert await run(ZipLists, {"lists": lists}) == [("zipped_list", []), ("length", 0)]


async def test_true_and_one_are_two_things() -> None:
    outputs = await run(ConcatenateLists, {"lists": [[1, True, 1.0, "1"]], "deduplicate": True})
    assert outputs == [("concatenated_list", [1, True, "1"]), ("length", 3)]


items = st.lists(st.none() | st.booleans() | st.integers(-3, 3) | st.lists(st.integers(0, 2), max_size=2), max_size=12)


@given(items, st.none() | st.integers(1, 5), st.none() | st.integers(1, 5))
def test_chunks_lose_nothing_and_keep_the_limits(values: list[Any], size: int | None, tokens: int | None) -> None:
    lists = list(chunks(values, size, tokens))
    assert [item for chunk in lists for item in chunk] == values
    assert all(lists) or lists == [[]]
    if size:
        assert all(len(chunk) <= size for chunk in lists)


@given(st.lists(items, max_size=4))
def test_interleaving_loses_nothing_and_keeps_each_order(lists: list[list[Any]]) -> None:
    tagged = [[(which, at) for at in range(len(values))] for which, values in enumerate(lists)]
    mixed = list(interleave(tagged))
    assert sorted(mixed) == [entry for values in tagged for entry in values]
    assert [at for _, at in mixed] == sorted(at for _, at in mixed)


@given(items)
def test_distinct_is_what_comparing_pair_by_pair_gives(values: list[Any]) -> None:
    once: list[Any] = []
    for value in values:
        if not any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in once):
            once.append(value)
    assert list(distinct(values)) == once


nested = st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=4), max_leaves=15).map(
    lambda value: value if isinstance(value, list) else [value]
)


def slowly(value: list[Any], levels: int) -> list[Any]:
    flat: list[Any] = []
    for item in value:
        flat.extend(slowly(item, levels - 1) if isinstance(item, list) and levels != 0 else [item])
    return flat


def depth_of(value: Any) -> int:
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(nested, st.integers(-1, 3))
def test_flattening_is_what_recursion_gives(value: list[Any], levels: int) -> None:
    assert flatten(value, levels) == (slowly(value, levels), depth_of(value))


def test_depth_beyond_pythons_own_is_no_matter_or_an_error() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    assert flatten(deep) == ([], 50_001)
    with pytest.raises(ValueError, match="nested too deeply"):
        likeness(deep)
