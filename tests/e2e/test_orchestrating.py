"""An agent of tool calls through real processes: its workers are killed, and nothing that was done is done again."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from blocks.ai.orchestrator import Orchestrator
from blocks.people import WaitForEvent
from dev.health import until
from tests.support.blocks import Sink, Trace
from tests.support.graphs import graph, node
from tests.support.model_server import Answer, Asked, ModelServer, calls, chat, model_server
from tests.support.system import System, running_system


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
async def system_with_models(
    temporal_address: str, temporal_executable: Path, database_url: str, tmp_path: Path, server: ModelServer
) -> AsyncIterator[System]:
    urls = json.dumps({"ollama": f"{server.url}/v1"})
    async with running_system(
        temporal_address, temporal_executable, database_url, tmp_path, HEDDLE_LLM_BASE_URLS=urls
    ) as running:
        yield running


def results_in(asked: Asked) -> int:
    """How many tools had answered when the model was asked."""
    return sum(message["role"] == "tool" for message in asked.body["messages"])


async def test_an_orchestrator_killed_between_two_tool_calls_repeats_none(
    system_with_models: System, server: ModelServer, tmp_path: Path
) -> None:
    system, log = system_with_models, tmp_path / "entered"
    stuck, killed = threading.Event(), threading.Event()

    def respond(asked: Asked) -> Answer:
        match results_in(asked):
            case 0:
                return chat(tools=calls(("testtrace", {"value": "first"})))
            case 1:
                if not killed.is_set():
                    stuck.set()
                    killed.wait(60)
                return chat(tools=calls(("testtrace", {"value": "second"})))
            case 2:
                return chat(tools=calls(("wait_for_event", {"name": "go"})))
            case _:
                return chat("All done.")

    server.respond = respond
    tested = graph(
        [
            node("agent", Orchestrator, prompt="Do it.", model="ollama/any", agent_mode_max_iterations=-1),
            node("tool", Trace, file=str(log)),
            node("event", WaitForEvent),
            node("done", Sink, name="done"),
            node("made", Sink, name="made"),
        ],
        "agent.tools -> tool.value",
        "agent.tools -> event.name",
        "agent.finished -> done.value",
        "agent.tool_calls -> made.value",
    )
    execution_id = await system.execute(await system.save(tested))

    # The first tool has run; the model thinks about the second call when the power goes.
    assert await asyncio.to_thread(stuck.wait, 40)
    assert len(log.read_text().splitlines()) == 1
    system.kill_workers()
    killed.set()
    await system.start_worker()

    async def waits_for_the_event() -> bool:
        return any(results_in(asked) == 2 for asked in list(server.asked)) and "listening" in system.temporal(
            "workflow", "query", "--workflow-id", execution_id, "--type", "node_executions"
        )

    # Once more while a tool waits; the workflow keeps the wait.
    assert await until(waits_for_the_event, 60)
    system.kill_workers()
    await system.start_worker()
    system.temporal(
        "workflow",
        "signal",
        "--workflow-id",
        execution_id,
        "--name",
        "event",
        "--input",
        '{"name": "go", "payload": 7}',
    )
    result = await system.ended(execution_id)
    assert result["outputs"]["done"] == ["All done."]
    [made] = result["outputs"]["made"]
    assert [each["result"] for each in made] == ['{"value": "first"}', '{"value": "second"}', '{"payload": 7}']
    assert len(log.read_text().splitlines()) == 2, "each tool was entered once"
    asked = [results_in(request) for request in server.asked]
    assert asked == [0, 1, 1, 2, 3], "only the answer that never came was asked for again"
    [agent] = [n for n in result["nodes"] if n["block_id"] == Orchestrator.id]
    assert agent["stats"]["model_calls"] == 4
