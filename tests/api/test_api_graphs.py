"""Graphs: strict creation, tolerant import, versions."""

from typing import Any

import httpx
import pytest
from api_doubles import ADD, AGENT, DISABLED, DROPDOWN, INPUT, OUTPUT, link, node, sum_graph
from fastapi import FastAPI

from api.graph_problems import MEANINGS, FileCode
from engine.model import Graph
from store.memory import MemoryStore


def problems_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "validation_error"
    return list(answer.json()["error"]["details"]["problems"])


async def test_create(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/graphs", json=sum_graph())
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/graphs/{body['id']}"
    assert (body["version"], body["name"], body["problems"]) == (1, "Sum", [])
    assert set(body["node_ids"]) == {"in", "add", "out"}
    shown = (await ann.get(f"/api/graphs/{body['id']}")).json()
    assert {n["id"] for n in shown["nodes"]} == set(body["node_ids"].values())
    assert [(li["source_id"], li["sink_id"]) for li in shown["links"]] == [
        (body["node_ids"]["in"], body["node_ids"]["add"]),
        (body["node_ids"]["add"], body["node_ids"]["out"]),
    ]
    assert [li["is_static"] for li in shown["links"]] == [True, False], "forced where the source is static"
    assert all(li["id"] for li in shown["links"])
    assert shown["user_id"] == "ann"


@pytest.mark.parametrize("path", ["/api/graphs", "/api/graphs/import", "/v1/graphs"])
async def test_wrapped(ann: httpx.AsyncClient, path: str) -> None:
    answer = await ann.post(path, json={"graph": sum_graph(), "source": "upload"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["problems"] == []


async def test_strict_creation_lists_everything_and_stores_nothing(ann: httpx.AsyncClient) -> None:
    broken = {
        "name": "  ",
        "description": "x" * 1001,
        "nodes": [node("a", "no-such-block"), node("b", DISABLED), node("c", ADD), "no node", {"id": "d"}],
        "links": [link("a.result", "gone.x"), link("c.nothing", "c.a"), link("c.result", "c.zzz"), {"source_id": "c"}],
    }
    answer = await ann.post("/api/graphs", json=broken)
    problems = problems_of(answer)
    assert {problem["code"] for problem in problems} == {
        "graph_name_empty",
        "description_too_long",
        "unknown_block",
        "block_disabled",
        "unreadable_node",
        "unreadable_link",
        "dangling_link",
        "unknown_source_pin",
        "unknown_sink_pin",
    }
    assert [p["message"] for p in problems if p["code"] == "unreadable_node"] == [
        "nodes[3] should be an object. The node was left out.",
        "nodes[4].block_id is missing. The node was left out.",
    ]
    detail = answer.json()["detail"]
    assert detail["type"] == "validation_error"
    assert "`nothing` is no output of Add" in detail["node_errors"]["c"]["nothing"]
    assert (await ann.get("/api/graphs")).json()["total_count"] == 0


async def test_strict_creation_names_the_way_for_old_files(ann: httpx.AsyncClient) -> None:
    of_2024 = sum_graph(nodes=[node("list", "aeb08fc1-2fc1-4141-bc8e-f758f183a812")], links=[])
    refused = (await ann.post("/api/graphs", json=of_2024)).json()["error"]["message"]
    assert refused.endswith("This looks like an older agent file: POST /api/graphs/import brings it up to date.")
    of_today = sum_graph(nodes=[node("x", "no-such-block")], links=[])
    assert "import" not in (await ann.post("/api/graphs", json=of_today)).json()["error"]["message"]


async def test_strict_creation_refuses_what_could_not_run(ann: httpx.AsyncClient) -> None:
    body = sum_graph(nodes=[node("add", ADD)], links=[])
    (problem,) = problems_of(await ann.post("/api/graphs", json=body))
    assert (problem["code"], problem["node_id"], problem["pin"]) == ("missing_required_input", "add", "a")
    empty = sum_graph(nodes=[], links=[])
    assert [p["code"] for p in problems_of(await ann.post("/api/graphs", json=empty))] == ["no_starting_node"]


async def test_name_limits(ann: httpx.AsyncClient) -> None:
    assert (await ann.post("/api/graphs", json=sum_graph(name=f" {'n' * 100} "))).json()["name"] == "n" * 100
    (problem,) = problems_of(await ann.post("/api/graphs", json=sum_graph(name="n" * 101)))
    assert problem["code"] == "graph_name_too_long"
    assert (await ann.post("/api/graphs", json=sum_graph(name="<b>1 < 2</b>"))).json()["name"] == "<b>1 < 2</b>"


async def test_import_keeps_a_broken_graph_but_will_not_run_it(ann: httpx.AsyncClient) -> None:
    file = sum_graph(name=None)
    file["nodes"] += [node("odd", "no-such-block"), {"id": "torn"}]
    file["links"] += [{"source_id": "in", "sink_id": "add"}]
    answer = await ann.post("/api/graphs/import", json=file)
    body = answer.json()
    assert answer.status_code == 201, answer.text
    assert body["name"] == "Untitled agent"
    by_code = {problem["code"]: problem for problem in body["problems"]}
    assert set(by_code) == {"unknown_block", "unreadable_node", "unreadable_link"} | set(by_code) & {"missing_input"}
    assert by_code["unknown_block"]["node_id"] == body["node_ids"]["odd"]
    shown = (await ann.get(f"/api/graphs/{body['id']}")).json()
    assert shown["problems"] == body["problems"]
    refused = await ann.post(f"/api/graphs/{body['id']}/execute", json={"inputs": {"number": 1}})
    assert {p["code"] for p in problems_of(refused)} == {"unknown_block", "unreadable_node", "unreadable_link"}


async def test_what_a_node_can_do_without_does_not_cost_it(ann: httpx.AsyncClient) -> None:
    file = sum_graph()
    file["nodes"][0]["metadata"] = "at the top"
    file["links"][0]["id"] = ["odd"]
    body = (await ann.post("/api/graphs/import", json=file)).json()
    assert [(problem["code"], problem["message"]) for problem in body["problems"]] == [
        ("unreadable_field", "nodes[0].metadata should be an object. It was left out."),
        ("unreadable_field", "links[0].id should be a text. It was left out."),
    ]
    assert body["node_ids"].keys() == {node["id"] for node in file["nodes"]}
    shown = (await ann.get(f"/api/graphs/{body['id']}")).json()
    assert len(shown["links"]) == len(file["links"])


async def test_null_is_as_good_as_absent(ann: httpx.AsyncClient) -> None:
    nothing = {"version": None, "is_active": None, "policy": None, "instructions": None, "sub_graphs": None}
    file = sum_graph() | nothing
    file["nodes"][0] |= {"metadata": None}
    file["links"][0] |= {"id": None, "is_static": None}
    body = (await ann.post("/api/graphs/import", json=file)).json()
    assert body["problems"] == []


async def test_nodes_may_be_numbered(ann: httpx.AsyncClient) -> None:
    file = sum_graph()
    numbers = {node["id"]: number for number, node in enumerate(file["nodes"])}
    for each in file["nodes"]:
        each["id"] = numbers[each["id"]]
    for number, each in enumerate(file["links"]):
        each |= {"id": number, "source_id": numbers[each["source_id"]], "sink_id": numbers[each["sink_id"]]}
    body = (await ann.post("/api/graphs/import", json=file)).json()
    assert body["problems"] == []
    assert body["node_ids"].keys() == {str(number) for number in numbers.values()}


async def test_what_the_file_lost_keeps_it_from_running(ann: httpx.AsyncClient) -> None:
    file = sum_graph()
    file["links"].append({"source_id": "in"})
    body = (await ann.post("/api/graphs/import", json=file)).json()
    refused = await ann.post(f"/api/graphs/{body['id']}/execute", json={"inputs": {"number": 1}})
    assert {p["code"] for p in problems_of(refused)} == {"unreadable_link"}


@pytest.mark.parametrize("path", ["/api/graphs", "/api/graphs/import"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nodes": None},
        {"nodes": "x"},
        {"graph": []},
        {"nodes": [], "links": {"a": 1}},
        {"nodes": [], "sub_graphs": 3},
    ],
)
async def test_no_graph_at_all(ann: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await ann.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


async def test_ids_of_sub_graphs(ann: httpx.AsyncClient) -> None:
    main = {
        "id": "main",
        "name": "Main",
        "nodes": [
            node("own", AGENT, graph_id="child", graph_version=7, inputs=None, user_id="somebody"),
            node("other", AGENT, graph_id="elsewhere", graph_version=7, user_id="somebody"),
            node("keys", INPUT, name="k", value={"token": {"_credentials_id": "secret", "x": 1}}),
        ],
        "links": [],
        "sub_graphs": [{"id": "child", "name": "Child", **{k: sum_graph()[k] for k in ("nodes", "links")}}],
    }
    body = (await ann.post("/api/graphs", json=main)).json()
    shown = (await ann.get(f"/api/graphs/{body['id']}")).json()
    defaults = {old: next(n for n in shown["nodes"] if n["id"] == new) for old, new in body["node_ids"].items()}
    own, other = defaults["own"]["input_default"], defaults["other"]["input_default"]
    assert own == {"graph_id": body["graph_ids"]["child"], "graph_version": 1, "inputs": {}, "user_id": "ann"}
    assert other == {"graph_id": "elsewhere", "graph_version": 7, "inputs": {}, "user_id": "ann"}
    assert defaults["keys"]["input_default"]["value"] == {"token": {"_credentials_id": None, "x": 1}}
    child = (await ann.get(f"/api/graphs/{body['graph_ids']['child']}")).json()
    assert child["name"] == "Child"
    assert child["links"][0]["is_static"] is True
    assert [sub["id"] for sub in shown["sub_graphs"]] == [child["id"]]


async def test_problems_of_sub_graphs_say_where(ann: httpx.AsyncClient) -> None:
    child = {"id": "child", "nodes": [node("x", "no-such-block")], "links": []}
    problems = problems_of(await ann.post("/api/graphs", json=sum_graph(sub_graphs=[child])))
    assert [(p["code"], p["graph_id"], p["node_id"]) for p in problems] == [("unknown_block", "child", "x")]


async def test_legacy_tool_links_follow_their_node(ann: httpx.AsyncClient) -> None:
    body = sum_graph()
    body["links"].append(
        {"source_id": "add", "source_name": "tools_^_out_~_value", "sink_id": "out", "sink_name": "value"}
    )
    saved = (await ann.post("/api/graphs", json=body)).json()
    shown = (await ann.get(f"/api/graphs/{saved['id']}")).json()
    assert shown["links"][2]["source_name"] == f"tools_^_{saved['node_ids']['out']}_~_value"


async def test_what_is_shown_is_all_there_is_of_a_graph(ann: httpx.AsyncClient) -> None:
    policy = {"on_node_error": "fail", "max_concurrent_nodes": 3}
    made = (await ann.post("/api/graphs", json=sum_graph(policy=policy))).json()
    shown = (await ann.get(f"/api/graphs/{made['id']}")).json()
    assert set(Graph.model_fields) <= set(shown)
    assert shown["policy"] == policy
    assert (await ann.put(f"/api/graphs/{made['id']}", json=shown)).json()["problems"] == []
    exported = (await ann.get(f"/api/graphs/{made['id']}", params={"for_export": "true"})).json()
    assert (exported["version"], exported["policy"]) == (2, policy)


async def test_a_policy_that_there_is_not(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/graphs", json=sum_graph(policy={"on_nod_error": "fail"}))
    assert answer.status_code == 400
    assert "policy.on_nod_error is unknown; there are on_node_error, max_concurrent_nodes." in answer.text


async def test_versions(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    second = await ann.put(f"/api/graphs/{graph['id']}", json=sum_graph(name="Sum 2"))
    assert second.status_code == 200
    assert (second.json()["id"], second.json()["version"]) == (graph["id"], 2)
    assert second.json()["node_ids"]["in"] != graph["node_ids"]["in"]
    listed = (await ann.get(f"/api/graphs/{graph['id']}/versions")).json()
    assert [(v["version"], v["is_active"], v["name"]) for v in listed["items"]] == [
        (2, True, "Sum 2"),
        (1, False, "Sum"),
    ]
    for path in (f"/api/graphs/{graph['id']}/versions/1", f"/api/graphs/{graph['id']}?version=1"):
        assert (await ann.get(path)).json()["name"] == "Sum"
    assert (await ann.get(f"/api/graphs/{graph['id']}")).json()["version"] == 2
    assert (await ann.get(f"/api/graphs/{graph['id']}/versions/3")).status_code == 404
    assert (await ann.put(f"/api/graphs/{graph['id']}", json=sum_graph(name=""))).status_code == 400
    assert (await ann.put("/api/graphs/unknown", json=sum_graph())).status_code == 404


async def test_pages(ann: httpx.AsyncClient) -> None:
    names = [f"Graph {n}" for n in range(5)]
    for name in names:
        assert (await ann.post("/api/graphs", json=sum_graph(name=name))).status_code == 201
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await ann.get("/api/graphs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        assert page["total_count"] == 5
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == names[::-1]
    for bad in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "no cursor"}, {"cursor": "abcd"}):
        answer = await ann.get("/api/graphs", params=bad)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid_request"


async def test_schemas(ann: httpx.AsyncClient) -> None:
    nodes = [
        node("1", INPUT, name="plain"),
        node("2", INPUT, name="shy", value=5, title="Shy", description="Hides", advanced=True, secret=True),
        node("3", DROPDOWN, name="choice", options=["a", "b"], advanced=True),
        node("4", INPUT, name="ignores", placeholder_values=["x"]),
        node("5", OUTPUT, name="result", value=0),
    ]
    saved = (await ann.post("/api/graphs", json=sum_graph(nodes=nodes, links=[]))).json()
    shown = (await ann.get(f"/api/graphs/{saved['id']}")).json()
    schema = shown["input_schema"]
    assert schema["required"] == ["plain", "choice", "ignores"]
    assert schema["properties"]["plain"] == {"title": "plain", "secret": False, "advanced": False}
    assert schema["properties"]["shy"] == {
        "title": "Shy",
        "description": "Hides",
        "default": 5,
        "secret": True,
        "advanced": True,
    }
    assert schema["properties"]["choice"]["enum"] == ["a", "b"]
    assert schema["properties"]["choice"]["advanced"] is False, "nothing to fall back on"
    assert schema["properties"]["choice"]["anyOf"]
    assert "enum" not in schema["properties"]["ignores"]
    assert shown["output_schema"]["required"] == []
    assert list(shown["output_schema"]["properties"]) == ["result"]


async def test_blocks(ann: httpx.AsyncClient, app: FastAPI, store: MemoryStore) -> None:
    listed = (await ann.get("/api/blocks")).json()
    assert [block["name"] for block in listed["items"]] == ["Add", "Agent", "Dropdown", "Input", "Output"]
    shown = (await ann.get(f"/api/blocks/{ADD}")).json()
    assert shown["costs"] == [{"cost_amount": 2, "cost_type": "run", "cost_filter": {"b": 3}, "cost_divisor": 1}]
    assert (shown["uiType"], shown["staticOutput"], shown["categories"]) == ("Standard", False, ["LOGIC"])
    assert shown["inputSchema"]["required"] == ["a"]
    unknown = await ann.get("/api/blocks/none")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "block_not_found")


def test_every_code_of_a_file_has_a_meaning() -> None:
    assert set(MEANINGS) == set(FileCode)
