"""Looking for patterns in text, and taking out what they match.

Registered in `catalogue.py`. Patterns are the user's: never in a batch, always within the limits of `searching.py`
(agent-graphs §17.7).
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_SEARCHED_TEXT, MOST_MATCHES
from blocks.text.searching import contains, find_all
from engine.coerce import compile_coercion

_as_text = compile_coercion(str)


class MatchTextPatternInputs(Inputs):
    text: Any = Field(description="The text to search; other values as JSON")
    match: str = Field(description="The pattern, a regular expression")
    data: Any = Field(description="What to give on; the text when empty")
    case_sensitive: bool = Field(True, description="Whether capital and small letters differ")
    dot_all: bool = Field(True, description="Whether a dot also stands for a line end")


class MatchTextPatternOutputs(Outputs):
    positive: Any = Field(description="Given when the pattern is found")
    negative: Any = Field(description="Given when it is not found")


class MatchTextPattern(Block[MatchTextPatternInputs]):
    id = "3060088f-6ed9-4928-9ba7-9c92823a7ccd"
    name = "Match text pattern"
    description = "Goes one of two ways, depending on whether a pattern is found in a text."
    categories = frozenset({Category.TEXT})
    Input = MatchTextPatternInputs
    Output = MatchTextPatternOutputs
    examples = (
        Example({"text": "42 cups", "match": r"^\d+", "data": "go"}, (("positive", "go"),)),
        Example({"text": "tea", "match": r"\d", "data": ""}, (("negative", "tea"),)),
    )

    async def run(self, inputs: MatchTextPatternInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found = await contains(
            inputs.match, _as_text(inputs.text), case_sensitive=inputs.case_sensitive, dot_all=inputs.dot_all
        )
        yield "positive" if found else "negative", inputs.data or inputs.text


class ExtractTextInformationInputs(Inputs):
    text: Any = Field(description="The text to search; other values as JSON")
    pattern: str = Field(description="The pattern, a regular expression")
    group: int = Field(0, description="The part in parentheses to take, from 1; 0 for the whole match")
    case_sensitive: bool = Field(True, description="Whether capital and small letters differ")
    dot_all: bool = Field(True, description="Whether a dot also stands for a line end")
    find_all: bool = Field(False, description="Take every match instead of the first")


class ExtractTextInformationOutputs(Outputs):
    positive: str = Field(description="One matching part; once per match")
    negative: str = Field(description="The text, when nothing matches")
    matched_results: list[str] = Field(description="All matching parts")
    matched_count: int = Field(description="How many there are")


class ExtractTextInformation(Block[ExtractTextInformationInputs]):
    id = "3146e4fe-2cdd-4f29-bd12-0c9d5bb4deb0"
    name = "Extract text information"
    description = "Takes the parts of a text that match a pattern."
    categories = frozenset({Category.TEXT})
    Input = ExtractTextInformationInputs
    Output = ExtractTextInformationOutputs
    examples = (
        Example(
            {"text": "tea: 3, milk: 1", "pattern": r"(\w+): (\d)", "group": 2, "find_all": True},
            (("positive", "3"), ("positive", "1"), ("matched_results", ["3", "1"]), ("matched_count", 2)),
        ),
        Example(
            {"text": "tea", "pattern": r"\d"}, (("negative", "tea"), ("matched_results", []), ("matched_count", 0))
        ),
    )

    async def run(self, inputs: ExtractTextInformationInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        text = _as_text(inputs.text)
        found = await find_all(
            inputs.pattern,
            text[:LONGEST_SEARCHED_TEXT],  # as upstream: what is behind that is not searched
            inputs.group,
            case_sensitive=inputs.case_sensitive,
            dot_all=inputs.dot_all,
            most=MOST_MATCHES if inputs.find_all else 1,
        )
        for part in found:
            yield "positive", part
        if not found:
            yield "negative", text
        yield "matched_results", found
        yield "matched_count", len(found)
