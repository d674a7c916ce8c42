"""The orchestrator: a language model that calls other nodes as tools (agent-graphs §18).

Registered in `catalogue.py`. Called once, it hands the model's calls to the tools' pins and ends. As an agent it goes
on until the model is done, step by step: each answer of the model and each tool's run is kept before the next begins,
so that none is repeated when a worker dies in between.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.ai.asking import COSTS, CREDENTIALS, TRANSIENT, Asker, ModelInputs, check_history, filled, user
from blocks.base import (
    Block,
    BlockContext,
    BlockError,
    BlockInputError,
    CallTools,
    Category,
    Example,
    NodeCall,
    Outputs,
    Yielded,
)
from blocks.language_models import Message, ToolCall, arguments_of, calls_of
from blocks.llm.models import DEFAULT_MODEL, find_model, provider_of, thinking_models
from blocks.tools import LinkedTool
from engine.model import BlockKind, Filled

PREFIX = "[Main objective]: "
MOST_ITERATIONS = 1_000
"""An agent that may go on for ever ends after so many answers all the same."""

_LONGEST_RESULT = 100_000
"""Characters of a tool's outputs that the model is told; what is more is in the tool's row."""


class ExecutionMode(StrEnum):
    """How the model is made to think."""

    BUILT_IN = "built_in"
    EXTENDED_THINKING = "extended_thinking"
    """At length before each answer, always as an agent; Claude models alone."""


class OrchestratorInputs(ModelInputs):
    prompt: str = Field(description="What is to be done; `{{name}}` is filled in from the prompt's values")
    multiple_tool_calls: bool = Field(False, description="Whether the model may call several tools at a time")
    sys_prompt: str = Field(
        "Think step by step about which function to call next. Fill its parameters with what you know; "
        "where something is missing, do not make it up, and say so.",
        description="What the model is told beforehand",
    )
    conversation_history: list[dict[str, Any]] | None = Field(
        default_factory=list, description="The conversation so far, from the output `conversations`"
    )
    last_tool_output: Any = Field(None, description="What the tool gave that was called last")
    retry: int = Field(3, ge=0, le=20, description="How often the model is asked again after a call that does not fit")
    prompt_values: dict[str, str] = Field(default_factory=dict, description="What to fill in")
    agent_mode_max_iterations: int = Field(
        0,
        ge=-1,
        le=MOST_ITERATIONS,
        description="0: one answer, calls go out through the tools' pins; N: an agent of N answers; -1: no limit. "
        "With extended thinking 0 is like -1",
    )
    execution_mode: ExecutionMode = Field(
        ExecutionMode.BUILT_IN,
        description="extended_thinking: a Claude model thinks at length before each answer, as an agent",
    )
    conversation_compaction: bool = Field(True, description="Shorten what the model's context cannot hold")


class OrchestratorOutputs(Outputs):
    tools: Any = Field(description="Link it to input pins of nodes: these are the tools")
    finished: str = Field(description="The model's last words, when no tool is to be called any more")
    conversations: list[Any] = Field(description="The conversation, with the calls, for the next time")
    tool_functions: str = Field("", description="The tools as the model is told of them, as JSON")
    tool_calls: list[Any] = Field(default_factory=list, description="The calls that an agent made, with what they gave")


@dataclass(slots=True)
class _Work:
    """Where an execution stands between two steps.

    `aside` are answers that did not fit and what was said of them: the model is told, the conversation is spared.
    `pending` are calls whose nodes run just now. `is_new` until the first step has begun.
    """

    conversation: list[Message]
    aside: list[Message] = field(default_factory=list)
    pending: list[ToolCall] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    iterations: int = 0
    tries: int = 0

    def state(self, asker: Asker) -> dict[str, Any]:
        """As it is kept."""
        return {
            "conversation": self.conversation,
            "aside": self.aside,
            "pending": [[call.id, call.name, call.arguments] for call in self.pending],
            "made": self.made,
            "iterations": self.iterations,
            "tries": self.tries,
            "spent": asker.spent.state(),
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "_Work":
        """As it was kept."""
        kept = {name: value for name, value in state.items() if name != "spent"}
        return cls(**{**kept, "pending": [ToolCall(*call) for call in state["pending"]]})


class Orchestrator(Block[OrchestratorInputs]):
    id = "3b191d9f-356f-482d-8238-ba04b6d18381"
    name = "Orchestrator"
    description = "Has a language model decide which of the linked nodes to call, once or until all is done."
    categories = frozenset({Category.AI})
    kind = BlockKind.AI
    Input = OrchestratorInputs
    Output = OrchestratorOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    calls_tools = True
    # In a loop of its own the first round has neither, each later one both (agent-graphs §18.4).
    together = frozenset({"conversation_history", "last_tool_output"})
    examples = (
        Example(
            {"prompt": "Say hello.", "model": "ollama/any"},
            (("tool_functions", "[]"), ("finished", "Hello.")),
            replies=("Hello.",),
        ),
    )

    @classmethod
    def refusals(cls, filled: Filled) -> Iterator[tuple[str, str]]:
        """Beside those of all blocks: links that a loop through this node's pins would never come round by."""
        yield from super().refusals(filled)
        if problem := _cannot_think(filled.values):
            yield "execution_mode", problem
        if _is_agent(filled.values):
            return
        # In pairs: the history says which call the output answers, and neither is of use without the other.
        if len(missing := {"conversation_history", "last_tool_output"} - filled.linked) == 1:
            pin = missing.pop()
            yield pin, f"{_TOGETHER} Link something to `{pin}` too."
        if "last_tool_output" in filled.static:
            yield "last_tool_output", _NOT_STATIC

    async def run(self, inputs: OrchestratorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        tools = {tool.name: tool for tool in context.tools}
        thinks = inputs.execution_mode is ExecutionMode.EXTENDED_THINKING
        if context.resume is None:
            if problem := _cannot_think({"execution_mode": inputs.execution_mode, "model": inputs.model}):
                raise BlockInputError(problem)
            yield "tool_functions", json.dumps([_function(tool) for tool in context.tools], ensure_ascii=False)
            work = _Work(await _begun(inputs))
            if _unanswered(work.conversation):
                # A tool's pins are still to be answered, one run of this node each.
                yield "conversations", work.conversation
                return
        else:
            work = _Work.of(context.resume)
            _take_results(work, context.answer)
        is_agent = thinks or inputs.agent_mode_max_iterations != 0
        most = inputs.agent_mode_max_iterations if inputs.agent_mode_max_iterations > 0 else MOST_ITERATIONS
        offered = [] if is_agent and work.iterations + 1 >= most else context.tools
        messages = [*work.conversation, *work.aside]
        reply = await asker.ask(
            asker.fitted(messages) if inputs.conversation_compaction else messages,
            tools=[tool.spec() for tool in offered],
            many_tool_calls=inputs.multiple_tool_calls,
            thinking=thinks,
            # What takes minutes has to be heard meanwhile, or it would count as broken off.
            on_text=context.progress if thinks else None,
        )
        message = reply.message()
        if not inputs.multiple_tool_calls and reply.tool_calls:
            message["tool_calls"] = message["tool_calls"][:1]
        calls = calls_of(message)
        if problem := _problem(calls, {tool.name: tool for tool in offered}):
            if work.tries >= inputs.retry:
                raise BlockError(f"The model's call does not fit, {work.tries + 1} times: {problem}")
            work.tries += 1
            work.aside = [*work.aside, *_correction(message, calls, problem)]
            yield CallTools(state=work.state(asker))
            return
        work.conversation = [*work.conversation, message]
        work.aside, work.tries, work.iterations = [], 0, work.iterations + 1
        if calls and is_agent:
            work.pending = calls
            yield CallTools([_node_call(tools[call.name], call) for call in calls], work.state(asker))
            return
        for call in calls:
            for name, value in _pins(tools[call.name], call).items():
                yield f"tools_^_{tools[call.name].node_id}_~_{name}", value
        if calls or is_agent:
            yield "conversations", work.conversation
        if is_agent:
            yield "tool_calls", work.made
        if not calls:
            limit = f"Agent mode completed after {work.iterations} iterations (limit reached)"
            yield "finished", reply.text or (limit if is_agent and not offered else "")


_TOGETHER = "Last Tool Output is needed when Conversation History is used, and vice versa."

_NOT_STATIC = (
    "Last Tool Output can't be connected to a static link, like the output of a block that stores a value or of an "
    "agent input: such a value stays, and would answer every call. Link it to the tool itself."
)


def _is_agent(values: Mapping[str, Any]) -> bool:
    """Whether the node runs its tools itself, or may: what fills the input is not known."""
    if values.get("execution_mode", ExecutionMode.BUILT_IN) not in (ExecutionMode.BUILT_IN, None):
        return True
    return values.get("agent_mode_max_iterations", 0) not in (0, None)


def _cannot_think(values: Mapping[str, Any]) -> str:
    """What is wrong where a model is to think that cannot; an empty text otherwise, or when it is not known yet."""
    model = values.get("model") or DEFAULT_MODEL
    if values.get("execution_mode") != ExecutionMode.EXTENDED_THINKING or model is ... or not provider_of(str(model)):
        return ""
    if find_model(str(model)).thinking:
        return ""
    can = ", ".join(thinking_models())
    return f"`execution_mode` extended_thinking is for Claude models that can think: {can}. Or choose built_in."


async def _begun(inputs: OrchestratorInputs) -> list[Message]:
    """The conversation as it goes to the model: history, the objective, and what the last tool gave."""
    history: list[Message] = list(inputs.conversation_history or ())
    check_history(history)
    system = PREFIX + await filled(inputs.sys_prompt, inputs.prompt_values) if inputs.sys_prompt else ""
    prompt = PREFIX + await filled(inputs.prompt, inputs.prompt_values) if inputs.prompt else ""
    if system and not any(m.get("role") == "system" and _is_objective(m) for m in history):
        history.insert(0, {"role": "system", "content": system})
    if prompt and not any(m.get("role") == "user" and _is_objective(m) for m in history):
        history.append(user(prompt))
    pending = _unanswered(history)
    if inputs.last_tool_output is None:
        if pending:
            raise BlockInputError(f"Tool call requires an output for {', '.join(call.name for call in pending)}.")
        return history
    told = _told(inputs.last_tool_output)
    history.append({"role": "tool", "tool_call_id": pending[0].id, "content": told} if pending else user(told))
    return history


def _is_objective(message: Message) -> bool:
    return str(message.get("content") or "").startswith(PREFIX)


def _unanswered(messages: Sequence[Message]) -> list[ToolCall]:
    """Calls in the conversation that no tool has answered, in order."""
    unanswered: list[ToolCall] = []
    for message in messages:
        if message.get("role") == "tool":
            # One answer, one call: some servers give ids that are not unique.
            answered = next((call for call in unanswered if call.id == message.get("tool_call_id")), None)
            if answered:
                unanswered.remove(answered)
        unanswered += calls_of(message)
    return unanswered


def _function(tool: LinkedTool) -> dict[str, Any]:
    spec = tool.spec()
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _problem(calls: Sequence[ToolCall], tools: Mapping[str, LinkedTool]) -> str:
    """What is wrong with the calls, for the model to read; an empty text when nothing is."""
    for call in calls:
        tool = tools.get(call.name)
        if tool is None:
            return f"There is no function {call.name!r:.200}. Functions: {', '.join(tools) or 'none, answer in words'}."
        arguments = arguments_of(call)
        if arguments is None:
            return f"The arguments of {call.name} are no JSON object, or nested too deeply."
        if unknown := [name for name in arguments if name not in tool.pins]:
            return f"{call.name} has no parameters {', '.join(unknown)}; it has {', '.join(tool.pins)}."
        if missing := [name for name in tool.required if arguments.get(name) is None]:
            return f"{call.name} lacks the parameters {', '.join(missing)}."
    return ""


def _correction(message: Message, calls: Sequence[ToolCall], problem: str) -> list[Message]:
    """The answer that does not fit, and what is said of it; every call in it needs an answer."""
    return [
        message,
        *({"role": "tool", "tool_call_id": call.id, "content": f"Not called. {problem}"} for call in calls),
    ]


def _pins(tool: LinkedTool, call: ToolCall) -> dict[str, Any]:
    """Values for all of the tool's pins; None for those that the model left out."""
    arguments = arguments_of(call) or {}
    return {pin: arguments.get(name) for name, pin in tool.pins.items()}


def _node_call(tool: LinkedTool, call: ToolCall) -> NodeCall:
    return NodeCall(tool.node_id, {pin: value for pin, value in _pins(tool, call).items() if value is not None})


def _take_results(work: _Work, answer: Mapping[str, Any] | None) -> None:
    """What the nodes gave that were called, into the conversation."""
    results = (answer or {}).get("calls", ())
    for call, result in zip(work.pending, results, strict=True):
        told = _result(result)
        work.conversation = [*work.conversation, {"role": "tool", "tool_call_id": call.id, "content": told}]
        work.made = [*work.made, {"tool": call.name, "arguments": arguments_of(call), "result": told}]
    work.pending = []


def _result(result: Mapping[str, Any]) -> str:
    """What a tool gave, as the model is told of it."""
    if result["status"] != "COMPLETED":
        return _told({"error": result.get("error") or "The tool was stopped."})
    given = {name: [value for value in values if value is not None] for name, values in result["outputs"].items()}
    shown = {name: values[0] if len(values) == 1 else values for name, values in given.items() if values}
    return _told(shown) if shown else "Tool executed successfully"


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_RESULT else f"{text[:_LONGEST_RESULT]}… ({len(text):,} characters in all)"
