"""Credentials over HTTP: kept, shown without their secrets, deleted; and what a start says of them."""

import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import httpx
import pytest
from api_doubles import AGENT, NotedRuns, TestCatalogue, node
from fastapi import FastAPI
from pydantic import Field

from api import credentials
from api.app import create_app
from blocks.ai.texts import AITextGenerator
from blocks.base import Block, BlockContext, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType
from settings import Settings
from store.memory import MemoryStore
from store.sealing import Keys, new_key

PATH = "/api/integrations/credentials"
CANARY = "canary-4711"
KEY = f"k1:{new_key()}"

API_KEY = {"provider": "acme", "type": "api_key", "title": "Mine", "api_key": CANARY}
LOGIN = {"provider": "acme", "type": "user_password", "username": "ada", "password": CANARY}
HEADERS = {"provider": "http", "type": "host_scoped", "host": "Example.com", "headers": {"Authorization": CANARY}}


class Keyed(Block[Any]):
    id, name, description = "b-keyed", "Keyed", "For tests."
    Output = Outputs

    class Input(Inputs):
        credentials: CredentialsMeta = Field(description="Whose")

    credentials: ClassVar = {
        "credentials": CredentialsField(("acme", "brook"), (CredentialsType.API_KEY, CredentialsType.USER_PASSWORD))
    }

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "error", "never run"


@pytest.fixture
def catalogue() -> TestCatalogue:
    catalogue = TestCatalogue()
    catalogue._blocks[Keyed.id] = Keyed()
    return catalogue


@pytest.fixture
def settings() -> Settings:
    return Settings(credential_keys=KEY, system_credentials="")


