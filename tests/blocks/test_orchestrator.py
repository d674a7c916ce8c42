"""The orchestrator's steps, with a model and tools that answer as the test says."""

import json
from dataclasses import replace
from typing import Any

import pytest

from blocks.ai.orchestrator import PREFIX, Orchestrator
from blocks.base import BlockError, BlockInputError, CallTools, NodeStats, Wait
from blocks.language_models import ModelUnavailable, calls_of
from blocks.tools import linked_tool, with_names_apart
from engine.model import Filled
from tests.blocks.block_runs import Scripted, run

SCHEMA = {
    "properties": {
        "a": {"type": "number", "description": "One"},
        "b": {"type": "number", "default": 1},
        "values": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "Some"},
        "api_key": {"type": "string"},
    },
    "required": ["a", "values"],
}
ADD = linked_tool("node-1", "Add it!", "Adds", ["a", "b"], SCHEMA, {})
MODEL = {"prompt": "Add {{n}}.", "prompt_values": {"n": "2"}, "model": "ollama/any", "sys_prompt": ""}


def fields(outputs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in outputs}) == len(outputs)
    return dict(outputs)


# --- tools ------------------------------------------------------------------------------------


def test_a_tool_offers_its_linked_pins_under_names_that_models_accept() -> None:
    tool = linked_tool("n", "Größe & Co", "d", ["a", "values_#_my name", "values_$_0", "a"], SCHEMA, {"values": {}})
    assert tool.name == "gr__e___co"
    assert dict(tool.pins) == {"a": "a", "values___my_name": "values_#_my name", "values___0": "values_$_0"}
    spec = tool.spec()
    assert spec.parameters["required"] == ["a"]
    assert spec.parameters["properties"]["a"] == {"type": "number", "description": "One"}
    assert spec.parameters["properties"]["values___my_name"] == {
        "type": "integer",
        "description": "values[my name]: Some",
    }


def test_two_pins_that_would_get_one_name_are_told_apart() -> None:
    tool = linked_tool("n", "t", "d", ["values_#_ä", "values_#_ö"], SCHEMA, {})
    assert len(tool.pins) == 2
    assert set(tool.pins.values()) == {"values_#_ä", "values_#_ö"}


def test_tools_of_one_name_are_numbered_and_say_what_is_fixed_but_no_secret() -> None:
    one = linked_tool("1", "Mail", "Sends", ["a"], SCHEMA, {"to": "ada", "api_key": "hidden", "a": 3})
    two = linked_tool("2", "Mail", "Sends", ["a"], SCHEMA, {"to": "bob"})
    named = with_names_apart([one, ADD, two])
    assert [tool.name for tool in named] == ["mail_1", "add_it_", "mail_2"]
    assert named[0].description == "Sends [fixed: to='ada']"
    assert named[2].description == "Sends [fixed: to='bob']"


WORDS = "MYHEADERSECRET"


@pytest.mark.parametrize(
    "defaults",
    [
        {"headers": {"Authorization": f"Bearer {WORDS}"}},
        {"headers": {"X-Whatever": WORDS}},
        {"headers_#_X-Whatever": WORDS},
        {"headers": [["X-Whatever", WORDS]]},
        {"headers": [{"name": "X-Whatever", "value": WORDS}]},
        {"headers": f"X-Whatever: {WORDS}"},
        {"options": {"deep": [{"apiKey": WORDS}, {"client-secret": WORDS}, {"X-API-Key": WORDS}]}},
        {"options_#_password": WORDS},
        {"options": [{"name": "Cookie", "value": WORDS}, {"key": "token", "value": WORDS}]},
        {"url": f"https://ada:{WORDS}@tea.example/cups"},
        {"url": f"https://tea.example/cups?kind=green&api_key={WORDS}&x=1"},
        {"body": f'{{"passwd": "{WORDS}"}}'},
        {"text": f"send it with Authorization: Basic {WORDS}"},
        {"text": f"send it with bearer {WORDS}"},
        {"pin": WORDS},
    ],
    ids=repr,
)
def test_what_is_fixed_shows_no_secret_at_any_depth(defaults: dict[str, Any]) -> None:
    schema = {"properties": {**SCHEMA["properties"], "pin": {"type": "string", "secret": True}}, "required": []}
    both = [linked_tool(id, "Ask", "Asks", ["a"], schema, {"to": id, **defaults}) for id in "12"]
    for tool in with_names_apart(both):
        assert f"to='{tool.node_id}'" in tool.description
        assert WORDS not in tool.description
        assert WORDS not in json.dumps(tool.spec().parameters)


