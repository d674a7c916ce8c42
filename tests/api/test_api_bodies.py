"""Bodies that are too large, no JSON, or JSON that cannot be kept; and errors in one envelope."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from api_doubles import NotedRuns, sum_graph
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.json_body import DEEPEST, parse
from contracts.errors import InvalidRequest, SystemFault
from store.memory import MemoryStore

PATHS = ["/api/graphs", "/api/graphs/import"]
ENVELOPE = {"code", "message", "severity", "category", "details", "timestamp"}


def check_envelope(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error", "detail"}
    assert set(body["error"]) == ENVELOPE
    return dict(body["error"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"nodes": NaN}', "invalid_json"),
        (b'{"nodes": [Infinity]}', "invalid_json"),
        (b'{"name": "\\ud800"}', "invalid_json"),
        (b'{"name": "\xed\xa0\x80"}', "invalid_json"),
        (b'{"n": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b"[" * 40_000, "invalid_json"),
        (b'{"n": 1e999}', "invalid_request"),
        (b'{"n": ' + b"9" * 400 + b".0}", "invalid_request"),
        (b'{"name": "a\\u0000b"}', "invalid_request"),
        (b'{"a\\u0000b": 1}', "invalid_request"),
        (b'{"n": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "invalid_request"),
        (b"[1, 2]", "invalid_request"),
        (b"null", "invalid_request"),
        (b'"text"', "invalid_request"),
        (b"", "invalid_request"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_unreadable(ann: httpx.AsyncClient, path: str, content: bytes, code: str) -> None:
    answer = await ann.post(path, content=content)
    assert answer.status_code == 400, answer.text
    assert check_envelope(answer)["code"] == code


def test_what_looks_bad_but_is_not() -> None:
    assert parse(b'\xef\xbb\xbf{"a": "\\\\u0000", "b": 1e100, "c": "e1234"}') == {
        "a": "\\u0000",
        "b": 1e100,
        "c": "e1234",
    }
    deep = b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)
    assert parse(b'{"a":' + deep + b"}")["a"]
    assert parse(b"  ") == {}
    with pytest.raises(InvalidRequest):
        parse(b'{"a":[' + deep + b"]}")


async def test_a_huge_number_is_kept(ann: httpx.AsyncClient, graph: dict[str, Any]) -> None:
    content = b'{"inputs": {"number": ' + b"9" * 4000 + b"}}"
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", content=content)
    assert answer.status_code == 201, answer.text
    shown = await ann.get(f"/api/executions/{answer.json()['id']}")
    assert b"9" * 4000 in shown.content


async def test_too_large_by_its_announced_length(
    anyone: httpx.AsyncClient, ann: httpx.AsyncClient, graph: dict[str, Any]
) -> None:
    for client in (anyone, ann):
        answer = await client.post("/api/graphs", content=b"x" * 50_001)
        assert answer.status_code == 413
        assert check_envelope(answer)["code"] == "body_too_large"
    assert (await ann.post(f"/api/graphs/{graph['id']}/execute", content=b"x" * 50_001)).status_code == 400
    assert (await ann.post(f"/api/graphs/{graph['id']}/execute/1", content=b"x" * 200_001)).status_code == 413


async def test_too_large_while_it_arrives(app: FastAPI, ann: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            assert taken < 1000, "nobody stopped us"
            yield b" " * 1000

    answer = await ann.post("/api/graphs", content=endless())
    assert answer.status_code == 413
    assert check_envelope(answer)["code"] == "body_too_large"
    assert taken <= 52


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api/graphs/", 404, "not_found"),
        ("DELETE", "/api/graphs", 405, "method_not_allowed"),
        ("GET", "/api/graphs/a%00b", 404, "graph_not_found"),
        ("GET", "/api/executions/%F0%9F%98%80", 404, "execution_not_found"),
        ("GET", f"/api/executions/{'x' * 300}", 404, "execution_not_found"),
        ("GET", "/api/blocks/%00", 404, "block_not_found"),
        ("GET", "/api/executions?status=DONE", 400, "invalid_request"),
        ("GET", "/api/executions?graph_id=%00", 400, "invalid_request"),
        ("GET", "/api/graphs/x?version=99999999999999999999", 400, "invalid_request"),
    ],
)
async def test_errors_of_paths(ann: httpx.AsyncClient, method: str, path: str, status: int, code: str) -> None:
    answer = await ann.request(method, path)
    assert answer.status_code == status, answer.text
    assert check_envelope(answer)["code"] == code


async def test_a_parameter_that_cannot_be_read_says_where(ann: httpx.AsyncClient) -> None:
    error = check_envelope(await ann.get("/api/graphs?limit=0&cursor=%20"))
    assert [found["location"] for found in error["details"]["errors"]] == ["query.limit", "query.cursor"]


@pytest.mark.parametrize("failure", [RuntimeError("the password is hunter2"), SystemFault("hunter2")])
async def test_nothing_of_an_unexpected_error_gets_out(
    ann: httpx.AsyncClient, store: MemoryStore, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise failure

    store.graphs.page = fail  # type: ignore[assignment, method-assign]
    answer = await ann.get("/api/graphs")
    assert answer.status_code == 500
    error = check_envelope(answer)
    assert (error["code"], error["severity"]) == ("system_error", "critical")
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info is not None
    assert record.exc_info[1] is failure


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["b-input", "b-add", "in", "add", "name", "e189baac-8c20-45a1-94a7-55177ea42565"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


def objects(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys) | st.text(max_size=3), values, max_size=8)


nodes = objects("id", "block_id", "input_default", "metadata", "graph_id", "webhook") | values
links = objects("id", "source_id", "sink_id", "source_name", "sink_name", "is_static") | values
graphs = st.fixed_dictionaries(
    {},
    optional={
        "id": values,
        "name": values,
        "description": values,
        "version": values,
        "policy": values,
        "nodes": st.lists(nodes, max_size=4) | values,
        "links": st.lists(links, max_size=4) | values,
        "sub_graphs": st.lists(st.fixed_dictionaries({"nodes": st.lists(nodes, max_size=2)}) | values, max_size=2),
    },
)
executes = objects(
    "inputs", "input_data", "nodes_input_masks", "credentials_inputs", "preset_id", "number"
) | st.builds(lambda inputs, masks: {"inputs": inputs, "nodes_input_masks": masks}, values, values)
quick = hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(body=graphs | values)
@pytest.mark.parametrize("path", PATHS)
async def test_no_graph_body_makes_a_server_error(ann: httpx.AsyncClient, path: str, body: Any) -> None:
    answer = await ann.post(path, content=json.dumps(body))
    assert answer.status_code in (201, 400), answer.text
    if answer.status_code == 201:
        shown = await ann.get(f"/api/graphs/{answer.json()['id']}")
        assert shown.status_code == 200, shown.text
        assert len(shown.json()["nodes"]) <= len(body.get("graph", body).get("nodes", []))


@quick
@given(change=nodes, where=st.sampled_from(["nodes", "links"]))
async def test_no_strange_part_makes_a_server_error(ann: httpx.AsyncClient, change: Any, where: str) -> None:
    body = sum_graph()
    body[where].append(change)
    for path in PATHS:
        answer = await ann.post(path, content=json.dumps(body))
        assert answer.status_code in (201, 400), answer.text


@quick
@given(body=executes | values)
async def test_no_execute_body_makes_a_server_error(
    ann: httpx.AsyncClient, graph: dict[str, Any], runs: NotedRuns, body: Any
) -> None:
    before = len(runs.started)
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", content=json.dumps(body))
    assert answer.status_code in (201, 400), answer.text
    assert len(runs.started) - before == (answer.status_code == 201)


@quick
@given(content=st.binary(max_size=200))
@pytest.mark.parametrize("path", PATHS)
async def test_no_bytes_make_a_server_error(ann: httpx.AsyncClient, path: str, content: bytes) -> None:
    assert (await ann.post(path, content=content)).status_code == 400


@quick
@given(
    id=st.text(min_size=1, max_size=30).filter(lambda text: text not in (".", "..")),
    query=st.dictionaries(st.sampled_from(["limit", "cursor", "status", "graph_id", "version", "after"]), st.text()),
)
async def test_no_path_or_query_makes_a_server_error(ann: httpx.AsyncClient, id: str, query: dict[str, str]) -> None:
    name = quote(id, safe="", errors="replace")
    for path in (
        "graphs",
        f"graphs/{name}",
        "executions",
        f"executions/{name}",
        f"executions/{name}/events",
        f"blocks/{name}",
    ):
        answer = await ann.get(f"/api/{path}", params=query)
        assert answer.status_code in (200, 400, 404), answer.text
