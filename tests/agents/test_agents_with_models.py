"""Other people's agents that ask language models, run to their end against a local endpoint."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.agents.test_agents import FILES, agent
from tests.support.model_server import ModelServer, anthropic_stream, chat_stream, model_server
from tests.support.system import System, running_system

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")


@pytest.fixture(scope="module")
def running_server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
def server(running_server: ModelServer) -> ModelServer:
    running_server.asked.clear()
    return running_server


@pytest.fixture(scope="module")
async def asking(
    temporal_address: str,
    temporal_executable: Path,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    running_server: ModelServer,
) -> AsyncIterator[System]:
    urls = json.dumps({"openai": f"{running_server.url}/v1", "anthropic": running_server.url})
    logs = tmp_path_factory.mktemp("logs")
    async with running_system(
        temporal_address, temporal_executable, database_url, logs, HEDDLE_LLM_BASE_URLS=urls
    ) as running:
        yield running


async def test_the_function_that_a_model_plays(asking: System, server: ModelServer) -> None:
    server.respond = lambda _: chat_stream("4", "2")
    imported = await asking.import_agent(agent("ai-function"))
    assert imported["problems"] == []
    names = [node["input_default"]["name"] for node in agent("ai-function")["nodes"] if "name" in node["input_default"]]
    outputs = {node["input_default"]["name"] for node in agent("ai-function")["nodes"] if _is_output(node)}
    inputs = {name: f"the {name}" for name in names if name not in outputs}
    result = await asking.run(imported["id"], inputs)
    assert result["status"] == "COMPLETED"
    assert list(result["outputs"].values()) == [["42"]]
    [asked] = server.asked
    assert asked.body["model"] == "o3-mini"
    assert all(any(value in text for text in asked.texts) for value in inputs.values())
    assert "authorization" not in asked.headers, "a local endpoint needs no key"


async def test_the_letter_to_win_somebody_back(asking: System, server: ModelServer) -> None:
    server.respond = lambda _: anthropic_stream("Dear ", "Ada")
    file = agent("win-back-email-writer")
    imported = await asking.import_agent(file)
    assert imported["problems"] == []
    inputs = {n["input_default"]["name"]: "so and so" for n in file["nodes"] if "name" in n["input_default"]}
    for node in file["nodes"]:
        if _is_output(node):
            inputs.pop(node["input_default"]["name"])
    result = await asking.run(imported["id"], inputs)
    assert result["status"] == "COMPLETED"
    assert ["Dear Ada"] in result["outputs"].values()
    assert server.asked[0].body["model"].startswith("claude-")


async def test_the_financial_advisor(asking: System, server: ModelServer) -> None:
    server.respond = lambda _: chat_stream("Save more.")
    imported = await asking.import_agent(agent("financial-advisor-agent-your-personalized-financial-guidance"))
    assert imported["problems"] == []
    result = await asking.run(imported["id"], {})
    assert result["status"] == "COMPLETED"
    assert ["Save more."] in result["outputs"].values()
    assert "USA" in str(server.asked[0].texts)


def _is_output(node: dict[str, object]) -> bool:
    return str(node["block_id"]).startswith("363ae599")
