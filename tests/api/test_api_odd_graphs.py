"""Graphs whose nodes hold anything at all where the API looks for something: no answer is a 500."""

import asyncio
from typing import Any

import httpx
from api_doubles import NotedRuns
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import create_app
from blocks.catalogue import own_catalogue
from settings import Settings
from store.memory import MemoryStore

CATALOGUE = own_catalogue()
AGENT = "e189baac-8c20-45a1-94a7-55177ea42565"
AUTHENTICATED = "fff86bcd-e001-4bad-a7f6-2eae4720c8dc"
DROPDOWN = "655d6fdf-a334-421c-b733-520549c07cd1"
GENERATOR = "1f292d4a-41a4-4977-9684-7c8d560b9f91"
BLOCKS = sorted({AGENT, AUTHENTICATED, DROPDOWN, GENERATOR} & {block.id for block in CATALOGUE}) + [
    block.id for block in CATALOGUE if block.kind.value in ("Input", "Output") or block.credentials
]
KEYS = [
    *("credentials", "discord_credentials", "url", "server_url", "nodes_input_masks", "input_schema", "output_schema"),
    *("name", "value", "title", "description", "secret", "advanced", "options", "placeholder_values", "model", "data"),
    *("graph_id", "graph_version", "inputs", "format", "prompt", "method", "tool_input_schema", "spreadsheet", "a_$_0"),
]
URLS = st.sampled_from(["http://[", "https://[your-host]/api", "http://a:b", "//", "http://\u2100.example", "{{x}}"])
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | URLS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "provider", "type", "inner", "credentials"]), inner, max_size=3)
    ),
    max_leaves=4,
)
CREDENTIALS = st.fixed_dictionaries(
    {},
    optional={"id": ODD, "provider": ODD | st.sampled_from(["llm", "http"]), "type": ODD | st.just("host_scoped")},
)
DEFAULTS = st.dictionaries(st.sampled_from(KEYS), ODD | CREDENTIALS | URLS, max_size=4)


def graph_of(defaults: list[tuple[str, Any]]) -> dict[str, Any]:
    """Nodes of these blocks with these inputs, and an agent that runs a sub-graph of the same."""
    nodes = [{"id": f"n{at}", "block_id": block, "input_default": given} for at, (block, given) in enumerate(defaults)]
    agent = {"graph_id": "sub", "graph_version": 1, "input_schema": {}, "output_schema": {}, "inputs": {}}
    masks: dict[str, Any] = next((given for block, given in defaults if block == AGENT), {})
    parent = {"id": "agent", "block_id": AGENT, "input_default": agent | masks | {"graph_id": "sub"}}
    sub = {"id": "sub", "name": "Sub", "nodes": [{**node, "id": f"s{node['id']}"} for node in nodes], "links": []}
    return {"name": "Odd", "nodes": [*nodes, parent], "links": [], "sub_graphs": [sub]}


async def asked(graph: dict[str, Any]) -> list[httpx.Response]:
    """Answers to all that can be asked about a graph; an exception that leaves the application is raised here."""
    store = MemoryStore()
    await store.users.ensure_user("ann", email="ann@example.org", name="Ann")
    await store.users.add_api_key("ann", name="test", key="key-of-ann")
    app = create_app(Settings(), store=store, temporal=NotedRuns(), catalogue=CATALOGUE)
    transport = httpx.ASGITransport(app)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(transport=transport, base_url="http://heddle.test", headers=headers) as ann:
        answers = [
            await ann.post("/api/graphs", json=graph),
            imported := await ann.post("/api/graphs/import", json=graph),
        ]
        if imported.status_code != 201:
            return answers
        path = f"/api/graphs/{imported.json()['id']}"
        for query in ("", "?for_export=true"):
            answers.append(await ann.get(path + query))
        answers.append(await ann.get("/api/graphs"))
        for masks in ({}, {node["id"]: node["input_default"] for node in graph["nodes"]}):
            answers.append(await ann.post(f"{path}/execute", json={"inputs": {}, "nodes_input_masks": masks}))
        answers.append(await ann.put(path, json=graph))
        return answers


NODES = st.lists(st.tuples(st.sampled_from(BLOCKS), DEFAULTS), min_size=1, max_size=2)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(NODES)
@example([(GENERATOR, {"credentials": {"provider": "llm", "id": ["x"]}})])
@example([(GENERATOR, {"credentials": {"provider": "llm", "id": {}}})])
@example([(AUTHENTICATED, {"url": "https://[your-host]/api"})])
@example([(AUTHENTICATED, {"url": "http://["})])
@example([(AUTHENTICATED, {"url": "http://\u2100.example"})])
@example([(AUTHENTICATED, {}), (AGENT, {"nodes_input_masks": {"a": "str"}})])
@example([(AUTHENTICATED, {}), (AGENT, {"nodes_input_masks": {"a": []}})])
@example([(AUTHENTICATED, {}), (AGENT, {"nodes_input_masks": {"a": None}})])
@example([(AUTHENTICATED, {}), (AGENT, {"nodes_input_masks": ["a"]})])
def test_no_graph_is_too_odd_to_be_answered(defaults: list[tuple[str, Any]]) -> None:
    answers = asyncio.run(asked(graph_of(defaults)))
    assert [answer.text for answer in answers if answer.status_code >= 500] == []
    assert len(answers) > 2, answers[1].text


def test_the_blocks_that_are_tried_are_there() -> None:
    assert {AGENT, AUTHENTICATED, DROPDOWN, GENERATOR} <= set(BLOCKS)
    assert len(BLOCKS) > 20