def test_what_tells_tools_apart_stays_readable() -> None:
    fixed = {
        "headers": {"Accept": "text/csv", "X-Y": "z"},
        "url": "https://tea.example/cups?kind=green",
        "n": [1, None],
    }
    one, _ = with_names_apart(linked_tool(id, "Ask", "Asks", ["a"], SCHEMA, fixed) for id in "12")
    assert "headers={'Accept': 'text/csv', 'X-Y': '[hidden]'}" in one.description
    assert "url='https://tea.example/cups?kind=green', n=[1, None]" in one.description


def test_a_name_is_at_most_64_characters() -> None:
    tools = with_names_apart([linked_tool(str(n), "x" * 200, "d", [], {}, {}) for n in range(12)])
    assert all(len(tool.name) <= 64 for tool in tools)
    assert len({tool.name for tool in tools}) == 12


# --- one answer -------------------------------------------------------------------------------


async def test_a_call_goes_out_through_the_tools_pins() -> None:
    llm = Scripted([("add_it_", {"a": 2})])
    outputs = await run(Orchestrator, MODEL, llm=llm, tools=[ADD])
    assert [name for name, _ in outputs] == [
        "tool_functions",
        "tools_^_node-1_~_a",
        "tools_^_node-1_~_b",
        "conversations",
    ]
    given = fields(outputs)
    assert given["tools_^_node-1_~_a"] == 2
    assert given["tools_^_node-1_~_b"] is None, "what the model left out is None, which goes nowhere"
    assert json.loads(given["tool_functions"])[0]["function"]["name"] == "add_it_"
    [said, asked] = given["conversations"]
    assert said == {"role": "user", "content": f"{PREFIX}Add 2."}
    assert asked["tool_calls"][0]["function"] == {"name": "add_it_", "arguments": '{"a": 2}'}
    assert llm.asked[0].tools == [ADD.spec()]
    assert llm.asked[0].many_tool_calls is False


async def test_without_a_call_it_is_finished() -> None:
    given = fields(await run(Orchestrator, MODEL, llm=Scripted("Four."), tools=[ADD]))
    assert given["finished"] == "Four."
    assert "conversations" not in given


async def test_the_loop_answers_the_first_open_call_and_says_the_objective_once() -> None:
    two = Scripted([("add_it_", {"a": 1}), ("add_it_", {"a": 2})])
    first = await run(Orchestrator, {**MODEL, "multiple_tool_calls": True}, llm=two, tools=[ADD])
    assert [value for name, value in first if name.endswith("_a")] == [1, 2]
    history = dict(first)["conversations"]
    with pytest.raises(BlockInputError, match="Tool call requires an output for add_it_, add_it_"):
        await run(Orchestrator, {**MODEL, "conversation_history": history}, llm=Scripted(), tools=[ADD])
    asked = {**MODEL, "conversation_history": history, "last_tool_output": {"result": 3}}
    second = fields(await run(Orchestrator, asked, llm=Scripted(), tools=[ADD]))
    assert set(second) == {"tool_functions", "conversations"}, "the other call is still open: the model is not asked"
    assert second["conversations"][-1] == {"role": "tool", "tool_call_id": "call_1_0", "content": '{"result": 3}'}
    asked = {**MODEL, "conversation_history": second["conversations"], "last_tool_output": "five"}
    llm = Scripted("Done.")
    third = fields(await run(Orchestrator, asked, llm=llm, tools=[ADD]))
    assert third["finished"] == "Done."
    assert [m["role"] for m in llm.asked[0].messages] == ["user", "assistant", "tool", "tool"]


async def test_an_output_nobody_asked_for_is_the_users() -> None:
    llm = Scripted("Fine.")
    await run(Orchestrator, {**MODEL, "last_tool_output": "news", "sys_prompt": "Be kind."}, llm=llm)
    assert [m["content"] for m in llm.asked[0].messages] == [f"{PREFIX}Be kind.", f"{PREFIX}Add 2.", "news"]


