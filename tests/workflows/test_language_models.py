"""Language models in runs: an orchestrator and its tools, long texts, rate limits; against a local endpoint."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from blocks.ai.orchestrator import Orchestrator
from blocks.people import HumanInTheLoop, WaitForEvent
from contracts.activities import EVENT
from contracts.execution import GRAPH_EXECUTION
from contracts.reviews import REVIEW_NODE
from engine.model import Graph, GraphPolicy, OnNodeError, Status
from store.postgres import PostgresStore
from tests.support.blocks import (
    AITextGenerator,
    AITextSummarizer,
    Big,
    Fail,
    Lines,
    Pass,
    PassOn,
    PassOnce,
    Sink,
    Source,
    Sub,
)
from tests.support.graphs import graph, node
from tests.support.model_server import (
    Asked,
    ModelServer,
    anthropic_thinks,
    calls,
    chat,
    chat_error,
    chat_stream,
    model_server,
)
from tests.workflows.conftest import Outcome, Stack, opened_stack

AGENT: dict[str, Any] = {
    "prompt": "Do it.",
    "model": "ollama/any",
    "agent_mode_max_iterations": -1,
    "multiple_tool_calls": True,
}
LINKS = ["agent.finished -> done.value", "agent.tool_calls -> made.value"]


@pytest.fixture(scope="module")
def running_server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
def server(running_server: ModelServer) -> ModelServer:
    running_server.asked.clear()
    return running_server


@pytest.fixture(scope="module")
async def models(
    temporal_client: Client, store: PostgresStore, database_url: str, running_server: ModelServer
) -> AsyncIterator[Stack]:
    urls = {"ollama": f"{running_server.url}/v1", "anthropic": running_server.url}
    async with opened_stack(temporal_client, store, database_url, llm_base_urls=urls) as opened:
        yield opened


def agent_with(tool: Any, *links: str, agent: dict[str, Any] | None = None, **more: Any) -> Graph:
    nodes = [node("agent", Orchestrator, **AGENT | (agent or {})), node("done", Sink, name="done")]
    return graph([*nodes, node("made", Sink, name="made"), tool], *LINKS, "agent.tools -> tool.value", *links, **more)


async def test_an_agent_runs_its_tools_as_nodes_of_the_run(models: Stack, server: ModelServer) -> None:
    server.in_turn(
        chat(tools=calls(("testpasson", {"value": 1}), ("testpasson", {"value": 2}))),
        chat(tools=calls(("testpasson", {"value": 3}))),
        chat("All done."),
    )
    tested = graph(
        [
            node("agent", Orchestrator, **AGENT),
            node("done", Sink, name="done"),
            node("made", Sink, name="made"),
            node("tool", PassOn),
            node("next", Sink, name="next"),
        ],
        *LINKS,
        "agent.tools -> tool.value",
        "tool.value -> next.value",
    )
    outcome = await models.run(tested)
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.outputs["done"] == ["All done."]
    assert outcome.outputs["next"] == [1, 2, 3], "what tools give is routed on like anything else"
    [made] = outcome.outputs["made"]
    assert [each["result"] for each in made] == ['{"value": 1}', '{"value": 2}', '{"value": 3}']
    rows = outcome.of("tool")
    assert [row.inputs["value"] for row in rows] == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert {row.status for row in rows} == {Status.COMPLETED}
    [agent] = outcome.of("agent")
    assert agent.stats["model_calls"] == 3
    assert agent.stats["input_tokens"] == 30
    assert outcome.execution.stats["node_count"] == 9
    assert len(server.asked) == 3
    assert server.asked[2].texts[-3:] == ['{"value": 2}', "", '{"value": 3}']


async def test_thoughts_are_kept_between_the_steps_of_an_agent(models: Stack, server: ModelServer) -> None:
    thought = {"type": "thinking", "thinking": "I need the tool.", "signature": "c2lnbmVk"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "testpasson", "input": {"value": 1}}
    server.in_turn(anthropic_thinks(thought, call), anthropic_thinks(thought, {"type": "text", "text": "One."}))
    thinking = {"model": "claude-sonnet-4-6", "execution_mode": "extended_thinking", "agent_mode_max_iterations": 0}
    outcome = await models.run(agent_with(node("tool", PassOn), agent=thinking))
    assert outcome.outputs["done"] == ["One."]
    first, second = server.asked
    assert first.body["thinking"] == {"type": "adaptive"}
    assert second.body["messages"][-2:] == [
        {"role": "assistant", "content": [thought, call]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": '{"value": 1}'}],
        },
    ]
    [agent] = outcome.of("agent")
    assert (agent.stats["model_calls"], agent.status) == (2, Status.COMPLETED)


async def test_a_model_that_cannot_think_is_named_before_the_run_begins(models: Stack) -> None:
    outcome = await models.run(agent_with(node("tool", PassOn), agent={"execution_mode": "extended_thinking"}))
    assert outcome.execution.status is Status.FAILED
    assert "is for Claude models that can think" in str(outcome.execution.error)
    assert outcome.nodes == []


@pytest.mark.parametrize("block", [Pass, PassOnce], ids=["in a batch", "effectful"])
async def test_tools_of_every_kind(models: Stack, server: ModelServer, block: Any) -> None:
    server.in_turn(chat(tools=calls((block.name.lower(), {"value": 7}))), chat("Done."))
    outcome = await models.run(agent_with(node("tool", block)))
    assert outcome.outputs["done"] == ["Done."]
    assert server.asked[1].texts[-1] == '{"value": 7}'


async def test_a_sub_graph_as_a_tool(models: Stack, server: ModelServer) -> None:
    child = graph(
        [node("a", Source, name="a question"), node("p", PassOn), node("o", Sink, name="answer")],
        "a.result -> p.value",
        "p.value -> o.value",
        id="tool-child",
        description="Knows the past.",
    ).model_copy(update={"name": "Ask the archive"})
    properties = {"a question": {"type": "string", "title": "A question"}}
    tool = node(
        "tool",
        Sub,
        graph_id="tool-child",
        graph_version=1,
        inputs={},
        input_schema={"properties": properties, "required": ["a question"]},
        output_schema={"properties": {"answer": {}}},
    )
    nodes = [
        node("agent", Orchestrator, **AGENT),
        node("done", Sink, name="done"),
        node("made", Sink, name="made"),
        tool,
    ]
    tested = graph(nodes, *LINKS, "agent.tools -> tool.a question", sub_graphs=[child])
    server.in_turn(chat(tools=calls(("ask_the_archive", {"a_question": "When?"}))), chat("Then."))
    outcome = await models.run(tested)
    assert outcome.outputs["done"] == ["Then."]
    function = server.asked[0].body["tools"][0]["function"]
    assert function["description"] == "Knows the past."
    assert function["parameters"] == {
        "type": "object",
        "properties": {"a_question": {"type": "string"}},
        "required": ["a_question"],
    }
    assert server.asked[1].texts[-1] == '{"answer": "When?"}'


async def test_a_tool_that_fails_is_told_to_the_model(models: Stack, server: ModelServer) -> None:
    server.in_turn(chat(tools=calls(("testfail", {"value": 1}))), chat("Never mind."))
    outcome = await models.run(agent_with(node("tool", Fail)))
    assert outcome.execution.status is Status.COMPLETED
    assert outcome.execution.stats["node_error_count"] == 1
    assert server.asked[1].texts[-1] == '{"error": "boom"}'
    assert outcome.outputs["done"] == ["Never mind."]


@pytest.mark.parametrize("agent", [{}, {"agent_mode_max_iterations": 0}], ids=["an agent", "one answer"])
async def test_tools_that_the_run_leaves_out_are_not_offered(
    models: Stack, server: ModelServer, agent: dict[str, Any]
) -> None:
    server.in_turn(chat("Without."))
    tested = agent_with(node("tool", PassOn), "agent.tools -> kept.value", agent=agent)
    tested = tested.model_copy(update={"nodes": [*tested.nodes, node("kept", Pass)]})
    outcome = await models.run(tested, nodes_to_skip=["tool"])
    assert outcome.outputs["done"] == ["Without."]
    assert [tool["function"]["name"] for tool in server.asked[0].body["tools"]] == ["testpass"]


async def test_an_agent_all_of_whose_tools_are_left_out_fails(models: Stack, server: ModelServer) -> None:
    tested = agent_with(node("tool", PassOn), "agent.error -> done.value")
    outcome = await models.run(tested, nodes_to_skip=["tool"])
    [error] = outcome.outputs["done"]
    assert error.startswith("No available tools to execute")
    assert server.asked == []


async def test_a_constant_that_another_link_brings_stays_with_every_call(models: Stack, server: ModelServer) -> None:
    server.in_turn(
        chat(tools=calls(("testpasson", {"value": 1}), ("testpasson", {"value": 2}))),
        chat("Done."),
    )
    nodes = [
        node("in", Source, name="n"),
        node("hold", PassOn),
        node("agent", Orchestrator, **{**AGENT, "prompt": ""}),
        node("done", Sink, name="done"),
        node("made", Sink, name="made"),
        node("tool", PassOn),
    ]
    tested = graph(
        nodes,
        *LINKS,
        "in.result => tool.note",
        "in.result => hold.value",
        "hold.value -> agent.prompt",
        "agent.tools -> tool.value",
    )
    outcome = await models.run(tested, {"n": "fixed"})
    assert [(row.inputs["value"]["value"], row.inputs["note"]["value"]) for row in outcome.of("tool")] == [
        (1, "fixed"),
        (2, "fixed"),
    ]
    assert outcome.execution.stats["incomplete_count"] == 0


async def test_a_tool_may_wait_for_a_person(models: Stack, server: ModelServer) -> None:
    server.in_turn(chat(tools=calls(("human_in_the_loop", {"data": "a letter"}))), chat("Sent."))
    nodes = [node("agent", Orchestrator, **AGENT), node("done", Sink, name="done"), node("made", Sink, name="made")]
    tested = graph([*nodes, node("tool", HumanInTheLoop, name="Send it?")], *LINKS, "agent.tools -> tool.data")
    handle = await models.start(tested)
    async for _ in models.watch(handle.id):
        row = await models.store.executions.get("11111111-1111-4111-8111-111111111111", handle.id)
        if row and row.status is Status.REVIEW:
            break
    [review] = [row for row in await models.store.executions.nodes(handle.id) if row.status is Status.REVIEW]
    await handle.execute_update(REVIEW_NODE, {"review_id": review.id, "approved": True})
    outcome = await models.outcome(handle)
    assert outcome.outputs["done"] == ["Sent."]
    assert "a letter" in server.asked[1].texts[-1]


async def test_large_results_and_states_stay_out_of_history(models: Stack, server: ModelServer) -> None:
    server.in_turn(
        chat(tools=calls(("testbig", {"value": 40_000}))), chat(tools=calls(("testbig", {"value": 5}))), chat("Ok.")
    )
    outcome = await models.run(agent_with(node("tool", Big)))
    assert outcome.outputs["done"] == ["Ok."]
    assert "x" * 40_000 in server.asked[1].texts[-1]
    assert "x" * 40_000 in server.asked[2].texts[-3]
    history = await outcome.handle.fetch_history()
    assert history.to_json().count("x" * 1000) == 0


async def test_an_agent_is_stopped_with_its_tools(models: Stack, server: ModelServer) -> None:
    server.in_turn(chat(tools=calls(("wait_for_event", {"name": "go"}))))
    nodes = [node("agent", Orchestrator, **AGENT), node("done", Sink, name="done"), node("made", Sink, name="made")]
    tested = graph([*nodes, node("tool", WaitForEvent)], *LINKS, "agent.tools -> tool.name")
    handle = await models.start(tested)
    async for _ in models.watch(handle.id):
        if len(await models.store.executions.nodes(handle.id)) == 2:
            break
    await handle.cancel()
    outcome = await models.outcome(handle)
    assert outcome.execution.status is Status.TERMINATED
    assert {row.status for row in outcome.nodes} == {Status.TERMINATED}


async def test_an_agent_goes_on_in_a_new_history(
    temporal_client: Client, store: PostgresStore, database_url: str, server: ModelServer
) -> None:
    urls = {"ollama": f"{server.url}/v1"}
    async with opened_stack(temporal_client, store, database_url, llm_base_urls=urls, continue_after_events=8) as short:
        waits = chat(tools=calls(("wait_for_event", {"name": "go"})))
        server.in_turn(waits, waits, chat("Done."))
        nodes = [node("agent", Orchestrator, **AGENT), node("done", Sink, name="done"), node("made", Sink, name="made")]
        handle = await short.start(graph([*nodes, node("tool", WaitForEvent)], *LINKS, "agent.tools -> tool.name"))
        for number in range(2):
            async for _ in short.watch(handle.id):
                if len(await store.executions.nodes(handle.id)) == 2 + number:
                    break
            await handle.signal(EVENT, {"name": "go", "payload": number})
        outcome = await short.outcome(handle)
        assert outcome.outputs["done"] == ["Done."]
        [made] = outcome.outputs["made"]
        assert [each["result"] for each in made] == ['{"payload": 0}', '{"payload": 1}']
        first = (await temporal_client.get_workflow_handle(handle.id).describe()).run_id
        assert first != handle.first_execution_run_id
    assert len(server.asked) == 3


async def test_one_answer_goes_out_through_the_tools_pins(models: Stack, server: ModelServer) -> None:
    server.in_turn(chat(tools=calls(("testpasson", {"value": 5}))))
    tested = graph(
        [
            node("once", Orchestrator, prompt="Do it.", model="ollama/any"),
            node("tool", PassOn),
            node("out", Sink, name="out"),
        ],
        "once.tools -> tool.value",
        "tool.value -> out.value",
    )
    outcome = await models.run(tested)
    assert outcome.outputs["out"] == [5]


async def test_a_loop_of_single_answers(models: Stack, server: ModelServer) -> None:
    """The idiom of agents from before agent mode: the tool's output leads back into the orchestrator."""

    def respond(asked: Asked) -> Any:
        done = sum(message["role"] == "tool" for message in asked.body["messages"])
        return chat(tools=calls(("testpasson", {"value": done}))) if done < 2 else chat("Done.")

    server.respond = respond
    tested = graph(
        [
            node("loop", Orchestrator, prompt="Do it.", model="ollama/any"),
            node("first", PassOn, value=[]),
            node("start", PassOn, value="begin"),
            node("tool", PassOn),
            node("done", Sink, name="done"),
        ],
        "first.value -> loop.conversation_history",
        "start.value -> loop.last_tool_output",
        "loop.conversations -> loop.conversation_history",
        "loop.tools -> tool.value",
        "tool.value -> loop.last_tool_output",
        "loop.finished -> done.value",
    )
    outcome = await models.run(tested)
    assert outcome.outputs["done"] == ["Done."]
    assert len(outcome.of("loop")) == 3


