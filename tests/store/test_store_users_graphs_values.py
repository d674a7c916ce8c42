"""Users, graphs and large values: both forms of the store follow the same rules."""

import json
from pathlib import Path

import pytest

from contracts.errors import GraphNotFound, SystemFault, ValueMissing
from engine.model import Graph, GraphPolicy, Link, Node, OnNodeError
from engine.values import Reference
from store.records import Store, User
from tests.store.samples import execution, new_id

AGENTS = Path(__file__).parents[3] / "shared" / "agents"


async def test_a_key_names_its_owner(store: Store) -> None:
    ada, key = new_id("ada"), new_id("key")
    await store.users.ensure_user(ada, email="ada@example.org", name="Ada")
    await store.users.add_api_key(ada, name="laptop", key=key)
    assert await store.users.by_api_key(key) == User(ada, "ada@example.org", "Ada", "UTC")
    assert await store.users.by_api_key(key) is not None
    assert await store.users.by_api_key(key + "x") is None


async def test_a_user_is_brought_up_to_date_and_a_key_keeps_its_owner(store: Store) -> None:
    ada, eve, key = new_id("ada"), new_id("eve"), new_id("key")
    for email in ("old@example.org", "new@example.org", "new@example.org"):
        await store.users.ensure_user(ada, email=email, name="Ada")
    await store.users.ensure_user(eve, email="eve@example.org", name="Eve")
    await store.users.add_api_key(ada, name="laptop", key=key)
    await store.users.add_api_key(eve, name="stolen", key=key)
    owner = await store.users.by_api_key(key)
    assert owner is not None
    assert (owner.id, owner.email) == (ada, "new@example.org")


async def test_a_key_needs_a_user(store: Store) -> None:
    with pytest.raises(SystemFault):
        await store.users.add_api_key(new_id("absent"), name="x", key=new_id("key"))


# --- graphs -----------------------------------------------------------------------------------


async def user(store: Store) -> str:
    id = new_id("user")
    await store.users.ensure_user(id, email="a@example.org", name="A")
    return id


def graph(id: str | None = None, *sub_graphs: Graph, name: str = "Sum") -> Graph:
    return Graph.model_validate(
        {
            "id": id or new_id("graph"),
            "name": name,
            "description": "Adds — and more.",
            "instructions": None,
            "recommended_schedule_cron": "0 8 * * *",
            "policy": GraphPolicy(on_node_error=OnNodeError.FAIL, max_concurrent_nodes=3),
            "nodes": [
                Node.model_validate(
                    {
                        "id": "n-1",
                        "block_id": "b-1",
                        "input_default": {"a": None, "b": [1, {"c": 2.5}]},
                        "metadata": {"position": {"x": 1, "y": -2.25}},
                    }
                )
            ],
            "links": [
                Link.model_validate(
                    {"id": "l", "source_id": "n-1", "sink_id": "n-1", "source_name": "out_#_k", "sink_name": "a"}
                )
            ],
            "sub_graphs": list(sub_graphs),
        }
    )


async def test_a_graph_comes_back_as_it_was_saved(store: Store) -> None:
    ada = await user(store)
    given = graph()
    problems = [{"code": "x", "message": "m"}]
    assert await store.graphs.save(ada, given, problems) == 1
    row = await store.graphs.get(ada, given.id)
    assert row is not None
    assert row.graph == given
    assert (row.id, row.version, row.user_id, row.is_active) == (given.id, 1, ada, True)
    assert (row.name, row.description, row.problems) == ("Sum", "Adds — and more.", problems)
    assert row.created_at == row.updated_at


async def test_versions_count_up_and_the_last_is_active(store: Store) -> None:
    ada = await user(store)
    given = graph()
    await store.graphs.save(ada, given, [])
    assert await store.graphs.save(ada, graph(given.id, name="Second"), []) == 2
    rows = await store.graphs.versions(ada, given.id)
    assert [(row.version, row.is_active, row.name) for row in rows] == [(2, True, "Second"), (1, False, "Sum")]
    assert [(row.graph.version, row.graph.is_active) for row in rows] == [(2, True), (1, False)]
    assert rows[1].updated_at > rows[1].created_at
    active, first = await store.graphs.get(ada, given.id), await store.graphs.get(ada, given.id, 1)
    assert active == rows[0]
    assert first == rows[1]
    assert await store.graphs.get(ada, given.id, 3) is None


async def test_sub_graphs_are_graphs_of_their_own_and_come_back(store: Store) -> None:
    ada = await user(store)
    leaf = graph(name="Leaf")
    first, second = graph(None, leaf, name="First"), graph(None, leaf, name="Second")
    top = graph(None, first, second, leaf, name="Top")
    assert await store.graphs.save(ada, top, []) == 1
    row = await store.graphs.get(ada, top.id)
    assert row is not None
    assert row.graph == top
    stored_leaf = await store.graphs.get(ada, leaf.id)
    assert stored_leaf is not None
    assert stored_leaf.graph == leaf
    assert [found.version for found in await store.graphs.versions(ada, leaf.id)] == [1]

    # The version above keeps naming the version it was saved with.
    await store.graphs.save(ada, graph(leaf.id, name="New leaf"), [])
    row = await store.graphs.get(ada, top.id)
    assert row is not None
    assert [sub.name for sub in row.graph.sub_graphs] == ["First", "Second", "Leaf"]
    assert (row.graph.sub_graphs[2].version, row.graph.sub_graphs[2].is_active) == (1, False)


