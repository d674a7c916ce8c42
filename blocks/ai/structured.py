"""Blocks that have a language model answer in a form: an object with given keys, a list.

Registered in `catalogue.py`. An answer that does not fit is sent back with what is wrong with it, a few times; each
answer ends a step, so that those before it are not asked for again (agent-graphs §17.15).
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from pydantic import Field

from blocks.ai.asking import COSTS, CREDENTIALS, TRANSIENT, Asker, ModelInputs, chat, check_history, filled, user
from blocks.base import Block, BlockContext, BlockError, CallTools, Category, Example, Outputs, Yielded
from blocks.language_models import Message
from contracts import nesting
from contracts.errors import ValueTooDeep

_OPENED, _CLOSED = "<json_output>", "</json_output>"
_FENCE = "```"
_BEGIN = re.compile(r"[\[{]")
_MOST_FAILURES = 50
"""So many brackets may begin something that is no JSON, each of which costs a look at what follows."""


class NoFit(ValueError):
    """The answer is not of the form that was asked for; the text says what is wrong, for the model to read."""


def parsed(text: str, opening: str) -> Any:
    """The JSON in an answer: between tags, in a fence, or anywhere. NoFit when there is none.

    Of several values it is the longest that begins with `opening`: what else there is are counts and references.
    """
    candidates = [*_tagged(text), *_fenced(text), text]
    problem = "there is no JSON in the answer"
    for candidate in candidates:
        try:
            return _longest(candidate, opening)
        except NoFit as error:
            problem = str(error)
    raise NoFit(problem)


def _tagged(text: str) -> Iterator[str]:
    """What stands between tags. Found step by step: a pattern would look for the end anew from each of many starts."""
    start = text.find(_OPENED)
    while start >= 0:
        start += len(_OPENED)
        end = text.find(_CLOSED, start)
        if end < 0:
            return
        yield text[start:end]
        start = text.find(_OPENED, end)


def _fenced(text: str) -> Iterator[str]:
    """What stands in fences whose first line holds nothing else, or `json`."""
    start = text.find(_FENCE)
    while start >= 0:
        start += len(_FENCE)
        end = text.find(_FENCE, start)
        if end < 0:
            return
        line, newline, rest = text[start:end].partition("\n")
        if newline and line.strip().lstrip("`") in ("", "json"):
            yield rest
            end += len(_FENCE)
        # What ended nothing may begin something.
        start = text.find(_FENCE, end)


def _longest(text: str, opening: str) -> Any:
    """The longest object or list in the text, rather one that begins with `opening`. NoFit when there is none."""
    decoder, best, problem = json.JSONDecoder(strict=False), None, "there is no JSON object or list in the answer"
    at, failures = 0, 0
    while failures < _MOST_FAILURES and (begin := _BEGIN.search(text, at)):
        start = begin.start()
        try:
            value, at = decoder.raw_decode(text, start)
        except RecursionError:
            problem = "the JSON is nested too deeply"
            break
        except json.JSONDecodeError as error:
            failures, problem = failures + 1, f"the JSON cannot be read: {error}"
            # Behind what could be read, since a part of a broken list is not the list.
            at = len(text) if error.msg.startswith("Unterminated") else max(start + 1, error.pos)
            continue
        except ValueError as error:
            failures, problem, at = failures + 1, f"the JSON cannot be read: {error}", start + 1
            continue
        rank = (text[start] == opening, at - start)
        if best is None or rank > best[0]:
            best = (rank, value)
    if best is None:
        raise NoFit(problem)
    try:
        nesting.parsed(json.dumps(best[1]).encode())
    except (ValueTooDeep, RecursionError):
        raise NoFit("the JSON is nested too deeply") from None
    except ValueError:
        pass  # characters that cannot be stored; they are replaced further on
    return best[1]


async def until_it_fits(
    asker: Asker, messages: list[Message], fits: Callable[[str], Any], tries: int, *, json_object: bool
) -> AsyncIterator[Any]:
    """Ask once more than what was answered before; yield what fits, or a `CallTools` that keeps what did not.

    BlockError after so many tries.
    """
    state = asker.context.resume or {}
    answered: list[Message] = state.get("answered", [])
    reply = await asker.ask([*messages, *answered], json_object=json_object)
    try:
        yield fits(reply.text)
        return
    except NoFit as error:
        problem = str(error)
    if len(answered) // 2 + 1 >= tries:
        raise BlockError(f"The model's answer did not fit, {tries} times; the last time {problem}.")
    said = {"role": "assistant", "content": reply.text or "(nothing)"}
    answered = [*answered, said, user(f"Your answer does not fit: {problem}. Answer again, in the form asked for.")]
    yield CallTools(state={"answered": answered, "spent": asker.spent.state()})


class AIStructuredResponseInputs(ModelInputs):
    prompt: str = Field(description="What to ask; `{{name}}` is filled in from the prompt's values")
    expected_format: dict[str, str] = Field(description="The keys of the answer, each with what belongs there")
    list_result: bool = Field(False, description="Whether the answer is a list of such objects")
    force_json_output: bool = Field(False, description="Have the provider see to it that the answer is JSON")
    sys_prompt: str = Field("", description="What the model is told beforehand")
    conversation_history: list[dict[str, Any]] | None = Field(
        default_factory=list, description="Messages that come before the prompt"
    )
    retry: int = Field(3, ge=1, le=20, description="How often the model is asked, should its answers not fit")
    prompt_values: dict[str, str] = Field(default_factory=dict, description="What to fill in")
    compress_prompt_to_fit: bool = Field(True, description="Shorten what the model's context cannot hold")


class AIStructuredResponseOutputs(Outputs):
    response: dict[str, Any] | list[dict[str, Any]] = Field(description="The answer: an object, or a list of objects")
    prompt: list[Any] = Field(description="What the model was asked, as messages")


def _form(expected: Mapping[str, str], *, many: bool) -> str:
    shown = json.dumps(dict(expected), indent=2, ensure_ascii=False)
    what = "a JSON array of objects, each with" if many else "one JSON object with"
    return (
        f"Answer with {what} exactly these keys; the values here say what belongs there:\n{shown}\n"
        "Put the JSON between <json_output> and </json_output>. Escape line breaks inside of texts as \\n."
    )


class AIStructuredResponseGenerator(Block[AIStructuredResponseInputs]):
    id = "ed55ac19-356e-4243-a6cb-bc599e9b716f"
    name = "AI structured response generator"
    description = (
        "Has a language model answer with an object of given keys, checked and asked for again if it does not fit."
    )
    categories = frozenset({Category.AI})
    Input = AIStructuredResponseInputs
    Output = AIStructuredResponseOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"prompt": "Who wrote the first program?", "expected_format": {}, "model": "ollama/any"},
            (("response", {"response": "Ada"}), ("prompt", [user("Who wrote the first program?")])),
            replies=("Ada",),
        ),
    )

    async def run(self, inputs: AIStructuredResponseInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        system = await filled(inputs.sys_prompt, inputs.prompt_values)
        if inputs.expected_format:
            system = "\n\n".join(filter(None, [system, _form(inputs.expected_format, many=inputs.list_result)]))
        prompt = await filled(inputs.prompt, inputs.prompt_values)
        check_history(inputs.conversation_history or ())
        messages = chat(system, *(inputs.conversation_history or ()), user(prompt))
        asked = asker.fitted(messages) if inputs.compress_prompt_to_fit else messages
        if not inputs.expected_format:
            reply = await asker.ask(asked)
            yield "response", {"response": reply.text}
            yield "prompt", messages
            return
        as_json = inputs.force_json_output and not inputs.list_result
        fits = self._fits(inputs.expected_format, many=inputs.list_result)
        async for item in until_it_fits(asker, asked, fits, inputs.retry, json_object=as_json):
            if isinstance(item, CallTools):
                yield item
                return
            yield "response", item
            yield "prompt", messages

    @staticmethod
    def _fits(expected: Mapping[str, str], *, many: bool) -> Callable[[str], Any]:
        def fits(text: str) -> Any:
            answer = parsed(text, "[" if many else "{")
            if many and isinstance(answer, dict) and len(answer) == 1:
                # Some wrap the list into an object.
                [answer] = answer.values()
            found = answer if many else [answer]
            if not isinstance(found, list):
                raise NoFit("it is no list")
            for item in found:
                if not isinstance(item, dict):
                    raise NoFit("it holds something that is no object" if many else "it is no object")
                if missing := [key for key in expected if key not in item]:
                    raise NoFit(f"keys are missing: {', '.join(missing)}")
            return answer

        return fits


class AIListGeneratorInputs(ModelInputs):
    focus: str | None = Field(None, description="What the list is of")
    source_data: str | None = Field(None, description="The text to take it from; without it the model thinks of one")
    max_retries: int = Field(3, ge=1, le=20, description="How often the model is asked, should its answers not fit")
    force_json_output: bool = Field(False, description="Have the provider see to it that the answer is JSON")


class AIListGeneratorOutputs(Outputs):
    generated_list: list[str] = Field(description="The whole list")
    list_item: str = Field(description="Each item, one after the other")
    prompt: list[Any] = Field(description="What the model was asked, as messages")


_LIST = "Answer with a JSON array of texts between <json_output> and </json_output>, without anything else."


class AIListGenerator(Block[AIListGeneratorInputs]):
    id = "9c0b0450-d199-458b-a731-072189dd6593"
    name = "AI list generator"
    description = "Has a language model make a list, out of a text or of its own."
    categories = frozenset({Category.AI, Category.TEXT})
    Input = AIListGeneratorInputs
    Output = AIListGeneratorOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"focus": "planets", "source_data": "Mars and Venus are close.", "model": "ollama/any"},
            (
                ("generated_list", ["Mars", "Venus"]),
                (
                    "prompt",
                    [
                        {"role": "system", "content": _LIST},
                        user("Make a list of: planets\n\nTake it from this text:\nMars and Venus are close."),
                    ],
                ),
                ("list_item", "Mars"),
                ("list_item", "Venus"),
            ),
            replies=("I think: Mars, Venus", '<json_output>["Mars", "Venus"]</json_output>'),
        ),
    )

    async def run(self, inputs: AIListGeneratorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        asker = Asker.of(inputs, context)
        prompt = f"Make a list of: {inputs.focus}" if inputs.focus else "Make a list."
        if inputs.source_data:
            prompt += f"\n\nTake it from this text:\n{inputs.source_data}"
        messages = chat(_LIST, user(prompt))
        asked = asker.fitted(messages)
        async for item in until_it_fits(asker, asked, self._fits, inputs.max_retries, json_object=False):
            if isinstance(item, CallTools):
                yield item
                return
            yield "generated_list", item
            yield "prompt", messages
            for each in item:
                yield "list_item", each

    @staticmethod
    def _fits(text: str) -> list[str]:
        answer = parsed(text, "[")
        if not isinstance(answer, list):
            raise NoFit("it is no list")
        return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in answer]