async def test_a_rate_limit_is_waited_out(models: Stack, server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server.in_turn(
        chat_error(429, "slowly", retry_after="1"), chat_error(503, "busy", retry_after="0"), chat_stream("He", "llo")
    )
    tested = graph(
        [node("ai", AITextGenerator, prompt="?", model="ollama/x"), node("out", Sink, name="out")],
        "ai.response -> out.value",
    )
    started = asyncio.get_running_loop().time()
    outcome = await models.run(tested)
    assert asyncio.get_running_loop().time() - started > 1
    assert outcome.outputs["out"] == ["Hello"]
    assert len(server.asked) == 3
    [ai] = outcome.of("ai")
    assert ai.attempt == 3
    assert (ai.stats["transients"], ai.stats["last_transient"]) == (2, "ollama cannot answer at the moment (503).")
    for said in (
        "1 s: ModelUnavailable: ollama limits the rate of requests (429).",
        "0 s: ModelUnavailable: ollama cannot",
    ):
        assert f"Node execution {ai.id} is begun anew in {said}" in caplog.text
    assert [output.name for output in ai.outputs] == ["response", "prompt"]


async def test_what_does_not_pass_fails_the_node_after_some_tries(
    temporal_client: Client, store: PostgresStore, database_url: str, server: ModelServer
) -> None:
    urls = {"ollama": f"{server.url}/v1"}
    async with opened_stack(
        temporal_client, store, database_url, llm_base_urls=urls, node_transient_attempts=2
    ) as impatient:
        server.respond = lambda _: chat_error(500, "broken", retry_after="0")
        tested = graph(
            [node("ai", AITextGenerator, prompt="?", model="ollama/x"), node("bad", Sink, name="bad")],
            "ai.error -> bad.value",
        )
        outcome = await impatient.run(tested)
        assert outcome.outputs["bad"] == ["ollama cannot answer at the moment (500)."]
        assert len(server.asked) == 3
        server.asked.clear()
        server.respond = lambda _: chat_error(400, "no such thing")
        outcome = await impatient.run(tested)
        assert outcome.outputs["bad"] == ["ollama refused the request (400): no such thing"]
        assert len(server.asked) == 1


async def test_a_long_text_is_summed_up_step_by_step(models: Stack, server: ModelServer) -> None:
    """A part whose answer does not come is asked for again; those before it are not."""
    answers = [chat("one"), chat("two"), chat_error(503, "busy", retry_after="0"), chat("three"), chat("all")]
    server.in_turn(*answers)
    text = " ".join(f"w{number}" for number in range(24))
    tested = graph(
        [
            node("ai", AITextSummarizer, text=text, model="ollama/x", max_tokens=10, chunk_overlap=2),
            node("out", Sink, name="out"),
        ],
        "ai.summary -> out.value",
    )
    outcome = await models.run(tested)
    assert outcome.outputs["out"] == ["all"]
    asked = [texts[0] for texts in (request.texts for request in server.asked)]
    assert [text.count("w") > 3 for text in asked] == [True] * 4 + [False]
    assert asked[2] == asked[3]
    assert "one\n\ntwo\n\nthree" in asked[4]
    [ai] = outcome.of("ai")
    assert ai.stats["model_calls"] == 4


async def test_a_run_that_is_resumed_does_not_ask_an_agent_again_that_was_done(
    models: Stack, server: ModelServer, tmp_path: Path
) -> None:
    server.in_turn(chat(tools=calls(("testpasson", {"value": 1}))), chat("Done."))
    lines = tmp_path / "lines"
    tested = graph(
        [
            node("agent", Orchestrator, **AGENT),
            node("tool", PassOn),
            node("lines", Lines, value=str(lines)),
            node("done", Sink, name="done"),
        ],
        "agent.tools -> tool.value",
        "agent.finished -> done.value",
        "agent.finished -> lines.note",
        policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
    )
    failed = await models.run(tested)
    assert failed.execution.status is Status.FAILED
    lines.write_text("there")
    asked = {"graph_id": failed.execution.graph_id, "user_id": failed.execution.user_id, "resume": True}
    handle = await models.client.start_workflow(
        GRAPH_EXECUTION, asked, id=failed.handle.id, task_queue=models.settings.task_queue
    )
    resumed = await models.outcome(handle)
    assert resumed.execution.status is Status.COMPLETED
    assert resumed.outputs["done"] == ["Done."]
    assert len(server.asked) == 2


async def resume(models: Stack, stopped: Outcome) -> Outcome:
    """The same run once more."""
    asked = {"graph_id": stopped.execution.graph_id, "user_id": stopped.execution.user_id, "resume": True}
    handle = await models.client.start_workflow(
        GRAPH_EXECUTION, asked, id=stopped.handle.id, task_queue=models.settings.task_queue
    )
    return await models.outcome(handle)


async def test_an_agent_that_was_stopped_goes_on_where_it_was(models: Stack, server: ModelServer) -> None:
    """Two calls that are alike: the one that ended is not repeated, the other is not taken for it."""
    once = chat(tools=calls(("testpassonce", {"value": 1}), ("wait_for_event", {"name": "go"})))
    server.in_turn(chat(tools=calls(("testpassonce", {"value": 1}))), once, chat("Done."))
    nodes = [node("agent", Orchestrator, **AGENT), node("done", Sink, name="done"), node("made", Sink, name="made")]
    nodes += [node("once", PassOnce), node("wait", WaitForEvent), node("given", Sink, name="given")]
    tested = graph(nodes, *LINKS, "agent.tools -> once.value", "agent.tools -> wait.name", "once.value -> given.value")
    handle = await models.start(tested)
    async for _ in models.watch(handle.id):
        rows = await models.store.executions.nodes(handle.id)
        if [row.status for row in rows if row.node_id == "once"] == [Status.COMPLETED] * 2 and len(rows) == 6:
            break
    await handle.cancel()
    stopped = await models.outcome(handle)
    assert stopped.execution.status is Status.TERMINATED
    before = {row.id: row.started_at for row in stopped.of("once")}

    asked = {"graph_id": stopped.execution.graph_id, "user_id": stopped.execution.user_id, "resume": True}
    again = await models.client.start_workflow(
        GRAPH_EXECUTION, asked, id=handle.id, task_queue=models.settings.task_queue
    )
    async for _ in models.watch(handle.id):
        row = await models.store.executions.get(stopped.execution.user_id, handle.id)
        if row and row.status is Status.RUNNING:
            break
    await again.signal(EVENT, {"name": "go", "payload": "went"})
    resumed = await models.outcome(again)
    assert resumed.execution.status is Status.COMPLETED
    assert resumed.outputs["done"] == ["Done."]
    assert resumed.outputs["given"] == [1, 1], "what the calls before led to stays"
    [made] = resumed.outputs["made"]
    assert [each["result"] for each in made] == ['{"value": 1}', '{"value": 1}', '{"payload": "went"}']
    assert {row.id: row.started_at for row in resumed.of("once")} == before
    assert len(server.asked) == 3
    [agent] = resumed.of("agent")
    assert agent.stats["model_calls"] == 3


async def test_an_agent_that_failed_goes_on_after_what_it_had_done(models: Stack, server: ModelServer) -> None:
    server.in_turn(
        chat(tools=calls(("testpassonce", {"value": 1}))),
        chat_error(400, "no money"),
        chat("Done."),
    )
    nodes = [node("agent", Orchestrator, **AGENT), node("done", Sink, name="done"), node("made", Sink, name="made")]
    policy = GraphPolicy(on_node_error=OnNodeError.FAIL)
    tested = graph([*nodes, node("once", PassOnce)], *LINKS, "agent.tools -> once.value", policy=policy)
    failed = await models.run(tested)
    assert failed.execution.status is Status.FAILED
    resumed = await resume(models, failed)
    assert resumed.execution.status is Status.COMPLETED
    assert resumed.outputs["done"] == ["Done."]
    assert [row.started_at for row in resumed.of("once")] == [row.started_at for row in failed.of("once")]
    assert server.asked[2].texts[-1] == '{"value": 1}'


async def test_what_an_agent_that_is_done_had_called_stays_when_its_run_is_resumed(
    models: Stack, server: ModelServer, tmp_path: Path
) -> None:
    server.in_turn(
        chat(tools=calls(("testpasson", {"value": 1}))), chat(tools=calls(("testpasson", {"value": 2}))), chat("Done.")
    )
    lines = tmp_path / "lines"
    nodes = [node("agent", Orchestrator, **AGENT), node("tool", PassOn), node("given", Sink, name="given")]
    tested = graph(
        [*nodes, node("lines", Lines, value=str(lines))],
        "agent.tools -> tool.value",
        "tool.value -> given.value",
        "agent.finished -> lines.note",
        policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
    )
    failed = await models.run(tested)
    assert failed.execution.status is Status.FAILED
    lines.write_text("there")
    resumed = await resume(models, failed)
    assert resumed.execution.status is Status.COMPLETED
    assert resumed.outputs["given"] == [1, 2]
    assert [row.id for row in resumed.of("tool")] == [row.id for row in failed.of("tool")]
    assert len(server.asked) == 3


async def test_a_model_that_nobody_could_ask_fails_the_run_before_it_begins(models: Stack, server: ModelServer) -> None:
    outcome = await models.run(graph([node("asks", AITextGenerator, prompt="Hi", model="gpt-4o")]))
    assert outcome.execution.status is Status.FAILED
    assert "`credentials` of AI text generator needs openai (api_key)" in str(outcome.execution.error)
    assert outcome.nodes == []
    assert server.asked == []


async def test_a_model_that_a_link_brings_is_not_known_before_the_run(models: Stack, server: ModelServer) -> None:
    server.in_turn(chat_stream("Hello."))
    tested = graph(
        [
            node("which", Source, name="which", value="ollama/any"),
            node("asks", AITextGenerator, prompt="Hi"),
            node("said", Sink, name="said"),
        ],
        "which.result => asks.model",
        "asks.response -> said.value",
    )
    assert (await models.run(tested)).outputs["said"] == ["Hello."]