async def test_a_graph_is_its_owners_only(store: Store) -> None:
    ada, eve = await user(store), await user(store)
    given = graph()
    await store.graphs.save(ada, given, [])
    with pytest.raises(GraphNotFound):
        await store.graphs.save(eve, graph(given.id), [])
    mine = graph(None, graph(given.id))
    with pytest.raises(GraphNotFound):
        await store.graphs.save(eve, mine, [])
    assert await store.graphs.get(eve, mine.id) is None
    assert await store.graphs.get(eve, given.id) is None
    assert await store.graphs.get(eve, given.id, 1) is None
    assert await store.graphs.versions(eve, given.id) == []
    assert len(await store.graphs.versions(ada, given.id)) == 1


async def test_pages_of_graphs_hold_active_versions_newest_first(store: Store) -> None:
    ada = await user(store)
    graphs = [graph(name=str(number)) for number in range(4)]
    for given in graphs:
        await store.graphs.save(ada, given, [])
    await store.graphs.save(ada, graph(graphs[0].id, name="0b"), [])
    first = await store.graphs.page(ada, limit=3, before=None)
    assert ([row.name for row in first.items], first.total_count) == (["0b", "3", "2"], 4)
    rest = await store.graphs.page(ada, limit=3, before=first.next_cursor)
    assert ([row.name for row in rest.items], rest.next_cursor, rest.total_count) == (["1"], None, 4)
    everything = await store.graphs.page(ada, limit=4, before=None)
    assert everything.next_cursor is None


async def test_a_run_shows_the_name_of_its_graph(store: Store) -> None:
    ada = await user(store)
    given = graph(name="Named")
    await store.graphs.save(ada, given, [])
    new = execution(user_id=ada, graph_id=given.id)
    await store.executions.create(new)
    row = await store.executions.get(ada, new.id)
    assert row is not None
    assert row.graph_name == "Named"
    page = await store.executions.page(ada, limit=1, before=None)
    assert page.items == [row]


@pytest.mark.skipif(not AGENTS.is_dir(), reason="agents of others are not part of the tree")
async def test_exported_agents_come_back(store: Store) -> None:
    ada = await user(store)
    for path in sorted(AGENTS.glob("*.json")):
        given = Graph.model_validate_json(path.read_text(encoding="utf-8"))
        given.id = new_id("graph")
        await store.graphs.save(ada, given, [])
        row = await store.graphs.get(ada, given.id)
        assert row is not None
        assert row.graph.model_dump(exclude=(left := {"version", "is_active", "sub_graphs"})) == given.model_dump(
            exclude=left
        ), path.name
        assert [sub.id for sub in row.graph.sub_graphs] == [sub.id for sub in given.sub_graphs]
        # The next file may contain the same sub-graph: it becomes the next version of it.


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("null", "null"),
        ("true", "boolean"),
        ("false", "boolean"),
        ("-1.5", "number"),
        ("7", "number"),
        ('"é"', "string"),
        ("[1]", "array"),
        (' \n{"a": 1}', "object"),
        (" " * 100 + "[]", "array"),
    ],
)
async def test_a_reference_tells_kind_and_size(store: Store, text: str, kind: str) -> None:
    reference = await store.values.put("run", text.encode())
    assert (reference["kind"], reference["size"]) == (kind, len(text.encode()))
    assert await store.values.get([reference, reference]) == {reference["ref"]: json.loads(text)}


async def test_one_text_in_one_run_is_one_value(store: Store) -> None:
    first = await store.values.put("run-a", b"[1]")
    assert await store.values.put("run-a", b"[1]") == first
    other = await store.values.put("run-b", b"[1]")
    assert other["ref"] != first["ref"]
    assert await store.values.get([first, other]) == {first["ref"]: [1], other["ref"]: [1]}
    assert await store.values.get([]) == {}


@pytest.mark.parametrize("ref", ["run-c/" + "0" * 64, "run-c/xyz", "no key"])
async def test_a_value_that_is_gone(store: Store, ref: str) -> None:
    there = await store.values.put("run-c", b"[1]")
    with pytest.raises(ValueMissing):
        await store.values.get([there, Reference(ref=ref, kind="array", size=3)])


async def test_a_value_of_twenty_megabytes(store: Store) -> None:
    text = json.dumps([f"{number:019}" for number in range(1_000_000)]).encode()
    assert len(text) > 20_000_000
    reference = await store.values.put("run-d", text)
    (value,) = (await store.values.get([reference])).values()
    assert (len(value), value[-1]) == (1_000_000, "0000000000000999999")


async def test_the_store_answers(store: Store) -> None:
    await store.ping()