async def kept(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json=API_KEY | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return dict(answer.json())


async def keyed_graph(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"name": "Keyed", "nodes": [node("a", Keyed.id), node("b", Keyed.id)], "links": [], **more}
    answer = await client.post("/api/graphs", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def problems(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 400, answer.text
    found: list[dict[str, Any]] = answer.json()["error"]["details"]["problems"]
    return found


@pytest.mark.parametrize("body", [API_KEY, LOGIN, HEADERS], ids=lambda body: body["type"])
async def test_kept_shown_listed_and_deleted(ann: httpx.AsyncClient, store: MemoryStore, body: dict[str, Any]) -> None:
    made = await ann.post(PATH, json=body)
    assert made.status_code == 201
    one = made.json()
    shown = {"provider": body["provider"], "type": body["type"], "title": body.get("title", "")}
    assert one == shown | {
        "id": one["id"],
        "created_at": one["created_at"],
        "host": "example.com" if body is HEADERS else None,
    }
    assert (await ann.get(f"{PATH}/{one['id']}")).json() == one
    listed = await ann.get(PATH)
    assert listed.json()["items"] == [one]
    row = await store.credentials.get("ann", one["id"])
    assert row is not None
    assert CANARY in str(row.open(Keys.parse(KEY)))
    assert CANARY not in repr(row)
    assert CANARY not in made.text + listed.text
    assert (await ann.delete(f"{PATH}/{one['id']}")).status_code == 204
    assert (await ann.get(PATH)).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "oauth2"},
        {"type": "magic"},
        {"provider": "No Such"},
        {"provider": "acme\n"},
        {"api_key": None},
        {"api_key": ""},
        {"api_key": f"{CANARY}\nX-Other: 1"},
        {"api_key": CANARY * 3000},
        {"api_key": {"a": CANARY}},
        {"password": CANARY},
        {"type": "user_password"},
        {"surprise": CANARY},
        {"type": "host_scoped", "api_key": None, "host": CANARY + "/x", "headers": {"A": "b"}},
        {"type": "host_scoped", "api_key": None, "host": "example.com", "headers": {}},
        {"type": "host_scoped", "api_key": None, "host": "example.com", "headers": {"A": f"{CANARY}\r\nB: c"}},
        {"type": "host_scoped", "api_key": None, "host": "example.com", "headers": {f"{CANARY}: b": "c"}},
        {"type": "host_scoped", "api_key": None, "host": "example.com", "headers": {"a": CANARY, "A": CANARY}},
    ],
)
async def test_refused_and_not_repeated(
    ann: httpx.AsyncClient, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await ann.post(PATH, json=API_KEY | body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert CANARY not in answer.text
    assert CANARY not in caplog.text
    assert (await ann.get(PATH)).json()["total_count"] == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"provider": "acmee"}, "No block names this provider. Did you mean acme? Those that blocks name: acme, brook"),
        ({"provider": CANARY}, "No block names this provider. Those that blocks name: acme, brook"),
        ({"provider": "Acme"}, "cannot be read: provider: the name of a provider is written in lower case"),
        ({"provider": "ac me"}, "cannot be read: provider: the name of a provider has letters"),
        ({"type": "oauth2"}, "The request cannot be read: credentials of the type oauth2 cannot be kept yet"),
        ({"api_key": "  "}, "The request cannot be read: api_key: the key must be one line of printable characters"),
    ],
)
async def test_refused_in_words(ann: httpx.AsyncClient, body: dict[str, Any], says: str) -> None:
    answer = await ann.post(PATH, json=API_KEY | body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert says in answer.json()["error"]["message"]
    assert CANARY not in answer.text
    assert (await ann.get(PATH)).json()["total_count"] == 0


async def test_any_provider_of_headers_or_of_an_mcp_server(ann: httpx.AsyncClient) -> None:
    for body in (HEADERS | {"provider": "anyone"}, API_KEY | {"provider": "mcp"}):
        assert (await ann.post(PATH, json=body)).status_code == 201


async def test_a_key_is_kept_without_what_surrounds_it(ann: httpx.AsyncClient, store: MemoryStore) -> None:
    row = await store.credentials.get("ann", (await kept(ann, api_key=f" {CANARY}\n"))["id"])
    assert row is not None
    assert row.open(Keys.parse(KEY)) == {"key": CANARY}


async def test_anothers_do_not_exist(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    path = f"{PATH}/{(await kept(ann))['id']}"
    for client, where in ((bob, path), (ann, f"{PATH}/nobody's"), (ann, f"{PATH}/{'x' * 300}")):
        for method in ("GET", "DELETE"):
            answer = await client.request(method, where)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "credentials_not_found")
    assert (await bob.get(PATH)).json()["items"] == []
    assert (await ann.get(path)).status_code == 200


async def test_listed_by_provider_and_page(ann: httpx.AsyncClient) -> None:
    first, second = await kept(ann), await kept(ann, provider="brook")
    page = (await ann.get(PATH, params={"limit": 1})).json()
    assert (page["items"], page["total_count"]) == ([second], 2)
    rest = (await ann.get(PATH, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert (rest["items"], rest["next_cursor"]) == ([first], None)
    assert (await ann.get(PATH, params={"provider": "acme"})).json()["items"] == [first]


async def test_without_a_key_none_are_kept(store: MemoryStore, runs: NotedRuns) -> None:
    app = create_app(Settings(credential_keys=""), store=store, temporal=runs)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://heddle.test", headers=headers
    ) as ann:
        answer = await ann.post(PATH, json=API_KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "credential_keys_missing")
    assert "HEDDLE_CREDENTIAL_KEYS" in answer.json()["error"]["message"]
    assert CANARY not in answer.text


async def test_only_so_many(ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_CREDENTIALS", 1)
    await kept(ann)
    answer = await ann.post(PATH, json=API_KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_credentials")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"credential_keys": "canary-4711"}, "HEDDLE_CREDENTIAL_KEYS"),
        ({"system_credentials": "canary-4711"}, "HEDDLE_SYSTEM_CREDENTIALS"),
        ({"system_credentials": '["canary-4711"]'}, "HEDDLE_SYSTEM_CREDENTIALS"),
        ({"system_credentials": '{"canary-4711": 1}'}, "HEDDLE_SYSTEM_CREDENTIALS"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_and_not_shown(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refusal:
        create_app(Settings(**wrong), store=MemoryStore())  # type: ignore[arg-type]
    assert CANARY not in str(refusal.value)


async def test_the_deployments_own_are_listed(store: MemoryStore, runs: NotedRuns) -> None:
    settings = Settings(
        credential_keys=KEY, key_of_openai=CANARY, key_of_groq="", system_credentials=f'{{"acme": "{CANARY}"}}'
    )
    app = create_app(settings, store=store, temporal=runs)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://heddle.test", headers=headers
    ) as ann:
        answer = await ann.get(PATH)
        acme = await ann.get(PATH, params={"provider": "acme"})
    system = {each["provider"]: each["id"] for each in answer.json()["system"]}
    assert system["openai"] == "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a"
    assert "acme" in system
    assert not {"groq", "ollama"} & set(system), "nothing of theirs is set"
    assert [each["provider"] for each in acme.json()["system"]] == ["acme"]
    assert CANARY not in answer.text


async def test_a_model_server_of_ones_own_is_listed_where_it_is_set(store: MemoryStore, runs: NotedRuns) -> None:
    app = create_app(Settings(llm_base_urls={"ollama": "http://localhost:11434/v1"}), store=store, temporal=runs)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://heddle.test", headers=headers
    ) as ann:
        system = (await ann.get(PATH)).json()["system"]
    assert [each["provider"] for each in system] == ["ollama"]


# --- starting ---------------------------------------------------------------------------------


async def test_a_start_says_which_node_lacks_what(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    graph = await keyed_graph(ann)
    other = {"id": "nobody's", "provider": "acme", "type": "api_key"}
    masks = {graph["node_ids"]["b"]: {"credentials": other}}
    found = problems(await ann.post(f"/api/graphs/{graph['id']}/execute", json={"nodes_input_masks": masks}))
    assert [(each["code"], each["level"], each["node_id"], each["pin"]) for each in found] == [
        ("missing_credentials", "run", graph["node_ids"]["a"], "credentials"),
        ("unknown_credentials", "run", graph["node_ids"]["b"], "credentials"),
    ]
    assert found[0]["message"].startswith("These credentials are required")
    assert "acme or brook" in found[0]["message"]
    assert found[1]["message"].startswith("Unknown credentials #nobody's")
    assert not runs.started


async def test_anothers_credentials_are_unknown(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    graph, theirs = await keyed_graph(ann), await kept(bob)
    given = {"acme-brook_api_key-user_password_credentials": theirs}
    found = problems(await ann.post(f"/api/graphs/{graph['id']}/execute", json={"credentials_inputs": given}))
    assert {each["code"] for each in found} == {"unknown_credentials"}


async def test_an_imported_agent_asks_for_what_its_author_had(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    mine = {name: value for name, value in (await kept(ann)).items() if name in ("id", "provider", "type")}
    foreign = {"id": "the author's", "provider": "acme", "type": "api_key"}
    of_another_provider = {**mine, "provider": "brook"}
    fixed: dict[str, Any] = {"a": foreign, "b": of_another_provider, "c": "odd", "d": {"id": "x" * 5_000}, "e": mine}
    file = {"name": "Keyed", "nodes": [node(name, Keyed.id, credentials=fixed[name]) for name in fixed], "links": []}
    file["sub_graphs"] = [{"id": "sub", "nodes": [node("s", Keyed.id, credentials=foreign)], "links": []}]
    imported = (await ann.post("/api/graphs/import", json=file)).json()
    assert imported["problems"] == []
    detail = (await ann.get(f"/api/graphs/{imported['id']}")).json()
    named = {each["id"]: each["input_default"].get("credentials") for each in detail["nodes"]}
    assert named == {new: mine if old == "e" else None for old, new in imported["node_ids"].items()}
    (key,) = imported["credentials_input_schema"]["required"]
    answer = await ann.post(f"/api/graphs/{imported['id']}/execute", json={"credentials_inputs": {key: mine}})
    assert answer.status_code == 201, answer.text


async def test_credentials_of_a_graph_reach_its_nodes_as_metas(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    graph, mine, other = await keyed_graph(ann), await kept(ann), await kept(ann, provider="brook")
    detail = (await ann.get(f"/api/graphs/{graph['id']}")).json()
    assert graph["credentials_input_schema"] == detail["credentials_input_schema"], "the import says so too"
    (key,) = detail["credentials_input_schema"]["required"]
    assert detail["credentials_input_schema"]["properties"][key]["credentials_provider"] == ["acme", "brook"]
    meta = {name: mine[name] for name in ("id", "provider", "type")}
    own = {name: other[name] for name in ("id", "provider", "type")}
    body = {"credentials_inputs": {key: meta}, "nodes_input_masks": {graph["node_ids"]["b"]: {"credentials": own}}}
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json=body, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201, answer.text
    (run,) = runs.started.values()
    assert run.nodes_input_masks == {
        graph["node_ids"]["a"]: {"credentials": meta},
        graph["node_ids"]["b"]: {"credentials": own},
    }
    assert CANARY not in run.model_dump_json()
    again = await ann.post(f"/api/graphs/{graph['id']}/execute", json=body, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    body["credentials_inputs"] = {key: own}
    conflict = await ann.post(f"/api/graphs/{graph['id']}/execute", json=body, headers={"Idempotency-Key": "once"})
    assert conflict.status_code == 409


async def test_a_key_that_the_graph_does_not_have(ann: httpx.AsyncClient) -> None:
    graph = await keyed_graph(ann)
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"credentials_inputs": {"groq": {}}})
    (problem,) = problems(answer)
    assert problem["code"] == "unknown_credentials_input"
    assert "acme-brook_api_key-user_password_credentials" in problem["message"]


async def test_sub_graphs_are_asked_too(ann: httpx.AsyncClient, runs: NotedRuns) -> None:
    sub = {"id": "sub", "name": "Sub", "nodes": [node("inner", Keyed.id)], "links": []}
    agent = node("agent", AGENT, graph_id="sub", graph_version=1)
    graph = await keyed_graph(ann, nodes=[agent], sub_graphs=[sub])
    (problem,) = problems(await ann.post(f"/api/graphs/{graph['id']}/execute", json={}))
    detail = (await ann.get(f"/api/graphs/{graph['id']}")).json()
    assert (problem["code"], problem["graph_id"]) == ("missing_credentials", detail["sub_graphs"][0]["id"])
    mine = await kept(ann)
    (key,) = detail["credentials_input_schema"]["required"]
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"credentials_inputs": {key: mine}})
    assert answer.status_code == 201, answer.text
    (run,) = runs.started.values()
    assert list(run.nodes_input_masks) == [detail["sub_graphs"][0]["nodes"][0]["id"]]


async def test_a_graph_that_needs_none_asks_for_none(
    ann: httpx.AsyncClient, graph: dict[str, Any], app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> list[Any]:
        raise AssertionError

    monkeypatch.setattr(app.state.services.store.credentials, "named", never)
    answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={"inputs": {"number": 1}})
    assert answer.status_code == 201
    detail = (await ann.get(f"/api/graphs/{graph['id']}")).json()
    assert detail["credentials_input_schema"] == {"type": "object", "properties": {}, "required": []}


@pytest.mark.parametrize(
    ("model", "urls", "code"),
    [
        ("gpt-4o", {}, "missing_credentials"),
        ("gpt-4o", {"groq": "http://localhost/v1"}, "missing_credentials"),
        ("ollama/phi4", {}, "credentials_not_available"),
        ("gpt-4o", {"openai": "http://localhost/v1"}, None),
        ("ollama/phi4", {"ollama": "http://localhost/v1"}, None),
    ],
)
async def test_a_model_that_nobody_could_ask_is_refused_before_the_start(
    store: MemoryStore, runs: NotedRuns, catalogue: TestCatalogue, model: str, urls: dict[str, str], code: str | None
) -> None:
    catalogue._blocks[AITextGenerator.id] = AITextGenerator()
    app = create_app(Settings(llm_base_urls=urls, key_of_openai=""), store=store, temporal=runs, catalogue=catalogue)
    headers = {"X-API-Key": "key-of-ann"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://heddle.test", headers=headers
    ) as ann:
        graph = await keyed_graph(ann, nodes=[node("a", AITextGenerator.id, prompt="Hi", model=model)])
        answer = await ann.post(f"/api/graphs/{graph['id']}/execute", json={})
    assert [each["code"] for each in ([] if code is None else problems(answer))] == ([code] if code else [])
    assert len(runs.started) == (0 if code else 1)
