"""Files of runs and kept values: what is stored comes back, within limits, and goes with what it belongs to."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.model import Graph, Status
from store.keeping import OF_ALL_GRAPHS, Collected, StoredFile
from store.records import Store
from tests.store.samples import NOW, RUN, end, execution, new_id, node

PLENTY = 1_000_000


def file(content: bytes = b"hi", name: str = "note.txt", content_type: str = "text/plain") -> StoredFile:
    return StoredFile(name, content_type, content)


async def put(store: Store, run: str, stored: StoredFile, most: int = PLENTY) -> str:
    digest = await store.files.put(run, stored, most_bytes=most)
    assert digest is not None
    return digest


async def test_a_file_comes_back_by_name_and_by_content(store: Store) -> None:
    run = new_id("run")
    first = await put(store, run, file(b"\x00\xff old"))
    second = await put(store, run, file(b"new", content_type="text/markdown"))
    assert await store.files.get(run, "note.txt", first) == file(b"\x00\xff old")
    assert await store.files.get(run, "note.txt", second) == file(b"new", content_type="text/markdown")
    assert await store.files.get(run, "note.txt") == file(b"new", content_type="text/markdown")
    assert await put(store, run, file(b"\x00\xff old")) == first
    assert await store.files.get(run, "note.txt") == file(b"\x00\xff old"), "stored again, it is the newest"


async def test_a_file_is_found_in_its_own_run_only(store: Store) -> None:
    run, other = new_id("run"), new_id("run")
    digest = await put(store, run, file())
    assert await store.files.get(other, "note.txt", digest) is None
    assert await store.files.get(other, "note.txt") is None
    assert await store.files.get(run, "other.txt", digest) is None
    assert await store.files.get(run, "note.txt", "0" * 64) is None


async def test_files_of_a_run_together_stay_within_the_limit(store: Store) -> None:
    run = new_id("run")
    await put(store, run, file(b"12345"), most=9)
    assert await store.files.put(run, file(b"67890"), most_bytes=9) is None
    assert await store.files.get(run, "note.txt") == file(b"12345")
    await put(store, run, file(b"12345"), most=9)
    await put(store, run, file(b"6789"), most=9)
    await put(store, new_id("run"), file(b"67890"), most=9)


async def test_files_go_with_their_run(store: Store) -> None:
    new = execution(user_id=new_id("ada"))
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await put(store, new.id, file())
    await store.executions.record(new.id, run_id=RUN, nodes=[node("x-1", Status.COMPLETED, "1")], finish=end())
    assert await store.removal.delete_execution(new.user_id, new.id)
    assert await store.files.get(new.id, "note.txt") is None


async def test_files_of_runs_that_never_were_are_pruned_and_those_of_open_ones_stay(store: Store) -> None:
    stray, new = new_id("stray"), execution(user_id=new_id("ada"))
    await store.executions.begin(new, run_id=RUN, at=NOW)
    for run in (stray, new.id):
        await put(store, run, file())
    while await store.removal.prune_values(before=datetime.now(UTC) + timedelta(seconds=5), limit=1):
        pass
    assert await store.files.get(stray, "note.txt") is None
    assert await store.files.get(new.id, "note.txt") == file()


async def test_values_are_kept_by_user_graph_and_key(store: Store) -> None:
    ada, eve = new_id("ada"), new_id("eve")
    assert await store.key_values.put(ada, "graph", "mood", b'"calm"', most=9)
    assert await store.key_values.put(ada, OF_ALL_GRAPHS, "mood", b"null", most=9)
    assert await store.key_values.put(ada, "graph", "mood", b'{"a": [1]}', most=9)
    assert await store.key_values.get(ada, "graph", "mood") == ({"a": [1]},)
    assert await store.key_values.get(ada, OF_ALL_GRAPHS, "mood") == (None,)
    assert await store.key_values.get(ada, "other", "mood") is None
    assert await store.key_values.get(eve, "graph", "mood") is None


async def test_a_user_keeps_so_many_values(store: Store) -> None:
    ada = new_id("ada")
    for key in "ab":
        assert await store.key_values.put(ada, "graph", key, b"1", most=2)
    assert not await store.key_values.put(ada, "graph", "c", b"1", most=2)
    assert not await store.key_values.put(ada, OF_ALL_GRAPHS, "a", b"1", most=2)
    assert await store.key_values.put(ada, "graph", "a", b"2", most=2), "what is there may change"
    assert await store.key_values.get(ada, "graph", "a") == (2,)
    assert await store.key_values.get(ada, "graph", "c") is None


@pytest.mark.parametrize("removed", ["graph", "user"])
async def test_kept_values_go_with_their_graph_or_user(store: Store, removed: str) -> None:
    ada, graph = new_id("ada"), Graph(id=new_id("graph"))
    await store.users.ensure_user(ada, email=f"{ada}@example.org", name="Ada")
    await store.graphs.save(ada, graph, [])
    for graph_id in (graph.id, "other", OF_ALL_GRAPHS):
        assert await store.key_values.put(ada, graph_id, "mood", b"1", most=9)
    if removed == "graph":
        assert await store.removal.delete_graph("eve", graph.id) == 0
        assert await store.key_values.get(ada, graph.id, "mood") == (1,)
        assert await store.removal.delete_graph(ada, graph.id)
    else:
        assert await store.removal.delete_user(ada)
    kept = [await store.key_values.get(ada, graph_id, "mood") for graph_id in (graph.id, "other", OF_ALL_GRAPHS)]
    assert kept == ([None, (1,), (1,)] if removed == "graph" else [None, None, None])


# --- collections ------------------------------------------------------------------------------


async def collect(
    store: Store, run: str, number: int, *items: int, node: str = "n", enough: int = 3, most: int = PLENTY
) -> list[int] | None:
    added = Collected(run, node, f"{node}-{number}", len(items), str(list(items)).encode())
    return await store.collections.collect(added, enough=enough, most_bytes=most)


async def test_a_node_collects_until_it_is_enough(store: Store) -> None:
    run = new_id("run")
    assert await collect(store, run, 1, 1) == []
    assert await collect(store, run, 2, 5, node="other") == []
    assert await collect(store, run, 3, 2, 3) == [1, 2, 3]
    assert await collect(store, run, 4, 4) == [], "it begins anew"
    assert await collect(store, run, 3, 2, 3) == [1, 2, 3], "asked again, the same"
    assert await collect(store, run, 4, 4) == [], "what was added is not added twice"
    assert await collect(store, new_id("run"), 5, 1, 2, 3, 4) == [1, 2, 3, 4]


async def test_a_collection_has_a_limit(store: Store) -> None:
    run = new_id("run")
    assert await collect(store, run, 1, 1, most=5) == []
    assert await collect(store, run, 2, 1, most=5) is None
    assert await collect(store, run, 2, 1, most=6) == []


async def test_executions_at_once_take_each_item_once(store: Store) -> None:
    run = new_id("run")
    taken = await asyncio.gather(*(collect(store, run, number, number) for number in range(30)))
    assert sorted(item for items in taken for item in items or ()) == list(range(30))
    assert sorted(len(items or ()) for items in taken) == [0] * 20 + [3] * 10


async def test_a_collection_goes_with_its_run(store: Store) -> None:
    new = execution(user_id=new_id("ada"))
    await store.executions.begin(new, run_id=RUN, at=NOW)
    await collect(store, new.id, 1, 1, 2)
    await store.executions.record(new.id, run_id=RUN, nodes=[node("x-1", Status.COMPLETED, "1")], finish=end())
    assert await store.removal.delete_execution(new.user_id, new.id)
    assert await collect(store, new.id, 2, 3) == []