async def test_one_call_is_kept_unless_several_are_allowed() -> None:
    calls = [("add_it_", {"a": 1}), ("add_it_", {"a": 2})]
    given = fields(await run(Orchestrator, MODEL, llm=Scripted(calls), tools=[ADD]))
    assert len(given["conversations"][-1]["tool_calls"]) == 1
    assert given["tools_^_node-1_~_a"] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("nothing", {}), "There is no function 'nothing'"),
        (("add_it_", "{oops"), "no JSON object"),
        (("add_it_", {"a": 1, "z": 2}), "has no parameters z"),
        (("add_it_", {"b": 1}), "lacks the parameters a"),
    ],
)
async def test_a_call_that_does_not_fit_is_asked_again_beside_the_conversation(wrong: Any, said: str) -> None:
    llm, steps = Scripted([wrong], [("add_it_", {"a": 2})]), list[Wait]()
    given = fields(await run(Orchestrator, MODEL, steps, llm=llm, tools=[ADD]))
    assert said in llm.asked[1].messages[-1]["content"]
    assert len(given["conversations"]) == 2, "the conversation knows nothing of it"
    [step] = steps
    assert isinstance(step, CallTools)
    assert step.calls == (), "the answer that was paid for ends a step"


async def test_it_gives_up_after_some_tries() -> None:
    with pytest.raises(BlockError, match="does not fit, 2 times"):
        await run(Orchestrator, {**MODEL, "retry": 1}, llm=Scripted(*[[("nothing", {})]] * 2), tools=[ADD])


# --- an agent ---------------------------------------------------------------------------------


