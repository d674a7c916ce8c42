"""Blocks that have a language model write: a text, the next words of a conversation, a yes or no.

Registered in `catalogue.py` (agent-graphs §17.15).
"""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import Field

from blocks.ai.asking import (
    COSTS,
    CREDENTIALS,
    TRANSIENT,
    Asker,
    ModelChoice,
    ModelInputs,
    chat,
    check_history,
    filled,
    user,
)
from blocks.base import Block, BlockContext, BlockError, BlockInputError, CallTools, Category, Example, Outputs, Yielded
from blocks.language_models import Message, text_of


class AITextGeneratorInputs(ModelInputs):
    prompt: str = Field(description="What to ask; `{{name}}` is filled in from the prompt's values")
    sys_prompt: str = Field("", description="What the model is told beforehand")
    retry: int = Field(3, ge=0, le=20, description="How often an empty answer is asked for again")
    prompt_values: dict[str, str] = Field(default_factory=dict, description="What to fill in")


class AITextGeneratorOutputs(Outputs):
    response: str = Field(description="What the model wrote")
    prompt: list[Any] = Field(description="What it was asked, as messages")


class AITextGenerator(Block[AITextGeneratorInputs]):
    id = "1f292d4a-41a4-4977-9684-7c8d560b9f91"
    name = "AI text generator"
    description = "Has a language model write a text."
    categories = frozenset({Category.AI})
    Input = AITextGeneratorInputs
    Output = AITextGeneratorOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"prompt": "Greet {{name}}.", "prompt_values": {"name": "Ada"}, "model": "ollama/any"},
            (("response", "Good day, Ada."), ("prompt", [user("Greet Ada.")])),
            replies=("Good day, Ada.",),
        ),
    )

    async def run(self, inputs: AITextGeneratorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        prompt = await filled(inputs.prompt, inputs.prompt_values)
        messages = chat(await filled(inputs.sys_prompt, inputs.prompt_values), user(prompt))
        reply = await asker.ask(messages, on_text=context.progress)
        text = reply.text.strip()
        if not text and asker.spent.calls <= inputs.retry:
            yield CallTools(state={"spent": asker.spent.state()})
            return
        if not text:
            raise BlockError(f"The model gave no text (it ended with {reply.finish_reason!r}).")
        yield "response", text
        yield "prompt", messages


class AIConversationInputs(ModelInputs):
    prompt: str = Field("", description="What to say next, after the messages")
    messages: list[Any] = Field(description="The conversation so far: objects with `role` and `content`")


class AIConversationOutputs(Outputs):
    response: str = Field(description="What the model answered")
    prompt: list[Any] = Field(description="The conversation it was given, as messages")


class AIConversation(Block[AIConversationInputs]):
    id = "32a87eab-381e-4dd4-bdb8-4c47151be35a"
    name = "AI conversation"
    description = "Has a language model say the next words of a conversation."
    categories = frozenset({Category.AI})
    Input = AIConversationInputs
    Output = AIConversationOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"messages": [user("My name is Ada.")], "prompt": "Who am I?", "model": "ollama/any"},
            (("response", "Ada."), ("prompt", [user("My name is Ada."), user("Who am I?")])),
            replies=("Ada.",),
        ),
    )

    async def run(self, inputs: AIConversationInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        messages = [_message(message) for message in inputs.messages]
        check_history(messages)
        if inputs.prompt.strip():
            messages.append(user(inputs.prompt))
        if not messages:
            raise BlockInputError("Give messages, a prompt, or both.")
        reply = await asker.ask(messages, on_text=context.progress)
        yield "response", reply.text
        yield "prompt", messages


def _message(raw: Any) -> Message:
    """A message of the conversation; a mere text is the user's. BlockInputError for an empty one."""
    message: Mapping[str, Any] = user(raw) if isinstance(raw, str) else raw
    if not isinstance(message, Mapping) or message.get("role") not in ("system", "user", "assistant", "tool"):
        raise BlockInputError(
            "Each message is an object with a `role` (system, user, assistant, tool) and a `content`."
        )
    if not text_of(message.get("content")).strip() and not message.get("tool_calls"):
        raise BlockInputError("A message has no content.")
    return message


class AIConditionInputs(ModelChoice):
    input_value: Any = Field(description="What is judged")
    condition: str = Field(description="What must hold, in words: `is an email address`")
    yes_value: Any = Field(None, description="What goes out if it holds; the judged value if empty")
    no_value: Any = Field(None, description="What goes out if not; the judged value if empty")


class AIConditionOutputs(Outputs):
    result: bool = Field(description="Whether the condition holds")
    yes_output: Any = Field(description="The value, if it holds")
    no_output: Any = Field(description="The value, if not")


_CONDITION = """Decide whether the condition holds for the input. Answer with the one word true or false, nothing else.

<input>
{value}
</input>

<condition>
{condition}
</condition>"""


class AICondition(Block[AIConditionInputs]):
    id = "553ec5b8-6c45-4299-8d75-b394d05f72ff"
    name = "AI condition"
    description = "Has a language model judge whether a condition in words holds for a value."
    categories = frozenset({Category.AI, Category.LOGIC})
    Input = AIConditionInputs
    Output = AIConditionOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"input_value": "ada@example.com", "condition": "is an email address", "model": "ollama/any"},
            (("result", True), ("yes_output", "ada@example.com")),
            replies=("True.",),
        ),
    )

    async def run(self, inputs: AIConditionInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        question = _CONDITION.format(value=inputs.input_value, condition=inputs.condition)
        reply = await asker.ask(asker.fitted([user(question)]))
        said = {word in ("true", "yes") for word in re.findall(r"\b(true|yes|false|no)\b", reply.text.lower())}
        if len(said) != 1:
            raise BlockError(f"The model said neither true nor false: {reply.text!r:.200}")
        [holds] = said
        yield "result", holds
        name, value = ("yes_output", inputs.yes_value) if holds else ("no_output", inputs.no_value)
        yield name, inputs.input_value if value is None else value
