"""Exported graphs: nothing secret leaves, and what leaves can be imported again."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_doubles import INPUT, node

from api.exporting_graphs import for_export
from api.graph_reading import graph_of, read_graph
from blocks.catalogue import own_catalogue

AGENTS = Path(__file__).parents[3] / "shared" / "agents"


async def exported(ann: httpx.AsyncClient, path: str, **defaults: Any) -> dict[str, Any]:
    """The inputs of a node that holds these, as exported."""
    body = {"name": "G", "nodes": [node("a", INPUT, name="x") | {"input_default": {"name": "x", **defaults}}]}
    inner = {"id": "sub", "name": "S", "nodes": body["nodes"], "links": []}
    made = (await ann.post("/api/graphs/import", json={**body, "links": [], "sub_graphs": [inner]})).json()
    answer = await ann.get(path.format(id=made["id"]), params={"for_export": "true"})
    assert answer.status_code == 200, answer.text
    (shown,) = answer.json()["nodes"]
    assert answer.json()["sub_graphs"][0]["nodes"][0]["input_default"] == shown["input_default"]
    plain = (await ann.get(f"/api/graphs/{made['id']}")).json()
    assert plain["nodes"][0]["input_default"] == {"name": "x", **defaults}, "what is stored stays"
    return dict(shown["input_default"])


@pytest.mark.parametrize("path", ["/api/graphs/{id}", "/api/graphs/{id}/versions/1"])
async def test_what_is_secret_stays_here(ann: httpx.AsyncClient, path: str) -> None:
    kept = {"name": "x", "description": "What", "hide_password": True, "has_token": False}
    lost = {"api_token_x": "s3cret", "My_API_KEY": "s3cret", "slack_credentials": {"id": "s3cret"}, "secret_of": "s"}
    assert await exported(ann, path, **kept, **lost, value="plain") == {**kept, "value": "plain"}
    assert await exported(ann, path, secret=True, value="s3cret") == {"name": "x", "secret": True}


async def test_secrets_within_inputs_stay_here(ann: httpx.AsyncClient) -> None:
    schema = {"properties": {"api_key": {"title": "API key", "type": "string"}}, "required": ["api_key"]}
    given = {
        "headers": {
            "Authorization": "Bearer s3cret",
            "Set-Cookie": "s3cret",
            "X-API-Key": "s3cret",
            "Accept": "text/html",
        },
        "inputs": {
            "query": "tea",
            "my_api_key": "s3cret",
            "apiKey": "s3cret",
            "rows": [{"password": "s3cret", "name": "Ann"}],
        },
        "input_schema": schema,
    }
    assert await exported(ann, "/api/graphs/{id}", **given) == {
        "name": "x",
        "headers": {"Accept": "text/html"},
        "inputs": {"query": "tea", "rows": [{"name": "Ann"}]},
        "input_schema": schema,
    }


@pytest.mark.skipif(not AGENTS.exists(), reason="other people's agents are not here")
def test_real_files_are_the_same_after_export_and_import() -> None:
    catalogue = own_catalogue()
    files = sorted(AGENTS.glob("*.json"))
    assert files
    for file in files:
        graph = read_graph(graph_of(json.loads(file.read_text()))).graph
        once = for_export(graph, catalogue)
        again = read_graph(graph_of(json.loads(once.model_dump_json())))
        assert again.problems == [], file.name
        assert again.graph == once, file.name
        assert for_export(again.graph, catalogue) == once
        for before, after in zip(graph.nodes, once.nodes, strict=True):
            gone = set(before.input_default) - set(after.input_default)
            assert after.model_copy(update={"input_default": before.input_default}).id == before.id
            assert {name for name in gone if name in ("name", "description")} == set()