async def test_an_agent_goes_on_until_the_model_is_done() -> None:
    llm = Scripted([("add_it_", {"a": 1})], [("add_it_", {"a": 2, "b": 3})], "All done.")
    steps: list[Any] = []
    given = fields(await run(Orchestrator, {**MODEL, "agent_mode_max_iterations": -1}, steps, llm=llm, tools=[ADD]))
    assert set(given) == {"tool_functions", "conversations", "tool_calls", "finished"}
    assert given["finished"] == "All done."
    assert [[(call.node_id, call.inputs) for call in step.calls] for step in steps] == [
        [("node-1", {"a": 1})],
        [("node-1", {"a": 2, "b": 3})],
    ]
    assert [each["result"] for each in given["tool_calls"]] == ['{"did": {"a": 1}}', '{"did": {"a": 2, "b": 3}}']
    assert [m["role"] for m in given["conversations"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert json.loads(json.dumps(steps[-1].state)) == steps[-1].state


async def test_the_last_answer_of_an_agent_has_no_tools() -> None:
    llm = Scripted([("add_it_", {"a": 1})], "")
    given = fields(await run(Orchestrator, {**MODEL, "agent_mode_max_iterations": 2}, llm=llm, tools=[ADD]))
    assert [bool(request.tools) for request in llm.asked] == [True, False]
    assert given["finished"] == "Agent mode completed after 2 iterations (limit reached)"


async def test_what_it_spent_adds_up_over_its_steps() -> None:

    stats = NodeStats()
    llm = Scripted([("add_it_", {"a": 1})], [("nothing", {})], "Done.")
    system = {"id": "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a", "provider": "openai", "type": "api_key"}
    inputs = {**MODEL, "model": "o1", "credentials": system, "agent_mode_max_iterations": 5}
    await run(Orchestrator, inputs, llm=llm, tools=[ADD], stats=stats)
    assert (stats.model_calls, stats.input_tokens, stats.output_tokens) == (3, 30, 15)
    assert stats.extra_cost == 1, "0.2 cents, rounded up once"


async def test_an_own_key_is_free() -> None:

    stats = NodeStats()
    own = {"id": "mine", "provider": "openai", "type": "api_key"}
    await run(Orchestrator, {**MODEL, "model": "o1", "credentials": own}, llm=Scripted("x"), stats=stats)
    assert (stats.model_calls, stats.extra_cost) == (1, 0)


async def test_what_passes_is_left_to_others() -> None:
    with pytest.raises(ModelUnavailable):
        await run(Orchestrator, MODEL, llm=Scripted(ModelUnavailable("busy", 3)))
    assert Orchestrator.transient == (ModelUnavailable,)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"execution_mode": "extended_thinking"}, "is for Claude models that can think"),
        ({"execution_mode": "extended_thinking", "model": "claude-3-haiku-20240307"}, r"claude-sonnet-4-6\. Or choose"),
        ({"ollama_host": "169.254.169.254"}, "`ollama_host` is not accepted"),
    ],
)
async def test_what_it_refuses(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(BlockInputError, match=said):
        await run(Orchestrator, {**MODEL, **inputs}, llm=Scripted())


# --- what it refuses before a run -------------------------------------------------------------

LOOP = ("conversation_history", "last_tool_output")


def refused(*linked: str, static: tuple[str, ...] = (), **values: Any) -> list[str]:
    return [pin for pin, _ in Orchestrator.refusals(Filled(values, frozenset(linked), frozenset(static)))]


def test_history_and_tool_output_are_linked_together_or_not_at_all() -> None:
    assert refused() == refused("prompt") == refused(*LOOP) == []
    assert refused("conversation_history") == ["last_tool_output"]
    assert refused("last_tool_output") == ["conversation_history"]


def test_the_last_tool_output_does_not_stay() -> None:
    assert refused(*LOOP, static=("last_tool_output",)) == ["last_tool_output"]
    assert refused(*LOOP, static=("conversation_history", "prompt")) == []


@pytest.mark.parametrize("iterations", [-1, 3, ...])
def test_an_agent_keeps_its_conversation_itself(iterations: Any) -> None:
    assert refused("conversation_history", agent_mode_max_iterations=iterations) == []


def test_a_model_that_nobody_knows_is_refused() -> None:
    ((pin, message),) = Orchestrator.refusals(Filled({"model": "gpt-99"}))
    assert pin == "model"
    assert message.startswith("Model 'gpt-99' is not supported. Choose one of")
    assert refused(model="openai/gpt-4o") == refused(model=...) == []


def test_a_model_that_cannot_think_is_refused_when_it_is_to() -> None:
    assert refused(execution_mode="extended_thinking") == ["execution_mode"], "the default model is no Claude"
    assert refused(execution_mode="extended_thinking", model="gpt-4o") == ["execution_mode"]
    assert refused(execution_mode="extended_thinking", model="gpt-99") == ["model"]
    assert refused(execution_mode="extended_thinking", model=...) == []
    assert refused(execution_mode="extended_thinking", model="claude-sonnet-4-6") == []
    assert refused(execution_mode="built_in", model="gpt-4o") == []
    assert refused("conversation_history", execution_mode="extended_thinking", model="claude-sonnet-4-6") == []


# --- extended thinking ------------------------------------------------------------------------


async def test_one_that_thinks_is_an_agent() -> None:
    llm = Scripted([("add_it_", {"a": 2})], "Done.")
    thinking = {**MODEL, "model": "claude-sonnet-4-6", "execution_mode": "extended_thinking"}
    outputs = fields(await run(Orchestrator, thinking, llm=llm, tools=[ADD]))
    assert outputs["finished"] == "Done."
    assert [asked.thinking for asked in llm.asked] == [True, True]
    assert outputs["tool_calls"] == [{"tool": "add_it_", "arguments": {"a": 2}, "result": '{"did": {"a": 2}}'}]


# --- answers that are none --------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ['{"a":' * 5_000, "[" * 200_000, '{"a": ' * 150 + "1" + "}" * 150], ids=len)
async def test_arguments_that_are_nested_too_deeply_are_asked_for_again(arguments: str) -> None:
    llm, steps = Scripted([("add_it_", arguments)], [("add_it_", {"a": 2})]), list[Any]()
    outputs = await run(Orchestrator, MODEL, steps, llm=llm, tools=[ADD])
    assert len(llm.asked) == 2
    assert fields(outputs)["tools_^_node-1_~_a"] == 2


async def test_a_call_without_an_id_is_a_call() -> None:
    class Nameless(Scripted):
        async def complete(self, request: Any, on_text: Any = None) -> Any:
            reply = await super().complete(request, on_text)
            return replace(reply, tool_calls=tuple(replace(call, id="") for call in reply.tool_calls))

    outputs = fields(await run(Orchestrator, MODEL, llm=Nameless([("add_it_", {"a": 2})]), tools=[ADD]))
    assert "finished" not in outputs
    assert outputs["tools_^_node-1_~_a"] == 2
    [call] = calls_of(outputs["conversations"][-1])
    assert call.id


@pytest.mark.parametrize("bad", [5, [5], {"id": "x"}, "x", [{"id": 5}], [{"id": "x", "function": 5}]], ids=repr)
async def test_a_history_with_calls_that_are_none_is_refused_in_words(bad: Any) -> None:
    history = [{"role": "assistant", "content": "", "tool_calls": bad}]
    inputs = {**MODEL, "conversation_history": history, "last_tool_output": 1}
    with pytest.raises(BlockInputError, match="`tool_calls`"):
        await run(Orchestrator, inputs, llm=Scripted("x"), tools=[ADD])
