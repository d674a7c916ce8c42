"""Credentials in real runs: real API, real worker, real database. Secrets reach blocks, and nothing else there is."""

import base64
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic_core import from_json
from temporalio.client import Client

from blocks.agent_executor import AgentExecutor
from blocks.people import WaitForEvent
from dev.health import until
from engine.model import GraphPolicy, OnNodeError
from engine.packing import unpack
from store.sealing import new_key
from tests.support.blocks import Fail, Pass, Sink, Source
from tests.support.graphs import graph, node
from tests.support.keyed_blocks import Echo, Either, Keyed, proof
from tests.support.system import USER, System, running_system

CANARY = f"canary-{uuid.uuid4().hex}"
OURS = f"canary-{uuid.uuid4().hex}"
PATH = "/api/integrations/credentials"


@pytest.fixture(scope="module")
async def keyed(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A Heddle that keeps credentials, has one of its own, and logs all that it can."""
    logs = tmp_path_factory.mktemp("logs")
    settings = {
        "HEDDLE_CREDENTIAL_KEYS": f"k1:{new_key()}",
        "HEDDLE_SYSTEM_CREDENTIALS": f'{{"brook": "{OURS}"}}',
        "HEDDLE_LOG_LEVEL": "DEBUG",
    }
    async with running_system(temporal_address, temporal_executable, database_url, logs, **settings) as running:
        yield running


async def kept(system: System, **body: Any) -> dict[str, Any]:
    body = {"provider": "acme", "type": "api_key", "api_key": CANARY} | body
    answer = await system.http.post(PATH, json={name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 201, answer.text
    return {name: answer.json()[name] for name in ("id", "provider", "type")}


def spellings(secret: str) -> list[bytes]:
    return [secret.encode(), base64.b64encode(secret.encode()), secret.encode().hex().encode()]


async def rows_of(database_url: str) -> bytes:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        texts = [
            await connection.fetchval(f'SELECT string_agg(row::text, chr(10)) FROM "{schema}"."{table}" AS row')
            for schema, table in tables
        ]
    finally:
        await connection.close()
    assert len(texts) > 10
    return "\n".join(filter(None, texts)).encode()


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            for name, item in value.items():
                yield name
                yield from strings(item)


async def history_of(client: Client, execution_id: str) -> bytes:
    """All bytes of a run's history, its payloads included, those that are packed also as they are unpacked."""
    history = await client.get_workflow_handle(execution_id).fetch_history()
    parts = [event.SerializeToString() for event in history.events]
    for text in strings(from_json(history.to_json())):
        parts.append(text.encode())
        try:
            payload = base64.b64decode(text, validate=True)
            packed = [each for each in strings(from_json(payload)) if each.startswith(("y", "z"))]
        except ValueError:
            continue
        for each in packed:
            try:
                parts.append(unpack(each))
            except ValueError:
                continue
    return b"\n".join(parts)


async def answers_of(system: System, execution_id: str) -> bytes:
    """What the API says of a run."""
    paths = [f"/api/executions/{execution_id}", f"/api/executions/{execution_id}/results", "/api/executions", PATH]
    texts = [(await system.http.get(path)).text for path in paths]
    texts += [str(event) async for event in system.events(execution_id)]
    return "\n".join(texts).encode()


async def metrics_of(system: System) -> bytes:
    texts = [(await system.http.get("/metrics")).text]
    async with httpx.AsyncClient(trust_env=False) as http:
        for line in "".join(path.read_text() for path in system.logs.glob("worker-*.log")).splitlines():
            if "metrics_port" in line:
                port = from_json(line)["metrics_port"]
                texts.append((await http.get(f"http://127.0.0.1:{port}/metrics")).text)
    assert len(texts) > 1
    return "\n".join(texts).encode()


async def test_a_secret_is_nowhere_but_in_the_block(keyed: System, temporal_client: Client, database_url: str) -> None:
    mine = await kept(keyed)
    login = await kept(keyed, type="user_password", api_key=None, username="ada", password=CANARY)
    hows = ("expected", "unforeseen", "output")
    nodes = [
        node("fine", Keyed, credentials=mine),
        node("login", Keyed, credentials=login),
        node("ours", Either),
        node("proof", Sink, name="proof"),
        node("errors", Sink, name="errors"),
        node("used", Sink, name="used"),
        node("echo", Echo, credentials=mine),
        node("told", Sink, name="told"),
        *(node(how, Keyed, how=how, credentials=mine) for how in hows),
    ]
    arrows = ["fine.used -> used.value"]
    arrows += [f"{name}.proof -> proof.value" for name in ("fine", "login", "ours")]
    arrows += [f"{how}.error -> errors.value" for how in hows]
    arrows += ["echo.told -> told.value"]
    graph_id = await keyed.save(graph(nodes, *arrows))
    execution_id = await keyed.execute(graph_id)
    result = await keyed.ended(execution_id)

    # They were used.
    assert sorted(result["outputs"]["proof"]) == sorted([proof(CANARY), proof(CANARY), proof(OURS)])
    assert sorted(result["outputs"]["errors"]) == [
        "401 for key [redacted] ([redacted])",
        "The other side said: [redacted] is wrong",
        "{'Authorization': 'Bearer [redacted]'}",
    ]
    echoed = {"headers": {"authorization": "Bearer [redacted]"}, "[redacted]": ["[redacted]", "?key=[redacted]"]}
    assert result["outputs"]["told"] == [echoed, [echoed, "x" * 20_000], {"kept": echoed}]
    logs = b"\n".join(path.read_bytes() for path in keyed.logs.glob("*.log"))
    assert logs.count(b"[redacted]") >= 5
    assert b"SecretLost" in logs
    places = {
        "history": await history_of(temporal_client, execution_id),
        "rows": await rows_of(database_url),
        "logs": logs,
        "answers": await answers_of(keyed, execution_id),
        "metrics": await metrics_of(keyed),
    }
    for place, found in places.items():
        assert mine["id"].encode() in found or place in ("metrics", "logs"), f"nothing was looked at in {place}"
        for secret in (CANARY, OURS):
            for spelled in spellings(secret):
                assert spelled not in found, f"the secret is in {place}"


async def test_what_is_deleted_fails_or_is_done_without(keyed: System) -> None:
    """The node waits for an event while its credentials go; by then the run has long begun."""
    mine, other = await kept(keyed), await kept(keyed, provider="brook")
    graph_id = await keyed.save(
        graph(
            [
                node("wait", WaitForEvent, name="go"),
                node("must", Keyed, credentials=mine),
                node("may", Either, credentials=other),
                node("proof", Sink, name="proof"),
                node("errors", Sink, name="errors"),
            ],
            "wait.payload -> must.value",
            "wait.payload -> may.value",
            "may.proof -> proof.value",
            "must.error -> errors.value",
        )
    )
    execution_id = await keyed.execute(graph_id)

    async def waits() -> bool:
        answer = await keyed.http.get(f"/api/executions/{execution_id}/results")
        return [each["status"] for each in answer.json()["nodes"]] == ["RUNNING"]

    assert await until(waits, 40)
    for meta in (mine, other):
        assert (await keyed.http.delete(f"{PATH}/{meta['id']}")).status_code == 204
    await keyed.http.post(f"/api/executions/{execution_id}/events/go", json={"payload": 1})
    result = await keyed.ended(execution_id)
    assert result["outputs"]["proof"] == ["without"]
    (error,) = result["outputs"]["errors"]
    assert error.startswith(f"Unknown credentials #{mine['id']}")
    again = await keyed.http.post(f"/api/graphs/{graph_id}/execute", json={})
    assert again.status_code == 400
    assert {each["code"] for each in again.json()["error"]["details"]["problems"]} == {"unknown_credentials"}


async def test_a_node_that_may_do_without_is_left_out(keyed: System) -> None:
    optional = node("maybe", Keyed).model_copy(update={"metadata": {"credentials_optional": True}})
    graph_id = await keyed.save(
        graph(
            [node("in", Source, name="a"), optional, node("out", Sink, name="proof"), node("end", Sink, name="a")],
            "in.result -> maybe.value",
            "maybe.proof -> out.value",
            "in.result -> end.value",
        )
    )
    result = await keyed.run(graph_id, {"a": 1})
    assert (result["status"], result["outputs"]) == ("COMPLETED", {"a": [1]})
    rows = {each["status"] for each in result["nodes"]}
    assert rows == {"COMPLETED"}
    assert len(result["nodes"]) == 3, "what follows a node that is left out never starts"
    # Given for the run, it is used.
    mine = await kept(keyed)
    detail = (await keyed.http.get(f"/api/graphs/{graph_id}")).json()
    (key,) = detail["credentials_input_schema"]["properties"]
    used = await keyed.run(graph_id, {"a": 1}, credentials_inputs={key: mine})
    assert used["outputs"] == {"a": [1], "proof": [proof(CANARY)]}


async def test_credentials_reach_the_nodes_of_sub_graphs(keyed: System) -> None:
    inner = graph([node("inner", Keyed), node("out", Sink, name="proof")], "inner.proof -> out.value", id="inner")
    properties = {"properties": {"proof": {}}}
    agent = node("sub", AgentExecutor, graph_id="inner", graph_version=1, input_schema={}, output_schema=properties)
    outer = graph([agent, node("out", Sink, name="proof")], "sub.proof -> out.value", sub_graphs=[inner])
    graph_id = await keyed.save(outer)
    mine = await kept(keyed)
    lacking = await keyed.http.post(f"/api/graphs/{graph_id}/execute", json={})
    assert [each["code"] for each in lacking.json()["error"]["details"]["problems"]] == ["missing_credentials"]
    detail = (await keyed.http.get(f"/api/graphs/{graph_id}")).json()
    (key,) = detail["credentials_input_schema"]["required"]
    result = await keyed.run(graph_id, credentials_inputs={key: mine})
    assert result["outputs"] == {"proof": [proof(CANARY)]}


async def test_a_run_that_comes_past_the_api_is_checked_too(keyed: System) -> None:
    graph_id = await keyed.save(graph([node("a", Keyed)]))
    asked = json.dumps({"graph_id": graph_id, "user_id": USER})
    started = json.loads(
        keyed.temporal(
            "workflow", "start", "--type", "GraphExecution", "--task-queue", keyed.environment["HEDDLE_TASK_QUEUE"],
            "-w", f"cli-{uuid.uuid4()}", "-i", asked, "-o", "json",
        )
    )  # fmt: skip

    async def is_over() -> bool:
        answer = await keyed.http.get(f"/api/executions/{started['workflowId']}")
        return answer.status_code == 200 and answer.json()["status"] == "FAILED"

    assert await until(is_over, 40)
    run = (await keyed.http.get(f"/api/executions/{started['workflowId']}")).json()
    assert "These credentials are required: `credentials` of TestKeyed needs acme" in run["error"]


async def test_the_search_would_find_it(keyed: System, temporal_client: Client, database_url: str) -> None:
    """The same places, for a text that is meant to be in them."""
    told = f"told-{uuid.uuid4().hex}"
    graph_id = await keyed.save(graph([node("in", Source, name="a"), node("on", Pass), node("out", Sink, name="b")],
                                      "in.result -> on.value", "on.value -> out.value"))  # fmt: skip
    execution_id = await keyed.execute(graph_id, {"a": told})
    await keyed.ended(execution_id)
    assert told.encode() in await history_of(temporal_client, execution_id)
    assert told.encode() in await rows_of(database_url)
    assert told.encode() in await answers_of(keyed, execution_id)


async def test_a_block_by_itself_gets_credentials(keyed: System) -> None:
    mine, path = await kept(keyed), f"/api/blocks/{Keyed.id}/execute"
    answer = await keyed.http.post(path, json={"credentials": mine})
    assert answer.json() == {"proof": [proof(CANARY)], "used": [mine["id"]]}
    told = await keyed.http.post(f"/api/blocks/{Echo.id}/execute", json={"credentials": mine, "wait": False})
    assert told.json()["told"][0]["headers"] == {"authorization": "Bearer [redacted]"}
    assert CANARY not in told.text
    for how in ("expected", "unforeseen", "output"):
        failed = await keyed.http.post(path, json={"credentials": mine, "how": how})
        assert failed.status_code == 400
        assert "[redacted]" in failed.json()["error"]["message"]
        assert CANARY not in failed.text
    lacking = await keyed.http.post(path, json={})
    assert lacking.json()["error"]["message"].startswith("These credentials are required")
    assert lacking.json()["error"]["details"]["code"] == "credentials_unusable"
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in keyed.logs.glob("*.log"))


