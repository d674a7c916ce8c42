"""Summaries of long texts: of each part, then of the summaries.

Registered in `catalogue.py`. Each answer of the model ends a step (agent-graphs §17.15).
"""

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from itertools import islice
from typing import Any

from pydantic import Field

from blocks.ai.asking import COSTS, CREDENTIALS, TRANSIENT, Asker, ModelInputs, user
from blocks.base import Block, BlockContext, BlockError, CallTools, Category, Example, Outputs, Yielded

MOST_CHUNKS = 100
_WORD = re.compile(r"\s{0,16}(?:[^\s\u2e80-\U0010ffff]{1,16}|[\u2e80-\U0010ffff])|\s{1,16}")
"""About a token or a few: a word with the white space before it. Long ones are cut, and where a script writes no blanks
between words each character is one. All of a text is in its words."""

_MOST_LEVELS = 6


class SummaryStyle(StrEnum):
    """How a summary is written."""

    CONCISE = "concise"
    DETAILED = "detailed"
    BULLET_POINTS = "bullet points"
    NUMBERED_LIST = "numbered list"


class AITextSummarizerInputs(ModelInputs):
    text: str = Field(description="The text")
    focus: str = Field("general information", description="What of it matters")
    style: SummaryStyle = Field(SummaryStyle.CONCISE, description="How the summary is written")
    max_tokens: int = Field(4096, ge=1, description="The longest part summed up at a time, about in words")
    chunk_overlap: int = Field(100, ge=0, description="How many words of a part are in the next one too")


class AITextSummarizerOutputs(Outputs):
    summary: str = Field(description="The summary")
    prompt: list[Any] = Field(description="What the model was asked last, as messages")


class AITextSummarizer(Block[AITextSummarizerInputs]):
    id = "a0a69be1-4528-491c-a85a-a4ab6873e3f0"
    name = "AI text summarizer"
    description = "Has a language model sum a text up, part by part if it is long."
    categories = frozenset({Category.AI, Category.TEXT})
    Input = AITextSummarizerInputs
    Output = AITextSummarizerOutputs
    credentials = CREDENTIALS
    costs = COSTS
    transient = TRANSIENT
    examples = (
        Example(
            {"text": "It rained all day.", "model": "ollama/any"},
            (
                ("summary", "Rain."),
                (
                    "prompt",
                    [
                        user(
                            "Write a concise summary of this text. Focus on general information.\n\n"
                            "```It rained all day.```"
                        )
                    ],
                ),
            ),
            replies=("Rain.",),
        ),
    )

    async def run(self, inputs: AITextSummarizerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """One part a step. `level` counts how often summaries were summed up; `source` is what is now."""
        asker = Asker.of(inputs, context)
        state = context.resume or {"level": 0, "source": None, "summaries": []}
        source = inputs.text if state["source"] is None else state["source"]
        # Aside: of a long text it takes its time.
        parts = await asyncio.to_thread(chunks, source, inputs.max_tokens, inputs.chunk_overlap)
        summaries = list(state["summaries"])
        messages = [user(_prompt(parts[len(summaries)], inputs, of_summaries=state["level"] > 0))]
        reply = await asker.ask(messages)
        if not reply.text.strip():
            raise BlockError(f"The model gave no summary (it ended with {reply.finish_reason!r}).")
        if len(parts) == 1:
            yield "summary", reply.text.strip()
            yield "prompt", messages
            return
        summaries.append(reply.text.strip())
        level, kept = state["level"], state["source"]
        if len(summaries) == len(parts):
            level, kept, summaries = level + 1, "\n\n".join(summaries), []
            if level > _MOST_LEVELS:
                raise BlockError("The model's summaries do not get shorter.")
        yield CallTools(state={"level": level, "source": kept, "summaries": summaries, "spent": asker.spent.state()})


def chunks(text: str, size: int, overlap: int) -> list[str]:
    """The text in parts of `size` words, each beginning with the last `overlap` words of the one before.

    Parts that would not get on overlap by half. What is behind the hundredth is left out, as upstream does.
    """
    if overlap >= size:
        overlap = size // 2
    if len(text) <= size:
        return [text]
    step = size - overlap
    most = step * MOST_CHUNKS + overlap
    begins = [word.start() for word in islice(_WORD.finditer(text), most + 1)]
    if len(begins) <= most:
        begins.append(len(text))
    starts = range(0, max(1, len(begins) - 1 - overlap), step)
    if len(starts) == 1:
        return [text]
    return [text[begins[start] : begins[min(start + size, len(begins) - 1)]].strip() for start in starts]


def _prompt(text: str, inputs: AITextSummarizerInputs, *, of_summaries: bool) -> str:
    what = "these summaries of the parts of one text, as one whole" if of_summaries else "this text"
    return f"Write a {inputs.style.value} summary of {what}. Focus on {inputs.focus}.\n\n```{text}```"