async def test_what_has_used_credentials_is_kept_when_its_run_is_resumed(keyed: System) -> None:
    """The row holds the meta of the deployment's credentials, which the node itself does not name."""
    graph_id = await keyed.save(
        graph(
            [node("used", Either), node("fails", Fail), node("out", Sink, name="proof")],
            "used.proof -> fails.value",
            "used.proof -> out.value",
            policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
        )
    )
    execution_id = await keyed.execute(graph_id)
    before = await keyed.ended(execution_id)
    assert before["status"] == "FAILED"

    def done(result: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in result["nodes"] if each["block_id"] == Either.id]

    (first,) = done(before)
    assert first["inputs"]["credentials"]["provider"] == "brook"
    resumed = await keyed.http.post(f"/api/executions/{execution_id}/resume", json={})
    assert resumed.is_success, resumed.text

    async def is_over_again() -> bool:
        answer = await keyed.http.get(f"/api/executions/{execution_id}/results")
        result = answer.json()
        return result["status"] == "FAILED" and result["ended_at"] != before["ended_at"]

    assert await until(is_over_again, 40)
    (again,) = done((await keyed.http.get(f"/api/executions/{execution_id}/results")).json())
    assert again["started_at"] == first["started_at"]
    assert again["ended_at"] == first["ended_at"]
